package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.Fd;
import dev.molo.linux.Terminals;

/** {@link Terminals} by ioctl(2). */
final class JnrTerminals implements Terminals {

  private static final int TIOCGWINSZ = 0x5413;
  private static final int TIOCSWINSZ = 0x5414;

  @Override
  public void resize(Fd terminal, WindowSize size) {
    try (Scratch scratch = Scratch.borrow()) {
      int winsize = scratch.reserve(8);
      scratch
          .memory()
          .putShort(winsize, (short) size.rows())
          .putShort(winsize + 2, (short) size.columns());
      check(
          Call.IOCTL,
          call(Call.IOCTL, terminal.number(), TIOCSWINSZ, scratch.at(winsize)),
          () -> "TIOCSWINSZ, " + Detail.fd(terminal));
    }
  }

  @Override
  public WindowSize size(Fd terminal) {
    try (Scratch scratch = Scratch.borrow()) {
      int winsize = scratch.reserve(8);
      check(
          Call.IOCTL,
          call(Call.IOCTL, terminal.number(), TIOCGWINSZ, scratch.at(winsize)),
          () -> "TIOCGWINSZ, " + Detail.fd(terminal));
      return new WindowSize(
          scratch.memory().getShort(winsize) & 0xffff,
          scratch.memory().getShort(winsize + 2) & 0xffff);
    }
  }
}
