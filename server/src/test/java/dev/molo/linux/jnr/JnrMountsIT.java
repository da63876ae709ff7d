package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Memfds;
import dev.molo.linux.MountAttributes;
import dev.molo.linux.MountFlags;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@Tag("guest") // on Linux 6.1 too
@ExtendWith(RealKernel.class)
class JnrMountsIT {

  private final Linux linux = RealKernel.linux();

  @TempDir Path folder;

  private Fd tmpfs(String size) {
    try (Fd context = linux.mounts().fsopen("tmpfs")) {
      linux.mounts().fsconfigString(context, "size", size);
      linux.mounts().fsconfigString(context, "mode", "0710");
      linux.mounts().fsconfigCreate(context);
      return linux.mounts().fsmount(context, MountFlags.MOUNT_ATTR_NOEXEC);
    }
  }

  @Test
  void detachedTmpfsHoldsFilesAndVanishes() {
    try (Fd mount = tmpfs("64k")) {
      assertThat(linux.files().fstat(mount).permissions()).isEqualTo(0710);
      linux.files().mkdirat(mount, "d", 0755);
      assertThat(linux.files().statx(mount, "d", 0).isDirectory()).isTrue();
      try (Fd file =
          linux.files().openat2(mount, "f", OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0600, 0)) {
        assertThatThrownBy(() -> linux.files().writeFully(file, ByteBuffer.allocate(100_000)))
            .isInstanceOfSatisfying(
                LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
      }
    }
  }

  @Test
  void fileSystemsOwnWordsAreInTheRefusal() {
    try (Fd context = linux.mounts().fsopen("tmpfs")) {
      assertThatThrownBy(() -> linux.mounts().fsconfigString(context, "molo", "1"))
          .isInstanceOf(LinuxException.class)
          .hasMessageContaining("molo=1")
          .hasMessageContaining("Unknown parameter");
    }
    assertThatThrownBy(() -> linux.mounts().fsopen("nosuchfs"))
        .hasMessage("fsopen(nosuchfs): ENODEV (No such device)");
  }

  @Test
  void readOnlyReachesTheWholeTree() {
    Path mounted = folder.resolve("m");
    linux.files().mkdirat(Fd.AT_FDCWD, mounted.toString(), 0755);
    try (Fd tmpfs = tmpfs("1m");
        Fd target = linux.files().open(mounted.toString(), OpenFlags.O_PATH)) {
      linux.mounts().attach(tmpfs, target);
      try (Fd tree =
          linux
              .mounts()
              .openTree(
                  Fd.AT_FDCWD,
                  folder.toString(),
                  MountFlags.OPEN_TREE_CLONE | OpenFlags.AT_RECURSIVE)) {
        linux
            .mounts()
            .mountSetattr(tree, true, MountAttributes.setting(MountFlags.MOUNT_ATTR_RDONLY));
        linux.mounts().mountSetattr(tree, true, MountAttributes.propagating(MountFlags.MS_PRIVATE));
        assertThatThrownBy(() -> linux.files().mkdirat(tree, "m/x", 0755))
            .isInstanceOfSatisfying(
                LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EROFS));
        linux.files().mkdirat(Fd.AT_FDCWD, mounted.resolve("x").toString(), 0755);
        assertThat(linux.files().statx(tree, "m/x", 0).isDirectory()).isTrue();
        assertThat(linux.files().statx(tree, "m", 0).mountRoot()).isTrue();
      }
    } finally {
      linux
          .mounts()
          .umount2(mounted.toString(), MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
    }
  }

  @Test
  void umountOfWhatIsNoMountIsRefused() {
    assertThatThrownBy(() -> linux.mounts().umount2(folder.toString(), 0))
        .hasMessage("umount2(" + folder + "): EINVAL (Invalid argument)");
  }

  @Test
  void sealedMemfdHoldsItsBytes() {
    try (Fd memfd = linux.memfds().sealed("plan", ByteBuffer.wrap(new byte[] {1, 2, 3}))) {
      assertThat(linux.memfds().seals(memfd) & Memfds.F_SEAL_WRITE).isNotZero();
      ByteBuffer into = ByteBuffer.allocate(8);
      assertThat(linux.files().read(memfd, into)).isEqualTo(3);
      assertThatThrownBy(() -> linux.files().pwrite(memfd, ByteBuffer.wrap(new byte[1]), 0))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
      assertThatThrownBy(() -> linux.files().ftruncate(memfd, 0))
          .isInstanceOf(LinuxException.class);
      assertThatThrownBy(() -> linux.memfds().seal(memfd, Memfds.F_SEAL_GROW))
          .isInstanceOf(LinuxException.class);
    }
  }
}
