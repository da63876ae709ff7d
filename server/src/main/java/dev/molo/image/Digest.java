package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * A content digest as the OCI image specification writes it: {@code sha256:<64 hex>} or {@code
 * sha512:<128 hex>}, lower case. Other algorithms are refused, so that whatever holds a {@code
 * Digest} can be verified.
 *
 * @param algorithm which hash function
 * @param hex the hash in lower-case hexadecimal; its length fits the algorithm
 */
public record Digest(Algorithm algorithm, String hex) implements Comparable<Digest> {

  /** Registered digest algorithms of the OCI image specification. */
  public enum Algorithm {
    SHA256("SHA-256", 64),
    SHA512("SHA-512", 128);

    private final String jcaName;
    private final int hexLength;

    Algorithm(String jcaName, int hexLength) {
      this.jcaName = jcaName;
      this.hexLength = hexLength;
    }

    /** How the algorithm is spelled before the colon. */
    public String prefix() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** A fresh hash function. */
    public MessageDigest newMessageDigest() {
      try {
        return MessageDigest.getInstance(jcaName);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("this JDK lacks " + jcaName, e);
      }
    }
  }

  /** Checks length and alphabet. */
  public Digest {
    if (hex.length() != algorithm.hexLength) {
      throw malformed(
          algorithm.prefix() + ":" + hex,
          "has " + hex.length() + " hexadecimal digits instead of " + algorithm.hexLength);
    }
    for (int i = 0; i < hex.length(); i++) {
      char c = hex.charAt(i);
      if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
        throw malformed(
            algorithm.prefix() + ":" + hex, "has a character that is not lower-case hexadecimal");
      }
    }
  }

  /**
   * Parses {@code algorithm:hex}.
   *
   * @throws FaultException INVALID_ARGUMENT when the text is not a digest or its algorithm is not
   *     one of ours
   */
  public static Digest parse(String text) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      throw malformed(text, "has no colon");
    }
    String prefix = text.substring(0, colon);
    for (Algorithm candidate : Algorithm.values()) {
      if (candidate.prefix().equals(prefix)) {
        return new Digest(candidate, text.substring(colon + 1));
      }
    }
    throw malformed(text, "has an algorithm other than sha256 and sha512");
  }

  /** The digest that a finished hash function holds. */
  public static Digest of(Algorithm algorithm, MessageDigest finished) {
    return new Digest(algorithm, HexFormat.of().formatHex(finished.digest()));
  }

  /** The sha256 digest of some bytes. */
  public static Digest ofBytes(byte[] content) {
    return ofBytes(Algorithm.SHA256, content);
  }

  /** The digest of some bytes. */
  public static Digest ofBytes(Algorithm algorithm, byte[] content) {
    MessageDigest hash = algorithm.newMessageDigest();
    hash.update(content);
    return of(algorithm, hash);
  }

  @Override
  public int compareTo(Digest other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public String toString() {
    return algorithm.prefix() + ":" + hex;
  }

  private static FaultException malformed(String text, String why) {
    return new FaultException(Fault.INVALID_ARGUMENT, "digest " + Quoted.of(text) + " " + why);
  }
}
