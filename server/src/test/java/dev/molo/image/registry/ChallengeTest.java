package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class ChallengeTest {
  @Test
  void challengesAreRead() {
    assertThat(
            Challenge.parse("Bearer realm=\"https://a/t\",service=\"s, \\\"q\\\"\" , scope=repo"))
        .containsExactly(
            new Challenge(
                "bearer", Map.of("realm", "https://a/t", "service", "s, \"q\"", "scope", "repo")));
    assertThat(Challenge.parse("Basic realm=x, Bearer realm=\"y\""))
        .containsExactly(
            new Challenge("basic", Map.of("realm", "x")),
            new Challenge("bearer", Map.of("realm", "y")));
    assertThat(Challenge.parse("")).isEmpty();
  }

  @Test
  void quotationThatDoesNotEndGoesToTheEnd() {
    assertThat(Challenge.parse("Bearer realm=\"https://a/t"))
        .containsExactly(new Challenge("bearer", Map.of("realm", "https://a/t")));
    assertThat(Challenge.parse("Bearer realm=\"x\\"))
        .containsExactly(new Challenge("bearer", Map.of("realm", "x\\")));
  }

  @Property
  void anyHeaderIsReadOrIgnored(@ForAll String header) {
    List<Challenge> challenges = Challenge.parse(header);
    assertThat(challenges).hasSizeLessThanOrEqualTo(header.length());
  }
}
