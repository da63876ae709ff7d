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
  void proxyBehindTlsIsRefusedByNameWithoutItsCredentials() {
    String value = "https://u:" + SECRET + "@tls.example:3129/?k=" + SECRET;
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", value)))
        .hasMessage(
            "HTTPS_PROXY: the proxy https://tls.example:3129 is itself behind TLS, which is not"
                + " supported; http:// (with tunnels for https) and socks5:// are");
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTP_PROXY", "http://p", "http_proxy", value)))
        .hasMessageStartingWith("http_proxy: the proxy https://tls.example:3129 ")
        .hasMessageNotContaining(SECRET);
    assertThatThrownBy(() -> Proxies.of(Map.of("HTTPS_PROXY", "socks4://u:" + SECRET + "@old")))
        .hasMessageStartingWith("HTTPS_PROXY: the proxy socks4://old is of another kind")
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
