package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A normalised image reference, and the one parser of references in the whole program.
 *
 * <p>The grammar and the normalisation are those of the distribution project, which containerd,
 * Docker and the kubelet use: {@code nginx} is {@code docker.io/library/nginx}; the first part
 * names a registry only when it has a dot, a colon or an upper-case letter, or is {@code
 * localhost}; a repository is lower case. Immutable.
 */
public final class Reference {
  /** The tag that is meant when a reference has neither tag nor digest. */
  public static final String DEFAULT_TAG = "latest";

  private static final String DEFAULT_REGISTRY = "docker.io";
  private static final String LEGACY_DEFAULT_REGISTRY = "index.docker.io";
  private static final String OFFICIAL_PREFIX = "library/";
  private static final int MAX_REPOSITORY = 255;
  private static final int MAX_LENGTH = 4096;

  private static final Pattern PATH_COMPONENT =
      Pattern.compile("[a-z0-9]++(?:(?:[._]|__|-++)[a-z0-9]++)*+");
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
  private static final Pattern HOST_COMPONENT =
      Pattern.compile("[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?");
  private static final Pattern IPV6 = Pattern.compile("\\[[A-Fa-f0-9:]{2,45}]");
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[^\\]]*]|[^:\\[\\]]*)(?::([0-9]{1,5}))?");
  private static final Pattern BARE_ID = Pattern.compile("[a-f0-9]{64}");

  private final String registry;
  private final String repository;
  private final Optional<String> tag;
  private final Optional<Digest> digest;

  private Reference(
      String registry, String repository, Optional<String> tag, Optional<Digest> digest) {
    this.registry = registry;
    this.repository = repository;
    this.tag = tag;
    this.digest = digest;
  }

  /**
   * Parses and normalises. Nothing is added for a missing tag: see {@link #orLatest()}.
   *
   * @throws FaultException INVALID_ARGUMENT, saying what is wrong with which part
   */
  public static Reference parse(String text) {
    if (text.isEmpty()) {
      throw refused(text, "it is empty");
    }
    if (text.length() > MAX_LENGTH) {
      throw refused(text, "it is longer than " + MAX_LENGTH + " characters");
    }
    if (BARE_ID.matcher(text).matches()) {
      throw refused(text, "64 hexadecimal digits are an image id, not a repository");
    }
    int at = text.indexOf('@');
    Optional<Digest> digest =
        at < 0 ? Optional.empty() : Optional.of(Digest.parse(text.substring(at + 1)));
    String named = at < 0 ? text : text.substring(0, at);
    int colon = named.lastIndexOf(':');
    boolean tagged = colon > named.lastIndexOf('/') && colon >= 0;
    Optional<String> tag =
        tagged ? Optional.of(checkTag(text, named.substring(colon + 1))) : Optional.empty();
    String name = tagged ? named.substring(0, colon) : named;
    return split(text, name, tag, digest);
  }

  private static Reference split(
      String text, String name, Optional<String> tag, Optional<Digest> digest) {
    int slash = name.indexOf('/');
    String first = slash < 0 ? "" : name.substring(0, slash);
    String registry = slash >= 0 && isRegistry(first) ? first : DEFAULT_REGISTRY;
    String repository = slash >= 0 && isRegistry(first) ? name.substring(slash + 1) : name;
    if (registry.equals(LEGACY_DEFAULT_REGISTRY)) {
      registry = DEFAULT_REGISTRY;
    }
    if (registry.equals(DEFAULT_REGISTRY) && repository.indexOf('/') < 0) {
      repository = OFFICIAL_PREFIX + repository;
    }
    checkRegistry(text, registry);
    checkRepository(text, repository);
    return new Reference(registry, repository, tag, digest);
  }

  private static boolean isRegistry(String first) {
    return first.indexOf('.') >= 0
        || first.indexOf(':') >= 0
        || first.equals("localhost")
        || first.chars().anyMatch(c -> c >= 'A' && c <= 'Z');
  }

  private static void checkRegistry(String text, String registry) {
    Matcher parts = HOST_AND_PORT.matcher(registry);
    if (!parts.matches()) {
      throw refused(text, "registry " + Quoted.of(registry) + " is not host or host:port");
    }
    if (parts.group(2) != null && Integer.parseInt(parts.group(2)) > 65535) {
      throw refused(text, "port " + parts.group(2) + " is above 65535");
    }
    String host = parts.group(1);
    if (IPV6.matcher(host).matches()) {
      return;
    }
    for (String component : host.split("\\.", -1)) {
      if (!HOST_COMPONENT.matcher(component).matches()) {
        throw refused(text, "registry " + Quoted.of(registry) + " is not a host name or address");
      }
    }
  }

  private static void checkRepository(String text, String repository) {
    if (repository.length() > MAX_REPOSITORY) {
      throw refused(text, "its repository is longer than " + MAX_REPOSITORY + " characters");
    }
    for (String component : repository.split("/", -1)) {
      if (!PATH_COMPONENT.matcher(component).matches()) {
        boolean upper = component.chars().anyMatch(c -> c >= 'A' && c <= 'Z');
        throw refused(
            text,
            upper
                ? "repository " + Quoted.of(repository) + " must be lower case"
                : "repository part "
                    + Quoted.of(component)
                    + " is not letters and digits separated by . _ __ or -");
      }
    }
  }

  private static String checkTag(String text, String tag) {
    if (!TAG.matcher(tag).matches()) {
      throw refused(
          text, "tag " + Quoted.of(tag) + " is not 1 to 128 of letters, digits, _ . and -");
    }
    return tag;
  }

  private static FaultException refused(String text, String why) {
    return new FaultException(
        Fault.INVALID_ARGUMENT, "image reference " + Quoted.of(text) + ": " + why);
  }

  /** The registry: host or host:port, as {@code docker.io} or {@code [::1]:5000}. */
  public String registry() {
    return registry;
  }

  /** The repository inside the registry, as {@code library/nginx}. */
  public String repository() {
    return repository;
  }

  /** Registry and repository, as {@code docker.io/library/nginx}. */
  public String name() {
    return registry + "/" + repository;
  }

  /** The tag, when one was given. */
  public Optional<String> tag() {
    return tag;
  }

  /** The digest, when one was given. It decides what is fetched, whatever the tag says. */
  public Optional<Digest> digest() {
    return digest;
  }

  /**
   * What a pull of this reference records: with a digest the tag is dropped, because nobody checked
   * that it points there (containerd's ParseDockerRef does the same); with neither, the tag is
   * {@code latest}.
   */
  public Reference orLatest() {
    if (digest.isPresent()) {
      return new Reference(registry, repository, Optional.empty(), digest);
    }
    return tag.isPresent()
        ? this
        : new Reference(registry, repository, Optional.of(DEFAULT_TAG), digest);
  }

  /** The same repository at a digest, without a tag. */
  public Reference at(Digest target) {
    return new Reference(registry, repository, Optional.empty(), Optional.of(target));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Reference that
        && registry.equals(that.registry)
        && repository.equals(that.repository)
        && tag.equals(that.tag)
        && digest.equals(that.digest);
  }

  @Override
  public int hashCode() {
    return Objects.hash(registry, repository, tag, digest);
  }

  /** The canonical spelling; parsing it gives an equal reference. */
  @Override
  public String toString() {
    return name() + tag.map(t -> ":" + t).orElse("") + digest.map(d -> "@" + d).orElse("");
  }
}
