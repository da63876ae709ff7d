package dev.molo.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ServerSocketFactory;

/** A proxy on 127.0.0.1 with a thread for each connection; how it is asked, its kinds know. */
abstract class LoopbackProxy implements AutoCloseable {
  private final ServerSocket server;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  LoopbackProxy() throws IOException {
    this(ServerSocketFactory.getDefault());
  }

  LoopbackProxy(ServerSocketFactory sockets) throws IOException {
    server = sockets.createServerSocket(0, 16, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
  }

  /** Begins to accept, once whoever extends this is made. */
  final void start() {
    Thread.ofPlatform().daemon().start(this::accept);
  }

  final int port() {
    return server.getLocalPort();
  }

  /** Hears what a client wants, and serves it to the end. */
  abstract void serve(Socket client) throws IOException;

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        sockets.add(client);
        Thread.ofPlatform().daemon().start(() -> serveToItsEnd(client));
      }
    } catch (IOException e) {
      // closed: the test is over
      return;
    }
  }

  private void serveToItsEnd(Socket client) {
    try (client) {
      serve(client);
    } catch (IOException e) {
      // One side is gone, and the connection with it.
      return;
    }
  }

  /** Both directions, until one side is gone. */
  final void relay(Socket client, Socket target) {
    sockets.add(target);
    Thread.ofPlatform().daemon().start(() -> copy(target, client));
    copy(client, target);
  }

  private static void copy(Socket from, Socket to) {
    try (from;
        to;
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      in.transferTo(out);
    } catch (IOException e) {
      // One side is gone, and the tunnel with it.
      return;
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
