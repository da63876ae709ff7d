package dev.molo.image.archive;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An image layout in a directory. Names come from digests and constants only, so they cannot leave
 * it.
 */
record DirectoryFiles(Path root) implements ArchiveFiles {

  @Override
  public Optional<Long> size(String name) {
    Path file = root.resolve(name);
    try {
      return Files.isRegularFile(file) ? Optional.of(Files.size(file)) : Optional.empty();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  @Override
  public InputStream open(String name) {
    Path file = root.resolve(name);
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static FaultException unreadable(Path file, IOException e) {
    return new FaultException(
        Fault.INVALID_ARGUMENT, "image layout: " + file + " cannot be read: " + e, e);
  }

  @Override
  public void close() {}
}
