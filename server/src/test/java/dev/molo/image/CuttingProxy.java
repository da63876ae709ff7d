package dev.molo.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Passes bytes on to a port of loopback, and cuts one connection after so many. */
final class CuttingProxy implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final int target;
  private final long cutAfter;
  private final AtomicLong toServer = new AtomicLong();
  private final AtomicInteger cuts = new AtomicInteger();

  /** {@code cutAfter}: bytes from all clients together. */
  CuttingProxy(int target, long cutAfter) throws IOException {
    this.target = target;
    this.cutAfter = cutAfter;
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  int cuts() {
    return cuts.get();
  }

  long bytesToServer() {
    return toServer.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        Thread.ofVirtual().start(() -> pass(client, server, true));
        Thread.ofVirtual().start(() -> pass(server, client, false));
      }
    } catch (IOException e) {
      // closed
      return;
    }
  }

  private void pass(Socket from, Socket to, boolean counted) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[64 << 10];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        out.write(buffer, 0, n);
        if (counted && toServer.addAndGet(n) >= cutAfter && cuts.compareAndSet(0, 1)) {
          return;
        }
      }
    } catch (IOException e) {
      // one side has gone: the other follows
      return;
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
