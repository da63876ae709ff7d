package dev.molo.image.layer;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import dev.molo.image.Quoted;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * A layer's archive made again from what is kept of it and the files. A file whose content is not
 * what it was is told by its name, at its end; whoever reads compares the whole with the diffID.
 * What fails here is a {@link DamagedLayerException}. One thread, which blocks in system calls.
 */
final class RebuiltTar extends InputStream {
  private static final int BUFFER = 128 << 10;
  private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK;
  private static final long INSIDE =
      OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_NO_SYMLINKS | OpenFlags.RESOLVE_NO_XDEV;
  private static final int DIRECTORY =
      OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private final Files files;
  private final Fd layer;
  private final Fd fs;
  private final Fd kept;
  private final DataInputStream in;
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BUFFER);
  private final CRC32C crc = new CRC32C();

  /** Of contents by their order: where a file is that had to make way. */
  private final Map<Long, Integer> asides;

  private long contents;
  private ByteBuffer structure = ByteBuffer.allocate(0);
  private OpenContent content;
  private long given;
  private boolean ended;

  /** A file that is being read. */
  private static final class OpenContent {
    private final KeptTar.Content what;
    private final Fd file;
    private final Iterator<TarEntry.Segment> segments;
    private long at;
    private long left;

    OpenContent(KeptTar.Content what, Fd file) {
      this.what = what;
      this.file = file;
      this.segments = what.segments().iterator();
    }

    /** Positions at bytes that are left; false at the end. */
    boolean hasMore() {
      while (left == 0 && segments.hasNext()) {
        TarEntry.Segment segment = segments.next();
        at = segment.offset();
        left = segment.length();
      }
      return left > 0;
    }
  }

  /**
   * @param layer the layer's directory, with {@code fs} and {@code tar}; stays the caller's
   */
  RebuiltTar(Files files, Fd layer) throws IOException {
    this.files = files;
    this.layer = layer;
    try {
      this.asides =
          files
                  .statxIfPresent(layer, SetAsideFiles.DIRECTORY, OpenFlags.AT_SYMLINK_NOFOLLOW)
                  .isPresent()
              ? asides()
              : Map.of();
      this.fs = files.openat2(layer, "fs", DIRECTORY, 0, INSIDE);
    } catch (LinuxException e) {
      throw new DamagedLayerException(e.getMessage(), e);
    }
    Fd opened = null;
    try {
      opened = openKept();
      this.kept = opened;
      this.in = records(opened);
    } catch (IOException e) {
      fs.close();
      if (opened != null) {
        opened.close();
      }
      throw e;
    }
  }

  private Fd openKept() throws DamagedLayerException {
    try {
      return files.openat2(layer, KeptTar.FILE, READ, 0, INSIDE);
    } catch (LinuxException e) {
      throw new DamagedLayerException("its kept headers: " + e.getMessage(), e);
    }
  }

  private DataInputStream records(Fd file) throws DamagedLayerException {
    try {
      DataInputStream records =
          new DataInputStream(new ZstdInputStreamNoFinalizer(new FdInput(files, file)));
      KeptTar.checkMagic(records);
      return records;
    } catch (IOException | LinuxException e) {
      throw new DamagedLayerException("its kept headers: " + e.getMessage(), e);
    }
  }

  /** Two passes, for the few layers in which an entry took another's place. */
  private Map<Long, Integer> asides() throws DamagedLayerException {
    Set<String> replaced = new HashSet<>();
    forEachRecord(piece -> {
      if (piece instanceof KeptTar.SetAside aside) {
        replaced.add(aside.path());
      }
    });
    Map<Long, Integer> found = new HashMap<>();
    Map<String, Long> last = new HashMap<>();
    long[] number = {0};
    forEachRecord(piece -> {
      if (piece instanceof KeptTar.Content one) {
        if (replaced.contains(one.path())) {
          last.put(one.path(), number[0]);
        }
        number[0]++;
      } else if (piece instanceof KeptTar.SetAside aside && last.containsKey(aside.path())) {
        found.put(last.remove(aside.path()), aside.number());
      }
    });
    return found;
  }

  private void forEachRecord(Consumer<KeptTar.Piece> visitor) throws DamagedLayerException {
    try (Fd file = openKept();
        DataInputStream records = records(file)) {
      for (KeptTar.Piece piece = next(records);
          !(piece instanceof KeptTar.End);
          piece = next(records)) {
        visitor.accept(piece);
      }
    } catch (IOException e) {
      throw damaged(e);
    }
  }

  private static KeptTar.Piece next(DataInputStream records) throws DamagedLayerException {
    try {
      return KeptTar.read(records);
    } catch (IOException | LinuxException e) {
      throw new DamagedLayerException("its kept headers: " + e.getMessage(), e);
    }
  }

  private static DamagedLayerException damaged(IOException e) {
    return e instanceof DamagedLayerException known
        ? known
        : new DamagedLayerException("its kept headers: " + e.getMessage(), e);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (!ended) {
      int n = some(into, offset, length);
      if (n > 0) {
        given += n;
        return n;
      }
      advance();
    }
    return -1;
  }

  /** From what is at hand; 0 when that is used up. */
  private int some(byte[] into, int offset, int length) throws IOException {
    if (structure.hasRemaining()) {
      int n = Math.min(length, structure.remaining());
      structure.get(into, offset, n);
      return n;
    }
    return content == null ? 0 : fromFile(into, offset, length);
  }

  private int fromFile(byte[] into, int offset, int length) throws IOException {
    if (!content.hasMore()) {
      KeptTar.Content what = content.what;
      closeContent();
      if ((int) crc.getValue() != what.crc32c()) {
        throw new DamagedLayerException(
            "file " + Quoted.of(what.path()) + " does not have the content that was unpacked");
      }
      return 0;
    }
    direct.clear().limit((int) Math.min(Math.min(length, BUFFER), content.left));
    int n;
    try {
      n = files.pread(content.file, direct, content.at);
    } catch (LinuxException e) {
      throw unreadable(content.what.path(), e);
    }
    if (n <= 0) {
      throw new DamagedLayerException(
          "file " + Quoted.of(content.what.path()) + " is shorter than what was unpacked");
    }
    direct.flip().get(into, offset, n);
    crc.update(into, offset, n);
    content.at += n;
    content.left -= n;
    return n;
  }

  private void advance() throws IOException {
    switch (next(in)) {
      case KeptTar.Structure more -> structure = more.bytes();
      case KeptTar.Content what -> open(what);
      case KeptTar.SetAside _ -> {
        // the first pass knows it already
      }
      case KeptTar.End end -> {
        ended = true;
        if (end.tarBytes() != given) {
          throw new DamagedLayerException(
              "its kept headers: they make %d bytes instead of %d"
                  .formatted(given, end.tarBytes()));
        }
      }
    }
  }

  private void open(KeptTar.Content what) throws DamagedLayerException {
    Integer aside = asides.get(contents++);
    try {
      Fd file =
          aside == null
              ? files.openat2(
                  fs, what.path().getBytes(StandardCharsets.ISO_8859_1), READ, 0, INSIDE)
              : files.openat2(layer, SetAsideFiles.DIRECTORY + "/" + aside, READ, 0, INSIDE);
      content = new OpenContent(what, file);
      crc.reset();
    } catch (LinuxException e) {
      throw unreadable(what.path(), e);
    }
  }

  private static DamagedLayerException unreadable(String path, LinuxException e) {
    return new DamagedLayerException(
        "file " + Quoted.of(path) + " cannot be read: " + e.getMessage(), e);
  }

  private void closeContent() {
    if (content != null) {
      content.file.close();
      content = null;
    }
  }

  @Override
  public void close() throws IOException {
    closeContent();
    fs.close();
    try (kept) {
      in.close();
    }
  }
}
