package dev.molo.image.registry;

import dev.molo.image.RegistryAuth;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Tokens that token servers gave, for as long as they said they are good, so that the next pull
 * need not ask again (distribution, "Token Authentication Specification"). Each is for one host,
 * realm, service, scope and for those credentials only that it was given for. Bounded; tokens lie
 * outside the heap and are wiped when they go, so that a heap dump holds none for longer than the
 * pull that uses it. Thread-safe.
 */
final class TokenCache implements AutoCloseable {
  /** How long a token is good whose server does not say. */
  static final Duration USUAL = Duration.ofSeconds(60);

  /** A token is not used in its last moments: it has to arrive while it is good. */
  private static final Duration MARGIN = Duration.ofSeconds(5);

  private static final Duration LONGEST = Duration.ofHours(1);
  private static final int MAX_TOKENS = 128;

  /** Bigger ones are not kept. */
  private static final int MAX_BYTES = 16 << 10;

  /**
   * What a token is good for.
   *
   * @param identity of the credentials: the same for the same, and of no use to anybody else
   */
  record Key(String host, String realm, String service, String scope, String identity) {}

  private record Kept(ByteBuffer token, long until) {
    void wipe() {
      while (token.hasRemaining()) {
        token.put((byte) 0);
      }
    }
  }

  private final LongSupplier nanoTime;
  private final byte[] salt = new byte[32];
  private final Map<Key, Kept> tokens = new LinkedHashMap<>(16, 0.75f, true);

  /** {@code nanoTime}: as {@link System#nanoTime}. */
  TokenCache(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    new SecureRandom().nextBytes(salt);
  }

  /** For credentials of which the key keeps nothing. */
  Key key(String host, String realm, String service, String scope, RegistryAuth auth) {
    return new Key(host, realm, service, inOrder(scope), identity(auth));
  }

  /**
   * The same for every way to write one set of scopes: docker-registry lists scopes and their
   * actions in an order that changes from answer to answer.
   */
  private static String inOrder(String scope) {
    return Arrays.stream(scope.split(" "))
        .map(one -> {
          int actions = one.lastIndexOf(':') + 1;
          return Arrays.stream(one.substring(actions).split(","))
              .sorted()
              .collect(Collectors.joining(",", one.substring(0, actions), ""));
        })
        .sorted()
        .collect(Collectors.joining(" "));
  }

  private String identity(RegistryAuth auth) {
    List<String> parts =
        switch (auth) {
          case RegistryAuth.Anonymous _ -> List.of("anonymous");
          case RegistryAuth.Basic basic -> List.of("basic", basic.username(), basic.password());
          case RegistryAuth.IdentityToken identity -> List.of("identity", identity.token());
          case RegistryAuth.RegistryToken token -> List.of("registry", token.token());
        };
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(salt);
      for (String part : parts) {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
        digest.update(bytes);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** A token that is still good. */
  synchronized Optional<String> find(Key key) {
    Kept kept = tokens.get(key);
    if (kept == null) {
      return Optional.empty();
    }
    if (kept.until() - nanoTime.getAsLong() <= 0) {
      forget(key);
      return Optional.empty();
    }
    byte[] bytes = new byte[kept.token().remaining()];
    kept.token().duplicate().get(bytes);
    return Optional.of(new String(bytes, StandardCharsets.US_ASCII));
  }

  /** It was refused, or something better comes. */
  synchronized void forget(Key key) {
    Kept kept = tokens.remove(key);
    if (kept != null) {
      kept.wipe();
    }
  }

  /**
   * Keeps a token.
   *
   * @param token of ASCII characters
   * @param life from now on, as its server says
   */
  synchronized void keep(Key key, String token, Duration life) {
    forget(key);
    if (token.length() > MAX_BYTES || life.compareTo(MARGIN) <= 0) {
      return;
    }
    Duration used = (life.compareTo(LONGEST) > 0 ? LONGEST : life).minus(MARGIN);
    ByteBuffer outside = ByteBuffer.allocateDirect(token.length());
    outside.put(token.getBytes(StandardCharsets.US_ASCII)).flip();
    tokens.put(key, new Kept(outside, nanoTime.getAsLong() + used.toNanos()));
    if (tokens.size() > MAX_TOKENS) {
      Iterator<Kept> longestUnused = tokens.values().iterator();
      longestUnused.next().wipe();
      longestUnused.remove();
    }
  }

  @Override
  public synchronized void close() {
    tokens.values().forEach(Kept::wipe);
    tokens.clear();
  }
}
