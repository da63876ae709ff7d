package dev.molo.image.layer;

import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Layers checked against their diffIDs: when somebody asks, and before they are used those that an
 * unclean end of an earlier boot may have torn. Thread-safe without a lock; checks run on {@code
 * checkers} while their callers wait.
 */
final class LayerChecks {
  private final LayerDirectories directories;
  private final LayerCatalogue catalogue;
  private final LayerVerification verification;
  private final UncleanBoots uncleanBoots;
  private final Executor checkers;
  private final Cancellation closing;

  /**
   * Layers to be verified before they are used. One that has gone meanwhile leaves with the next
   * look at it; what is fetched in its place is of another boot, and not the same.
   */
  private final Set<StoredLayer> suspects = ConcurrentHashMap.newKeySet();

  /** Suspects that are being verified, each once, whoever waits for it. */
  private final Map<StoredLayer, CompletableFuture<Optional<String>>> settling =
      new ConcurrentHashMap<>();

  /**
   * Suspects what of the catalogue's layers an unclean end may have torn.
   *
   * @param checkers platform threads; ended by their owner
   * @param closing says when the store is closed
   */
  LayerChecks(
      LayerDirectories directories,
      LayerCatalogue catalogue,
      LayerVerification verification,
      UncleanBoots uncleanBoots,
      Executor checkers,
      Cancellation closing) {
    this.directories = directories;
    this.catalogue = catalogue;
    this.verification = verification;
    this.uncleanBoots = uncleanBoots;
    this.checkers = checkers;
    this.closing = closing;
    catalogue.all().stream()
        .filter(layer -> uncleanBoots.contains(layer.boot()))
        .forEach(suspects::add);
  }

  /** See {@link LayerStore#verify}. */
  Optional<String> verify(StoredLayer layer, Cancellation cancellation) {
    closing.check();
    CompletableFuture<Optional<String>> result = new CompletableFuture<>();
    checkers.execute(() -> check(layer, cancellation, result));
    return Waiting.on(result, cancellation);
  }

  /** On a checker. The answer comes when nothing of the check is left. */
  private void check(
      StoredLayer layer, Cancellation cancellation, CompletableFuture<Optional<String>> result) {
    try {
      result.complete(check(layer, cancellation));
    } catch (LinuxException e) {
      if (catalogue.has(layer)) {
        result.completeExceptionally(LayerFaults.of("verify layer " + layer.diffId(), e));
      } else {
        result.complete(Optional.of("it was found damaged by somebody else, and has gone"));
      }
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    } catch (Error e) {
      // Whoever waits hears of that too: memory may be short for one layer and not for the node.
      result.completeExceptionally(e);
      throw e;
    }
  }

  private Optional<String> check(StoredLayer layer, Cancellation cancellation) {
    try (LayerDirectories.Ingest scratch = directories.begin("verify-" + layer.name());
        Fd directory = directories.open(layer.name())) {
      return verification.run(layer, directory, scratch.directory(), cancellation);
    }
  }

  /** See {@link LayerStore#verifySuspects}. */
  void verifySuspects(Runnable afterLoss) {
    for (StoredLayer layer : List.copyOf(suspects)) {
      if (settle(layer).isPresent()) {
        afterLoss.run();
      }
    }
    if (suspects.isEmpty()) {
      uncleanBoots.settled();
    }
  }

  /** See {@link LayerStore#settle}. */
  boolean settle(Collection<Digest> diffIds) {
    return diffIds.stream()
        .distinct()
        .flatMap(diffId -> catalogue.find(diffId).stream())
        .filter(layer -> settle(layer).isPresent())
        .findAny()
        .isEmpty();
  }

  /** What was wrong with a suspect; it is none afterwards. */
  private Optional<String> settle(StoredLayer layer) {
    if (!suspects.contains(layer)) {
      return Optional.empty();
    }
    CompletableFuture<Optional<String>> mine = new CompletableFuture<>();
    CompletableFuture<Optional<String>> first = settling.putIfAbsent(layer, mine);
    if (first != null) {
      return Waiting.on(first, closing);
    }
    try {
      mine.complete(settleAlone(layer));
      return mine.join();
    } catch (RuntimeException | Error e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      settling.remove(layer);
    }
  }

  private Optional<String> settleAlone(StoredLayer layer) {
    LayerHold hold = catalogue.hold("verification after an unclean end", List.of(layer.diffId()));
    try {
      // Held first: what is here now stays.
      boolean suspect = suspects.contains(layer) && catalogue.has(layer);
      Optional<String> wrong = suspect ? verify(layer, closing) : Optional.empty();
      wrong.ifPresent(why -> catalogue.condemn(layer, why));
      suspects.remove(layer);
      return wrong;
    } finally {
      hold.closeAndKeep();
    }
  }
}
