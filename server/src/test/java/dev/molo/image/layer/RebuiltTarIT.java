package dev.molo.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.TarBytes;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The archive of an unpacked layer, made again; and what of a layer can be damaged. */
final class RebuiltTarIT {
  private static final UnpackLimits LIMITS = new UnpackLimits(256 << 20, 10_000, 2000);

  @TempDir Path directory;
  private final Linux linux = JnrLinux.fromProperties();
  private int made;

  @BeforeEach
  void needRoot() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: owners and devices");
  }

  /** A layer's directory and the record that goes with it. */
  private record Unpacked(Path path, StoredLayer layer) {
    Path file(String name) {
      return path.resolve("fs").resolve(name);
    }
  }

  private Unpacked unpack(byte[] tar) throws IOException {
    Path path = Files.createDirectory(directory.resolve("layer-" + made++));
    Digest diffId = Digest.ofBytes(tar);
    try (Fd fd = open(path)) {
      LayerFetch.Result result =
          new LayerFetch(
                  linux.files(),
                  linux.hashing(),
                  linux.inflation(),
                  LIMITS,
                  new SpareProcessors(2, Thread.ofPlatform()::start))
              .run(
                  Descriptor.of("", diffId, tar.length),
                  diffId,
                  new ByteArrayInputStream(tar),
                  fd,
                  new LayerWork("layer"));
      return new Unpacked(
          path,
          new StoredLayer(
              diffId,
              StoredLayer.nameOf(diffId),
              result.layer().bytes(),
              result.layer().inodes(),
              result.tarBytes(),
              Optional.empty(),
              "boot"));
    }
  }

  private Fd open(Path path) {
    return linux.files().open(path.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }

  private byte[] rebuild(Unpacked layer) throws IOException {
    try (Fd fd = open(layer.path());
        RebuiltTar tar = new RebuiltTar(linux.files(), fd)) {
      return tar.readAllBytes();
    }
  }

  private Optional<String> verify(Unpacked layer) throws IOException {
    Path scratch = Files.createDirectory(directory.resolve("scratch-" + made++));
    try (Fd fd = open(layer.path());
        Fd empty = open(scratch)) {
      return new LayerVerification(linux.files(), linux.hashing())
          .run(layer.layer(), fd, empty, Cancellation.create());
    }
  }

  private void assertSame(byte[] tar) throws IOException {
    Unpacked layer = unpack(tar);
    assertThat(rebuild(layer)).isEqualTo(tar);
    assertThat(verify(layer)).isEmpty();
  }

  static Stream<Map.Entry<String, byte[]>> archives() {
    return Stream.of(
        Map.entry("nothing", new TarBytes().bytes()),
        Map.entry("not even an end", new byte[0]),
        Map.entry("no end", new TarBytes().add(TarBytes.file("a", "1")).unfinished()),
        Map.entry(
            "bytes after the end",
            new TarBytes()
                .add(TarBytes.file("a", "1"))
                .raw(new byte[1024])
                .raw("after".repeat(200).getBytes(StandardCharsets.UTF_8))
                .unfinished()),
        Map.entry(
            "a file twice",
            new TarBytes()
                .add(TarBytes.file("a", "the first"))
                .add(TarBytes.file("a", "the second"))
                .add(TarBytes.file("a", "the third"))
                .bytes()),
        Map.entry(
            "a directory that makes way with all in it, and comes back",
            new TarBytes()
                .add(TarBytes.directory("d"))
                .add(TarBytes.file("d/x", "x1"))
                .add(TarBytes.hardlink("keep", "d/x"))
                .add(TarBytes.directory("d/e"))
                .add(TarBytes.file("d/e/y", "y1"))
                .add(TarBytes.file("d", "now a file"))
                .add(TarBytes.directory("d"))
                .add(TarBytes.file("d/x", "x2"))
                .bytes()),
        Map.entry(
            "below a link that is replaced later",
            new TarBytes()
                .add(TarBytes.directory("real"))
                .add(TarBytes.symlink("link", "real"))
                .add(TarBytes.file("link/a", "through the link"))
                .add(TarBytes.directory("link"))
                .add(TarBytes.file("link/a", "not through the link"))
                .bytes()),
        Map.entry(
            "a whiteout with content",
            new TarBytes()
                .add(TarBytes.file("d/.wh.gone", "nobody reads this".repeat(100)))
                .add(TarBytes.file("d/.wh..wh..opq", "nor this"))
                .bytes()),
        Map.entry(
            "attributes and times",
            new TarBytes()
                .add(
                    TarBytes.file("a", "1")
                        .pax("mtime", "1234567890.123456789")
                        .pax("SCHILY.xattr.user.k", "v\0\u00ff"))
                .add(TarBytes.file("caps", "x").pax("SCHILY.xattr.security.other", "not ours"))
                .bytes()),
        Map.entry(
            "long runs of zeros",
            new TarBytes()
                .add(TarBytes.file("zeros", new byte[1_000_000]))
                .add(TarBytes.file("zeros again", "1".repeat(300_000) + "\0".repeat(600_000)))
                .add(TarBytes.file("zeros", "\0".repeat(600_000) + "1"))
                .bytes()),
        Map.entry(
            "names that are no text",
            new TarBytes().add(TarBytes.file("\u00ff\u0081/\u00fe", "1")).bytes()));
  }

  @ParameterizedTest
  @MethodSource("archives")
  void archiveIsTheSameToTheByte(Map.Entry<String, byte[]> archive) throws IOException {
    assertSame(archive.getValue());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--format=gnu -S",
        "--format=posix -S",
        "--format=posix -S --sparse-version=0.0",
        "--format=posix -S --sparse-version=0.1",
        "--format=posix --xattrs",
        "--format=ustar",
        "--format=oldgnu -S"
      })
  void whatGnuTarMakesIsTheSameToTheByte(String options) throws Exception {
    Path source = Files.createDirectory(directory.resolve("source"));
    run(
        """
        set -e; cd "$1"
        mkdir -p a/b; echo one > a/b/one; ln a/b/one two; ln -s one link; mkfifo fifo; mknod dev c 1 3
        head -c 300000 /dev/urandom > noise; truncate -s 5M sparse
        for i in $(seq 40); do printf data | dd of=sparse bs=1 seek=$((i*100003)) conv=notrunc status=none; done
        """,
        source.toString());
    Path tar = directory.resolve("t.tar");
    run(
        "tar " + options + " --numeric-owner -C \"$1\" -cf \"$2\" .",
        source.toString(),
        tar.toString());
    assertSame(Files.readAllBytes(tar));
  }

  @Test
  void randomArchivesAreTheSameToTheByte() throws IOException {
    List<String> names =
        List.of("a", "b", "a/b", "b/a", "a/b/c", "./a/./b", ".wh.a", "a/.wh.b", "b/.wh..wh..opq");
    Random random = new Random(11);
    int sound = 0;
    for (int i = 0; i < 300; i++) {
      TarBytes tar = new TarBytes();
      for (int n = random.nextInt(14); n > 0; n--) {
        String name = names.get(random.nextInt(names.size()));
        String target = names.get(random.nextInt(names.size()));
        tar.add(
            switch (random.nextInt(5)) {
              case 0, 1 -> TarBytes.file(name, "content " + i + "." + n);
              case 2 -> TarBytes.directory(name);
              case 3 -> TarBytes.symlink(name, target);
              default -> TarBytes.hardlink(name, target);
            });
      }
      Unpacked layer;
      try {
        layer = unpack(tar.bytes());
      } catch (FaultException e) {
        // a name that cannot be; others are tests of that
        continue;
      }
      assertThat(rebuild(layer)).as("archive %d", i).isEqualTo(tar.bytes());
      assertThat(verify(layer)).as("archive %d", i).isEmpty();
      sound++;
    }
    assertThat(sound).isGreaterThan(80);
  }

  private static byte[] sample() {
    return new TarBytes()
        .add(TarBytes.directory("d").mtime(5))
        .add(TarBytes.file("d/f", "content").owner(3, 4).mode(0640))
        .add(TarBytes.hardlink("i/h", "d/f"))
        .add(TarBytes.symlink("s", "d/f"))
        .add(TarBytes.file("x", "1").pax("SCHILY.xattr.user.k", "v"))
        .add(TarBytes.whiteout("i/", "w"))
        .bytes();
  }

  private interface Damage {
    void to(Unpacked layer) throws IOException;
  }

  private void assertFound(String said, Damage damage) throws IOException {
    Unpacked layer = unpack(sample());
    assertThat(verify(layer)).isEmpty();
    damage.to(layer);
    assertThat(verify(layer)).as(said).hasValueSatisfying(text -> assertThat(text).contains(said));
  }

  @Test
  void everyKindOfDamageIsFoundAndNamed() throws IOException {
    assertFound(
        "\"d/f\" does not have the content", l -> Files.writeString(l.file("d/f"), "CONTENT"));
    assertFound("\"d/f\" is shorter", l -> Files.writeString(l.file("d/f"), ""));
    assertFound("\"d/f\" cannot be read", l -> Files.delete(l.file("d/f")));
    assertFound("\"s\" is gone", l -> Files.delete(l.file("s")));
    assertFound("\"i/h\" is gone", l -> Files.move(l.file("i/h"), l.path().resolve("elsewhere")));
    assertFound(
        "is linked otherwise",
        l -> {
          Files.delete(l.file("i/h"));
          Files.copy(l.file("d/f"), l.file("i/h"), StandardCopyOption.COPY_ATTRIBUTES);
        });
    assertFound("size 8", l -> Files.writeString(l.file("d/f"), "contentX"));
    assertFound("\"/extra\" is none of the layer's", l -> Files.writeString(l.file("extra"), ""));
    assertFound(
        "mode",
        l ->
            Files.setPosixFilePermissions(
                l.file("d/f"), PosixFilePermissions.fromString("rwx------")));
    assertFound("owner 9:4", l -> Files.setAttribute(l.file("d/f"), "unix:uid", 9));
    assertFound("time", l -> Files.setLastModifiedTime(l.file("d/f"), FileTime.fromMillis(1)));
    assertFound("time", l -> Files.setLastModifiedTime(l.file("d"), FileTime.fromMillis(1)));
    assertFound(
        "points elsewhere",
        l -> {
          FileTime time = Files.getLastModifiedTime(l.file("s"), LinkOption.NOFOLLOW_LINKS);
          Files.delete(l.file("s"));
          Files.createSymbolicLink(l.file("s"), Path.of("d/g"));
          try (Fd fd = open(l.path().resolve("fs"))) {
            dev.molo.linux.TimeSpec then = new dev.molo.linux.TimeSpec(time.toMillis() / 1000, 0);
            linux.files().utimensat(fd, "s", then, then, OpenFlags.AT_SYMLINK_NOFOLLOW);
          }
        });
    assertFound("extended attributes", l -> setAttribute(l, "x", "user.more", "1"));
    assertFound("another value of \"user.k\"", l -> setAttribute(l, "x", "user.k", "w"));
    assertFound("\"i/w\" is gone", l -> Files.delete(l.file("i/w")));
    assertFound("kept headers", l -> Files.delete(l.path().resolve("tar")));
    assertFound("kept headers", l -> Files.write(l.path().resolve("tar"), new byte[100]));
    assertFound(
        "kept headers",
        l -> {
          byte[] kept = Files.readAllBytes(l.path().resolve("tar"));
          Files.write(l.path().resolve("tar"), java.util.Arrays.copyOf(kept, kept.length / 2));
        });
  }

  @Test
  void linksThatWereCrossedAreFound() throws IOException {
    TarBytes tar = new TarBytes();
    for (String name : List.of("a", "b")) {
      tar.add(TarBytes.file(name, "the same")).add(TarBytes.hardlink(name + "-too", name));
    }
    Unpacked layer = unpack(tar.bytes());
    assertThat(verify(layer)).isEmpty();
    for (String name : List.of("a", "b")) {
      Files.delete(layer.file(name + "-too"));
    }
    Files.createLink(layer.file("a-too"), layer.file("b"));
    Files.createLink(layer.file("b-too"), layer.file("a"));
    // Their directory's time is not the archive's.
    assertThat(verify(layer)).hasValueSatisfying(t -> assertThat(t).contains("linked otherwise"));
  }

  private static void setAttribute(Unpacked layer, String file, String name, String value)
      throws IOException {
    Files.setAttribute(
        layer.file(file),
        "user:" + name.substring("user.".length()),
        value.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void headersAreKeptInAFewPerCent() throws IOException {
    TarBytes tar = new TarBytes();
    Random random = new Random(3);
    byte[] content = new byte[8000];
    for (int i = 0; i < 1000; i++) {
      random.nextBytes(content);
      tar.add(TarBytes.file("usr/share/doc/package-" + i + "/copyright", content));
    }
    byte[] bytes = tar.bytes();
    Unpacked layer = unpack(bytes);
    assertThat(Files.size(layer.path().resolve("tar"))).isLessThan(bytes.length / 100);
  }

  private static void run(String script, String... arguments) throws Exception {
    String[] command = new String[4 + arguments.length];
    command[0] = "bash";
    command[1] = "-c";
    command[2] = script;
    command[3] = "-";
    System.arraycopy(arguments, 0, command, 4, arguments.length);
    Program.output(command);
  }
}
