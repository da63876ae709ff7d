package dev.molo.image.layer;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Decompresses zstd frames one behind the other (RFC 8878), by libzstd. One reader. */
final class ZstdSource implements DirectSource {
  /** What is read of the compressed stream at once. */
  static final int INPUT = 64 << 10;

  private final InputStream in;
  private final byte[] piece = new byte[INPUT];
  private final ByteBuffer input;
  private final ZstdDecompressCtx context = new ZstdDecompressCtx();
  private boolean betweenFrames = true;

  /**
   * @param in closed with this
   * @param input direct, {@link #INPUT} bytes, for this alone; whatever is in it
   */
  ZstdSource(InputStream in, ByteBuffer input) {
    this.in = in;
    this.input = input.clear().limit(0);
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int before = into.position();
    while (into.position() == before) {
      boolean fed = input.hasRemaining() || feed();
      if (!fed && betweenFrames) {
        return -1;
      }
      decompress(into);
      if (!fed && !betweenFrames && into.position() == before) {
        throw new EOFException("its zstd stream ends early");
      }
    }
    return into.position() - before;
  }

  private void decompress(ByteBuffer into) throws IOException {
    try {
      betweenFrames = context.decompressDirectByteBufferStream(into, input);
    } catch (ZstdException e) {
      throw new IOException("its zstd stream is damaged: " + e.getMessage(), e);
    }
  }

  private boolean feed() throws IOException {
    int n = in.read(piece, 0, piece.length);
    input.clear().put(piece, 0, Math.max(n, 0)).flip();
    return n > 0;
  }

  @Override
  public void close() throws IOException {
    context.close();
    in.close();
  }
}
