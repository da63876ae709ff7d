package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * How to identify to a registry. {@code toString} never shows a secret.
 *
 * <p>Made from CRI's AuthConfig by {@link #of}; a secret is sent only to the registry that the
 * reference names (and to the token server that this registry itself names), never to a host that a
 * redirect or a mirror leads to.
 */
public sealed interface RegistryAuth {

  /** No credentials. */
  record Anonymous() implements RegistryAuth {}

  /** User name and password: Basic, or exchanged at the token server. */
  record Basic(String username, String password) implements RegistryAuth {
    @Override
    public String toString() {
      return "Basic[username=" + Quoted.plain(username) + ", password=…]";
    }
  }

  /** A refresh token for the token server (OAuth 2), as {@code docker login} keeps it. */
  record IdentityToken(String token) implements RegistryAuth {
    @Override
    public String toString() {
      return "IdentityToken[…]";
    }
  }

  /** A bearer token sent to the registry as it is. */
  record RegistryToken(String token) implements RegistryAuth {
    @Override
    public String toString() {
      return "RegistryToken[…]";
    }
  }

  /** No credentials. */
  static RegistryAuth anonymous() {
    return new Anonymous();
  }

  /**
   * From the fields of CRI's AuthConfig, every one of which may be empty. What wins when several
   * are set, as peers do it: a registry token, then an identity token, then user name and password,
   * then {@code auth} (base64 of {@code user:password}).
   *
   * @param registry the registry of the image's reference; when serverAddress is set and names
   *     another host, the credentials are not for this pull and {@link Anonymous} is returned
   * @throws FaultException INVALID_ARGUMENT when {@code auth} is not base64 of user:password,
   *     {@code serverAddress} is no address or the registry token none; the message holds no secret
   */
  static RegistryAuth of(
      String registry,
      String username,
      String password,
      String auth,
      String serverAddress,
      String identityToken,
      String registryToken) {
    if (!serverAddress.isEmpty() && !sameHost(registry, serverAddress)) {
      return anonymous();
    }
    if (!registryToken.isEmpty()) {
      return new RegistryToken(sendable(registryToken));
    }
    if (!identityToken.isEmpty()) {
      return new IdentityToken(identityToken);
    }
    if (!username.isEmpty() || !password.isEmpty()) {
      return new Basic(username, password);
    }
    return auth.isEmpty() ? anonymous() : decode(auth);
  }

  /** A token goes into a header as it is, and what refuses it there would quote it. */
  private static String sendable(String token) {
    if (token.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT, "auth.registry_token has characters that no token has");
    }
    return token;
  }

  private static Basic decode(String auth) {
    String both;
    try {
      both = new String(Base64.getDecoder().decode(auth.strip()), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      // The decoder's message quotes a character of the secret: it is left out, and so is the
      // cause.
      throw new FaultException(Fault.INVALID_ARGUMENT, "auth.auth is not base64");
    }
    int colon = both.indexOf(':');
    if (colon < 0) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "auth.auth is not base64 of user:password");
    }
    // Docker pads the password with NUL bytes in some of its stores.
    String password = both.substring(colon + 1);
    int end = password.length();
    while (end > 0 && password.charAt(end - 1) == '\0') {
      end--;
    }
    return new Basic(both.substring(0, colon), password.substring(0, end));
  }

  private static boolean sameHost(String registry, String serverAddress) {
    String address = serverAddress;
    int scheme = address.indexOf("://");
    if (scheme >= 0) {
      address = address.substring(scheme + 3);
    }
    int slash = address.indexOf('/');
    if (slash >= 0) {
      address = address.substring(0, slash);
    }
    if (address.isEmpty()) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          "auth.server_address " + Quoted.of(serverAddress) + " names no host");
    }
    return hubName(address).equalsIgnoreCase(hubName(registry));
  }

  /** Docker's own registry goes by three names. */
  private static String hubName(String host) {
    return host.equals("index.docker.io") || host.equals("registry-1.docker.io")
        ? "docker.io"
        : host;
  }
}
