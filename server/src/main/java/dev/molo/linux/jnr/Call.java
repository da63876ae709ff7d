package dev.molo.linux.jnr;

import dev.molo.linux.Architecture;
import java.util.Locale;

/** The system calls that molo makes by number: x86_64's and aarch64's (asm/unistd.h). */
enum Call {
  READ(0, 63),
  WRITE(1, 64),
  CLOSE(3, 57),
  LSEEK(8, 62),
  IOCTL(16, 29),
  PREAD64(17, 67),
  PWRITE64(18, 68),
  MADVISE(28, 233),
  SOCKET(41, 198),
  CONNECT(42, 203),
  SENDMSG(46, 211),
  RECVMSG(47, 212),
  SHUTDOWN(48, 210),
  BIND(49, 200),
  LISTEN(50, 201),
  SOCKETPAIR(53, 199),
  SETSOCKOPT(54, 208),
  GETSOCKOPT(55, 209),
  FCNTL(72, 25),
  FLOCK(73, 32),
  FSYNC(74, 82),
  FDATASYNC(75, 83),
  FTRUNCATE(77, 46),
  FCHMOD(91, 52),
  FSTATFS(138, 44),
  UMOUNT2(166, 39),
  SETXATTR(188, 5),
  LSETXATTR(189, 6),
  GETXATTR(191, 8),
  LGETXATTR(192, 9),
  LISTXATTR(194, 11),
  LLISTXATTR(195, 12),
  LREMOVEXATTR(198, 15),
  GETDENTS64(217, 61),
  CLOCK_GETTIME(228, 113),
  EPOLL_CTL(233, 21),
  WAITID(247, 95),
  MKDIRAT(258, 34),
  MKNODAT(259, 33),
  FCHOWNAT(260, 54),
  UNLINKAT(263, 35),
  LINKAT(265, 37),
  SYMLINKAT(266, 36),
  READLINKAT(267, 78),
  FCHMODAT(268, 53),
  PPOLL(271, 73),
  SYNC_FILE_RANGE(277, 84),
  UTIMENSAT(280, 88),
  ACCEPT4(288, 242),
  EVENTFD2(290, 19),
  EPOLL_CREATE1(291, 20),
  PIPE2(293, 59),
  SYNCFS(306, 267),
  RENAMEAT2(316, 276),
  MEMFD_CREATE(319, 279),
  BPF(321, 280),
  STATX(332, 291),
  PIDFD_SEND_SIGNAL(424, 424),
  OPEN_TREE(428, 428),
  MOVE_MOUNT(429, 429),
  FSOPEN(430, 430),
  FSCONFIG(431, 431),
  FSMOUNT(432, 432),
  PIDFD_OPEN(434, 434),
  OPENAT2(437, 437),
  PIDFD_GETFD(438, 438),
  MOUNT_SETATTR(442, 442),
  FCHMODAT2(452, 452);

  private final int number;

  Call(int x86, int aarch64) {
    this.number = Architecture.current() == Architecture.X86_64 ? x86 : aarch64;
  }

  int number() {
    return number;
  }

  /** The name that errors carry. */
  String kernelName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
