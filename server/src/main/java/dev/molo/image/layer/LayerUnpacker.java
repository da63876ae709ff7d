package dev.molo.image.layer;

import dev.molo.image.Quoted;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the files of one layer from its tar stream, in overlayfs's own form (whiteouts, opaque
 * directories). The result depends on this layer alone; a directory that the archive does not
 * mention but puts entries into is 0755 root:root, as Docker's overlay2 and containers-storage have
 * it.
 *
 * <p>An entry takes the place of an earlier one of the same name, but for a directory over a
 * directory, which only changes its attributes. One object unpacks one layer on one thread, which
 * blocks in system calls.
 */
final class LayerUnpacker {
  private static final Logger LOG = LoggerFactory.getLogger(LayerUnpacker.class);
  private static final int BLOCK = 4096;

  /** What stat(2) counts in. */
  private static final int SECTOR = 512;

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(LayerBuffers.BUFFER);

  /** A shorter run of zeros is cheaper written. */
  private static final int HOLE_LEAST = 64 << 10;

  /**
   * The disk begins to work while there is still something to unpack: at the end of a file of this
   * size, or whenever so much of one has come. Smaller files are cheaper in one go.
   */
  private static final int WRITEBACK_LEAST = 64 << 10;

  private static final int WRITEBACK_MOST = 8 << 20;
  private static final String CAPABILITY = "security.capability";
  private static final long MAX_ID = 0xfffffffeL;

  /** Bits that chown(2) clears and mkdir(2) ignores. */
  private static final int SPECIAL_BITS = 07000;

  private final Files files;
  private final Fd root;
  private final UnpackLimits limits;
  private final LayerTree tree;
  private final boolean contents;
  private final DirectoryTimes directoryTimes;
  private long bytes;
  private long inodes;
  private long unpacked;
  private long entries;
  private boolean warnedOfAttributes;

  LayerUnpacker(Files files, Fd root, UnpackLimits limits) {
    this(files, root, limits, LayerTree.Spared.nothing(), true);
  }

  /**
   * @param spared is offered what one entry takes the place of
   * @param contents whether files are filled; without, they are as long and empty
   */
  LayerUnpacker(
      Files files, Fd root, UnpackLimits limits, LayerTree.Spared spared, boolean contents) {
    this.files = files;
    this.root = root;
    this.limits = limits;
    this.contents = contents;
    this.tree = new LayerTree(files, root, this::subtract, spared);
    this.directoryTimes = new DirectoryTimes(files, tree);
  }

  /**
   * Directories whose time the archive gave, by path; the root's is empty. None where there are
   * more than {@link DirectoryTimes#MOST}.
   */
  Set<String> timedDirectories() {
    return directoryTimes.paths();
  }

  /** Unpacks the whole archive. */
  UnpackedLayer unpack(TarReader tar) throws IOException {
    try (tree) {
      tree.disinheritRoot();
      for (Optional<TarEntry> entry = tar.next(); entry.isPresent(); entry = tar.next()) {
        unpackOne(tar, entry.get());
      }
      directoryTimes.settle();
    }
    long made = inodes + tree.impliedDirectories() + 1;
    return new UnpackedLayer(bytes + (tree.impliedDirectories() + 1) * BLOCK, made, entries);
  }

  private void unpackOne(TarReader tar, TarEntry entry) throws IOException {
    if (++entries > limits.maxEntries()) {
      throw new TarFormatException(
          "it has more than the " + limits.maxEntries() + " entries that are allowed");
    }
    if (entry.type() == TarEntry.Type.LABEL) {
      return;
    }
    try {
      place(tar, entry);
    } catch (TarFormatException e) {
      throw new TarFormatException("entry " + Quoted.of(entry.name()) + ": " + e.getMessage());
    } catch (UncheckedIOException e) {
      throw new TarFormatException(
          "entry " + Quoted.of(entry.name()) + ": " + e.getCause().getMessage());
    } catch (LinuxException e) {
      throw new LinuxException(e.call(), e.number(), "layer entry " + Quoted.of(entry.name()));
    }
  }

  private void place(TarReader tar, TarEntry entry) throws IOException {
    checkIds(entry);
    List<String> components = LayerTree.components(entry.name());
    if (components.isEmpty()) {
      rootDirectory(entry);
      return;
    }
    LayerTree.Place place = tree.locate(components);
    if (Whiteouts.isWhiteout(place.name())) {
      checkRoom(entry.size());
      whiteout(place);
      return;
    }
    switch (entry.type()) {
      case DIRECTORY -> directory(place, entry);
      case REGULAR -> regular(tar, place, entry);
      case HARD_LINK -> hardLink(place, entry);
      case SYMBOLIC_LINK -> symbolicLink(place, entry);
      case CHARACTER_DEVICE -> node(place, entry, FileMode.S_IFCHR);
      case BLOCK_DEVICE -> node(place, entry, FileMode.S_IFBLK);
      case FIFO -> node(place, entry, FileMode.S_IFIFO);
      case LABEL -> {}
    }
  }

  private void checkIds(TarEntry entry) throws TarFormatException {
    if (entry.uid() < 0 || entry.uid() > MAX_ID || entry.gid() < 0 || entry.gid() > MAX_ID) {
      throw new TarFormatException(
          "owner " + entry.uid() + ":" + entry.gid() + " is outside 0 to " + MAX_ID);
    }
  }

  private void rootDirectory(TarEntry entry) throws TarFormatException {
    if (entry.type() != TarEntry.Type.DIRECTORY) {
      throw new TarFormatException("it would replace the layer's root");
    }
    files.fchown(root, entry.uid(), entry.gid());
    files.fchmod(root, entry.mode());
    noteHeirs(entry);
    for (Map.Entry<String, byte[]> attribute : entry.xattrs().entrySet()) {
      setAttribute(
          attribute.getKey(),
          () -> files.setxattr(root, attribute.getKey(), attribute.getValue(), 0));
    }
    directoryTimes.put("", entry.modified());
  }

  private void whiteout(LayerTree.Place place) throws TarFormatException {
    if (Whiteouts.isOpaque(place.name())) {
      try (Fd directory =
          tree.openCanonical(place.directory(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        files.setxattr(directory, Whiteouts.OPAQUE_ATTRIBUTE, Whiteouts.opaqueValue(), 0);
      }
      return;
    }
    Optional<String> hidden = Whiteouts.hidden(place.name());
    if (hidden.isEmpty()) {
      return;
    }
    LayerTree.Place target = new LayerTree.Place(place.parent(), place.directory(), hidden.get());
    Optional<Stat> present = tree.stat(target);
    if (present.isEmpty()) {
      files.mknodat(target.parent(), target.nameBytes(), FileMode.S_IFCHR, new Stat.Device(0, 0));
      files.lsetxattr(
          target.parent(), LayerTree.bytes("."), Whiteouts.HOLDER_ATTRIBUTE, new byte[0], 0);
      inodes++;
      return;
    }
    // A whiteout speaks of lower layers only. What this layer has under the name hides a lower file
    // by itself; a directory
    // would be merged, unless it is opaque.
    if (present.get().isDirectory()) {
      files.lsetxattr(
          target.parent(),
          target.nameBytes(),
          Whiteouts.OPAQUE_ATTRIBUTE,
          Whiteouts.opaqueValue(),
          0);
    }
  }

  private void directory(LayerTree.Place place, TarEntry entry) {
    Optional<Stat> present = tree.stat(place);
    boolean made = present.isEmpty() || !present.get().isDirectory();
    if (made) {
      if (present.isPresent()) {
        tree.remove(place, present.get());
      }
      files.mkdirat(place.parent(), place.nameBytes(), entry.mode() & 01777);
      inodes++;
      bytes += BLOCK;
      if (present.isPresent() && LayerTree.isWhiteout(present.get())) {
        files.lsetxattr(
            place.parent(),
            place.nameBytes(),
            Whiteouts.OPAQUE_ATTRIBUTE,
            Whiteouts.opaqueValue(),
            0);
      }
    }
    if (made) {
      tree.disinherit(place);
    }
    noteHeirs(entry);
    own(place, entry, made);
    if (!made || needsOwner(entry) || (entry.mode() & SPECIAL_BITS) != 0) {
      files.fchmodat(
          place.parent(), place.nameBytes(), entry.mode(), OpenFlags.AT_SYMLINK_NOFOLLOW);
    }
    attributes(place, entry);
    directoryTimes.put(place.path(), entry.modified());
  }

  private void regular(TarReader tar, LayerTree.Place place, TarEntry entry) throws IOException {
    checkRoom(entry.size());
    try (Fd fd = create(place, entry)) {
      inodes++;
      tar.goesTo(place.path(), entry.segments());
      content(tar, fd, entry);
      tree.disinherit(place);
      if (needsOwner(entry)) {
        files.fchown(fd, entry.uid(), entry.gid());
      }
      if (tree.hasHeirs() || (entry.mode() & SPECIAL_BITS) != 0) {
        files.fchmod(fd, entry.mode());
      }
      for (Map.Entry<String, byte[]> attribute : entry.xattrs().entrySet()) {
        setAttribute(
            attribute.getKey(),
            () -> files.setxattr(fd, attribute.getKey(), attribute.getValue(), 0));
      }
      files.utimensat(fd, new byte[0], entry.modified(), entry.modified(), OpenFlags.AT_EMPTY_PATH);
    }
  }

  private Fd create(LayerTree.Place place, TarEntry entry) {
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOFOLLOW;
    try {
      return files.openat2(
          place.parent(), place.nameBytes(), flags, entry.mode() & 0777, OpenFlags.RESOLVE_BENEATH);
    } catch (LinuxException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
    makeWay(place);
    return files.openat2(
        place.parent(), place.nameBytes(), flags, entry.mode() & 0777, OpenFlags.RESOLVE_BENEATH);
  }

  private void content(TarReader tar, Fd fd, TarEntry entry) throws IOException {
    long position = 0;
    long written = 0;
    for (TarEntry.Segment segment : entry.segments()) {
      if (segment.length() == 0) {
        // Marks the end of a sparse file that ends in a hole.
        continue;
      }
      if (contents && segment.offset() != position) {
        files.lseek(fd, segment.offset(), OpenFlags.SEEK_SET);
      }
      bytes += blocks(segment.length());
      written = Math.max(written, copy(tar, fd, segment));
      position = segment.offset() + segment.length();
    }
    if (written < entry.size()) {
      files.ftruncate(fd, entry.size());
    }
  }

  /** Where in the file the last byte that was written ends; 0 when none was. */
  private long copy(TarReader tar, Fd fd, TarEntry.Segment segment) throws IOException {
    FileContent content = new FileContent(fd, segment);
    for (long left = segment.length(); left > 0; ) {
      ByteBuffer piece = tar.content(left);
      left -= piece.remaining();
      if (contents) {
        content.add(piece);
      }
    }
    return content.end();
  }

  /** Writes a segment of a file, and makes holes of its long runs of zeros. */
  private final class FileContent {
    private final Fd fd;
    private long position;
    private final long end;
    private long written;

    /** What was written last and lies behind each other, for the disk to begin with. */
    private long dirty;

    /** Of the file's last pieces, those that are all zeros; they are not written yet. */
    private long zeros;

    FileContent(Fd fd, TarEntry.Segment segment) {
      this.fd = fd;
      this.position = segment.offset();
      this.end = segment.offset() + segment.length();
    }

    void add(ByteBuffer piece) {
      int n = piece.remaining();
      if (piece.get(0) == 0 && piece.mismatch(ZEROS.slice(0, n)) < 0) {
        zeros += n;
        position += n;
        return;
      }
      settleZeros();
      position += n;
      write(piece);
    }

    private void write(ByteBuffer piece) {
      dirty += piece.remaining();
      files.writeFully(fd, piece);
      written = position;
      if (dirty >= WRITEBACK_MOST) {
        beginWriteback();
      }
    }

    /**
     * A long run of zeros reads the same where nothing is stored. A short one is better written.
     */
    private void settleZeros() {
      if (zeros >= HOLE_LEAST) {
        beginWriteback();
        files.lseek(fd, position, OpenFlags.SEEK_SET);
        long lastBlock = position == end ? position + BLOCK - 1 : position;
        bytes -= Math.max(0, lastBlock / BLOCK - (position - zeros + BLOCK - 1) / BLOCK) * BLOCK;
      } else if (zeros > 0) {
        write(ZEROS.slice(0, (int) zeros));
      }
      zeros = 0;
    }

    private void beginWriteback() {
      if (dirty >= WRITEBACK_LEAST) {
        files.beginWriteback(fd, written - dirty, dirty);
      }
      dirty = 0;
    }

    long end() {
      settleZeros();
      beginWriteback();
      return written;
    }
  }

  private void hardLink(LayerTree.Place place, TarEntry entry) throws TarFormatException {
    List<String> components = LayerTree.components(entry.linkName());
    if (components.isEmpty()) {
      throw new TarFormatException("it is a hard link to the layer's root");
    }
    LayerTree.Place target = tree.locate(components);
    Optional<Stat> targetStat = tree.stat(target);
    boolean missing = targetStat.filter(stat -> !LayerTree.isWhiteout(stat)).isEmpty();
    if (missing || targetStat.get().isDirectory()) {
      throw new TarFormatException(
          "it is a hard link to "
              + Quoted.of(entry.linkName())
              + ", which is "
              + (missing ? "not in this layer" : "a directory"));
    }
    Optional<Stat> present = tree.stat(place);
    if (present.isPresent()) {
      if (present.get().inode() == targetStat.get().inode()) {
        return;
      }
      tree.remove(place, present.get());
      purgeTimes(place, present.get());
      target = tree.locate(components);
    }
    files.linkat(target.parent(), target.nameBytes(), place.parent(), place.nameBytes(), 0);
  }

  private void symbolicLink(LayerTree.Place place, TarEntry entry) throws TarFormatException {
    if (entry.linkName().isEmpty()) {
      throw new TarFormatException("it is a symbolic link to nothing");
    }
    makeWay(place);
    files.symlinkat(LayerTree.bytes(entry.linkName()), place.parent(), place.nameBytes());
    inodes++;
    own(place, entry, true);
    attributes(place, entry);
    files.utimensat(
        place.parent(),
        place.nameBytes(),
        entry.modified(),
        entry.modified(),
        OpenFlags.AT_SYMLINK_NOFOLLOW);
  }

  private void node(LayerTree.Place place, TarEntry entry, int type) {
    makeWay(place);
    files.mknodat(
        place.parent(),
        place.nameBytes(),
        type | (entry.mode() & 0777),
        new Stat.Device(entry.major(), entry.minor()));
    inodes++;
    tree.disinherit(place);
    own(place, entry, true);
    if (tree.hasHeirs() || (entry.mode() & SPECIAL_BITS) != 0) {
      files.fchmodat(
          place.parent(), place.nameBytes(), entry.mode(), OpenFlags.AT_SYMLINK_NOFOLLOW);
    }
    attributes(place, entry);
    files.utimensat(
        place.parent(),
        place.nameBytes(),
        entry.modified(),
        entry.modified(),
        OpenFlags.AT_SYMLINK_NOFOLLOW);
  }

  private void makeWay(LayerTree.Place place) {
    Optional<Stat> present = tree.stat(place);
    if (present.isPresent()) {
      tree.remove(place, present.get());
      purgeTimes(place, present.get());
    }
  }

  private void purgeTimes(LayerTree.Place place, Stat stat) {
    if (stat.isDirectory()) {
      directoryTimes.forget(place.path());
    }
  }

  private void subtract(Stat stat) {
    if (stat.isRegular() && stat.links() > 1) {
      return;
    }
    inodes--;
    // A file with holes takes less than it is long.
    long file = Math.min(blocks(stat.size()), stat.blocks() * SECTOR);
    bytes -= stat.isDirectory() ? BLOCK : stat.isRegular() ? file : 0;
  }

  private void checkRoom(long size) throws TarFormatException {
    if (size > limits.maxBytes() - unpacked) {
      throw new TarFormatException(
          "the layer unpacks to more than the " + limits.maxBytes() + " bytes that are allowed");
    }
    unpacked += size;
  }

  /** Whether what has just been made is not that entry's by itself. */
  private boolean needsOwner(TarEntry entry) {
    return entry.uid() != 0 || entry.gid() != 0 || tree.hasHeirs();
  }

  /** A directory may hand down its group (set-gid) and its default ACL: inode(7), acl(5). */
  private void noteHeirs(TarEntry directory) {
    if ((directory.mode() & FileMode.S_ISGID) != 0
        || directory.xattrs().containsKey(LayerTree.DEFAULT_ACL)) {
      tree.mindHeirs();
    }
  }

  private void own(LayerTree.Place place, TarEntry entry, boolean made) {
    if (!made || needsOwner(entry)) {
      files.fchownat(
          place.parent(),
          place.nameBytes(),
          entry.uid(),
          entry.gid(),
          OpenFlags.AT_SYMLINK_NOFOLLOW);
    }
  }

  private void attributes(LayerTree.Place place, TarEntry entry) {
    for (Map.Entry<String, byte[]> attribute : entry.xattrs().entrySet()) {
      setAttribute(
          attribute.getKey(),
          () ->
              files.lsetxattr(
                  place.parent(), place.nameBytes(), attribute.getKey(), attribute.getValue(), 0));
    }
  }

  /**
   * Attributes that steer overlayfs or the host's security modules are not an image's to set. One
   * that the file system does not offer is left out with a warning, but for file capabilities: a
   * program without its own does not work.
   */
  private void setAttribute(String name, Runnable set) {
    boolean capability = name.equals(CAPABILITY);
    if (!isImages(name)) {
      return;
    }
    try {
      set.run();
    } catch (LinuxException e) {
      // user.* is EPERM on anything but files and directories.
      boolean impossible = e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.EPERM;
      if (capability || !impossible) {
        throw e;
      }
      if (!warnedOfAttributes) {
        LOG.warn("layer: extended attribute {} left out: {}", Quoted.of(name), e.getMessage());
        warnedOfAttributes = true;
      }
    }
  }

  /** Whether an attribute is an image's to set. */
  static boolean isImages(String name) {
    return name.equals(CAPABILITY)
        || (name.startsWith("user.") && !name.startsWith("user.overlay."))
        || name.equals(LayerTree.ACCESS_ACL)
        || name.equals(LayerTree.DEFAULT_ACL);
  }

  private static long blocks(long size) {
    return (size + BLOCK - 1) / BLOCK * BLOCK;
  }
}
