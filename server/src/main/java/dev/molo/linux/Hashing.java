package dev.molo.linux;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Hash functions for big content. The JDK's SHA-2 is fast only where its optimising compiler (C2)
 * runs; the daemon does without that one, and then it is ten times slower than the processor can do
 * it. Thread-safe.
 */
public interface Hashing {

  /** The functions of FIPS 180-4 that OCI digests use. */
  enum Function {
    SHA256("SHA-256", 32),
    SHA512("SHA-512", 64);

    private final String jcaName;
    private final int bytes;

    Function(String jcaName, int bytes) {
      this.jcaName = jcaName;
      this.bytes = bytes;
    }

    /** The length of its result in bytes. */
    public int bytes() {
      return bytes;
    }
  }

  /** One computation. One thread; closing twice is harmless. */
  interface Hash extends AutoCloseable {
    /** Takes in more content. */
    void update(byte[] bytes, int offset, int length);

    /**
     * The same.
     *
     * @param direct all that remains of it; its position moves to its limit
     */
    void update(ByteBuffer direct);

    /** The result; nothing can be taken in afterwards. */
    byte[] digest();

    @Override
    void close();
  }

  /** Begins a computation. Close it. */
  Hash begin(Function function);

  /** By the JDK. */
  static Hashing jdk() {
    return JdkHash::new;
  }

  /** By the JDK. */
  final class JdkHash implements Hash {
    private final MessageDigest digest;

    private JdkHash(Function function) {
      try {
        digest = MessageDigest.getInstance(function.jcaName);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("this JDK lacks " + function.jcaName, e);
      }
    }

    @Override
    public void update(byte[] bytes, int offset, int length) {
      digest.update(bytes, offset, length);
    }

    @Override
    public void update(ByteBuffer direct) {
      digest.update(direct);
    }

    @Override
    public byte[] digest() {
      return digest.digest();
    }

    @Override
    public void close() {}
  }
}
