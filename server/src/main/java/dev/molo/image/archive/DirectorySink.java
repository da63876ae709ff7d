package dev.molo.image.archive;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.Stream;

/** Writes into a directory that is made for it, or is empty. */
final class DirectorySink implements ArchiveSink {
  private final Path directory;
  private final Deque<Path> made = new ArrayDeque<>();

  DirectorySink(Path directory) throws IOException {
    make(directory);
    try (Stream<Path> there = Files.list(directory)) {
      if (there.findAny().isPresent()) {
        throw new FaultException(
            Fault.FAILED_PRECONDITION, "export to " + directory + ": the directory is not empty");
      }
    }
    this.directory = directory;
  }

  /** A directory and those above it, as far as they are not there. */
  private void make(Path wanted) throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path at = wanted; at != null && Files.notExists(at); at = at.getParent()) {
      missing.push(at);
    }
    for (Path one : missing) {
      Files.createDirectory(one);
      made.push(one);
    }
  }

  @Override
  public void file(String name, long size, InputStream content) throws IOException {
    Path file = directory.resolve(name);
    make(file.getParent());
    made.push(file);
    long copied = Files.copy(content, file);
    if (copied != size) {
      throw new IOException(name + " has " + copied + " bytes instead of " + size);
    }
  }

  @Override
  public void end() {
    // each file is whole as it is
  }

  /** Nothing that was there before, and nothing that somebody else has put there meanwhile. */
  @Override
  public void abandon() throws IOException {
    for (Path one : made) {
      try {
        Files.deleteIfExists(one);
      } catch (DirectoryNotEmptyException e) {
        // it holds somebody else's
        return;
      }
    }
  }
}
