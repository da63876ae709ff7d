package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.StoredLayer;
import dev.molo.image.layer.Waiting;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * From a manifest to layers in the store: the part that pull and import share. All layers are
 * wanted at once, each on a virtual thread that waits; how many are unpacked at once is the layer
 * store's business.
 */
final class ImageAssembly {
  private final LayerStore layers;
  private final PullBoard board;
  private final Cancellation cancellation;

  ImageAssembly(LayerStore layers, PullBoard board, Cancellation cancellation) {
    this.layers = layers;
    this.board = board;
    this.cancellation = cancellation;
  }

  /**
   * Brings all layers in and syncs them. They are held for the caller, who closes the hold once the
   * image's own stands.
   */
  LayerHold layers(
      String what, ManifestDocument.Manifest manifest, List<Digest> diffIds, BlobSource source) {
    if (diffIds.size() != manifest.layers().size()) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          what
              + ": the manifest has "
              + manifest.layers().size()
              + " layers, the configuration "
              + diffIds.size());
    }
    LayerHold hold = layers.hold("pull of " + what, diffIds);
    try {
      board.stage(PullProgress.Stage.FETCHING);
      ensureAll(manifest.layers(), diffIds, source);
      board.stage(PullProgress.Stage.SYNCING);
      layers.sync(diffIds);
      return hold;
    } catch (RuntimeException e) {
      hold.closeAndKeep();
      throw e;
    }
  }

  private void ensureAll(List<Descriptor> blobs, List<Digest> diffIds, BlobSource source) {
    List<PullBoard.Line> lines = board.layers(blobs);
    Map<Digest, CompletableFuture<StoredLayer>> wanted = new LinkedHashMap<>();
    try (Cancellation group = Cancellation.create();
        Cancellation.Registration _ =
            cancellation.onCancel(() -> group.cancel(cancellation.reason().orElseThrow()))) {
      for (int i : largestFirst(blobs)) {
        Descriptor blob = blobs.get(i);
        Digest diffId = diffIds.get(i);
        PullBoard.Line line = lines.get(i);
        wanted.computeIfAbsent(diffId, d -> start(blob, d, line, source, group));
      }
      awaitAll(new ArrayList<>(wanted.values()), group);
    }
    cancellation.check();
  }

  /** A big layer that is begun last would be waited for alone. */
  private static int[] largestFirst(List<Descriptor> blobs) {
    return IntStream.range(0, blobs.size())
        .boxed()
        .sorted(Comparator.comparingLong((Integer i) -> blobs.get(i).size()).reversed())
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** The first failure ends the others, and is the one that is told. */
  private static void awaitAll(List<CompletableFuture<StoredLayer>> all, Cancellation group) {
    CompletableFuture<Void> firstFailure = new CompletableFuture<>();
    // Waiting for the stages behind failFirst, not for the layers: a future's dependents run in no
    // order to rely on.
    CompletableFuture<?>[] told =
        all.stream()
            .map(one -> one.handle((layer, e) -> failFirst(e, firstFailure, group)))
            .toArray(CompletableFuture[]::new);
    CompletableFuture.allOf(told).join();
    if (firstFailure.isCompletedExceptionally()) {
      Waiting.on(firstFailure, Cancellation.create());
    }
  }

  private static boolean failFirst(
      Throwable failure, CompletableFuture<Void> firstFailure, Cancellation group) {
    boolean first = failure != null && firstFailure.completeExceptionally(failure);
    if (first) {
      group.cancel(new FaultException(Fault.CANCELLED, "another layer failed"));
    }
    return first;
  }

  private CompletableFuture<StoredLayer> start(
      Descriptor blob, Digest diffId, PullBoard.Line line, BlobSource source, Cancellation group) {
    CompletableFuture<StoredLayer> future = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("layer " + blob.digest())
        .start(() -> {
          try {
            boolean here = layers.find(diffId).isPresent();
            StoredLayer layer =
                layers.ensure(blob, diffId, source, group, bytes -> board.received(line, bytes));
            board.reached(
                line, here ? PullProgress.LayerStage.PRESENT : PullProgress.LayerStage.UNPACKED);
            future.complete(layer);
          } catch (RuntimeException | Error e) {
            future.completeExceptionally(e);
          }
        });
    return future;
  }
}
