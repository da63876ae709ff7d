package dev.molo.image.content;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.molo.fault.FaultException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.GZIPOutputStream;

/**
 * How a layer is compressed where it has to be done anew. The same content makes the same bytes.
 *
 * @param kind the format
 * @param level 1 (fast) to 9 with gzip, to 19 with zstd; 0 with none
 */
public record Compression(Kind kind, int level) {

  /** The formats of OCI image-spec. */
  public enum Kind {
    NONE(0, 0, "application/vnd.oci.image.layer.v1.tar"),
    GZIP(6, 9, "application/vnd.oci.image.layer.v1.tar+gzip"),
    ZSTD(3, 19, "application/vnd.oci.image.layer.v1.tar+zstd");

    private final int usual;
    private final int highest;
    private final String mediaType;

    Kind(int usual, int highest, String mediaType) {
      this.usual = usual;
      this.highest = highest;
      this.mediaType = mediaType;
    }
  }

  private static final int BUFFER = 64 << 10;

  /** Checks the level. */
  public Compression {
    int lowest = kind == Kind.NONE ? 0 : 1;
    if (level < lowest || level > kind.highest) {
      throw FaultException.invalid(
          "compression level %d: %s has %d to %d",
          level, kind.name().toLowerCase(java.util.Locale.ROOT), lowest, kind.highest);
    }
  }

  /** At its usual level. */
  public static Compression of(Kind kind) {
    return new Compression(kind, kind.usual);
  }

  /** What a layer of this kind is called. */
  public String mediaType() {
    return kind.mediaType;
  }

  /** A stream that compresses into another, and closes it. */
  public OutputStream into(OutputStream out) throws IOException {
    return switch (kind) {
      case NONE -> new BufferedOutputStream(out, BUFFER);
      case GZIP -> new Gzip(out, level);
      case ZSTD -> new ZstdOutputStreamNoFinalizer(out, level);
    };
  }

  /** The JDK's, at a level. */
  private static final class Gzip extends GZIPOutputStream {
    Gzip(OutputStream out, int level) throws IOException {
      super(out, BUFFER);
      def.setLevel(level);
    }
  }
}
