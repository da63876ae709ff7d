package dev.molo.image.layer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The fields of one header block, decoded (tar(5)). */
record TarHeader(
    String name,
    char flag,
    int mode,
    long uid,
    long gid,
    long size,
    long mtime,
    String linkName,
    int major,
    int minor,
    long realSize) {

  static TarHeader parse(byte[] b) throws IOException {
    checkSum(b);
    char flag = (char) (b[156] & 0xff);
    boolean ustar = startsWith(b, 257, "ustar");
    boolean gnu = startsWith(b, 257, "ustar  ");
    boolean device = ustar && (flag == '3' || flag == '4');
    String name = text(b, 0, 100);
    if (ustar && !gnu && b[345] != 0) {
      name = text(b, 345, 155) + "/" + name;
    }
    return new TarHeader(
        name,
        flag,
        (int) number(b, 100, 8, "mode") & 07777,
        number(b, 108, 8, "uid"),
        number(b, 116, 8, "gid"),
        nonNegative(number(b, 124, 12, "size"), "size"),
        number(b, 136, 12, "mtime"),
        text(b, 157, 100),
        device ? (int) number(b, 329, 8, "devmajor") : 0,
        device ? (int) number(b, 337, 8, "devminor") : 0,
        flag == 'S' ? nonNegative(number(b, 483, 12, "real size"), "real size") : 0);
  }

  /**
   * What the type flag stands for. An old archive spells a directory as a file whose name ends in a
   * slash.
   */
  TarEntry.Type type(String effectiveName) throws IOException {
    return switch (flag) {
      case '0', '\0', '7', 'S' ->
          effectiveName.endsWith("/") && flag != 'S'
              ? TarEntry.Type.DIRECTORY
              : TarEntry.Type.REGULAR;
      case '1' -> TarEntry.Type.HARD_LINK;
      case '2' -> TarEntry.Type.SYMBOLIC_LINK;
      case '3' -> TarEntry.Type.CHARACTER_DEVICE;
      case '4' -> TarEntry.Type.BLOCK_DEVICE;
      case '5' -> TarEntry.Type.DIRECTORY;
      case '6' -> TarEntry.Type.FIFO;
      case 'V' -> TarEntry.Type.LABEL;
      default -> throw new TarFormatException("an entry has the unknown type " + (int) flag);
    };
  }

  /** Up to {@code count} pairs of offset and length from {@code at} on; an empty one ends them. */
  static void sparseEntries(byte[] b, int at, int count, List<TarEntry.Segment> into)
      throws IOException {
    for (int i = 0; i < count; i++) {
      int start = at + i * 24;
      if (b[start] == 0) {
        return;
      }
      long offset = nonNegative(number(b, start, 12, "sparse offset"), "sparse offset");
      into.add(
          new TarEntry.Segment(
              offset, nonNegative(number(b, start + 12, 12, "sparse length"), "sparse length")));
    }
  }

  private static void checkSum(byte[] b) throws IOException {
    long unsigned = 0;
    long signed = 0;
    for (int i = 0; i < TarReader.BLOCK; i++) {
      int value = i >= 148 && i < 156 ? ' ' : b[i];
      unsigned += value & 0xff;
      signed += value;
    }
    long stated = number(b, 148, 8, "checksum");
    // Some historic tars summed signed characters.
    if (stated != unsigned && stated != signed) {
      throw new TarFormatException(
          "a header's checksum does not match: this is not a tar archive, or it is damaged");
    }
  }

  private static boolean startsWith(byte[] b, int at, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (b[at + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static String text(byte[] b, int at, int max) {
    int end = at;
    while (end < at + max && b[end] != 0) {
      end++;
    }
    return new String(b, at, end - at, StandardCharsets.ISO_8859_1);
  }

  private static long nonNegative(long value, String field) throws IOException {
    if (value < 0) {
      throw new TarFormatException("a header has a negative " + field);
    }
    return value;
  }

  /**
   * Octal digits with blanks around them, or base-256 where the first bit is set (a GNU extension).
   */
  private static long number(byte[] b, int at, int length, String field) throws IOException {
    if ((b[at] & 0x80) != 0) {
      return binary(b, at, length, field);
    }
    int i = at;
    int end = at + length;
    while (i < end && (b[i] == ' ' || b[i] == 0)) {
      i++;
    }
    long value = 0;
    for (; i < end && b[i] != ' ' && b[i] != 0; i++) {
      if (b[i] < '0' || b[i] > '7') {
        throw new TarFormatException("a header's " + field + " is not an octal number");
      }
      value = value << 3 | (b[i] - '0');
    }
    return value;
  }

  private static long binary(byte[] b, int at, int length, String field) throws IOException {
    boolean negative = (b[at] & 0x40) != 0;
    long value = negative ? -1 : 0;
    for (int i = 0; i < length; i++) {
      int digit = b[at + i] & 0xff;
      if (i == 0) {
        digit = negative ? digit | 0x80 : digit & 0x7f;
      }
      if (i < length - 8) {
        if (digit != (negative ? 0xff : 0)) {
          throw new TarFormatException("a header's " + field + " does not fit 64 bits");
        }
        continue;
      }
      value = value << 8 | digit;
    }
    if (length > 8 && value < 0 != negative) {
      throw new TarFormatException("a header's " + field + " does not fit 64 bits");
    }
    return value;
  }
}
