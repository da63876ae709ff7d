package dev.molo.image.admission;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What images have to pass.
 *
 * @param allow patterns of references of which one has to match; none: all may come
 * @param deny patterns of references that may not come, whatever {@code allow} says
 * @param verifiers the folder of verifier programs; need not exist
 * @param maxVerifiers how many of them are asked, in the order of their names
 * @param limit for each of them
 */
public record AdmissionSettings(
    List<String> allow, List<String> deny, Path verifiers, int maxVerifiers, Duration limit) {

  /** Copies its lists. */
  public AdmissionSettings {
    allow = List.copyOf(allow);
    deny = List.copyOf(deny);
  }

  /** All may come that the folder's programs let through. */
  public static AdmissionSettings standard(Path verifiers) {
    return new AdmissionSettings(List.of(), List.of(), verifiers, 10, Duration.ofSeconds(10));
  }
}
