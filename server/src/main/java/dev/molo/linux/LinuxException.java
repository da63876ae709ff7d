package dev.molo.linux;

/**
 * What the kernel refused: the call, its errno, and on what it was tried.
 *
 * <p>The message reads {@code openat2(/x/y): ENOENT (No such file or directory)}.
 */
public class LinuxException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String call;
  private final int number;
  private final String detail;

  /** A refusal with a known errno. */
  public LinuxException(String call, Errno errno, String detail) {
    this(call, errno.number(), detail);
  }

  /** A refusal with the raw number, which may be one that {@link Errno} does not know. */
  public LinuxException(String call, int number, String detail) {
    super(describe(call, number, detail));
    this.call = call;
    this.number = number;
    this.detail = detail;
  }

  /** The system call's (or library function's) name. */
  public String call() {
    return call;
  }

  /** The error; {@link Errno#UNKNOWN} when the table lacks the number. */
  public Errno errno() {
    return Errno.of(number);
  }

  /** The raw error number. */
  public int number() {
    return number;
  }

  /** On what the call was tried. */
  public String detail() {
    return detail;
  }

  private static String describe(String call, int number, String detail) {
    Errno errno = Errno.of(number);
    String name = errno == Errno.UNKNOWN ? "errno " + number : errno.name();
    return call + "(" + detail + "): " + name + " (" + errno.text() + ")";
  }
}
