package dev.molo.image.archive;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Writes into a directory that is made for it, or is empty. */
final class DirectorySink implements ArchiveSink {
  private final Path directory;

  DirectorySink(Path directory) throws IOException {
    Files.createDirectories(directory);
    try (Stream<Path> there = Files.list(directory)) {
      if (there.findAny().isPresent()) {
        throw new FaultException(
            Fault.FAILED_PRECONDITION, "export to " + directory + ": the directory is not empty");
      }
    }
    this.directory = directory;
  }

  @Override
  public void file(String name, long size, InputStream content) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    long copied = Files.copy(content, file);
    if (copied != size) {
      throw new IOException(name + " has " + copied + " bytes instead of " + size);
    }
  }

  @Override
  public void end() {
    // each file is whole as it is
  }
}
