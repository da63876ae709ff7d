package dev.molo.linux;

import java.util.List;

/**
 * One received packet; its bytes are in the caller's buffer. Whoever receives owns the descriptors.
 *
 * @param bytes length; 0 with {@code endOfStream} when the peer is gone
 * @param endOfStream whether the peer has closed
 * @param truncated whether bytes or descriptors did not fit and are lost (MSG_TRUNC, MSG_CTRUNC)
 * @param fds the descriptors that came along, close-on-exec
 */
public record Received(int bytes, boolean endOfStream, boolean truncated, List<Fd> fds) {
  /** Copies the list. */
  public Received {
    fds = List.copyOf(fds);
  }
}
