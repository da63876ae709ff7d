package dev.molo.app.cli;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A unix socket by a path that the kernel takes: its own, or a short link below /tmp where that one
 * is too long. Closing removes the link.
 */
final class SocketName implements AutoCloseable {
  /** sun_path less its NUL (unix(7)). */
  private static final int MAX_SOCKET_PATH = 107;

  private final Path socket;
  private final Path path;

  private SocketName(Path socket, Path path) {
    this.socket = socket;
    this.path = path;
  }

  static SocketName of(Path socket) {
    if (socket.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_SOCKET_PATH) {
      return new SocketName(socket, socket);
    }
    try {
      Path folder = Files.createTempDirectory(Path.of("/tmp"), "molo-");
      Path link = folder.resolve("run");
      Files.createSymbolicLink(link, socket.getParent());
      return new SocketName(socket, link.resolve(socket.getFileName()));
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "make a short name for %s below /tmp: %s".formatted(socket, e), e);
    }
  }

  /** What to give to the kernel. */
  Path path() {
    return path;
  }

  /**
   * A connection, which the caller closes.
   *
   * @throws FaultException UNAVAILABLE when nobody listens
   */
  SocketChannel connect() {
    try {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(path));
        return channel;
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      String why = Files.exists(socket) ? e.getMessage() : "no such socket";
      throw new FaultException(
          Fault.UNAVAILABLE,
          "connect to the daemon at %s: %s. Is it running (molo serve), and are you root?"
              .formatted(socket, why),
          e);
    }
  }

  @Override
  public void close() {
    if (path.equals(socket)) {
      return;
    }
    try {
      Path link = path.getParent();
      Files.deleteIfExists(link);
      Files.deleteIfExists(link.getParent());
    } catch (IOException e) {
      // a link left in /tmp harms nobody, and the command's result matters more
      System.err.println("molo: remove " + path.getParent() + ": " + e);
    }
  }
}
