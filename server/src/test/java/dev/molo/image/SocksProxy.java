package dev.molo.image;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A SOCKS 5 proxy (RFC 1928) that wants a user name and a password (RFC 1929). */
final class SocksProxy extends LoopbackProxy {
  private static final int VERSION = 5;
  private static final int BY_PASSWORD = 2;
  private static final int CONNECT = 1;
  private static final int IPV4 = 1;
  private static final int NAME = 3;

  private final String user;
  private final String password;
  private final List<String> targets = new CopyOnWriteArrayList<>();

  SocksProxy(String user, String password) throws IOException {
    this.user = user;
    this.password = password;
    start();
  }

  String address() {
    return "127.0.0.1:" + port();
  }

  /** Where it was asked to connect to, by those it knew. */
  List<String> targets() {
    return targets;
  }

  @Override
  void serve(Socket client) throws IOException {
    DataInputStream in = new DataInputStream(client.getInputStream());
    OutputStream out = client.getOutputStream();
    in.skipNBytes(1);
    in.skipNBytes(in.read());
    out.write(new byte[] {VERSION, BY_PASSWORD});
    in.skipNBytes(1);
    String name = text(in);
    String word = text(in);
    boolean known = name.equals(user) && word.equals(password);
    out.write(new byte[] {1, (byte) (known ? 0 : 1)});
    if (!known || in.read() != VERSION || in.read() != CONNECT) {
      return;
    }
    in.skipNBytes(1);
    String host = host(in, in.read());
    int port = in.readUnsignedShort();
    targets.add(host + ":" + port);
    try (Socket target = new Socket(host, port)) {
      out.write(new byte[] {VERSION, 0, 0, IPV4, 0, 0, 0, 0, 0, 0});
      relay(client, target);
    }
  }

  private static String host(DataInputStream in, int type) throws IOException {
    return switch (type) {
      case IPV4 -> InetAddress.getByAddress(in.readNBytes(4)).getHostAddress();
      case NAME -> text(in);
      default -> throw new IOException("address type " + type);
    };
  }

  private static String text(DataInputStream in) throws IOException {
    return new String(in.readNBytes(in.read()), StandardCharsets.UTF_8);
  }
}
