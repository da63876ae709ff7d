package dev.molo.network;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.spec.SandboxId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A pod's network as it was made; all that is needed to undo it or to find it again after a restart
 * of the daemon. Immutable.
 *
 * @param hostLink name of the veth's end on the host
 * @param hostIndex that end's interface index, which the kernel does not give out twice
 * @param podLink name of the interface inside the pod
 * @param mac the pod interface's hardware address, as {@code 02:6d:0a:78:00:05}
 * @param mtu of both ends, bytes
 * @param addresses the pod's, IPv4 first, each with its subnet's prefix length
 * @param gateways the next hop of the default route for each family that has an address
 */
public record PodNetwork(
    SandboxId sandbox,
    String hostLink,
    int hostIndex,
    String podLink,
    String mac,
    int mtu,
    List<InterfaceAddress> addresses,
    List<InetAddress> gateways) {
  private static final int FORMAT = 1;
  private static final int MOST_ADDRESSES = 16;

  public PodNetwork {
    Objects.requireNonNull(sandbox);
    Objects.requireNonNull(hostLink);
    Objects.requireNonNull(podLink);
    Objects.requireNonNull(mac);
    addresses = List.copyOf(addresses);
    gateways = List.copyOf(gateways);
  }

  /** The addresses as CRI wants them: textual, without prefix, the primary first. */
  public List<String> ips() {
    return addresses.stream().map(InterfaceAddress::text).toList();
  }

  /** The IPv4 address; absent only in a record made by somebody else. */
  public Optional<InterfaceAddress> ipv4() {
    return addresses.stream().filter(a -> !a.isIpv6()).findFirst();
  }

  /** The IPv6 address; absent where the host or the pod has none. */
  public Optional<InterfaceAddress> ipv6() {
    return addresses.stream().filter(InterfaceAddress::isIpv6).findFirst();
  }

  /** The record's bytes, for {@link #decode}; versioned. */
  public byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(160);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORMAT);
      out.writeUTF(sandbox.value());
      out.writeUTF(hostLink);
      out.writeInt(hostIndex);
      out.writeUTF(podLink);
      out.writeUTF(mac);
      out.writeInt(mtu);
      out.writeByte(addresses.size());
      for (InterfaceAddress address : addresses) {
        writeAddress(out, address.address());
        out.writeByte(address.prefix());
      }
      out.writeByte(gateways.size());
      for (InetAddress gateway : gateways) {
        writeAddress(out, gateway);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("write to memory", e);
    }
    return bytes.toByteArray();
  }

  /**
   * Reads what {@link #encode} wrote, in this or an earlier version.
   *
   * @throws FaultException INTERNAL when the bytes are not such a record
   */
  public static PodNetwork decode(byte[] record) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(record))) {
      int format = in.readUnsignedByte();
      if (format != FORMAT) {
        throw new FaultException(
            Fault.INTERNAL,
            "read a pod's network record: it has format " + format + ", this daemon reads 1");
      }
      SandboxId sandbox = new SandboxId(in.readUTF());
      String hostLink = in.readUTF();
      int hostIndex = in.readInt();
      String podLink = in.readUTF();
      String mac = in.readUTF();
      int mtu = in.readInt();
      List<InterfaceAddress> addresses = new ArrayList<>();
      for (int left = count(in); left > 0; left--) {
        addresses.add(new InterfaceAddress(readAddress(in), in.readUnsignedByte()));
      }
      List<InetAddress> gateways = new ArrayList<>();
      for (int left = count(in); left > 0; left--) {
        gateways.add(readAddress(in));
      }
      return new PodNetwork(sandbox, hostLink, hostIndex, podLink, mac, mtu, addresses, gateways);
    } catch (IOException | IllegalArgumentException e) {
      throw new FaultException(
          Fault.INTERNAL,
          "read a pod's network record of " + record.length + " bytes: " + e.getMessage(),
          e);
    }
  }

  private static int count(DataInputStream in) throws IOException {
    int count = in.readUnsignedByte();
    if (count > MOST_ADDRESSES) {
      throw new IOException(count + " addresses, at most " + MOST_ADDRESSES + " are written");
    }
    return count;
  }

  private static void writeAddress(DataOutputStream out, InetAddress address) throws IOException {
    byte[] bytes = address.getAddress();
    out.writeByte(bytes.length);
    out.write(bytes);
  }

  private static InetAddress readAddress(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readUnsignedByte()];
    in.readFully(bytes);
    return InetAddress.getByAddress(bytes);
  }
}
