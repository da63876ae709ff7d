package dev.molo.image;

import java.nio.file.Path;
import java.util.List;

/**
 * The right to use an image's layers as lower directories. While it is held, neither removal of the
 * image nor garbage collection touches them. It lives in memory: after a restart the holder's
 * record makes it anew with {@link Images#adopt}.
 */
public interface LayerLease extends AutoCloseable {

  /** The image whose layers these are. */
  ImageId image();

  /** The directory that {@link #lowerDirs()} are relative to: ROOT/images/layers. */
  Path root();

  /**
   * Directories for overlayfs's {@code lowerdir=} in its order, topmost layer first, each {@code
   * NAME/fs} of at most 23 characters, so that 127 of them fit the page that mount(2) takes. Never
   * empty: an image without layers has one empty directory.
   */
  List<String> lowerDirs();

  /** Gives the layers back. Releasing twice is harmless. */
  @Override
  void close();
}
