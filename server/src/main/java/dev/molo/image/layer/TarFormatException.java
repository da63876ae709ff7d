package dev.molo.image.layer;

import java.io.IOException;

/** The archive breaks a rule of tar(5); the message says which, to be put behind "layer … : ". */
final class TarFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  TarFormatException(String why) {
    super(why);
  }
}
