package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;
import static dev.molo.linux.jnr.Kernel.is;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Memfds;
import dev.molo.linux.OpenFlags;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** {@link Memfds} by system calls. */
final class JnrMemfds implements Memfds {

  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int MFD_NOEXEC_SEAL = 8;
  private static final int MFD_EXEC = 16;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_GET_SEALS = 1034;
  private static final int ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

  private final Files files;

  JnrMemfds(Files files) {
    this.files = files;
  }

  @Override
  public Fd create(String name) {
    return create(name, MFD_NOEXEC_SEAL);
  }

  @Override
  public Fd createExecutable(String name) {
    return create(name, MFD_EXEC);
  }

  /** Linux before 6.3 answers EINVAL to both exec flags, and gives a memfd that can be executed. */
  private static Fd create(String name, int execFlag) {
    try (Scratch scratch = Scratch.borrow()) {
      long text = scratch.string(name.getBytes(StandardCharsets.UTF_8));
      int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
      long result = call(Call.MEMFD_CREATE, text, flags | execFlag);
      if (is(result, Errno.EINVAL)) {
        result = call(Call.MEMFD_CREATE, text, flags);
      }
      return JnrFiles.owned(check(Call.MEMFD_CREATE, result, () -> name));
    }
  }

  @Override
  public void seal(Fd memfd, int seals) {
    check(
        Call.FCNTL,
        call(Call.FCNTL, memfd.number(), F_ADD_SEALS, seals),
        () -> "F_ADD_SEALS, " + Detail.fd(memfd));
  }

  @Override
  public int seals(Fd memfd) {
    return (int)
        check(
            Call.FCNTL,
            call(Call.FCNTL, memfd.number(), F_GET_SEALS),
            () -> "F_GET_SEALS, " + Detail.fd(memfd));
  }

  @Override
  public Fd sealed(String name, ByteBuffer content) {
    Fd memfd = create(name);
    try {
      files.writeFully(memfd, content.duplicate());
      return finish(memfd);
    } catch (RuntimeException e) {
      memfd.close();
      throw e;
    }
  }

  @Override
  public Fd sealedExecutable(String name, Fd file) {
    Fd memfd = createExecutable(name);
    try {
      ByteBuffer chunk = ByteBuffer.allocateDirect(64 * 1024);
      long offset = 0;
      int count = files.pread(file, chunk, offset);
      while (count > 0) {
        files.writeFully(memfd, chunk.flip());
        offset += count;
        count = files.pread(file, chunk.clear(), offset);
      }
      if (offset == 0) {
        throw new LinuxException("copy", Errno.ENOEXEC, Detail.fd(file) + ", it is empty");
      }
      files.fchmod(memfd, 0555);
      return finish(memfd);
    } catch (RuntimeException e) {
      memfd.close();
      throw e;
    }
  }

  private Fd finish(Fd memfd) {
    files.lseek(memfd, 0, OpenFlags.SEEK_SET);
    seal(memfd, ALL_SEALS);
    return memfd;
  }
}
