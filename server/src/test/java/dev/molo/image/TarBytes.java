package dev.molo.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** Writes tar archives, decent or not: every field is the caller's, nothing is checked. */
public final class TarBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** One entry's fields; change what the test is about. */
  public static final class Entry {
    private String name = "file";
    private char type = '0';
    private int mode = 0644;
    private long uid;
    private long gid;
    private long mtime = 1_600_000_000L;
    private String link = "";
    private int major;
    private int minor;
    private byte[] content = new byte[0];
    private final Map<String, String> pax = new LinkedHashMap<>();

    public Entry mode(int value) {
      mode = value;
      return this;
    }

    public Entry owner(long user, long group) {
      uid = user;
      gid = group;
      return this;
    }

    public Entry mtime(long seconds) {
      mtime = seconds;
      return this;
    }

    public Entry device(int majorNumber, int minorNumber) {
      major = majorNumber;
      minor = minorNumber;
      return this;
    }

    /** A PAX record before the entry; the value as Latin-1. */
    public Entry pax(String key, String value) {
      pax.put(key, value);
      return this;
    }
  }

  public static Entry file(String name, String content) {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  public static Entry file(String name, byte[] content) {
    Entry entry = new Entry();
    entry.name = name;
    entry.content = content;
    return entry;
  }

  public static Entry directory(String name) {
    return typed(name, '5').mode(0755);
  }

  public static Entry symlink(String name, String target) {
    Entry entry = typed(name, '2').mode(0777);
    entry.link = target;
    return entry;
  }

  public static Entry hardlink(String name, String target) {
    Entry entry = typed(name, '1');
    entry.link = target;
    return entry;
  }

  public static Entry whiteout(String directory, String hidden) {
    return file(directory + ".wh." + hidden, "");
  }

  public static Entry typed(String name, char type) {
    Entry entry = new Entry();
    entry.name = name;
    entry.type = type;
    return entry;
  }

  public TarBytes add(Entry entry) {
    if (!entry.pax.isEmpty()) {
      ByteArrayOutputStream records = new ByteArrayOutputStream();
      entry.pax.forEach((k, v) -> records.writeBytes(paxRecord(k, v)));
      write(header("pax", 'x', 0644, 0, 0, records.size(), 0, "", 0, 0), records.toByteArray());
    }
    write(
        header(
            entry.name,
            entry.type,
            entry.mode,
            entry.uid,
            entry.gid,
            entry.content.length,
            entry.mtime,
            entry.link,
            entry.major,
            entry.minor),
        entry.content);
    return this;
  }

  /** Bytes as they are, between entries. */
  public TarBytes raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** With the two zero blocks. */
  public byte[] bytes() {
    byte[] body = out.toByteArray();
    byte[] whole = new byte[body.length + 1024];
    System.arraycopy(body, 0, whole, 0, body.length);
    return whole;
  }

  /** Without the end, as a stream that was cut between entries. */
  public byte[] unfinished() {
    return out.toByteArray();
  }

  public static byte[] gzip(byte[] plain) {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
      gzip.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return compressed.toByteArray();
  }

  private void write(byte[] header, byte[] content) {
    out.writeBytes(header);
    out.writeBytes(content);
    out.writeBytes(new byte[-content.length & 511]);
  }

  private static byte[] paxRecord(String key, String value) {
    int body = key.length() + value.length() + 3;
    int length = body + 1;
    while (Integer.toString(length).length() + body != length) {
      length = Integer.toString(length).length() + body;
    }
    return (length + " " + key + "=" + value + "\n").getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A ustar header block. */
  public static byte[] header(
      String name,
      char type,
      int mode,
      long uid,
      long gid,
      long size,
      long mtime,
      String link,
      int major,
      int minor) {
    byte[] block = new byte[512];
    text(block, 0, name);
    octal(block, 100, 8, mode);
    octal(block, 108, 8, uid);
    octal(block, 116, 8, gid);
    octal(block, 124, 12, size);
    octal(block, 136, 12, mtime);
    block[156] = (byte) type;
    text(block, 157, link);
    text(block, 257, "ustar");
    text(block, 263, "00");
    octal(block, 329, 8, major);
    octal(block, 337, 8, minor);
    checksum(block);
    return block;
  }

  /** Makes a header valid again after a test has changed it. */
  public static void checksum(byte[] block) {
    for (int i = 148; i < 156; i++) {
      block[i] = ' ';
    }
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    octal(block, 148, 7, sum);
  }

  private static void text(byte[] block, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, block, at, bytes.length);
  }

  private static void octal(byte[] block, int at, int length, long value) {
    String digits = Long.toOctalString(value);
    text(block, at, "0".repeat(Math.max(0, length - 1 - digits.length())) + digits);
    block[at + length - 1] = 0;
  }
}
