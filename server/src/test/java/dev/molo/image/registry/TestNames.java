package dev.molo.image.registry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * What the JVM of the tests asks for names: those below {@code molo-test} are what a test says, all
 * others the system's.
 */
public final class TestNames extends InetAddressResolverProvider {
  private static final String DOMAIN = ".molo-test";
  private static final Map<String, List<InetAddress>> KNOWN = new ConcurrentHashMap<>();

  /** Where a name is from now on; the JVM keeps an answer for half a minute. */
  static void set(String name, String... addresses) {
    KNOWN.put(name + DOMAIN, Stream.of(addresses).map(InetAddress::ofLiteral).toList());
  }

  @Override
  public InetAddressResolver get(Configuration configuration) {
    InetAddressResolver system = configuration.builtinResolver();
    return new InetAddressResolver() {
      @Override
      public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
          throws UnknownHostException {
        if (!host.endsWith(DOMAIN)) {
          return system.lookupByName(host, policy);
        }
        if (!KNOWN.containsKey(host)) {
          throw new UnknownHostException(host + ": no test has said where it is");
        }
        return KNOWN.get(host).stream();
      }

      @Override
      public String lookupByAddress(byte[] address) throws UnknownHostException {
        return system.lookupByAddress(address);
      }
    };
  }

  @Override
  public String name() {
    return "the tests' own";
  }
}
