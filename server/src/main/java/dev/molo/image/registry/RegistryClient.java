package dev.molo.image.registry;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import io.vertx.core.Vertx;
import java.nio.file.Path;

/**
 * Speaks the OCI distribution API (version 1.1) to registries and their mirrors. Thread-safe; its
 * callers block.
 */
public final class RegistryClient implements AutoCloseable {
  private final RegistrySettings settings;
  private final HttpClients clients;
  private final HostNames names;
  private final TlsProxies tlsProxies;
  private final HostsDirectory hosts;
  private final NodeCredentials nodeCredentials;
  private final SectionBuffers buffers = new SectionBuffers();
  private final TokenCache tokens = new TokenCache(System::nanoTime);

  /**
   * A client that nobody uses yet.
   *
   * @param sockets a folder of its own, made and emptied when a proxy behind TLS needs it
   */
  public RegistryClient(Vertx vertx, RegistrySettings settings, Path sockets) {
    this.settings = settings;
    this.clients = new HttpClients(vertx, settings);
    this.names = new HostNames(vertx);
    this.tlsProxies = new TlsProxies(vertx, clients, names, sockets);
    this.hosts = new HostsDirectory(settings);
    this.nodeCredentials =
        new NodeCredentials(settings.credentialFiles(), System.getenv().getOrDefault("PATH", ""));
  }

  /**
   * Begins a pull: reads the hosts.toml files that apply and, when the pull brings no credentials,
   * the node's own.
   *
   * @throws dev.molo.fault.FaultException FAILED_PRECONDITION when one of them cannot be understood
   */
  public RegistrySession open(Reference reference, RegistryAuth auth, Cancellation cancellation) {
    return new RegistrySession(
        reference,
        hosts.lookUp(reference.registry()),
        new Exchange(clients, names, tlsProxies, settings),
        credentials(reference, auth, cancellation),
        tokens,
        settings,
        buffers);
  }

  /**
   * Begins a push, to the registry itself or to the first host of its hosts.toml that may be pushed
   * to.
   *
   * @throws dev.molo.fault.FaultException FAILED_PRECONDITION when no host may
   */
  public PushSession openPush(Reference reference, RegistryAuth auth, Cancellation cancellation) {
    HostsDirectory.Hosts known = hosts.lookUp(reference.registry());
    RegistryHost host =
        known.hosts().stream()
            .filter(candidate -> candidate.can(RegistryHost.Capability.PUSH))
            .findFirst()
            .orElseThrow(() ->
                FaultException.precondition(
                    "push %s: no host in %s may be pushed to",
                    reference, known.source().map(Object::toString).orElse("the list")));
    return new PushSession(
        reference,
        host,
        new Exchange(clients, names, tlsProxies, settings),
        credentials(reference, auth, cancellation),
        tokens,
        settings.limits().attempts());
  }

  private Credentials credentials(
      Reference reference, RegistryAuth auth, Cancellation cancellation) {
    return auth instanceof RegistryAuth.Anonymous
        ? nodeCredentials.find(reference, cancellation)
        : new Credentials(auth, "the request");
  }

  @Override
  public void close() {
    tlsProxies.close();
    clients.close();
    tokens.close();
  }
}
