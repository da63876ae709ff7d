package dev.molo.network;

/**
 * Why this host cannot have pods with a network of their own; becomes the status.
 *
 * <p>Never leaves the package.
 */
final class NotReady extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * @param reason one CamelCase word
   */
  NotReady(String reason, String message) {
    super(message);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }
}
