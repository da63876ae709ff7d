package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.Fd;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Pipes;

/** {@link Pipes} by system calls. */
final class JnrPipes implements Pipes {

  private static final int F_SETPIPE_SZ = 1031;
  private static final int FIONREAD = 0x541b;

  @Override
  public Pipe pipe2(int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      int pair = scratch.reserve(8);
      check(
          Call.PIPE2,
          call(Call.PIPE2, scratch.at(pair), flags | OpenFlags.O_CLOEXEC),
          () -> "flags 0" + Integer.toOctalString(flags));
      return new Pipe(
          JnrFiles.owned(scratch.memory().getInt(pair)),
          JnrFiles.owned(scratch.memory().getInt(pair + 4)));
    }
  }

  @Override
  public int setSize(Fd end, int bytes) {
    return (int)
        check(
            Call.FCNTL,
            call(Call.FCNTL, end.number(), F_SETPIPE_SZ, bytes),
            () -> "F_SETPIPE_SZ, " + Detail.fd(end) + ", " + bytes);
  }

  @Override
  public int available(Fd end) {
    try (Scratch scratch = Scratch.borrow()) {
      int count = scratch.reserve(8);
      check(
          Call.IOCTL,
          call(Call.IOCTL, end.number(), FIONREAD, scratch.at(count)),
          () -> "FIONREAD, " + Detail.fd(end));
      return scratch.memory().getInt(count);
    }
  }
}
