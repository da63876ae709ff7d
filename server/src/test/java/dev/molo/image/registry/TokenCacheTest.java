package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.image.RegistryAuth;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TokenCacheTest {
  private static final RegistryAuth A = new RegistryAuth.Basic("a", "pa55word");

  private long now = Long.MAX_VALUE - 1000;
  private final TokenCache cache = new TokenCache(() -> now);

  @AfterEach
  void close() {
    cache.close();
  }

  private TokenCache.Key key(RegistryAuth auth) {
    return cache.key(
        "https://r.example", "https://t.example/token", "s", "repository:a:pull", auth);
  }

  private void passes(Duration time) {
    now += time.toNanos();
  }

  @Test
  void tokenIsKeptUntilJustBeforeItExpires() {
    cache.keep(key(A), "t0ken", Duration.ofMinutes(5));
    assertThat(cache.find(key(A))).contains("t0ken");
    passes(Duration.ofSeconds(294));
    assertThat(cache.find(key(A))).contains("t0ken");
    passes(Duration.ofSeconds(1));
    assertThat(cache.find(key(A))).isEmpty();
  }

  @Test
  void noTokenIsKeptForLongerThanAnHour() {
    cache.keep(key(A), "t0ken", Duration.ofSeconds(Long.MAX_VALUE));
    passes(Duration.ofHours(1));
    assertThat(cache.find(key(A))).isEmpty();
  }

  @Test
  void shortLivedAndHugeTokensAreNotKept() {
    cache.keep(key(A), "t0ken", Duration.ofSeconds(5));
    assertThat(cache.find(key(A))).isEmpty();
    cache.keep(key(A), "t0ken", Duration.ofSeconds(Long.MIN_VALUE));
    assertThat(cache.find(key(A))).isEmpty();
    cache.keep(key(A), "t".repeat((16 << 10) + 1), TokenCache.USUAL);
    assertThat(cache.find(key(A))).isEmpty();
  }

  @Test
  void tokenIsForOneIdentityHostRealmServiceAndScope() {
    cache.keep(key(A), "t0ken", TokenCache.USUAL);
    List<TokenCache.Key> others =
        List.of(
            key(RegistryAuth.anonymous()),
            key(new RegistryAuth.Basic("a", "pa55word2")),
            key(new RegistryAuth.Basic("apa55word", "")),
            key(new RegistryAuth.Basic("b", "pa55word")),
            key(new RegistryAuth.IdentityToken("pa55word")),
            cache.key("https://r2.example", "https://t.example/token", "s", "repository:a:pull", A),
            cache.key("https://r.example", "https://t.example/other", "s", "repository:a:pull", A),
            cache.key("https://r.example", "https://t.example/token", "t", "repository:a:pull", A),
            cache.key("https://r.example", "https://t.example/token", "s", "repository:b:pull", A));
    assertThat(others).allMatch(other -> cache.find(other).isEmpty());
    assertThat(cache.find(key(new RegistryAuth.Basic("a", "pa55word")))).contains("t0ken");
  }

  @Test
  void orderOfScopesAndActionsDoesNotMatter() {
    cache.keep(
        scoped("repository:a:5000/b:pull,push repository:c:pull"), "t0ken", TokenCache.USUAL);
    assertThat(cache.find(scoped("repository:c:pull repository:a:5000/b:push,pull")))
        .contains("t0ken");
    assertThat(cache.find(scoped("repository:a:5000/b:push repository:c:pull"))).isEmpty();
    assertThat(cache.find(scoped("repository:a:5000/b:pull repository:c:pull,push"))).isEmpty();
    assertThat(cache.find(scoped("repository:a:5000/b:pull,push"))).isEmpty();
  }

  private TokenCache.Key scoped(String scope) {
    return cache.key("https://r.example", "https://t.example/token", "s", scope, A);
  }

  @Test
  void keyShowsNothingOfTheCredentials() {
    assertThat(key(A).toString()).doesNotContain("pa55word");
    try (TokenCache other = new TokenCache(() -> now)) {
      assertThat(
              other.key(
                  "https://r.example", "https://t.example/token", "s", "repository:a:pull", A))
          .as("another process's identity is another")
          .isNotEqualTo(key(A));
    }
  }

  @Test
  void numberIsBoundedAndTheLongestUnusedGoesFirst() {
    for (int i = 0; i < 200; i++) {
      cache.keep(key(new RegistryAuth.Basic("user" + i, "")), "t" + i, TokenCache.USUAL);
      cache.find(key(new RegistryAuth.Basic("user0", "")));
    }
    assertThat(cache.find(key(new RegistryAuth.Basic("user0", "")))).contains("t0");
    assertThat(cache.find(key(new RegistryAuth.Basic("user1", "")))).isEmpty();
    assertThat(cache.find(key(new RegistryAuth.Basic("user199", "")))).contains("t199");
  }

  @Test
  void forgottenTokenIsGone() {
    cache.keep(key(A), "t0ken", TokenCache.USUAL);
    cache.forget(key(A));
    assertThat(cache.find(key(A))).isEmpty();
  }
}
