package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.FileMode;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import dev.molo.linux.Stat;
import dev.molo.linux.TimeSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@Tag("guest") // on Linux 6.1 too
@ExtendWith(RealKernel.class)
class JnrFilesIT {

  private final Files files = RealKernel.linux().files();

  @TempDir Path folder;
  private Fd dir;

  @BeforeEach
  void open() {
    dir = files.open(folder.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }

  @AfterEach
  void close() {
    dir.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private Fd create(String name) {
    return files.openat2(
        dir, name, OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_RDWR, 0644, 0);
  }

  private static void assertErrno(Errno errno, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(LinuxException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void refusalNamesTheWholePath() {
    assertThatThrownBy(() -> files.open(dir, "a/b", 0))
        .hasMessage("openat2(" + folder + "/a/b): ENOENT (No such file or directory)");
  }

  @Test
  void nulInAPathIsRefusedNotCut() {
    files.mkdirat(dir, "a", 0755);
    assertErrno(Errno.EINVAL, () -> files.open(dir, "a\0b", OpenFlags.O_PATH));
  }

  @Test
  void tooLongPathIsRefused() {
    assertErrno(Errno.ENAMETOOLONG, () -> files.mkdirat(dir, "x".repeat(5000), 0755));
    assertErrno(Errno.ENAMETOOLONG, () -> files.mkdirat(dir, "x".repeat(100_000), 0755));
  }

  @Test
  void namesAreBytes() {
    byte[] odd = {(byte) 0xff, (byte) 0xfe, '\n', ' '};
    files.mkdirat(dir, odd, 0700);
    assertThat(files.list(dir))
        .singleElement()
        .satisfies(entry -> assertThat(entry.nameBytes()).isEqualTo(odd));
    assertThat(files.statx(dir, odd, 0).isDirectory()).isTrue();
    files.unlinkat(dir, odd, OpenFlags.AT_REMOVEDIR);
  }

  @Test
  void modesAreIndependentOfTheUmask() {
    files.mkdirat(dir, "d", 02777);
    files.mknodat(dir, bytes("f"), FileMode.S_IFIFO | 0666, new Stat.Device(0, 0));
    files
        .openat2(dir, "r", OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_WRONLY, 0666, 0)
        .close();
    assertThat(files.statx(dir, "d", 0).permissions()).isEqualTo(02777);
    assertThat(files.statx(dir, "f", 0).permissions()).isEqualTo(0666);
    assertThat(files.statx(dir, "r", 0).permissions()).isEqualTo(0666);
  }

  @Test
  void deviceNodesKeepLargeNumbers() {
    files.mknodat(dir, bytes("n"), FileMode.S_IFCHR | 0600, new Stat.Device(4095, 0xabcde));
    Stat stat = files.statx(dir, "n", 0);
    assertThat(stat.isCharacterDevice()).isTrue();
    assertThat(stat.special()).isEqualTo(new Stat.Device(4095, 0xabcde));
  }

  @Test
  void linksRenamesAndRemovals() {
    create("one").close();
    files.linkat(dir, "one", dir, "two", 0);
    assertThat(files.statx(dir, "one", 0).links()).isEqualTo(2);
    files.symlinkat("one", dir, "three");
    assertThat(files.readlinkat(dir, "three")).isEqualTo("one");
    assertThat(files.statx(dir, "three", OpenFlags.AT_SYMLINK_NOFOLLOW).isSymbolicLink()).isTrue();
    files.renameat2(dir, "two", dir, "four", OpenFlags.RENAME_NOREPLACE);
    assertErrno(
        Errno.EEXIST, () -> files.renameat2(dir, "four", dir, "one", OpenFlags.RENAME_NOREPLACE));
    files.unlinkat(dir, "four", 0);
    assertThat(files.statxIfPresent(dir, "four", 0)).isEmpty();
    assertThat(files.statxIfPresent(dir, "one/below", 0)).isEmpty();
  }

  @Test
  void ownersReachTheWholeRange() {
    create("f").close();
    files.fchownat(dir, "f", 4_294_967_294L, 3_000_000_000L, 0);
    Stat stat = files.statx(dir, "f", 0);
    assertThat(stat.uid()).isEqualTo(4_294_967_294L);
    assertThat(stat.gid()).isEqualTo(3_000_000_000L);
    files.fchownat(dir, "f", Files.UNCHANGED, 7, 0);
    assertThat(files.statx(dir, "f", 0).uid()).isEqualTo(4_294_967_294L);
    assertErrno(Errno.EINVAL, () -> files.fchownat(dir, "f", 1L << 32, 0, 0));
    assertErrno(Errno.EINVAL, () -> files.fchownat(dir, "f", -2, 0, 0));
  }

  @Test
  void chmodWithoutFollowingRefusesALink() {
    create("f").close();
    files.symlinkat("f", dir, "l");
    files.fchmodat(dir, "f", 04711, OpenFlags.AT_SYMLINK_NOFOLLOW);
    assertThat(files.statx(dir, "f", 0).permissions()).isEqualTo(04711);
    assertErrno(
        Errno.EOPNOTSUPP, () -> files.fchmodat(dir, "l", 0777, OpenFlags.AT_SYMLINK_NOFOLLOW));
  }

  @Test
  void timesKeepTheirNanoseconds() {
    create("f").close();
    TimeSpec modified = new TimeSpec(1_234_567_890, 123_456_789);
    files.utimensat(dir, "f", TimeSpec.OMIT, modified, 0);
    assertThat(files.statx(dir, "f", 0).modified()).isEqualTo(modified);
    files.symlinkat("nowhere", dir, "l");
    files.utimensat(dir, "l", modified, new TimeSpec(-5, 0), OpenFlags.AT_SYMLINK_NOFOLLOW);
    assertThat(files.statx(dir, "l", OpenFlags.AT_SYMLINK_NOFOLLOW).modified().seconds())
        .isEqualTo(-5);
  }

  @Test
  void extendedAttributesOfFilesLinksAndPathDescriptors() {
    create("f").close();
    files.symlinkat("f", dir, "l");
    byte[] value = {1, 0, 2};
    files.lsetxattr(dir, bytes("f"), "trusted.molo", value, OpenFlags.XATTR_CREATE);
    files.lsetxattr(dir, bytes("l"), "trusted.link", value, 0);
    assertErrno(
        Errno.EEXIST,
        () -> files.lsetxattr(dir, bytes("f"), "trusted.molo", value, OpenFlags.XATTR_CREATE));
    try (Fd path = files.open(dir, "f", OpenFlags.O_PATH)) {
      assertThat(files.getxattr(path, "trusted.molo")).hasValue(value);
      files.setxattr(path, "trusted.big", new byte[3000], 0);
      assertThat(files.listxattr(path)).contains("trusted.molo", "trusted.big");
    }
    assertThat(files.lgetxattr(dir, bytes("l"), "trusted.link")).hasValue(value);
    assertThat(files.llistxattr(dir, bytes("l"))).contains("trusted.link");
    assertThat(files.lgetxattr(dir, bytes("l"), "trusted.molo")).isEmpty();
    files.lremovexattr(dir, bytes("l"), "trusted.link");
    assertThat(files.lgetxattr(dir, bytes("l"), "trusted.link")).isEmpty();
  }

  @Test
  void readsAndWritesDirectAndHeapBuffers() {
    byte[] content = new byte[100_000];
    new java.util.Random(1).nextBytes(content);
    try (Fd file = create("f")) {
      files.writeFully(file, ByteBuffer.wrap(content));
      ByteBuffer direct = ByteBuffer.allocateDirect(content.length + 10);
      direct.position(10);
      while (files.pread(file, direct, direct.position() - 10) > 0) {
        assertThat(direct.position()).isGreaterThan(10);
      }
      byte[] back = new byte[content.length];
      direct.get(10, back);
      assertThat(back).isEqualTo(content);
      assertThat(files.pwrite(file, ByteBuffer.wrap(new byte[] {9}), 5)).isEqualTo(1);
      ByteBuffer one = ByteBuffer.allocate(1);
      assertThat(files.pread(file, one, 5)).isEqualTo(1);
      assertThat(one.get(0)).isEqualTo((byte) 9);
      assertThat(files.pread(file, ByteBuffer.allocate(4), 200_000)).isZero();
      files.beginWriteback(file, 0, 100);
      files.ftruncate(file, 3);
      files.fsync(file);
      files.fdatasync(file);
      files.syncfs(file);
      assertThat(files.fstat(file).size()).isEqualTo(3);
    }
  }

  @Test
  void unrelatedTreesAreHintedWhereTheFileSystemIsExt4() {
    long ext4 = 0xef53;
    boolean taken = files.hintUnrelatedTrees(dir);
    assertThat(taken || files.fstatfs(dir).type() != ext4).isTrue();
    try (Fd proc = files.openat2(Fd.AT_FDCWD, "/proc", OpenFlags.O_RDONLY, 0, 0)) {
      assertThat(files.hintUnrelatedTrees(proc)).isFalse();
    }
  }

  @Test
  void wholeFilesAreReadWithinTheirLimit() {
    for (int size : new int[] {0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 70_000}) {
      byte[] content = new byte[size];
      java.util.Arrays.fill(content, (byte) 'x');
      try (Fd file = create("f" + size)) {
        files.writeFully(file, ByteBuffer.wrap(content));
      }
      assertThat(files.readFile(dir, "f" + size, size)).isEqualTo(content);
      if (size > 0) {
        assertErrno(Errno.EFBIG, () -> files.readFile(dir, "f" + size, size - 1));
      }
    }
  }

  @Test
  void largeDirectoriesAreListedWhole() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      String name = "a-rather-long-name-to-fill-blocks-" + i;
      create(name).close();
      names.add(name);
    }
    assertThat(files.list(dir))
        .extracting(DirEntry::name)
        .containsExactlyInAnyOrderElementsOf(names);
    assertThat(files.list(dir)).allMatch(entry -> entry.type() == FileMode.S_IFREG);
  }

  @Test
  void resolveInRootKeepsHostileLinksInside() throws IOException {
    files.symlinkat("/etc", dir, "out");
    files.mkdirat(dir, "etc", 0755);
    try (Fd inside = files.openat2(dir, "out", OpenFlags.O_PATH, 0, OpenFlags.RESOLVE_IN_ROOT)) {
      assertThat(files.fstat(inside).inode()).isEqualTo(files.statx(dir, "etc", 0).inode());
    }
    assertErrno(
        Errno.EXDEV,
        () -> files.openat2(dir, "out", OpenFlags.O_PATH, 0, OpenFlags.RESOLVE_BENEATH));
    assertErrno(
        Errno.ELOOP,
        () -> files.openat2(dir, "out", OpenFlags.O_PATH, 0, OpenFlags.RESOLVE_NO_SYMLINKS));
  }

  @Test
  void locksExcludeEachOther() {
    create("lock").close();
    try (Fd one = files.open(dir, "lock", OpenFlags.O_RDONLY);
        Fd two = files.open(dir, "lock", OpenFlags.O_RDONLY)) {
      assertThat(files.flock(one, OpenFlags.LOCK_EX | OpenFlags.LOCK_NB)).isTrue();
      assertThat(files.flock(two, OpenFlags.LOCK_EX | OpenFlags.LOCK_NB)).isFalse();
      assertThat(files.flock(one, OpenFlags.LOCK_UN)).isTrue();
      assertThat(files.flock(two, OpenFlags.LOCK_EX)).isTrue();
    }
  }

  @Test
  void copiesAndSplices() {
    try (Fd from = create("from");
        Fd to = create("to");
        var pipe = RealKernel.linux().pipes().pipe2(OpenFlags.O_NONBLOCK)) {
      files.writeFully(from, ByteBuffer.wrap(bytes("hello")));
      files.lseek(from, 0, OpenFlags.SEEK_SET);
      assertThat(files.copyFileRange(from, to, 100)).isEqualTo(5);
      assertThat(files.splice(pipe.readEnd(), to, 10, 0)).isEqualTo(Files.WOULD_BLOCK);
      files.lseek(from, 0, OpenFlags.SEEK_SET);
      assertThat(files.splice(from, pipe.writeEnd(), 5, 0)).isEqualTo(5);
      assertThat(RealKernel.linux().pipes().available(pipe.readEnd())).isEqualTo(5);
      ByteBuffer into = ByteBuffer.allocate(16);
      assertThat(files.read(pipe.readEnd(), into)).isEqualTo(5);
      assertThat(files.read(pipe.readEnd(), into)).isEqualTo(Files.WOULD_BLOCK);
    }
  }

  @Test
  void statfsTellsTheFileSystem() {
    try (Fd cgroup = files.open(RealKernel.cgroup2().toString(), OpenFlags.O_PATH)) {
      assertThat(files.fstatfs(cgroup).type())
          .isEqualTo(dev.molo.linux.FileSystemStat.CGROUP2_SUPER_MAGIC);
    }
    assertThat(files.fstatfs(dir).blocks()).isPositive();
  }

  @Test
  void controlFileErrorsShowWhatWasWritten() {
    assertThatThrownBy(() -> files.writeControl(Fd.AT_FDCWD, "/proc/self/oom_score_adj", "5000"))
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("/proc/self/oom_score_adj, \"5000\"): EINVAL");
  }

  /**
   * The errno that a virtual thread sees is that of its own call, whatever others do on the same
   * carrier.
   */
  @Test
  void everyVirtualThreadSeesItsOwnErrno() throws Exception {
    create("file").close();
    files.mkdirat(dir, "dir", 0755);
    Queue<String> wrong = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 64; t++) {
      int kind = t % 4;
      threads.add(Thread.ofVirtual().start(() -> repeat(kind, wrong)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(wrong).isEmpty();
  }

  @SuppressWarnings("ThreadPriorityCheck") // a yield is what lets others make calls in between
  private void repeat(int kind, Queue<String> wrong) {
    for (int i = 0; i < 100; i++) {
      Errno expected =
          switch (kind) {
            case 0 -> Errno.ENOENT;
            case 1 -> Errno.ENOTDIR;
            case 2 -> Errno.EEXIST;
            default -> Errno.EBADF;
          };
      try {
        switch (kind) {
          case 0 -> files.open(dir, "absent", 0).close();
          case 1 -> files.open(dir, "file/x", 0).close();
          case 2 -> files.mkdirat(dir, "dir", 0755);
          default -> files.fsync(Fd.borrowed(900_000));
        }
        wrong.add(expected + " was not refused");
      } catch (LinuxException e) {
        if (e.errno() != expected) {
          wrong.add(expected + " became " + e.getMessage());
        }
      }
      Thread.yield();
    }
  }

  @Test
  void failuresLeaveNoDescriptor() {
    List<String> before = RealKernel.openFds();
    for (int i = 0; i < 200; i++) {
      assertErrno(Errno.ENOENT, () -> files.readFile(dir, "absent", 10));
      assertErrno(
          Errno.ENOTDIR, () -> files.list(files.open("/etc/passwd", OpenFlags.O_DIRECTORY)));
      assertErrno(Errno.EFBIG, () -> files.readFile(Fd.AT_FDCWD, "/proc/self/status", 10));
      assertErrno(
          Errno.EINVAL, () -> files.writeControl(Fd.AT_FDCWD, "/proc/self/oom_score_adj", "x"));
    }
    assertThat(RealKernel.newFds(before)).isEmpty();
  }
}
