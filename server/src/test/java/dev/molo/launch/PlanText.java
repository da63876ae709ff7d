package dev.molo.launch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A plan's bytes as text, one line an operation, decoded by the numbers of molo_wire.h and not by
 * the encoder: {@code ATTACH 3 4 /data}. Descriptors show as their index, held ones as {@code h1}
 * or {@code p1}.
 */
final class PlanText {
  /**
   * Letters: d descriptor, x hexadecimal u32, u signed u32, q hexadecimal u64; the rest is text.
   */
  private static final Map<Integer, String> SHAPES =
      Map.ofEntries(
          Map.entry(0x0100, "CGROUP d"),
          Map.entry(0x0101, "CLONE x"),
          Map.entry(0x0102, "PID_POD"),
          Map.entry(0x0103, "PID_OF"),
          Map.entry(0x0104, "STDIN ud"),
          Map.entry(0x0105, "OUTPUT udd"),
          Map.entry(0x0106, "LOG d"),
          Map.entry(0x0200, "JOIN x"),
          Map.entry(0x0202, "UNSHARE x"),
          Map.entry(0x0203, "PROPAGATION x"),
          Map.entry(0x0204, "ROOT d"),
          Map.entry(0x0205, "MKDIR xuu"),
          Map.entry(0x0207, "ATTACH du"),
          Map.entry(0x0208, "MOUNT ux"),
          Map.entry(0x0209, "MKNOD xuuuu"),
          Map.entry(0x020a, "SYMLINK"),
          Map.entry(0x020b, "BIND u"),
          Map.entry(0x020c, "MASK"),
          Map.entry(0x020d, "READONLY"),
          Map.entry(0x020e, "SETATTR xxxu"),
          Map.entry(0x020f, "PIVOT"),
          Map.entry(0x0210, "HOSTNAME"),
          Map.entry(0x0212, "SYSCTL"),
          Map.entry(0x0213, "RLIMIT uuqq"),
          Map.entry(0x0214, "OOM_SCORE u"),
          Map.entry(0x0215, "UMASK x"),
          Map.entry(0x0216, "IDS *"),
          Map.entry(0x0217, "BOUNDING q"),
          Map.entry(0x0218, "CAPS qqqq"),
          Map.entry(0x021a, "KEEP_CAPS u"),
          Map.entry(0x021b, "NO_NEW_PRIVS"),
          Map.entry(0x021c, "SECCOMP u*"),
          Map.entry(0x021d, "LSM_EXEC u"),
          Map.entry(0x021e, "TERMINAL uuu"),
          Map.entry(0x021f, "CWD"),
          Map.entry(0x0220, "MKCWD uu"),
          Map.entry(0x0221, "ENV"),
          Map.entry(0x0222, "ARG"),
          Map.entry(0x0223, "EXEC"),
          Map.entry(0x0226, "CHOWN_STDIO uu"),
          Map.entry(0x0300, "LOOPBACK_UP"),
          Map.entry(0x0301, "PID_REAPER"));

  private PlanText() {}

  static List<String> of(LaunchPlan plan) {
    ByteBuffer bytes = plan.operations().order(ByteOrder.nativeOrder());
    List<String> lines = new ArrayList<>();
    while (bytes.hasRemaining()) {
      int code = Short.toUnsignedInt(bytes.getShort());
      bytes.getShort();
      int length = bytes.getInt();
      ByteBuffer field = bytes.slice(bytes.position(), length).order(ByteOrder.nativeOrder());
      bytes.position(bytes.position() + ((length + 3) & ~3));
      lines.add(line(code, field));
    }
    return lines;
  }

  /** Only the lines that begin with one of these words. */
  static List<String> of(LaunchPlan plan, String... operations) {
    List<String> wanted = List.of(operations);
    return of(plan).stream().filter(line -> wanted.contains(line.split(" ", 2)[0])).toList();
  }

  private static String line(int code, ByteBuffer field) {
    String shape = SHAPES.get(code);
    if (shape == null) {
      throw new AssertionError("unknown operation 0x" + Integer.toHexString(code));
    }
    String[] parts = shape.split(" ", 2);
    StringBuilder line = new StringBuilder(parts[0]);
    String letters = parts.length < 2 ? "" : parts[1];
    for (char letter : letters.toCharArray()) {
      switch (letter) {
        case 'd' -> line.append(' ').append(descriptor(field.getInt()));
        case 'x' -> line.append(' ').append(Integer.toHexString(field.getInt()));
        case 'u' -> line.append(' ').append(field.getInt());
        case 'q' -> line.append(' ').append(Long.toHexString(field.getLong()));
        case '*' -> rest(line, field);
        default -> throw new AssertionError(shape);
      }
    }
    byte[] text = new byte[field.remaining()];
    field.get(text);
    line.append(' ').append(new String(text, StandardCharsets.UTF_8).replace('\0', ' '));
    return line.toString().strip();
  }

  private static void rest(StringBuilder line, ByteBuffer field) {
    while (field.remaining() >= 4) {
      line.append(' ').append(Integer.toUnsignedString(field.getInt()));
    }
  }

  private static String descriptor(int code) {
    if (code == -1) {
      return "-";
    }
    if ((code & 0x80000000) != 0) {
      return "h" + (code & 0xffff);
    }
    return (code & 0x40000000) != 0 ? "p" + (code & 0xffff) : Integer.toString(code);
  }
}
