package dev.molo.image.admission;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.Reference;
import dev.molo.image.ReferencePatterns;
import dev.molo.image.content.Descriptor;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Decides whether an image may come in: by its reference before anybody is asked for it, by
 * verifiers once its digest is known and before a layer is fetched. Thread-safe.
 */
public final class Admission {
  private static final String POLICY = "policy";
  private static final String HTTPS_PORT = ":443";
  private static final Set<String> DOCKERS = Set.of("index.docker.io", "registry-1.docker.io");

  private final ReferencePatterns allow;
  private final ReferencePatterns deny;
  private final Verifiers verifiers;

  public Admission(AdmissionSettings settings) {
    this.allow = new ReferencePatterns(settings.allow());
    this.deny = new ReferencePatterns(settings.deny());
    this.verifiers = new Verifiers(settings);
  }

  /** What the policy says of a reference, however its registry is spelled. */
  public Judgement byPolicy(Reference reference) {
    Optional<String> denied = match(deny, reference);
    if (denied.isPresent()) {
      return new Judgement(POLICY, false, "policy.deny has \"" + denied.get() + "\"");
    }
    if (allow.isEmpty()) {
      return new Judgement(POLICY, true, "no pattern of policy.deny matches");
    }
    Optional<String> allowed = match(allow, reference);
    return allowed.isPresent()
        ? new Judgement(POLICY, true, "policy.allow has \"" + allowed.get() + "\"")
        : new Judgement(POLICY, false, "no pattern of policy.allow matches");
  }

  private static Optional<String> match(ReferencePatterns patterns, Reference reference) {
    return patterns.match(reference.toString()).or(() -> patterns.match(plainest(reference)));
  }

  /**
   * Host names are the same in any case, with and without the port that https has anyway, and
   * Docker's registry answers to the name of its machine too. Who writes a reference chooses the
   * spelling: it must not lead around a pattern.
   */
  private static String plainest(Reference reference) {
    String registry = reference.registry().toLowerCase(Locale.ROOT);
    if (registry.endsWith(HTTPS_PORT)) {
      registry = registry.substring(0, registry.length() - HTTPS_PORT.length());
    }
    if (DOCKERS.contains(registry)) {
      registry = "docker.io";
    }
    return registry + reference.toString().substring(reference.registry().length());
  }

  /**
   * Throws when the policy does not let a reference through.
   *
   * @throws FaultException PERMISSION_DENIED naming the pattern
   */
  public void requirePolicy(Reference reference) {
    Judgement judgement = byPolicy(reference);
    if (!judgement.admitted()) {
      throw new FaultException(
          Fault.PERMISSION_DENIED,
          "pull " + reference + ": refused by this node's policy: " + judgement.reason());
    }
  }

  /** What each verifier says, up to and including the first that refuses. */
  public List<Judgement> byVerifiers(
      Reference reference, Descriptor image, Cancellation cancellation) {
    return verifiers.judge(reference, image, cancellation);
  }

  /**
   * Throws when a verifier does not let the image through.
   *
   * @throws FaultException PERMISSION_DENIED with the reason word SignatureValidationFailed, the
   *     verifier's name and its words
   */
  public void requireVerifiers(Reference reference, Descriptor image, Cancellation cancellation) {
    require(reference, image, byVerifiers(reference, image, cancellation));
  }

  /**
   * Throws when one of these judgements is a refusal, in the words of {@link #requireVerifiers}.
   */
  public static void require(Reference reference, Descriptor image, List<Judgement> judgements) {
    for (Judgement judgement : judgements) {
      if (!judgement.admitted()) {
        throw new FaultException(
            Fault.PERMISSION_DENIED,
            ReasonWord.SignatureValidationFailed,
            "pull "
                + reference
                + ": verifier "
                + judgement.judge()
                + " refuses "
                + image.digest()
                + ": "
                + judgement.reason(),
            null);
      }
    }
  }
}
