package dev.molo.linux;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decompression of raw deflate (RFC 1951) for big content. The JDK's zlib is the slowest part of a
 * pull; ISA-L does the same with the processor's vector instructions. Thread-safe.
 */
public interface Inflation {

  /** The most bytes that {@link Inflate#input} takes. */
  int MAX_INPUT = 64 << 10;

  /** One decompression, of one stream after another. One thread; closing twice is harmless. */
  interface Inflate extends AutoCloseable {
    /** Begins a new stream; input that is left is forgotten. */
    void reset();

    /** What comes next, at most {@link #MAX_INPUT} bytes; everything before has been used up. */
    void input(byte[] bytes, int offset, int length);

    /**
     * Decompresses.
     *
     * @param into direct; its position moves behind what is written
     * @return bytes written; 0 when input is needed or the stream has ended
     */
    int inflate(ByteBuffer into) throws DataFormatException;

    /** Whether the stream has ended. */
    boolean finished();

    /** Once the stream has ended: the input behind it, in order. */
    byte[] rest();

    @Override
    void close();
  }

  /** Begins. Close it. */
  Inflate begin();

  /** What does it, for people. */
  String implementation();

  /** By the JDK. */
  static Inflation jdk() {
    return new Inflation() {
      @Override
      public Inflate begin() {
        return new JdkInflate();
      }

      @Override
      public String implementation() {
        return "the JDK's zlib";
      }
    };
  }

  /** By the JDK. */
  final class JdkInflate implements Inflate {
    private final Inflater inflater = new Inflater(true);
    private byte[] input = new byte[0];
    private int end;

    private JdkInflate() {}

    @Override
    public void reset() {
      inflater.reset();
    }

    @Override
    public void input(byte[] bytes, int offset, int length) {
      input = bytes;
      end = offset + length;
      inflater.setInput(bytes, offset, length);
    }

    @Override
    public int inflate(ByteBuffer into) throws DataFormatException {
      int n = inflater.inflate(into);
      if (n == 0 && inflater.needsDictionary()) {
        throw new DataFormatException("it wants a dictionary");
      }
      return n;
    }

    @Override
    public boolean finished() {
      return inflater.finished();
    }

    @Override
    public byte[] rest() {
      return java.util.Arrays.copyOfRange(input, end - inflater.getRemaining(), end);
    }

    @Override
    public void close() {
      inflater.end();
    }
  }
}
