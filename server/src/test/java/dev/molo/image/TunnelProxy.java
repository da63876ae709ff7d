package dev.molo.image;

import dev.molo.Patience;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import javax.net.ServerSocketFactory;

/** An HTTP proxy: opens tunnels, and passes on what is asked of it with a whole URL. */
final class TunnelProxy extends LoopbackProxy {
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final CountDownLatch stalled = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private volatile UnaryOperator<String> names = UnaryOperator.identity();
  private volatile boolean stalls;

  TunnelProxy() throws IOException {
    start();
  }

  /** {@code sockets}: may be behind TLS. */
  TunnelProxy(ServerSocketFactory sockets) throws IOException {
    super(sockets);
    start();
  }

  /** The heads of the requests that came first on their connection. */
  List<String> heads() {
    return heads;
  }

  /** Which {@code host:port} the one that is asked for is. */
  void resolves(UnaryOperator<String> how) {
    names = how;
  }

  /** Answers nothing from now on. */
  void stalls() {
    stalls = true;
  }

  /** Waits until a client waits for an answer that does not come. */
  void awaitStalled() {
    Patience.await("a client waits for the proxy's answer", stalled);
  }

  /** Waits until such a client has gone. */
  void awaitLeft() {
    Patience.await("the client that waited for the proxy has gone", left);
  }

  @Override
  void serve(Socket client) throws IOException {
    List<String> head = new ArrayList<>();
    BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII), 1);
    for (String line = lines.readLine(); line != null && !line.isEmpty(); line = lines.readLine()) {
      head.add(line);
    }
    if (head.isEmpty()) {
      return;
    }
    heads.add(String.join("\n", head));
    if (stalls) {
      stall(client);
      return;
    }
    String wanted = head.getFirst().split(" ")[1];
    boolean tunnel = head.getFirst().startsWith("CONNECT ");
    String[] target = names.apply(tunnel ? wanted : URI.create(wanted).getAuthority()).split(":");
    if (target.length < 2) {
      send(client, "HTTP/1.1 " + target[0] + "\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    try (Socket server = new Socket()) {
      server.connect(new InetSocketAddress(target[0], Integer.parseInt(target[1])));
      if (tunnel) {
        send(client, "HTTP/1.1 200 OK\r\n\r\n");
      } else {
        send(server, String.join("\r\n", head) + "\r\n\r\n");
      }
      relay(client, server);
    }
  }

  private void stall(Socket client) throws IOException {
    stalled.countDown();
    try {
      client.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    } finally {
      left.countDown();
    }
  }

  private static void send(Socket to, String text) throws IOException {
    to.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    to.getOutputStream().flush();
  }
}
