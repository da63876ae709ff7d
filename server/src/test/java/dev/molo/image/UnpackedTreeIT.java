package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.molo.Program;
import dev.molo.linux.Fd;
import dev.molo.linux.RealKernel;
import dev.molo.supervisor.NativeMounter;
import dev.molo.supervisor.OverlayRequest;
import dev.molo.supervisor.Reactors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a container sees, mounted by molo's own mounter from layers that molo unpacked, compared
 * with what others make of the same layers: GNU tar, applied in order; umoci, which unpacks whole
 * images; and fuse-overlayfs, another overlay file system, over the same unpacked layers.
 */
@ExtendWith(RealKernel.class)
@Timeout(300)
final class UnpackedTreeIT {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path directory;
  private TestStores stores;
  private ImageStore store;
  private Reactors reactors;
  private NativeMounter mounter;

  @BeforeEach
  void start() throws IOException {
    OtherTools.need("tar", "python3", "umoci", "fuse-overlayfs");
    stores = new TestStores(directory);
    store = stores.start();
    reactors = new Reactors(stores.linux());
    mounter =
        new NativeMounter(
            stores.linux(),
            reactors,
            Path.of(System.getProperty("molo.native", "../native-shims/target")),
            directory.resolve("images/layers"),
            Files.createDirectory(directory.resolve("pods")));
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      mounter.close();
      reactors.close();
      stores.close();
    }
  }

  private List<String> mounted(LayerLease lease) throws Exception {
    OverlayRequest request = new OverlayRequest(lease.lowerDirs(), Optional.empty(), false);
    try (Fd root = mounter.overlay(request, LIMIT)) {
      return OtherTools.listing(
          "/proc/%d/fd/%d/.".formatted(ProcessHandle.current().pid(), root.number()));
    }
  }

  private List<String> byFuse(LayerLease lease) throws Exception {
    String lowers =
        String.join(
            ":", lease.lowerDirs().stream().map(l -> lease.root().resolve(l).toString()).toList());
    Path at = Files.createTempDirectory(directory, "fuse");
    // In a mount namespace of its own; the file system ends with its last process.
    String output =
        Program.output(
            "unshare",
            "-m",
            "bash",
            "-ec",
            """
            fuse-overlayfs -o "lowerdir=$1" "$2" > "$2.log" 2>&1 || { cat "$2.log"; exit 1; }
            python3 -B - "$2" <<< "$3"; umount "$2"
            """,
            "-",
            lowers,
            at.toString(),
            OtherTools.program("list_tree.py"));
    return output.lines().toList();
  }

  private List<String> byUmoci(TestImage image) throws Exception {
    Path tar = Files.write(directory.resolve("layout.tar"), TestArchives.oci(image, "1"));
    Path layout = Files.createTempDirectory(directory, "layout");
    Program.output("tar", "-xf", tar.toString(), "-C", layout.toString());
    Path root = Files.createTempDirectory(directory, "umoci").resolve("root");
    Program.output("umoci", "raw", "unpack", "--image", layout + ":1", root.toString());
    return OtherTools.listing(root.toString());
  }

  private List<String> byTar(List<byte[]> layers) throws Exception {
    Path root = Files.createTempDirectory(directory, "tar");
    List<String> arguments = new ArrayList<>(List.of(root.toString()));
    for (byte[] layer : layers) {
      Path file = Files.createTempFile(directory, "layer", ".tar");
      arguments.add(Files.write(file, layer).toString());
    }
    OtherTools.python("apply_layers.py", arguments.toArray(String[]::new));
    return OtherTools.listing(root.toString());
  }

  private static void same(List<String> seen, List<String> others, String what) {
    List<String> onlySeen = new ArrayList<>(seen);
    onlySeen.removeAll(Set.copyOf(others));
    List<String> onlyOthers = new ArrayList<>(others);
    onlyOthers.removeAll(Set.copyOf(seen));
    assertThat(onlySeen).as(what).isEqualTo(onlyOthers);
  }

  /** Of "name mode owner time …", where a directory's mode begins with 4. */
  private static List<String> withoutTimesOfDirectories(List<String> listing) {
    return listing.stream()
        .map(line -> line.replaceFirst("(' 4\\d{4} \\d+:\\d+) -?\\d+", "$1"))
        .toList();
  }

  private int allSeeTheSame(List<byte[]> layers, String what) throws Exception {
    return allSeeTheSame(layers, what, true);
  }

  private int allSeeTheSame(List<byte[]> layers, String what, boolean fuse) throws Exception {
    TestImage image = new TestImage();
    layers.forEach(image::gzipLayer);
    Path archive = Files.write(directory.resolve("image.tar"), TestArchives.oci(image, "it:1"));
    TestStores.bringIn(store, archive);
    List<String> seen;
    try (LayerLease lease = store.acquire(image.id(), "test")) {
      seen = mounted(lease);
      if (fuse) {
        same(seen, byFuse(lease), what + ": fuse-overlayfs");
      }
    }
    same(seen, byTar(layers), what + ": GNU tar");
    // on a directory that a layer brings again in an opaque one umoci leaves the time of the
    // unpacking
    same(
        withoutTimesOfDirectories(seen),
        withoutTimesOfDirectories(byUmoci(image)),
        what + ": umoci");
    store.remove("it:1");
    return seen.size();
  }

  /** A layer of a tree that a script makes, by GNU tar. */
  private byte[] layer(String script) throws Exception {
    Path tree = Files.createTempDirectory(directory, "tree");
    Path tar = Files.createTempFile(directory, "made", ".tar");
    Program.output(
        "bash",
        "-ec",
        "cd \"$1\"; "
            + script
            + "\ntar --format=posix --numeric-owner --xattrs --xattrs-include='*' -S --sort=name -cf \"$2\" .",
        "-",
        tree.toString(),
        tar.toString());
    return Files.readAllBytes(tar);
  }

  @Test
  void layersOfEveryKindOfFileAndChange() throws Exception {
    byte[] base =
        layer(
            """
            chmod 0755 .; mkdir -p bin etc/deep/er var/cache/gone home 'with space'; chmod 1777 home
            echo hello > bin/prog; chmod 4755 bin/prog; ln bin/prog bin/prog2; ln -s prog bin/link; ln bin/prog etc/prog3
            python3 -c 'import os; os.setxattr("bin/prog", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
            os.setxattr("etc", "user.k", b"v\\0\\xff")'
            echo conf > etc/conf; chown 12:34 etc/conf; echo x > etc/deep/er/file; echo y > var/cache/gone/file; echo z > var/cache/stays
            mkfifo etc/fifo; mknod etc/dev c 5 1; mknod etc/disk b 8 1; printf 'x' > "$(printf 'byte-\\377\\201')"
            truncate -s 20M sparse; printf data | dd of=sparse bs=1 seek=10000003 conv=notrunc status=none
            mkdir staff; chown 0:50 staff; chmod 2775 staff; mkdir staff/plain staff/own; echo x > staff/plain/file; ln -s x staff/link; echo y > staff/own/file
            chown -R 0:0 staff/plain; chown -h 0:0 staff/link; chmod g-s staff/plain
            chown 4000000000:3000000000 home; touch -d '2001-02-03 04:05:06.123456789' etc/conf bin etc; touch -hd '1999-01-01 00:00:00.5' bin/link
            mkdir "$(printf 'long%.0s' $(seq 50))" type; echo a > type/dir-to-file-was-here; mkdir dir; echo b > dir/f; echo c > file; ln -s dir link; echo d > Case
            """);
    byte[] changes =
        layer(
            """
            mkdir -p bin etc/deep var/cache file; touch bin/.wh.prog2 etc/.wh.fifo var/cache/.wh.gone etc/deep/.wh..wh..opq
            echo new > etc/deep/other; echo inside > file/inside; echo 'a file now' > dir; mkdir link; echo 'a directory now' > link/x; echo d > case
            touch .wh.type; chown 5:6 etc; chmod 0700 etc; touch -d '2011-01-01' etc
            """);
    byte[] back =
        layer(
            """
            mkdir -p dir type var/cache/gone; echo again > dir/g; echo again > type/h; echo again > var/cache/gone/other; rm -f file; echo 'a file again' > file
            """);
    assertThat(allSeeTheSame(List.of(base), "base")).isGreaterThan(30);
    assertThat(allSeeTheSame(List.of(base, changes), "changes")).isGreaterThan(25);
    assertThat(allSeeTheSame(List.of(base, changes, back), "back")).isGreaterThan(25);
    assertThat(allSeeTheSame(List.of(base, changes, base), "once more")).isGreaterThan(30);
  }

  /** Without fuse-overlayfs, which lists such a name as a device. */
  @Test
  void whiteoutOfNothingIsNotSeen() throws Exception {
    byte[] base = layer("mkdir -p d/e; echo a > d/e/f; touch d/.wh.never-there .wh.nor-here");
    byte[] top = layer("mkdir -p new d/e; touch new/.wh.nothing d/e/.wh..wh..opq d/e/.wh.f");
    assertThat(allSeeTheSame(List.of(base, top), "nothing", false)).isEqualTo(4);
  }

  /** Without fuse-overlayfs, which answers ENOMEM where a directory hides a file (release 1.10). */
  @Test
  void randomLayers() throws Exception {
    long seed = Long.getLong("molo.test.seed", System.nanoTime());
    System.out.println("random layers: seed " + seed);
    for (int round = 0; round < 5; round++) {
      RandomLayers random = new RandomLayers(seed + round);
      List<byte[]> layers = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        layers.add(random.next());
      }
      assertThat(allSeeTheSame(layers, "seed " + (seed + round), false)).isPositive();
    }
  }

  /** The files of packages of this very machine, as Debian made them, one upon the other. */
  @Test
  void layersOfDebianPackages() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/dpkg-query")), "this is not Debian");
    List<byte[]> layers = new ArrayList<>();
    layers.add(packages("base-files passwd login mount perl-base"));
    layers.add(packages("libc-bin ca-certificates openssl tar"));
    layers.add(
        layer(
            """
            mkdir -p usr/share/doc usr/share/ca-certificates usr/bin; chmod 755 usr usr/share usr/share/* usr/bin
            touch usr/share/.wh.man usr/share/doc/.wh..wh..opq usr/share/ca-certificates/.wh.mozilla usr/bin/.wh.perl
            """));
    layers.add(packages("ca-certificates bash"));
    assertThat(allSeeTheSame(layers, "packages")).isGreaterThan(500);
  }

  private byte[] packages(String names) throws Exception {
    Path tar = Files.createTempFile(directory, "packages", ".tar");
    Program.output(
        "bash",
        "-ec",
        """
        { printf '%s\\n' . usr usr/bin usr/sbin usr/lib; dpkg-query -L $1 | grep '^/.' | sed -E 's#^/##; s#^(bin|sbin|lib)/#usr/&#'; } | LC_ALL=C sort -u > "$2.names"
        # what was diverted or left out on this machine is not there; what lives is not the package's
        cd /; while read -r file; do [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\\n' "$file"; done < "$2.names" | grep -vE '^(proc|sys|dev|run|tmp|var)(/|$)' > "$2.there"
        # 1: something changed while it was read, as /etc may; the archive is no worse a layer for it
        tar --format=posix --numeric-owner --no-recursion --xattrs --xattrs-include='*' -T "$2.there" -cf "$2" || [ $? -eq 1 ]
        """,
        "-",
        names,
        tar.toString());
    return Files.readAllBytes(tar);
  }
}
