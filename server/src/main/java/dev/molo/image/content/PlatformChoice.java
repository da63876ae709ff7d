package dev.molo.image.content;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Platform;
import dev.molo.image.Quoted;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which entry of an index fits this machine. A machine runs its own variant and those below it;
 * arm64 without a variant is v8, amd64 without one is v1; the best that fits wins, and among equals
 * the first.
 */
public final class PlatformChoice {
  /** buildkit's attestations hide in an index under this annotation or an unknown platform. */
  private static final String ATTESTATION = "vnd.docker.reference.type";

  private final Platform host;

  public PlatformChoice(Platform host) {
    this.host = host;
  }

  /**
   * The entry that fits best.
   *
   * @param what for the message: the reference
   * @throws FaultException NOT_FOUND with the list of what there is
   */
  public Descriptor choose(String what, List<Descriptor> manifests) {
    Descriptor best = null;
    int bestRank = -1;
    List<String> offered = new ArrayList<>();
    for (Descriptor candidate : manifests) {
      if (isAttestation(candidate)) {
        continue;
      }
      int rank = candidate.platform().map(this::rank).orElse(0);
      offered.add(candidate.platform().map(p -> Quoted.plain(p.toString())).orElse("unknown"));
      if (rank > bestRank) {
        best = candidate;
        bestRank = rank;
      }
    }
    if (best != null && bestRank >= 0) {
      return best;
    }
    throw new FaultException(
        Fault.NOT_FOUND,
        what
            + " has no image for "
            + host
            + "; there is "
            + (offered.isEmpty()
                ? "no image in it at all"
                : offered.stream().distinct().collect(Collectors.joining(", "))));
  }

  /** Why {@link #choose} took this entry, in words. */
  public String why(Descriptor chosen, List<Descriptor> manifests) {
    String offered =
        manifests.stream()
            .filter(m -> !isAttestation(m))
            .map(m -> m.platform().map(p -> Quoted.plain(p.toString())).orElse("unknown"))
            .distinct()
            .collect(Collectors.joining(", "));
    return "for %s, %s fits best of %s"
        .formatted(
            host,
            chosen
                .platform()
                .map(p -> Quoted.plain(p.toString()))
                .orElse("the entry without platform"),
            offered);
  }

  /** Whether an image of this platform runs here. An image that does not say is believed to. */
  public boolean fits(Platform platform) {
    return rank(platform) >= 0;
  }

  private static boolean isAttestation(Descriptor candidate) {
    return candidate.annotations().containsKey(ATTESTATION)
        || candidate
            .platform()
            .filter(p -> p.os().equals("unknown") && p.architecture().equals("unknown"))
            .isPresent();
  }

  /** Negative: does not fit. Higher: fits better. */
  private int rank(Platform platform) {
    if (platform.os().isEmpty() && platform.architecture().isEmpty()) {
      return 0;
    }
    if (!platform.os().equals(host.os()) || !platform.architecture().equals(host.architecture())) {
      return -1;
    }
    int wanted = level(platform);
    int own = level(host);
    if (wanted > own) {
      return -1;
    }
    return 1 + wanted;
  }

  /** The number in {@code v8}; what an empty variant means depends on the architecture. */
  private static int level(Platform platform) {
    String variant = platform.variant();
    if (variant.isEmpty()) {
      return switch (platform.architecture()) {
        case "arm64" -> 8;
        case "arm" -> 7;
        case "amd64" -> 1;
        default -> 0;
      };
    }
    if (variant.matches("v[0-9]{1,3}")) {
      return Integer.parseInt(variant.substring(1));
    }
    return Integer.MAX_VALUE;
  }
}
