package dev.molo.image.layer;

import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Stat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Where an archive names a file twice, the first one's content is part of the archive and of no
 * file any more. It is moved beside the layer's files, so that the archive can be made again. One
 * thread.
 */
final class SetAsideFiles implements LayerTree.Spared {
  static final String DIRECTORY = "aside";

  /** Bytes of their paths, which are held when the archive is made again. */
  private static final long MOST_PATHS = 4 << 20;

  /** What a path takes beside its bytes. */
  private static final int PATH = 64;

  private final Files files;
  private final Fd layer;
  private final TarRecorder recorder;
  private int count;
  private long paths;

  /**
   * @param layer the layer's directory, beside whose {@code fs} they go
   */
  SetAsideFiles(Files files, Fd layer, TarRecorder recorder) {
    this.files = files;
    this.layer = layer;
    this.recorder = recorder;
  }

  /** Moves a file with content out of the layer's tree; others are not taken. */
  @Override
  public boolean take(Fd parent, byte[] name, String path, Stat stat) {
    if (!stat.isRegular() || stat.size() == 0) {
      return false;
    }
    paths += PATH + path.length();
    if (paths > MOST_PATHS) {
      throw new UncheckedIOException(
          new TarFormatException("too many of its entries take the place of earlier ones"));
    }
    if (count == 0) {
      files.mkdirat(layer, DIRECTORY, 0700);
    }
    byte[] target = (DIRECTORY + "/" + count).getBytes(StandardCharsets.US_ASCII);
    files.renameat2(parent, name, layer, target, 0);
    try {
      recorder.setAside(path, count);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    count++;
    return true;
  }
}
