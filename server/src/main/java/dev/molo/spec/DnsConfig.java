package dev.molo.spec;

import java.util.List;

/** What goes into the pod's resolv.conf (CRI DNSConfig). All empty: the host's file is copied. */
public record DnsConfig(List<String> servers, List<String> searches, List<String> options) {
  public static final DnsConfig HOST = new DnsConfig(List.of(), List.of(), List.of());

  public DnsConfig {
    servers = List.copyOf(servers);
    searches = List.copyOf(searches);
    options = List.copyOf(options);
  }

  /** Whether nothing was asked for. */
  public boolean isEmpty() {
    return servers.isEmpty() && searches.isEmpty() && options.isEmpty();
  }
}
