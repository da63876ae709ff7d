package dev.molo.linux.jnr;

import dev.molo.linux.Inflation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import jnr.ffi.annotations.IgnoreError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inflates by ISA-L (Debian: libisal2) where it is installed, by the JDK where not. Thread-safe.
 */
final class JnrInflation implements Inflation {
  private static final Logger LOG = LoggerFactory.getLogger(JnrInflation.class);

  /** As little of ISA-L as possible (igzip_lib.h); addresses are {@code long}. */
  public interface Libisal {
    @IgnoreError
    void isal_inflate_init(long state);

    @IgnoreError
    void isal_inflate_reset(long state);

    @IgnoreError
    int isal_inflate(long state);
  }

  /** Found once, when the first layer needs it. */
  private static final class Bound {
    static final Inflation BEST = load();

    private static Inflation load() {
      try {
        Libisal library =
            NativeLibrary.bind(
                Libisal.class, "libisal.so.2", "install Debian's libisal2 for faster pulls");
        requireKnownForm(library);
        return new Isal(library);
      } catch (IllegalStateException e) {
        LOG.info("inflating by the JDK: {}", e.getMessage());
        return Inflation.jdk();
      }
    }

    /** The library's state is a struct whose layout nothing but its version promises. */
    private static void requireKnownForm(Libisal library) {
      byte[] plain = new byte[3000];
      for (int i = 0; i < plain.length; i++) {
        plain[i] = (byte) (i % 7 * i);
      }
      byte[] packed = new byte[4000];
      int length;
      try (Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true)) {
        deflater.setInput(plain);
        deflater.finish();
        length = deflater.deflate(packed);
      }
      ByteBuffer unpacked = ByteBuffer.allocateDirect(plain.length + 1);
      try (IsalInflate inflate = new IsalInflate(library)) {
        inflate.input(packed, 0, length + 2);
        inflate.inflate(unpacked);
        boolean same = unpacked.flip().equals(ByteBuffer.wrap(plain));
        if (!same || !inflate.finished() || inflate.rest().length != 2) {
          throw new IllegalStateException("libisal.so.2 is not as its version 2.30 is");
        }
      } catch (DataFormatException e) {
        throw new IllegalStateException("libisal.so.2 is not as its version 2.30 is", e);
      }
    }
  }

  private record Isal(Libisal library) implements Inflation {
    @Override
    public Inflate begin() {
      return new IsalInflate(library);
    }

    @Override
    public String implementation() {
      return "ISA-L";
    }
  }

  @Override
  public Inflate begin() {
    return Bound.BEST.begin();
  }

  @Override
  public String implementation() {
    return Bound.BEST.implementation();
  }

  /** A struct inflate_state and the input it points to. */
  private static final class IsalInflate implements Inflate {
    /** sizeof(struct inflate_state) is 87368; a little more does no harm. */
    private static final int STATE_BYTES = 88 << 10;

    private static final int NEXT_OUT = 0;
    private static final int AVAIL_OUT = 8;
    private static final int NEXT_IN = 16;
    private static final int READ_IN = 24;
    private static final int AVAIL_IN = 32;
    private static final int READ_IN_LENGTH = 36;
    private static final int BLOCK_STATE = 21160;
    private static final int ISAL_BLOCK_FINISH = 5;

    private static final SpareBuffers SPARES = new SpareBuffers(STATE_BYTES + MAX_INPUT);

    private final Libisal library;
    private final ByteBuffer whole = SPARES.take();
    private final ByteBuffer state = whole.slice(0, STATE_BYTES).order(ByteOrder.nativeOrder());
    private final ByteBuffer input = whole.slice(STATE_BYTES, MAX_INPUT);
    private final long stateAddress = Kernel.address(state);
    private boolean closed;

    IsalInflate(Libisal library) {
      this.library = library;
      library.isal_inflate_init(stateAddress);
      state.putLong(NEXT_IN, Kernel.address(input));
    }

    @Override
    public void reset() {
      library.isal_inflate_reset(stateAddress);
      state.putInt(AVAIL_IN, 0);
    }

    @Override
    public void input(byte[] bytes, int offset, int length) {
      input.clear().put(bytes, offset, length);
      state.putLong(NEXT_IN, Kernel.address(input));
      state.putInt(AVAIL_IN, length);
    }

    @Override
    public int inflate(ByteBuffer into) throws DataFormatException {
      if (closed) {
        throw new IllegalStateException("this stream is closed");
      }
      if (finished()) {
        return 0;
      }
      int room = into.remaining();
      state.putLong(NEXT_OUT, Kernel.address(into) + into.position());
      state.putInt(AVAIL_OUT, room);
      int result = library.isal_inflate(stateAddress);
      if (result < 0) {
        throw new DataFormatException("ISA-L says " + result);
      }
      int n = room - state.getInt(AVAIL_OUT);
      into.position(into.position() + n);
      return n;
    }

    @Override
    public boolean finished() {
      return state.getInt(BLOCK_STATE) == ISAL_BLOCK_FINISH;
    }

    /** Whole bytes that the decoder had taken into its bit buffer already, then the others. */
    @Override
    public byte[] rest() {
      int bits = state.getInt(READ_IN_LENGTH);
      long taken = state.getLong(READ_IN) >>> (bits % 8);
      int ahead = bits / 8;
      int behind = state.getInt(AVAIL_IN);
      byte[] rest = new byte[ahead + behind];
      for (int i = 0; i < ahead; i++) {
        rest[i] = (byte) (taken >>> (8 * i));
      }
      int at = (int) (state.getLong(NEXT_IN) - Kernel.address(input));
      input.clear().position(at).get(rest, ahead, behind);
      return rest;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        SPARES.giveBack(whole);
      }
    }
  }
}
