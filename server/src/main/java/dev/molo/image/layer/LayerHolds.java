package dev.molo.image.layer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who needs which layers, and since when nobody has needed one that is here. A layer that was
 * replaced is told apart from the one that is here now by its name in the directory replaced. Used
 * under the lock of {@link LayerCatalogue}.
 */
final class LayerHolds {
  private final Map<String, Set<LayerHold>> holds = new HashMap<>();
  private final Map<String, Long> idleSince = new HashMap<>();
  private final Map<String, Set<LayerHold>> replaced = new HashMap<>();

  void add(LayerHold hold) {
    for (String name : hold.names()) {
      holds.computeIfAbsent(name, n -> new HashSet<>()).add(hold);
      idleSince.remove(name);
    }
  }

  /** Gives the layers that nobody holds any more, those included that are not here. */
  List<String> remove(LayerHold hold) {
    List<String> free = new ArrayList<>();
    for (String name : hold.names()) {
      Set<LayerHold> others = holds.get(name);
      others.remove(hold);
      if (others.isEmpty()) {
        holds.remove(name);
        free.add(name);
      }
    }
    return free;
  }

  boolean isHeld(String name) {
    return holds.containsKey(name);
  }

  /** Sorted, each once. */
  List<String> holders(String name) {
    return holds.getOrDefault(name, Set.of()).stream()
        .map(LayerHold::holder)
        .distinct()
        .sorted()
        .toList();
  }

  /** A layer is here that nobody holds. */
  void idle(String name) {
    idleSince.put(name, System.nanoTime());
  }

  Optional<Duration> idleFor(String name) {
    return Optional.ofNullable(idleSince.get(name))
        .map(since -> Duration.ofNanos(System.nanoTime() - since));
  }

  List<String> idleAtLeast(Duration time) {
    long now = System.nanoTime();
    return idleSince.entrySet().stream()
        .filter(idle -> now - idle.getValue() >= time.toNanos())
        .map(Map.Entry::getKey)
        .toList();
  }

  /** A layer is not here any more; who holds it holds what may come in its place. */
  void forget(String name) {
    idleSince.remove(name);
  }

  /** Those whose overlays may have the layer's files. */
  Set<LayerHold> mounting(String name) {
    Set<LayerHold> users = new HashSet<>(holds.getOrDefault(name, Set.of()));
    users.removeIf(hold -> !hold.mounted());
    return users;
  }

  /** A layer went out of the way of another one of its name; {@code users} have its files. */
  void replaced(String old, Set<LayerHold> users) {
    replaced.put(old, users);
  }

  /** Gives the replaced layers that nobody uses any more, each once. */
  List<String> removeFromReplaced(LayerHold hold) {
    replaced.values().forEach(users -> users.remove(hold));
    List<String> unused =
        replaced.entrySet().stream()
            .filter(old -> old.getValue().isEmpty())
            .map(Map.Entry::getKey)
            .toList();
    unused.forEach(replaced::remove);
    return unused;
  }
}
