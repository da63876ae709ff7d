package dev.molo.app.cli;

import java.io.IOException;
import java.io.OutputStream;

/**
 * Turns lines of a CRI log (TIME STREAM P|F TEXT) back into what the container wrote: a partial
 * line (P) is joined with what follows. A line of another shape is passed on as it is. For one
 * thread.
 */
final class LogPrinter {
  private final OutputStream out;
  private final OutputStream err;
  private final boolean timestamps;
  private boolean outOpen;
  private boolean errOpen;

  LogPrinter(OutputStream out, OutputStream err, boolean timestamps) {
    this.out = out;
    this.err = err;
    this.timestamps = timestamps;
  }

  /** One line, without its newline. */
  void line(byte[] line, int from, int to) throws IOException {
    int stream = next(line, from, to);
    int tag = next(line, stream, to);
    int text = next(line, tag, to);
    boolean wellFormed =
        stream > 0 && tag - stream == "stdout ".length() && text - tag == "F ".length();
    if (!wellFormed) {
      out.write(line, from, to - from);
      out.write('\n');
      return;
    }
    boolean toErr = line[stream + 3] == 'e';
    boolean partial = line[tag] == 'P';
    boolean open = toErr ? errOpen : outOpen;
    OutputStream sink = toErr ? err : out;
    if (timestamps && !open) {
      sink.write(line, from, stream - from);
    }
    sink.write(line, text, to - text);
    if (!partial) {
      sink.write('\n');
    }
    if (toErr) {
      errOpen = partial;
    } else {
      outOpen = partial;
    }
  }

  void flush() throws IOException {
    out.flush();
    err.flush();
  }

  /** Where the word after the next blank begins; -1 when there is none. */
  private static int next(byte[] line, int from, int to) {
    for (int i = from; from >= 0 && i < to; i++) {
      if (line[i] == ' ') {
        return i + 1;
      }
    }
    return -1;
  }
}
