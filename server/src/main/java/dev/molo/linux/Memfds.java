package dev.molo.linux;

import java.nio.ByteBuffer;

/** Anonymous files in memory (memfd_create(2)). Thread-safe. */
public interface Memfds {

  int F_SEAL_SEAL = 1;
  int F_SEAL_SHRINK = 2;
  int F_SEAL_GROW = 4;
  int F_SEAL_WRITE = 8;
  int F_SEAL_FUTURE_WRITE = 16;

  /**
   * An empty one that can be sealed and cannot be executed (MFD_NOEXEC_SEAL where the kernel knows
   * it, 6.3).
   */
  Fd create(String name);

  /** An empty one that can be sealed and executed (MFD_EXEC where the kernel knows it, 6.3). */
  Fd createExecutable(String name);

  /** fcntl(F_ADD_SEALS). */
  void seal(Fd memfd, int seals);

  /** fcntl(F_GET_SEALS). */
  int seals(Fd memfd);

  /** A memfd with these bytes, sealed against every change, its offset at 0. */
  Fd sealed(String name, ByteBuffer content);

  /** A sealed executable copy of a file, so that nobody can overwrite the running program. */
  Fd sealedExecutable(String name, Fd file);
}
