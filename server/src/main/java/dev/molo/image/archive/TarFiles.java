package dev.molo.image.archive;

import dev.molo.image.layer.LayerFaults;
import dev.molo.image.layer.TarIndex;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** The files of a tar archive that is not compressed (any more). */
final class TarFiles implements ArchiveFiles {
  private final FileChannel archive;
  private final TarIndex index;

  /**
   * @param what for messages
   * @param temporary whether the file is ours and goes at once (its descriptor stays)
   */
  TarFiles(String what, Path file, boolean temporary) {
    try {
      archive = FileChannel.open(file, StandardOpenOption.READ);
      if (temporary) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw LayerFaults.of("open " + what, e);
    }
    try {
      index = TarIndex.of(what, archive);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public Optional<Long> size(String name) {
    return index.size(name);
  }

  @Override
  public InputStream open(String name) {
    return index.open(name);
  }

  @Override
  public void close() {
    try {
      archive.close();
    } catch (IOException e) {
      throw LayerFaults.of("close an archive", e);
    }
  }
}
