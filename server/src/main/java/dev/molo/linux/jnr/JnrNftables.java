package dev.molo.linux.jnr;

import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Nftables;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import jnr.ffi.annotations.IgnoreError;

/**
 * {@link Nftables} by libnftables, with one context that lives as long as this object; the library
 * is bound and the context made at the first run. Calls run one at a time, since a context is not
 * thread-safe.
 */
final class JnrNftables implements Nftables, AutoCloseable {

  /** libnftables(3); addresses are {@code long}. */
  public interface Library {
    @IgnoreError
    long nft_ctx_new(int flags);

    @IgnoreError
    void nft_ctx_free(long context);

    @IgnoreError
    int nft_ctx_buffer_output(long context);

    @IgnoreError
    int nft_ctx_buffer_error(long context);

    @IgnoreError
    long nft_ctx_get_output_buffer(long context);

    @IgnoreError
    long nft_ctx_get_error_buffer(long context);

    @IgnoreError
    int nft_run_cmd_from_buffer(long context, long commands);
  }

  private Library library;
  private long context;

  @Override
  public synchronized String run(String commands) {
    byte[] text = commands.getBytes(StandardCharsets.UTF_8);
    open();
    try (Scratch scratch = Scratch.borrow(text.length + 64)) {
      int result = library.nft_run_cmd_from_buffer(context, scratch.string(text));
      // Both buffers are emptied by asking, whatever the outcome.
      String output = Kernel.string(library.nft_ctx_get_output_buffer(context));
      String errors = Kernel.string(library.nft_ctx_get_error_buffer(context));
      if (result != 0) {
        close();
        throw new LinuxException("nft", errnoOf(errors), describe(errors, commands));
      }
      return output;
    }
  }

  private void open() {
    if (library == null) {
      library =
          NativeLibrary.bind(Library.class, "libnftables.so.1", "install Debian's libnftables1");
    }
    if (context == 0) {
      long made = library.nft_ctx_new(0);
      if (made == 0) {
        throw new LinuxException("nft_ctx_new", Errno.ENOMEM, "libnftables");
      }
      library.nft_ctx_buffer_output(made);
      library.nft_ctx_buffer_error(made);
      context = made;
    }
  }

  /**
   * libnftables gives no errno but its text at the end of each message; the first message has the
   * cause.
   */
  private static Errno errnoOf(String errors) {
    return errors
        .lines()
        .flatMap(line ->
            Arrays.stream(Errno.values()).filter(errno -> line.endsWith(": " + errno.text())))
        .findFirst()
        .orElse(Errno.EINVAL);
  }

  /**
   * The messages and then all commands. libnftables quotes the line in error too, but of a buffer
   * it always quotes the first line, wherever the error is.
   */
  private static String describe(String errors, String commands) {
    String messages =
        errors.lines().filter(line -> line.contains("Error: ")).collect(Collectors.joining(" | "));
    String said = messages.isEmpty() ? errors.strip() : messages;
    return shorten(said) + " in: " + shorten(commands.strip().replaceAll("\\s*\n\\s*", " | "));
  }

  private static String shorten(String text) {
    return text.length() <= 1000 ? text : text.substring(0, 1000) + " ...";
  }

  /** Frees the context; a later run makes a new one. */
  @Override
  public synchronized void close() {
    if (context != 0) {
      library.nft_ctx_free(context);
      context = 0;
    }
  }
}
