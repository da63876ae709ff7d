package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import dev.molo.image.TarBytes;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Layers onto a real file system: what tar can hold, what overlayfs wants, and what attackers try.
 */
final class LayerUnpackerIT {
  private static final UnpackLimits LIMITS = new UnpackLimits(64 << 20, 1000, 2000);

  @TempDir Path directory;
  private final Linux linux = JnrLinux.fromProperties();
  private Path root;

  @BeforeEach
  void makeRoot() throws IOException {
    assumeTrue(
        "root".equals(System.getProperty("user.name")),
        "needs root: owners, devices, trusted attributes");
    root = Files.createDirectory(directory.resolve("layer"));
    Files.writeString(directory.resolve("outside"), "untouched");
    Files.createDirectory(directory.resolve("victim"));
    Files.writeString(directory.resolve("victim/file"), "untouched");
  }

  private UnpackedLayer unpack(byte[] tar) throws IOException {
    return unpack(new ByteArrayInputStream(tar));
  }

  private UnpackedLayer unpack(InputStream tar) throws IOException {
    try (Fd fd = linux.files().open(root.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      return new LayerUnpacker(linux.files(), fd, LIMITS)
          .unpack(
              new TarReader(
                  new DirectInput(BufferSource.of(DirectSource.of(tar))), TarRecorder.none()));
    }
  }

  private Object attribute(String path, String name) throws IOException {
    return Files.getAttribute(root.resolve(path), "unix:" + name, LinkOption.NOFOLLOW_LINKS);
  }

  private boolean isWhiteout(String path) throws IOException {
    return ((int) attribute(path, "mode") & 0170000) == 0020000
        && (long) attribute(path, "rdev") == 0;
  }

  private boolean isOpaque(String path) {
    try (Fd fd =
        linux
            .files()
            .open(root.resolve(path).toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      return linux
          .files()
          .getxattr(fd, "trusted.overlay.opaque")
          .filter(v -> Arrays.equals(v, new byte[] {'y'}))
          .isPresent();
    }
  }

  @Test
  void ownersModesTimesAndKindsAreKept() throws IOException {
    unpack(
        new TarBytes()
            .add(TarBytes.directory("./").mode(0755).mtime(1))
            .add(TarBytes.directory("d/").mode(02775).owner(12, 34).mtime(1_500_000_000))
            .add(TarBytes.file("d/suid", "x").mode(04755).owner(1000, 1000))
            .add(
                TarBytes.file("d/ns", "x")
                    .pax("mtime", "1600000000.123456789")
                    .pax("uid", "4000000000"))
            .add(TarBytes.typed("d/null", '3').mode(0666).device(1, 3))
            .add(TarBytes.typed("d/disk", '4').mode(0660).device(8, 1))
            .add(TarBytes.typed("d/fifo", '6').mode(0600))
            .add(TarBytes.symlink("d/link", "../../outside").owner(7, 8).mtime(99))
            .add(TarBytes.hardlink("d/hard", "d/suid"))
            .bytes());
    assertThat(attribute("d", "mode")).isEqualTo(0042775);
    assertThat(attribute("d", "uid")).isEqualTo(12);
    assertThat(attribute("d", "gid")).isEqualTo(34);
    assertThat(Files.getLastModifiedTime(root.resolve("d")).toInstant().getEpochSecond())
        .isEqualTo(1_500_000_000);
    assertThat(attribute("d/suid", "mode")).isEqualTo(0104755);
    assertThat(attribute("d/suid", "nlink")).isEqualTo(2);
    assertThat(attribute("d/hard", "ino")).isEqualTo(attribute("d/suid", "ino"));
    assertThat(Files.getLastModifiedTime(root.resolve("d/ns")).toInstant())
        .hasToString("2020-09-13T12:26:40.123456789Z");
    assertThat(Integer.toUnsignedLong((int) attribute("d/ns", "uid"))).isEqualTo(4_000_000_000L);
    assertThat(attribute("d/null", "mode")).isEqualTo(0020666);
    assertThat(attribute("d/null", "rdev")).isEqualTo(0x103L);
    assertThat(attribute("d/disk", "mode")).isEqualTo(0060660);
    assertThat(attribute("d/fifo", "mode")).isEqualTo(0010600);
    assertThat(Files.readSymbolicLink(root.resolve("d/link"))).hasToString("../../outside");
    assertThat(attribute("d/link", "uid")).isEqualTo(7);
  }

  @Test
  void extendedAttributesAreKeptButNotThoseOfOverlayfs() throws IOException {
    String capability = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    unpack(
        new TarBytes()
            .add(
                TarBytes.file("ping", "x")
                    .mode(0755)
                    .owner(5, 5)
                    .pax("SCHILY.xattr.security.capability", capability)
                    .pax("SCHILY.xattr.trusted.overlay.redirect", "/etc")
                    .pax("SCHILY.xattr.trusted.overlay.metacopy", "")
                    .pax("SCHILY.xattr.security.selinux", "evil"))
            .add(TarBytes.directory("d/").pax("SCHILY.xattr.trusted.overlay.opaque", "y"))
            .bytes());
    try (Fd fd = linux.files().open(root.resolve("ping").toString(), OpenFlags.O_RDONLY)) {
      assertThat(linux.files().listxattr(fd)).containsExactly("security.capability");
      assertThat(linux.files().getxattr(fd, "security.capability").orElseThrow())
          .isEqualTo(capability.getBytes(StandardCharsets.ISO_8859_1));
    }
    assertThat(isOpaque("d")).isFalse();
  }

  /** POSIX ACLs as the kernel has them in attributes: version 2, then tag, permissions and id. */
  private static String acl(int... entries) {
    ByteBuffer bytes =
        ByteBuffer.allocate(4 + 8 * entries.length / 3).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    for (int i = 0; i < entries.length; i += 3) {
      bytes.putShort((short) entries[i]).putShort((short) entries[i + 1]).putInt(entries[i + 2]);
    }
    return new String(bytes.array(), StandardCharsets.ISO_8859_1);
  }

  private List<String> attributes(String path) {
    try (Fd fd =
        linux
            .files()
            .open(root.resolve(path).toString(), OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK)) {
      return linux.files().listxattr(fd);
    }
  }

  /** What is made in such a directory gets its group, set-gid bit and ACL from the kernel. */
  @Test
  void whatDirectoriesHandDownIsNotTheArchives() throws IOException {
    String acl = acl(1, 7, -1, 4, 7, -1, 8, 7, 50, 0x10, 7, -1, 0x20, 0, -1);
    unpack(
        new TarBytes()
            .add(TarBytes.directory("staff/").mode(02775).owner(0, 50))
            .add(TarBytes.file("staff/file", "x"))
            .add(TarBytes.directory("staff/plain/"))
            .add(TarBytes.directory("staff/own/").mode(02755).owner(0, 50))
            .add(TarBytes.file("staff/own/implied/file", "x"))
            .add(TarBytes.symlink("staff/link", "file"))
            .add(TarBytes.typed("staff/fifo", '6').mode(0620))
            .add(
                TarBytes.directory("acl/")
                    .mode(0770)
                    .pax("SCHILY.xattr.system.posix_acl_access", acl)
                    .pax("SCHILY.xattr.system.posix_acl_default", acl))
            .add(TarBytes.file("acl/file", "x").mode(0644))
            .add(TarBytes.directory("acl/plain/").mode(0755))
            .add(TarBytes.file("acl/implied/file", "x").mode(0604))
            .add(TarBytes.typed("acl/fifo", '6').mode(0666))
            .add(TarBytes.file("acl/own", "x").pax("SCHILY.xattr.system.posix_acl_access", acl))
            .bytes());
    assertThat(attribute("staff", "mode")).isEqualTo(0042775);
    assertThat(attribute("staff", "gid")).isEqualTo(50);
    assertThat(attribute("staff/own", "mode")).isEqualTo(0042755);
    assertThat(attribute("staff/own", "gid")).isEqualTo(50);
    for (String name :
        List.of("file", "plain", "link", "fifo", "own/implied", "own/implied/file")) {
      assertThat(attribute("staff/" + name, "gid")).as(name).isEqualTo(0);
    }
    assertThat(attribute("staff/plain", "mode")).isEqualTo(0040755);
    assertThat(attribute("staff/own/implied", "mode")).isEqualTo(0040755);
    assertThat(attributes("acl"))
        .containsExactlyInAnyOrder("system.posix_acl_access", "system.posix_acl_default");
    assertThat(attributes("acl/own")).containsExactly("system.posix_acl_access");
    for (String name : List.of("file", "plain", "implied", "implied/file", "fifo")) {
      assertThat(attributes("acl/" + name)).as(name).isEmpty();
    }
    assertThat(attribute("acl/file", "mode")).isEqualTo(0100644);
    assertThat(attribute("acl/plain", "mode")).isEqualTo(0040755);
    assertThat(attribute("acl/implied", "mode")).isEqualTo(0040755);
    assertThat(attribute("acl/implied/file", "mode")).isEqualTo(0100604);
    assertThat(attribute("acl/fifo", "mode")).isEqualTo(0010666);
  }

  /** The store may lie in a folder that an operator has given to a group. */
  @Test
  void whatTheStoresOwnFolderHandsDownIsNotTheArchives() throws IOException {
    Files.setAttribute(directory, "unix:gid", 50);
    Files.setAttribute(directory, "unix:mode", 02770);
    root = Files.createDirectory(directory.resolve("heir"));
    assertThat(attribute("", "gid")).isEqualTo(50);
    unpack(new TarBytes().add(TarBytes.directory("d/")).add(TarBytes.file("d/f", "x")).bytes());
    for (String name : List.of("", "d", "d/f")) {
      assertThat(attribute(name, "gid")).as(name).isEqualTo(0);
    }
    assertThat(attribute("", "mode")).isEqualTo(0040755);
    assertThat(attribute("d", "mode")).isEqualTo(0040755);
  }

  @Test
  void deepAndWideTreesMakeWay() throws IOException {
    String deep = "d/".repeat(1900);
    TarBytes tar =
        new TarBytes()
            .add(TarBytes.directory("d/").mtime(5))
            .add(TarBytes.file("f", "deep").pax("path", deep + "f"));
    for (int i = 0; i < 400; i++) {
      tar.add(TarBytes.directory("d/w/" + i + "/")).add(TarBytes.file("d/w/" + i + "/f", "x"));
    }
    UnpackedLayer layer = unpack(tar.add(TarBytes.file("d", "a file now")).bytes());
    assertThat(root.resolve("d")).hasContent("a file now");
    assertThat(layer.inodes()).isEqualTo(2);
    assertThat(layer.bytes()).isEqualTo(2 * 4096);
  }

  @Test
  void whiteoutsWorkInEitherOrder() throws IOException {
    unpack(
        new TarBytes()
            .add(TarBytes.whiteout("", "gone"))
            .add(TarBytes.whiteout("deep/er/", "gone"))
            .add(TarBytes.whiteout("", "file"))
            .add(TarBytes.file("file", "new"))
            .add(TarBytes.file("other", "new"))
            .add(TarBytes.whiteout("", "other"))
            .add(TarBytes.whiteout("", "early"))
            .add(TarBytes.directory("early/"))
            .add(TarBytes.directory("late/"))
            .add(TarBytes.file("late/x", "x"))
            .add(TarBytes.whiteout("", "late"))
            .add(TarBytes.whiteout("", "implied"))
            .add(TarBytes.file("implied/x", "x"))
            .add(TarBytes.directory("opaque1/"))
            .add(TarBytes.file("opaque1/.wh..wh..opq", ""))
            .add(TarBytes.file("opaque1/x", "x"))
            .add(TarBytes.file("opaque2/x", "x"))
            .add(TarBytes.file("opaque2/.wh..wh..opq", ""))
            .add(TarBytes.directory(".wh..wh.plnk/"))
            .add(TarBytes.directory("plain/"))
            .bytes());
    assertThat(isWhiteout("gone")).isTrue();
    assertThat(isWhiteout("deep/er/gone")).isTrue();
    assertThat(root.resolve("file")).hasContent("new");
    assertThat(root.resolve("other")).hasContent("new");
    assertThat(isOpaque("early")).isTrue();
    assertThat(isOpaque("late")).isTrue();
    assertThat(root.resolve("late/x")).exists();
    assertThat(isOpaque("implied")).isTrue();
    assertThat(isOpaque("opaque1")).isTrue();
    assertThat(isOpaque("opaque2")).isTrue();
    assertThat(isOpaque("plain")).isFalse();
    try (Stream<Path> all = Files.walk(root)) {
      assertThat(all.map(p -> p.getFileName().toString()))
          .noneMatch(name -> name.startsWith(".wh."));
    }
  }

  @Test
  void laterEntriesTakeThePlaceOfEarlierOnes() throws IOException {
    UnpackedLayer layer =
        unpack(
            new TarBytes()
                .add(TarBytes.directory("a/"))
                .add(TarBytes.directory("a/b/"))
                .add(TarBytes.file("a/b/x", "x"))
                .add(TarBytes.file("a", "now a file"))
                .add(TarBytes.directory("a/").mode(0700))
                .add(TarBytes.file("a/b", "again"))
                .add(TarBytes.symlink("s", "a"))
                .add(TarBytes.file("s/through", "link"))
                .add(TarBytes.directory("s/"))
                .add(TarBytes.file("s/own", "own"))
                .bytes());
    assertThat(root.resolve("a/b")).hasContent("again");
    assertThat(root.resolve("a/through")).hasContent("link");
    assertThat(root.resolve("s/own")).hasContent("own");
    assertThat(Files.isSymbolicLink(root.resolve("s"))).isFalse();
    assertThat(root.resolve("a/own")).doesNotExist();
    try (Stream<Path> all = Files.walk(root)) {
      assertThat(layer.inodes()).isEqualTo(all.count());
    }
  }

  @Test
  void emptyDirectoryHardLinksAndImpliedParentsAreCounted() throws IOException {
    UnpackedLayer layer =
        unpack(
            new TarBytes()
                .add(TarBytes.file("a/b/c", "x"))
                .add(TarBytes.hardlink("a/d", "a/b/c"))
                .bytes());
    assertThat(layer.inodes()).isEqualTo(4);
    assertThat(layer.bytes()).isEqualTo(4 * 4096);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("a/b"))))
        .isEqualTo("rwxr-xr-x");
  }

  /** Reads the same, takes no room, and is counted so; also when another entry takes its place. */
  @Test
  void longRunsOfZerosAreHoles() throws IOException {
    int run = 1 << 20;
    byte[] inside = new byte[3 * run];
    Arrays.fill(inside, 0, 1000, (byte) 1);
    inside[3 * run - 1] = 1;
    byte[] atEnd = new byte[2 * run + 77];
    Arrays.fill(atEnd, 0, run, (byte) 2);
    byte[] nothingElse = new byte[run];
    byte[] shortRuns = new byte[run];
    for (int i = 0; i < run; i += 64 << 10) {
      shortRuns[i] = 3;
    }
    UnpackedLayer layer =
        unpack(
            new TarBytes()
                .add(TarBytes.file("replaced", inside))
                .add(TarBytes.file("inside", inside))
                .add(TarBytes.file("end", atEnd))
                .add(TarBytes.file("nothing", nothingElse))
                .add(TarBytes.file("short", shortRuns))
                .add(TarBytes.file("replaced", "x"))
                .bytes());
    assertThat(root.resolve("inside")).hasBinaryContent(inside);
    assertThat(root.resolve("end")).hasBinaryContent(atEnd);
    assertThat(root.resolve("nothing")).hasBinaryContent(nothingElse);
    assertThat(root.resolve("short")).hasBinaryContent(shortRuns);
    assertThat(allocated("inside")).isLessThan(run);
    assertThat(allocated("end")).isBetween((long) run, run + (256L << 10));
    assertThat(allocated("nothing")).isZero();
    assertThat(allocated("short")).isGreaterThanOrEqualTo(run);
    long files = 0;
    for (String name : List.of("inside", "end", "nothing", "short", "replaced")) {
      files += allocated(name);
    }
    // Every directory counts as one block.
    assertThat(layer.bytes()).isEqualTo(files + 4096);
  }

  private long allocated(String path) {
    try (Fd fd = linux.files().open(root.resolve(path).toString(), OpenFlags.O_RDONLY)) {
      return linux.files().fstat(fd).blocks() * 512;
    }
  }

  @Test
  void entriesBelowSymbolicLinksStayInside() throws IOException {
    unpack(
        new TarBytes()
            .add(TarBytes.symlink("up", "../../../../../../../victim"))
            .add(TarBytes.file("up/new", "inside"))
            .add(TarBytes.symlink("abs", directory + "/victim"))
            .add(TarBytes.file("abs/file", "inside"))
            .add(TarBytes.symlink("magic", "/proc/self/root"))
            .add(TarBytes.file("magic" + directory + "/victim/file", "inside"))
            .add(TarBytes.symlink("chain", "up"))
            .add(TarBytes.file("chain/chained", "inside"))
            .add(TarBytes.file("/absolute", "inside"))
            .add(TarBytes.file("//./absolute2", "inside"))
            .bytes());
    assertThat(root.resolve("victim/new")).hasContent("inside");
    assertThat(root.resolve("victim/chained")).hasContent("inside");
    assertThat(root.resolve("proc/self/root" + directory + "/victim/file")).hasContent("inside");
    assertThat(root.resolve(directory.toString().substring(1)).resolve("victim/file"))
        .hasContent("inside");
    assertThat(root.resolve("absolute")).hasContent("inside");
    assertThat(root.resolve("absolute2")).hasContent("inside");
    assertUntouched();
  }

  private void assertUntouched() throws IOException {
    assertThat(directory.resolve("outside")).hasContent("untouched");
    assertThat(directory.resolve("victim/file")).hasContent("untouched");
    try (Stream<Path> all = Files.walk(directory)) {
      assertThat(all.filter(p -> !p.startsWith(root)).map(p -> directory.relativize(p).toString()))
          .containsExactlyInAnyOrder("", "outside", "victim", "victim/file");
    }
  }

  /** One header after the other whose records stay. */
  private static byte[] globalHeaders() {
    TarBytes tar = new TarBytes();
    for (int i = 0; i < 4; i++) {
      StringBuilder records = new StringBuilder();
      for (int k = 0; k < 2000; k++) {
        records.append("34 SCHILY.xattr.user.%06d=value\n".formatted(i * 2000 + k));
      }
      byte[] bytes = records.toString().getBytes(StandardCharsets.US_ASCII);
      tar.raw(TarBytes.header("g", 'g', 0644, 0, 0, bytes.length, 0, "", 0, 0))
          .raw(Arrays.copyOf(bytes, (bytes.length + 511) & ~511));
    }
    return tar.add(TarBytes.file("x", "")).bytes();
  }

  static Map<String, byte[]> corpus() {
    byte[] lie = TarBytes.header("lie", '0', 0644, 0, 0, 1 << 20, 0, "", 0, 0);
    byte[] unsummed = TarBytes.header("sum", '0', 0644, 0, 0, 0, 0, "", 0, 0);
    unsummed[0] = 'S';
    byte[] negative = TarBytes.header("neg", '0', 0644, 0, 0, 0, 0, "", 0, 0);
    Arrays.fill(negative, 124, 136, (byte) 0xff);
    TarBytes.checksum(negative);
    byte[] huge = TarBytes.header("huge", '0', 0644, 0, 0, 0, 0, "", 0, 0);
    huge[124] = (byte) 0x80;
    huge[128] = 0x7f;
    TarBytes.checksum(huge);
    TarBytes many = new TarBytes();
    for (int i = 0; i < 1001; i++) {
      many.add(TarBytes.file("f" + i, ""));
    }
    TarBytes loop = new TarBytes().add(TarBytes.symlink("a", "b")).add(TarBytes.symlink("b", "a"));
    return Map.ofEntries(
        Map.entry("dot-dot", new TarBytes().add(TarBytes.file("../outside", "evil")).bytes()),
        Map.entry(
            "dot-dot inside", new TarBytes().add(TarBytes.file("a/../../outside", "evil")).bytes()),
        Map.entry(
            "dot-dot pax",
            new TarBytes().add(TarBytes.file("x", "evil").pax("path", "../outside")).bytes()),
        Map.entry(
            "hard link out", new TarBytes().add(TarBytes.hardlink("l", "../outside")).bytes()),
        Map.entry(
            "hard link absolute",
            new TarBytes().add(TarBytes.hardlink("l", "/etc/passwd")).bytes()),
        Map.entry(
            "hard link through symlink",
            new TarBytes()
                .add(TarBytes.symlink("v", "../victim"))
                .add(TarBytes.hardlink("l", "v/file"))
                .bytes()),
        Map.entry(
            "hard link to directory",
            new TarBytes().add(TarBytes.directory("d")).add(TarBytes.hardlink("l", "d")).bytes()),
        Map.entry(
            "hard link to what is hidden",
            new TarBytes()
                .add(TarBytes.whiteout("", "gone"))
                .add(TarBytes.hardlink("l", "gone"))
                .bytes()),
        Map.entry("hard link to root", new TarBytes().add(TarBytes.hardlink("l", "./")).bytes()),
        Map.entry("whiteout of dot-dot", new TarBytes().add(TarBytes.file("d/.wh...", "")).bytes()),
        Map.entry("whiteout of dot", new TarBytes().add(TarBytes.file("d/.wh..", "")).bytes()),
        Map.entry("whiteout of nothing", new TarBytes().add(TarBytes.file("d/.wh.", "")).bytes()),
        Map.entry(
            "whiteout above", new TarBytes().add(TarBytes.whiteout("../victim/", "file")).bytes()),
        Map.entry(
            "below a file",
            new TarBytes().add(TarBytes.file("f", "")).add(TarBytes.file("f/x", "")).bytes()),
        Map.entry("below a loop", loop.add(TarBytes.file("a/x", "")).bytes()),
        Map.entry("root replaced", new TarBytes().add(TarBytes.symlink("./", "../victim")).bytes()),
        Map.entry("symlink to nothing", new TarBytes().add(TarBytes.symlink("s", "")).bytes()),
        Map.entry("truncated content", lie),
        Map.entry("truncated header", Arrays.copyOf(unsummed, 300)),
        Map.entry("wrong checksum", unsummed),
        Map.entry("negative size", negative),
        Map.entry("huge size", huge),
        Map.entry("unknown type", new TarBytes().add(TarBytes.typed("x", 'Q')).bytes()),
        Map.entry("too many entries", many.bytes()),
        Map.entry(
            "too big",
            new TarBytes().add(TarBytes.file("x", "").pax("size", "999999999999")).bytes()),
        Map.entry(
            "negative id", new TarBytes().add(TarBytes.file("x", "").pax("uid", "-1")).bytes()),
        Map.entry(
            "id 2^32-1",
            new TarBytes().add(TarBytes.file("x", "").pax("uid", "4294967295")).bytes()),
        Map.entry(
            "NUL in path", new TarBytes().add(TarBytes.file("x", "").pax("path", "a\0b")).bytes()),
        Map.entry(
            "long name",
            new TarBytes().add(TarBytes.file("x", "").pax("path", "n".repeat(300))).bytes()),
        Map.entry(
            "long path",
            new TarBytes()
                .add(TarBytes.file("x", "").pax("path", "d/".repeat(3000) + "f"))
                .bytes()),
        Map.entry(
            "sparse map outside",
            new TarBytes()
                .add(
                    TarBytes.file("x", "abc")
                        .pax("GNU.sparse.size", "2")
                        .pax("GNU.sparse.map", "0,3"))
                .bytes()),
        Map.entry(
            "sparse bomb",
            new TarBytes()
                .add(
                    TarBytes.file("x", "")
                        .pax("GNU.sparse.size", "999999999999")
                        .pax("GNU.sparse.map", "0,0"))
                .bytes()),
        Map.entry("global headers that pile up", globalHeaders()),
        Map.entry(
            "sparse map of a million numbers",
            new TarBytes()
                .add(
                    TarBytes.file("x", "")
                        .pax("GNU.sparse.size", "9")
                        .pax("GNU.sparse.map", "0" + ",0".repeat(499_999)))
                .bytes()),
        Map.entry("extension bomb", TarBytes.header("x", 'x', 0, 0, 0, 1L << 32, 0, "", 0, 0)));
  }

  static Stream<Map.Entry<String, byte[]>> corpusEntries() {
    return corpus().entrySet().stream();
  }

  @ParameterizedTest
  @MethodSource("corpusEntries")
  void hostileArchiveIsRefusedAndTouchesNothing(Map.Entry<String, byte[]> hostile)
      throws IOException {
    assertThatThrownBy(() -> unpack(hostile.getValue()))
        .as(hostile.getKey())
        .isInstanceOfAny(IOException.class, dev.molo.linux.LinuxException.class)
        .message()
        .hasSizeLessThan(700);
    assertUntouched();
  }

  @Test
  void randomArchivesTouchNothingOutside() throws IOException {
    List<String> names =
        List.of(
            "a",
            "b",
            "a/b",
            "b/a",
            "a/b/c",
            "../outside",
            "/victim",
            "./a/./b",
            ".wh.a",
            "a/.wh.b",
            "b/.wh..wh..opq",
            "c");
    Random random = new Random(7);
    for (int i = 0; i < 400; i++) {
      TarBytes tar = new TarBytes();
      for (int n = random.nextInt(12); n > 0; n--) {
        String target = names.get(random.nextInt(names.size()));
        tar.add(entry(names.get(random.nextInt(names.size())), target, random.nextInt(6)));
      }
      try {
        UnpackedLayer layer = unpack(tar.bytes());
        try (Stream<Path> all = Files.walk(root)) {
          assertThat(layer.inodes()).isGreaterThanOrEqualTo(1).isLessThanOrEqualTo(all.count());
        }
      } catch (IOException | dev.molo.linux.LinuxException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
      assertUntouched();
      try (Fd base =
          linux.files().open(directory.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
        new TreeRemoval(linux.files(), base).remove("layer");
      }
      Files.createDirectory(root);
    }
  }

  private static TarBytes.Entry entry(String name, String target, int kind) {
    return switch (kind) {
      case 0 -> TarBytes.file(name, "inside");
      case 1 -> TarBytes.directory(name);
      case 2 -> TarBytes.symlink(name, target);
      case 3 -> TarBytes.symlink(name, "../" + target);
      case 4 -> TarBytes.hardlink(name, target);
      default -> TarBytes.typed(name, '6');
    };
  }

  @Test
  void deepTreesAreRemovedWithFewDescriptors() throws IOException {
    unpack(
        new TarBytes()
            .add(TarBytes.file("x", "deep").pax("path", "d/".repeat(1900) + "f"))
            .bytes());
    try (Fd base =
        linux.files().open(directory.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      new TreeRemoval(linux.files(), base).remove("layer");
    }
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("outside", "victim");
    }
  }

  /**
   * GNU tar reads the same archives: with long names, sparse files, PAX times, hard links, odd
   * bytes in names.
   */
  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {
        "--format=gnu -S",
        "--format=posix -S",
        "--format=posix -S --sparse-version=0.0",
        "--format=posix -S --sparse-version=0.1",
        "--format=ustar",
        "--format=oldgnu -S"
      })
  void treeEqualsWhatGnuTarMakes(String options) throws Exception {
    boolean ustar = options.contains("ustar");
    Path source = Files.createDirectory(directory.resolve("source"));
    String script =
        """
        set -e; cd "$1"
        mkdir -p usr/bin etc 'with space' empty; chmod 1777 empty
        echo hello > usr/bin/prog; chmod 4755 usr/bin/prog; ln usr/bin/prog usr/bin/prog2; ln -s prog usr/bin/link
        head -c 300000 /dev/urandom > etc/noise
        printf 'x' > "$(printf 'byte-\\377\\201')"
        mkfifo etc/fifo; mknod etc/dev c 5 1; chown -R 123:456 etc
        touch -d '2001-02-03 04:05:06' etc/noise
        %s
        """
            .formatted(
                ustar
                    ? ""
                    : """
                    ln -s "$(printf 'target%.0s' $(seq 40))" long-link
                    d=; for i in $(seq 30); do d=$d/long-directory-name-$i; done; mkdir -p ".$d"; echo deep > ".$d/file"
                    truncate -s 50M sparse; for i in $(seq 40); do printf data | dd of=sparse bs=1 seek=$((i*1000003)) conv=notrunc status=none; done
                    """);
    run("bash", "-c", script, "-", source.toString());
    Path tar = directory.resolve("t.tar");
    run(
        "bash",
        "-c",
        "tar " + options + " --numeric-owner -C \"$1\" -cf \"$2\" .",
        "-",
        source.toString(),
        tar.toString());
    Path theirs = Files.createDirectory(directory.resolve("theirs"));
    run("tar", "--numeric-owner", "-p", "-C", theirs.toString(), "-xf", tar.toString());
    try (InputStream in = Files.newInputStream(tar)) {
      unpack(in);
    }
    assertThat(listing(root)).isEqualTo(listing(theirs));
    run(
        "diff",
        "-r",
        "--no-dereference",
        "-x",
        "fifo",
        "-x",
        "dev",
        root.toString(),
        theirs.toString());
    if (!ustar) {
      assertThat(Files.size(root.resolve("sparse"))).isEqualTo(50L << 20);
      run("bash", "-c", "[ $(du -k \"$1/sparse\" | cut -f1) -lt 2000 ]", "-", root.toString());
    }
  }

  private static String listing(Path tree) throws Exception {
    return run(
        "bash",
        "-c",
        "cd \"$1\" && find . -printf '%p %y %m %U:%G %s %T@ %l %n\\n' | sed -E 's/^(.* d [0-9]+ [0-9:]+) [0-9]+/\\1/' | LC_ALL=C sort",
        "-",
        tree.toString());
  }

  private static String run(String... command) throws Exception {
    return Program.output(StandardCharsets.ISO_8859_1, command);
  }
}
