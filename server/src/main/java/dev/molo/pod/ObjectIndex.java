package dev.molo.pod;

import dev.molo.fault.FaultException;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Objects by id, found by any unambiguous prefix of it.
 *
 * <p>Thread-safe; reading never waits.
 */
final class ObjectIndex<T> {
  private final String what;
  private final ConcurrentSkipListMap<String, T> byId = new ConcurrentSkipListMap<>();

  /**
   * @param what the kind of object, for messages: "container"
   */
  ObjectIndex(String what) {
    this.what = what;
  }

  void add(String id, T object) {
    byId.put(id, object);
  }

  void remove(String id) {
    byId.remove(id);
  }

  Collection<T> all() {
    return byId.values();
  }

  Optional<T> exact(String id) {
    return Optional.ofNullable(byId.get(id));
  }

  /**
   * The one object whose id begins with {@code prefix}; empty when there is none.
   *
   * @throws FaultException INVALID_ARGUMENT when the prefix is empty or fits several: never the
   *     idempotent success, which would hide a caller's mistake
   */
  Optional<T> find(String prefix) {
    if (prefix.isEmpty()) {
      throw FaultException.invalid("find a %s: the id is empty", what);
    }
    Map.Entry<String, T> first = byId.ceilingEntry(prefix);
    if (first == null || !first.getKey().startsWith(prefix)) {
      return Optional.empty();
    }
    if (first.getKey().length() == prefix.length()) {
      return Optional.of(first.getValue());
    }
    Map.Entry<String, T> second = byId.higherEntry(first.getKey());
    if (second != null && second.getKey().startsWith(prefix)) {
      throw FaultException.invalid(
          "find a %s: the id prefix \"%s\" is ambiguous, %s and %s begin with it",
          what, prefix, first.getKey(), second.getKey());
    }
    return Optional.of(first.getValue());
  }

  /** {@link #find}, NOT_FOUND when there is none. */
  T get(String prefix) {
    return find(prefix)
        .orElseThrow(
            () -> FaultException.notFound("find %s \"%s\": there is none", what, shown(prefix)));
  }

  /** A stranger's text in a message: bounded. */
  private static String shown(String id) {
    return id.length() <= 80 ? id : id.substring(0, 80) + "…";
  }
}
