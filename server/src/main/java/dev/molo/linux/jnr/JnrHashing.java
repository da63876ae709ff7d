package dev.molo.linux.jnr;

import dev.molo.linux.Hashing;
import java.nio.ByteBuffer;
import jnr.ffi.annotations.IgnoreError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SHA-2 by OpenSSL's libcrypto (EVP_DigestInit(3)), which uses the processor's own instructions; by
 * the JDK where there is none. Thread-safe.
 */
final class JnrHashing implements Hashing {
  private static final Logger LOG = LoggerFactory.getLogger(JnrHashing.class);
  private static final int BUFFER = 64 << 10;

  /** As little of libcrypto as possible; addresses are {@code long}, nothing here sets errno. */
  public interface Libcrypto {
    @IgnoreError
    long EVP_sha256();

    @IgnoreError
    long EVP_sha512();

    @IgnoreError
    long EVP_MD_CTX_new();

    @IgnoreError
    void EVP_MD_CTX_free(long context);

    @IgnoreError
    int EVP_DigestInit_ex(long context, long type, long engine);

    @IgnoreError
    int EVP_DigestUpdate(long context, long data, long length);

    @IgnoreError
    int EVP_DigestFinal_ex(long context, long result, long length);
  }

  private static final class Bound {
    /** Null where libcrypto is missing. */
    static final Libcrypto LIBRARY = load();

    private static Libcrypto load() {
      try {
        return NativeLibrary.bind(
            Libcrypto.class, "libcrypto.so.3", "install libssl3 for faster pulls");
      } catch (IllegalStateException e) {
        LOG.info("hashing by the JDK: {}", e.getMessage());
        return null;
      }
    }
  }

  @Override
  public Hash begin(Function function) {
    return Bound.LIBRARY == null
        ? Hashing.jdk().begin(function)
        : new EvpHash(Bound.LIBRARY, function);
  }

  private static final class EvpHash implements Hash {
    private static final SpareBuffers SPARES = new SpareBuffers(BUFFER);

    private final Libcrypto library;
    private final int resultBytes;
    private final ByteBuffer buffer = SPARES.take();
    private final long address = Kernel.address(buffer);
    private long context;

    EvpHash(Libcrypto library, Function function) {
      this.library = library;
      this.resultBytes = function.bytes();
      context = library.EVP_MD_CTX_new();
      long type =
          switch (function) {
            case SHA256 -> library.EVP_sha256();
            case SHA512 -> library.EVP_sha512();
          };
      if (context == 0 || library.EVP_DigestInit_ex(context, type, 0) != 1) {
        close();
        throw new IllegalStateException("libcrypto offers no " + function);
      }
    }

    @Override
    public void update(byte[] bytes, int offset, int length) {
      int at = offset;
      int end = offset + length;
      while (at < end) {
        int n = Math.min(BUFFER, end - at);
        buffer.clear().put(bytes, at, n);
        check(library.EVP_DigestUpdate(open(), address, n));
        at += n;
      }
    }

    @Override
    public void update(ByteBuffer direct) {
      int n = direct.remaining();
      check(library.EVP_DigestUpdate(open(), Kernel.address(direct) + direct.position(), n));
      direct.position(direct.limit());
    }

    @Override
    public byte[] digest() {
      check(library.EVP_DigestFinal_ex(open(), address, 0));
      byte[] result = new byte[resultBytes];
      buffer.clear().get(result);
      return result;
    }

    private long open() {
      if (context == 0) {
        throw new IllegalStateException("this hash is closed");
      }
      return context;
    }

    private static void check(int result) {
      if (result != 1) {
        throw new IllegalStateException("libcrypto refused to hash");
      }
    }

    @Override
    public void close() {
      if (context != 0) {
        library.EVP_MD_CTX_free(context);
        context = 0;
        SPARES.giveBack(buffer);
      }
    }
  }
}
