package dev.molo.image.layer;

import dev.molo.linux.TimeSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The records of a PAX extended header: {@code "<length> <key>=<value>\n"}, values as bytes in
 * Latin-1 strings. Only what means something to us is held, and that is bounded: a global header
 * may come as often as a stranger likes, and its records stay.
 */
final class PaxRecords {
  private static final PaxRecords EMPTY = new PaxRecords(Map.of(), List.of());
  private static final String XATTR = "SCHILY.xattr.";
  private static final String LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";

  /** The kernel lists no more names of a file than fit 64 KiB. */
  private static final int MAX_RECORDS = 4096;

  /** Characters in all of an entry's records: twice as many as one header may have. */
  private static final long MAX_LENGTH = 2 << 20;

  private static final Set<String> UNDERSTOOD =
      Set.of(
          "path",
          "linkpath",
          "size",
          "uid",
          "gid",
          "mtime",
          "GNU.sparse.name",
          "GNU.sparse.size",
          "GNU.sparse.realsize",
          "GNU.sparse.major",
          "GNU.sparse.map");

  private final Map<String, String> records;

  /** Sparse format 0.0 repeats its keys: offset, length, offset, length, … */
  private final List<Long> sparsePairs;

  private PaxRecords(Map<String, String> records, List<Long> sparsePairs) {
    this.records = records;
    this.sparsePairs = sparsePairs;
  }

  static PaxRecords empty() {
    return EMPTY;
  }

  /**
   * Parses an extended header; its records win over those of {@code base}, and an empty value takes
   * one away.
   */
  static PaxRecords parse(byte[] bytes, PaxRecords base) throws IOException {
    Map<String, String> records = new HashMap<>(base.records);
    List<Long> pairs = new ArrayList<>();
    int at = 0;
    while (at < bytes.length) {
      if (bytes[at] == 0 && allZero(bytes, at)) {
        break;
      }
      int space = indexOf(bytes, ' ', at, Math.min(bytes.length, at + 10));
      int length = space < 0 ? -1 : decimal(bytes, at, space);
      if (length < space - at + 3 || length > bytes.length - at || bytes[at + length - 1] != '\n') {
        throw new TarFormatException("an extended header has a record of a wrong length");
      }
      int equals = indexOf(bytes, '=', space + 1, at + length);
      if (equals <= space + 1) {
        throw new TarFormatException("an extended header has a record without a key");
      }
      String key = new String(bytes, space + 1, equals - space - 1, StandardCharsets.ISO_8859_1);
      String value =
          new String(bytes, equals + 1, at + length - 1 - equals - 1, StandardCharsets.ISO_8859_1);
      add(key, value, records, pairs);
      if (records.size() > MAX_RECORDS) {
        checkRoom(records);
      }
      at += length;
    }
    checkRoom(records);
    return new PaxRecords(records, pairs);
  }

  private static void checkRoom(Map<String, String> records) throws IOException {
    long length = 0;
    for (Map.Entry<String, String> record : records.entrySet()) {
      length += record.getKey().length() + record.getValue().length();
    }
    if (records.size() > MAX_RECORDS || length > MAX_LENGTH) {
      throw new TarFormatException(
          "its extended headers have %d records of %d bytes; %d of %d are allowed"
              .formatted(records.size(), length, MAX_RECORDS, MAX_LENGTH));
    }
  }

  private static void add(String key, String value, Map<String, String> records, List<Long> pairs)
      throws IOException {
    boolean name = key.equals("path") || key.equals("linkpath") || key.equals("GNU.sparse.name");
    if (name && value.indexOf('\0') >= 0) {
      throw new TarFormatException("an extended header has a name with a NUL byte");
    }
    if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
      pairs.add(natural(key, value));
      return;
    }
    if (value.isEmpty() && !key.startsWith(XATTR)) {
      records.remove(key);
      return;
    }
    if (UNDERSTOOD.contains(key) || key.startsWith(XATTR) || key.startsWith(LIBARCHIVE_XATTR)) {
      records.put(key, value);
    }
  }

  /** These records, and those of {@code base} for keys that are not here. */
  PaxRecords over(PaxRecords base) throws IOException {
    if (base.records.isEmpty()) {
      return this;
    }
    Map<String, String> all = new HashMap<>(base.records);
    all.putAll(records);
    checkRoom(all);
    return new PaxRecords(all, sparsePairs);
  }

  Optional<String> text(String key) {
    return Optional.ofNullable(records.get(key));
  }

  OptionalLong number(String key) throws IOException {
    String value = records.get(key);
    return value == null ? OptionalLong.empty() : OptionalLong.of(natural(key, value));
  }

  /** {@code [-]seconds[.fraction]}; digits below the nanosecond are cut. */
  Optional<TimeSpec> time(String key) throws IOException {
    String value = records.get(key);
    if (value == null) {
      return Optional.empty();
    }
    int dot = value.indexOf('.');
    String whole = dot < 0 ? value : value.substring(0, dot);
    String fraction = dot < 0 ? "" : value.substring(dot + 1);
    boolean negative = whole.startsWith("-");
    long seconds = natural(key, negative ? whole.substring(1) : whole);
    String nine = (fraction + "000000000").substring(0, 9);
    int nanos = (int) natural(key, nine);
    if (!negative) {
      return Optional.of(new TimeSpec(seconds, nanos));
    }
    return Optional.of(
        nanos == 0 ? new TimeSpec(-seconds, 0) : new TimeSpec(-seconds - 1, 1_000_000_000 - nanos));
  }

  Map<String, byte[]> xattrs() throws IOException {
    Map<String, byte[]> xattrs = new LinkedHashMap<>();
    for (Map.Entry<String, String> record : records.entrySet()) {
      if (record.getKey().startsWith(XATTR)) {
        xattrs.put(
            record.getKey().substring(XATTR.length()),
            record.getValue().getBytes(StandardCharsets.ISO_8859_1));
      } else if (record.getKey().startsWith(LIBARCHIVE_XATTR)) {
        xattrs.putIfAbsent(
            record.getKey().substring(LIBARCHIVE_XATTR.length()), base64(record.getValue()));
      }
    }
    return xattrs;
  }

  boolean isSparse() {
    return records.containsKey("GNU.sparse.size")
        || records.containsKey("GNU.sparse.realsize")
        || records.containsKey("GNU.sparse.major");
  }

  /** Format 1.0 keeps its map in the content. */
  boolean sparseInData() {
    return "1".equals(records.get("GNU.sparse.major"));
  }

  long realSize() throws IOException {
    OptionalLong size = number("GNU.sparse.realsize");
    if (size.isEmpty()) {
      size = number("GNU.sparse.size");
    }
    return size.orElseThrow(() -> new TarFormatException("a sparse file has no real size"));
  }

  /** The map of format 0.1 (one list) or 0.0 (repeated keys). */
  TarReader.SparseMap sparseMap() throws IOException {
    List<Long> pairs = new ArrayList<>(sparsePairs);
    String list = records.get("GNU.sparse.map");
    if (list != null) {
      pairs.clear();
      for (int from = 0; from <= list.length(); ) {
        int comma = list.indexOf(',', from);
        int to = comma < 0 ? list.length() : comma;
        pairs.add(natural("GNU.sparse.map", list.substring(from, to)));
        checkSegments(pairs.size());
        from = to + 1;
      }
    }
    checkSegments(pairs.size());
    if (pairs.size() % 2 != 0) {
      throw new TarFormatException("a sparse file's map has an odd number of numbers");
    }
    List<TarEntry.Segment> segments = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i += 2) {
      segments.add(new TarEntry.Segment(pairs.get(i), pairs.get(i + 1)));
    }
    return new TarReader.SparseMap(realSize(), segments);
  }

  private static void checkSegments(int numbers) throws IOException {
    if (numbers > 2 * TarReader.MAX_SEGMENTS) {
      throw new TarFormatException(
          "a sparse file has more than " + TarReader.MAX_SEGMENTS + " segments");
    }
  }

  private static byte[] base64(String value) throws IOException {
    try {
      return Base64.getDecoder()
          .decode(
              value.endsWith("=") || value.length() % 4 == 0
                  ? value
                  : value + "===".substring(0, 4 - value.length() % 4));
    } catch (IllegalArgumentException e) {
      throw new TarFormatException("an extended attribute is not base64");
    }
  }

  private static long natural(String key, String value) throws IOException {
    if (value.isEmpty() || value.length() > 18) {
      throw new TarFormatException("an extended header's " + key + " is not a number in range");
    }
    long number = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < '0' || c > '9') {
        throw new TarFormatException("an extended header's " + key + " is not a number");
      }
      number = number * 10 + (c - '0');
    }
    return number;
  }

  private static int decimal(byte[] bytes, int from, int to) {
    int value = 0;
    for (int i = from; i < to; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        return -1;
      }
      value = value * 10 + (bytes[i] - '0');
    }
    return value;
  }

  private static int indexOf(byte[] bytes, char c, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == c) {
        return i;
      }
    }
    return -1;
  }

  private static boolean allZero(byte[] bytes, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
