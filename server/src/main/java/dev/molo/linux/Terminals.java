package dev.molo.linux;

/** Pseudo terminals (pty(7)). Thread-safe. */
public interface Terminals {

  /** A terminal's size in characters. */
  record WindowSize(int rows, int columns) {}

  /** TIOCSWINSZ on either side; the foreground process group gets SIGWINCH. */
  void resize(Fd terminal, WindowSize size);

  /** TIOCGWINSZ. */
  WindowSize size(Fd terminal);
}
