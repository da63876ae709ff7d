package dev.molo.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP proxy that knows CONNECT and nothing else. */
final class TunnelProxy implements AutoCloseable {
  private final ServerSocket server;
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();

  TunnelProxy() throws IOException {
    server = new ServerSocket(0, 16, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
    Thread.ofPlatform().daemon().start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /** The heads of the requests that came. */
  List<String> heads() {
    return heads;
  }

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        sockets.add(client);
        Thread.ofPlatform().daemon().start(() -> serve(client));
      }
    } catch (IOException e) {
      // closed: the test is over
      return;
    }
  }

  private void serve(Socket client) {
    try {
      List<String> head = new ArrayList<>();
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII), 1);
      for (String line = lines.readLine();
          line != null && !line.isEmpty();
          line = lines.readLine()) {
        head.add(line);
      }
      heads.add(String.join("\n", head));
      String[] target = head.getFirst().split(" ")[1].split(":");
      Socket server = new Socket(target[0], Integer.parseInt(target[1]));
      sockets.add(server);
      client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      relay(client, server);
    } catch (IOException e) {
      // One side is gone, and the tunnel with it.
      close(client);
    }
  }

  /** Both directions, until one side is gone. */
  static void relay(Socket client, Socket server) {
    Thread.ofPlatform().daemon().start(() -> copy(server, client));
    copy(client, server);
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

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    sockets.forEach(TunnelProxy::close);
  }
}
