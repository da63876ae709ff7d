package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ProxiesTest {
  private static final String SECRET = "s3cret-pa55word";

  @ParameterizedTest
  @CsvSource({
    "true, registry.example, 443, socks5://s.example:1080",
    "false, registry.example, 80, http://p.example:3128",
    "true, LOCALHOST, 443, direct",
    "true, 127.0.0.1, 5000, direct",
    "true, internal, 443, direct",
    "true, deep.INTERNAL, 443, direct",
    "true, notinternal, 443, socks5://s.example:1080",
    "true, sub.dotted.example, 443, direct",
    "true, dotted.example, 443, socks5://s.example:1080",
    "true, 10.1.2.3, 443, direct",
    "true, 10.2.2.3, 443, socks5://s.example:1080",
    "true, 192.0.2.7, 443, direct",
    "true, 2001:db8::5, 443, direct",
    "true, ported.example, 5000, direct",
    "true, ported.example, 443, socks5://s.example:1080",
  })
  void isChosenByTheEnvironment(boolean https, String host, int port, String expected) {
    Proxies proxies =
        Proxies.of(
            Map.of(
                "HTTP_PROXY",
                "p.example:3128",
                "HTTPS_PROXY",
                "http://wrong.example",
                "https_proxy",
                "socks5://user:" + SECRET + "@s.example",
                "NO_PROXY",
                "internal, .dotted.example,10.1.0.0/16 192.0.2.7,2001:db8::/32,ported.example:5000"));
    assertThat(proxies.to(https, host, port).map(Object::toString).orElse("direct"))
        .isEqualTo(expected);
  }

  @Test
  void starIsEverything() {
    assertThat(
            Proxies.of(Map.of("HTTPS_PROXY", "http://p", "NO_PROXY", "*")).to(true, "a.example", 1))
        .isEmpty();
    assertThat(Proxies.none().to(true, "a.example", 443)).isEmpty();
  }

  @Test
  void proxyMayItselfBeBehindTls() {
    Proxies proxies =
        Proxies.of(
            Map.of(
                "HTTPS_PROXY",
                "https://u:" + SECRET + "@tls.example",
                "HTTP_PROXY",
                "https://p:1"));
    Proxies.Proxy proxy = proxies.to(true, "a.example", 443).orElseThrow();
    assertThat(proxy).hasToString("https://tls.example:443");
    assertThat(proxy.secure()).isTrue();
    assertThat(proxies.to(false, "a.example", 80).orElseThrow()).hasToString("https://p:1");
  }

  @Test
  void credentialsAndOddNamesAreRead() {
    Proxies.Proxy proxy =
        Proxies.of(Map.of("HTTPS_PROXY", "http://u%40d:p%3A+%2F@my_proxy:3128"))
            .to(true, "a.example", 443)
            .orElseThrow();
    assertThat(proxy.username()).isEqualTo("u@d");
    assertThat(proxy.password()).isEqualTo("p:+/");
    assertThat(proxy).hasToString("http://my_proxy:3128");
    assertThat(
            Proxies.of(Map.of("HTTPS_PROXY", "[2001:db8::1]:8080"))
                .to(true, "a.example", 443)
                .orElseThrow())
        .hasToString("http://[2001:db8::1]:8080");
  }

  @Test
  void otherKindsAreRefusedByNameWithoutTheirCredentials() {
    String value = "socks4://u:" + SECRET + "@old:1/?k=" + SECRET;
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", value)))
        .hasMessage(
            "HTTPS_PROXY: the proxy socks4://old:1 is of another kind, which is not supported;"
                + " http://, https:// and socks5:// are");
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTP_PROXY", "http://p", "http_proxy", value)))
        .hasMessageStartingWith("http_proxy: the proxy socks4://old:1 ")
        .hasMessageNotContaining(SECRET);
  }

  @Test
  void badValuesAreNamedAndNotShown() {
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", "ftp://u:" + SECRET + "@h")))
        .hasMessageContaining("HTTPS_PROXY")
        .hasMessageNotContaining(SECRET);
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTP_PROXY", "http://u:" + SECRET + "@ h")))
        .hasMessageContaining("HTTP_PROXY")
        .hasMessageNotContaining(SECRET);
    assertThatThrownBy(() -> Proxies.of(Map.of("NO_PROXY", "10.0.0.0/99")))
        .hasMessageContaining("10.0.0.0/99");
  }
}
