package dev.molo.app;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One daemon for one root. The lock goes with the process, however it ends; the file stays and says
 * who had it last.
 */
final class InstanceLock implements AutoCloseable {
  private final FileChannel channel;

  private InstanceLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock.
   *
   * @throws FaultException FAILED_PRECONDITION naming the process that has it
   */
  static InstanceLock take(Path root, String instance) {
    Path file = root.resolve("lock");
    try {
      Files.createDirectories(root);
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        String holder = Files.readString(file).strip();
        channel.close();
        throw FaultException.precondition(
            "serve instance %s: %s is in use by %s", instance, root, holder);
      }
      String me = "process %d (instance %s)%n".formatted(ProcessHandle.current().pid(), instance);
      channel.truncate(0).write(ByteBuffer.wrap(me.getBytes(StandardCharsets.UTF_8)));
      return new InstanceLock(channel);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "lock %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
