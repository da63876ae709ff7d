package dev.molo.image.layer;

import java.io.IOException;

/** What is on disk of a layer is not what was unpacked. The message says what of it. */
final class DamagedLayerException extends IOException {
  private static final long serialVersionUID = 1;

  DamagedLayerException(String message) {
    super(message);
  }

  DamagedLayerException(String message, Throwable cause) {
    super(message, cause);
  }
}
