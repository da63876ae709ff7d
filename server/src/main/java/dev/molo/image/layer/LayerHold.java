package dev.molo.image.layer;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Somebody's need of some layers: an image, a pull or a container. While it stands they are not
 * deleted. Thread-safe.
 */
public final class LayerHold implements AutoCloseable {
  private final LayerCatalogue catalogue;
  private final String holder;
  private final boolean mounted;
  private final Set<String> names;
  private final AtomicBoolean released = new AtomicBoolean();

  LayerHold(LayerCatalogue catalogue, String holder, boolean mounted, List<String> names) {
    this.catalogue = catalogue;
    this.holder = holder;
    this.mounted = mounted;
    this.names = Set.copyOf(names);
  }

  /** Who, for the explanation of why a layer is kept. */
  public String holder() {
    return holder;
  }

  /** Whether the files themselves may be in use: an overlay has them as its lower directories. */
  boolean mounted() {
    return mounted;
  }

  Set<String> names() {
    return names;
  }

  /** Lets go; what nobody else holds is deleted. Twice is harmless. */
  @Override
  public void close() {
    if (released.compareAndSet(false, true)) {
      catalogue.release(this, true);
    }
  }

  /**
   * Lets go, and leaves what nobody holds for a while: the next attempt of a failed pull takes it.
   */
  public void closeAndKeep() {
    if (released.compareAndSet(false, true)) {
      catalogue.release(this, false);
    }
  }
}
