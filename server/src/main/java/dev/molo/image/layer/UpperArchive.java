package dev.molo.image.layer;

import dev.molo.fault.FaultException;
import dev.molo.image.Quoted;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes an overlay's upper directory as a layer's tar: POSIX.1-2001, whiteouts as OCI image-spec
 * has them (layer.md), names sorted, so that the same files make the same bytes. Sockets are left
 * out. Names are bytes in Latin-1 strings. One thread; a file that shrinks while it is read fails
 * it.
 */
final class UpperArchive {
  private static final int BLOCK = 512;
  private static final int BUFFER = 128 << 10;
  private static final int MAX_NAME = 100;
  private static final long MAX_ID = 07777777;
  private static final long MAX_OCTAL = (1L << 33) - 1;

  /** Of overlayfs, where a kernel or its modules' configuration has switched these on. */
  private static final String REDIRECT = "trusted.overlay.redirect";

  private static final String METACOPY = "trusted.overlay.metacopy";
  private static final int OPEN_DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
  private static final int OPEN_FILE =
      OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK;
  private static final long INSIDE =
      OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS | OpenFlags.RESOLVE_NO_XDEV;

  private final Files files;
  private final Fd upper;
  private final OutputStream out;
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BUFFER);
  private final byte[] buffer = new byte[BUFFER];
  private final Map<Long, String> linked = new HashMap<>();

  /** {@code upper} and {@code out} stay the caller's. */
  UpperArchive(Files files, Fd upper, OutputStream out) {
    this.files = files;
    this.upper = upper;
    this.out = out;
  }

  /** Writes all of it, with the end. */
  void write() throws IOException {
    directory("");
    out.write(new byte[2 * BLOCK]);
  }

  private void directory(String path) throws IOException {
    List<String> names = new ArrayList<>();
    try (Fd fd =
        files.openat2(upper, bytes(path.isEmpty() ? "." : path), OPEN_DIRECTORY, 0, INSIDE)) {
      for (DirEntry entry : files.list(fd)) {
        names.add(new String(entry.nameBytes(), StandardCharsets.ISO_8859_1));
      }
    }
    names.sort(null);
    for (String name : names) {
      entry(path, name);
    }
  }

  private void entry(String directory, String name) throws IOException {
    String path = directory.isEmpty() ? name : directory + "/" + name;
    Stat stat = files.statx(upper, bytes(path), OpenFlags.AT_SYMLINK_NOFOLLOW);
    requireItself(name, path, stat);
    if (LayerTree.isWhiteout(stat)) {
      String hidden = directory.isEmpty() ? ".wh." + name : directory + "/.wh." + name;
      header(new Entry(hidden, '0', 0644, stat, 0, "", Map.of()));
      return;
    }
    if (stat.isDirectory()) {
      header(new Entry(path + "/", '5', stat.permissions(), stat, 0, "", attributes(path)));
      if (isOpaque(path)) {
        header(new Entry(path + "/.wh..wh..opq", '0', 0644, stat, 0, "", Map.of()));
      }
      directory(path);
      return;
    }
    String first = stat.links() > 1 ? linked.putIfAbsent(stat.inode(), path) : null;
    if (first != null) {
      header(new Entry(path, '1', stat.permissions(), stat, 0, first, Map.of()));
      return;
    }
    if (stat.isRegular()) {
      file(path, stat);
      return;
    }
    other(path, stat);
  }

  /** What a layer cannot say, or would say with another meaning, is not left out in silence. */
  private void requireItself(String name, String path, Stat stat) {
    if (Whiteouts.isWhiteout(name)) {
      throw FaultException.precondition(
          "commit: file %s has a name by which layers say that another file is gone",
          Quoted.of(path));
    }
    if (stat.isDirectory() && has(path, REDIRECT)) {
      throw FaultException.precondition(
          "commit: overlayfs has renamed directory %s and left its files elsewhere (redirect_dir is"
              + " on)",
          Quoted.of(path));
    }
    if (stat.isRegular() && has(path, METACOPY)) {
      throw FaultException.precondition(
          "commit: overlayfs has changed file %s and left its content elsewhere (metacopy is on)",
          Quoted.of(path));
    }
  }

  private boolean has(String path, String attribute) {
    return files.lgetxattr(upper, bytes(path), attribute).isPresent();
  }

  private void other(String path, Stat stat) throws IOException {
    Optional<Character> type =
        stat.isSymbolicLink()
            ? Optional.of('2')
            : stat.isCharacterDevice()
                ? Optional.of('3')
                : stat.isBlockDevice()
                    ? Optional.of('4')
                    : stat.isSocket() ? Optional.empty() : Optional.of('6');
    if (type.isPresent()) {
      String target =
          stat.isSymbolicLink()
              ? new String(files.readlinkat(upper, bytes(path)), StandardCharsets.ISO_8859_1)
              : "";
      header(new Entry(path, type.get(), stat.permissions(), stat, 0, target, attributes(path)));
    }
  }

  private void file(String path, Stat stat) throws IOException {
    header(new Entry(path, '0', stat.permissions(), stat, stat.size(), "", attributes(path)));
    try (Fd fd = files.openat2(upper, bytes(path), OPEN_FILE, 0, INSIDE)) {
      long left = stat.size();
      while (left > 0) {
        direct.clear().limit((int) Math.min(BUFFER, left));
        int n = files.read(fd, direct);
        if (n <= 0) {
          throw new IOException("file " + path + " has shrunk while it was read");
        }
        direct.flip().get(buffer, 0, n);
        out.write(buffer, 0, n);
        left -= n;
      }
    }
    out.write(new byte[(int) (-stat.size() & (BLOCK - 1))]);
  }

  private boolean isOpaque(String path) {
    return files
        .lgetxattr(upper, bytes(path), Whiteouts.OPAQUE_ATTRIBUTE)
        .filter(value -> Arrays.equals(value, Whiteouts.opaqueValue()))
        .isPresent();
  }

  /** Those that an image may set. */
  private Map<String, byte[]> attributes(String path) {
    Map<String, byte[]> attributes = new LinkedHashMap<>();
    for (String name : files.llistxattr(upper, bytes(path)).stream().sorted().toList()) {
      if (LayerUnpacker.isImages(name)) {
        files.lgetxattr(upper, bytes(path), name).ifPresent(v -> attributes.put(name, v));
      }
    }
    return attributes;
  }

  /** What a header says. */
  private record Entry(
      String name,
      char type,
      int mode,
      Stat stat,
      long size,
      String link,
      Map<String, byte[]> attributes) {}

  private void header(Entry entry) throws IOException {
    byte[] pax = pax(entry);
    if (pax.length > 0) {
      out.write(block("pax", 'x', 0644, 0, 0, pax.length, 0, "", new Stat.Device(0, 0)));
      out.write(pax);
      out.write(new byte[-pax.length & (BLOCK - 1)]);
    }
    Stat stat = entry.stat();
    boolean device = entry.type() == '3' || entry.type() == '4';
    out.write(
        block(
            entry.name(),
            entry.type(),
            entry.mode(),
            Math.min(stat.uid(), MAX_ID),
            Math.min(stat.gid(), MAX_ID),
            Math.min(entry.size(), MAX_OCTAL),
            Math.clamp(stat.modified().seconds(), 0, MAX_OCTAL),
            entry.link(),
            device ? stat.special() : new Stat.Device(0, 0)));
  }

  private static byte[] pax(Entry entry) throws IOException {
    ByteArrayOutputStream records = new ByteArrayOutputStream();
    if (!fits(entry.name())) {
      record(records, "path", bytes(entry.name()));
    }
    if (!fits(entry.link())) {
      record(records, "linkpath", bytes(entry.link()));
    }
    Stat stat = entry.stat();
    if (stat.uid() > MAX_ID) {
      record(records, "uid", bytes(Long.toString(stat.uid())));
    }
    if (stat.gid() > MAX_ID) {
      record(records, "gid", bytes(Long.toString(stat.gid())));
    }
    if (entry.size() > MAX_OCTAL) {
      record(records, "size", bytes(Long.toString(entry.size())));
    }
    long seconds = stat.modified().seconds();
    int nanos = stat.modified().nanos();
    if (nanos != 0 || seconds < 0 || seconds > MAX_OCTAL) {
      record(records, "mtime", bytes(time(seconds, nanos)));
    }
    for (Map.Entry<String, byte[]> attribute : entry.attributes().entrySet()) {
      record(records, "SCHILY.xattr." + attribute.getKey(), attribute.getValue());
    }
    return records.toByteArray();
  }

  /** PAX counts away from zero where the kernel counts up. */
  private static String time(long seconds, int nanos) {
    if (seconds >= 0 || nanos == 0) {
      return "%d.%09d".formatted(seconds, nanos);
    }
    return "-%d.%09d".formatted(-(seconds + 1), 1_000_000_000 - nanos);
  }

  /** Short enough for the header, and the same in every reader's eyes. */
  private static boolean fits(String text) {
    return text.length() <= MAX_NAME && text.chars().allMatch(c -> c < 0x80);
  }

  private static void record(ByteArrayOutputStream into, String key, byte[] value)
      throws IOException {
    int body = key.length() + value.length + 3;
    int length = body + 1;
    while (Integer.toString(length).length() + body != length) {
      length = Integer.toString(length).length() + body;
    }
    into.write(bytes(length + " " + key + "="));
    into.write(value);
    into.write('\n');
  }

  private static byte[] block(
      String name,
      char type,
      int mode,
      long uid,
      long gid,
      long size,
      long time,
      String link,
      Stat.Device device) {
    byte[] block = new byte[BLOCK];
    text(block, 0, name);
    octal(block, 100, 8, mode);
    octal(block, 108, 8, uid);
    octal(block, 116, 8, gid);
    octal(block, 124, 12, size);
    octal(block, 136, 12, time);
    Arrays.fill(block, 148, 156, (byte) ' ');
    block[156] = (byte) type;
    text(block, 157, link);
    text(block, 257, "ustar");
    text(block, 263, "00");
    octal(block, 329, 8, device.major());
    octal(block, 337, 8, device.minor());
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    octal(block, 148, 7, sum);
    return block;
  }

  private static void text(byte[] block, int at, String text) {
    byte[] bytes = bytes(text);
    System.arraycopy(bytes, 0, block, at, Math.min(bytes.length, MAX_NAME));
  }

  private static void octal(byte[] block, int at, int length, long value) {
    String digits = Long.toOctalString(value);
    text(block, at, "0".repeat(length - 1 - digits.length()) + digits);
    block[at + length - 1] = 0;
  }

  private static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }
}
