package dev.molo.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP proxy that knows CONNECT and nothing else. */
final class TunnelProxy extends LoopbackProxy {
  private final List<String> heads = new CopyOnWriteArrayList<>();

  TunnelProxy() throws IOException {
    start();
  }

  /** The heads of the requests that came. */
  List<String> heads() {
    return heads;
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
    heads.add(String.join("\n", head));
    String[] target = head.getFirst().split(" ")[1].split(":");
    try (Socket server = new Socket(target[0], Integer.parseInt(target[1]))) {
      client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      relay(client, server);
    }
  }
}
