package dev.molo.image;

/** Hears of a pull's progress, a few times a second at most; must not block. */
@FunctionalInterface
public interface PullListener {

  /** The state right now. */
  void progress(PullProgress now);

  /** Hears nothing. */
  static PullListener none() {
    return now -> {};
  }
}
