package dev.molo.image.registry;

import dev.molo.image.Cancellation;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import io.vertx.core.Vertx;

/**
 * Speaks the OCI distribution API (version 1.1) to registries and their mirrors. Thread-safe; its
 * callers block.
 */
public final class RegistryClient implements AutoCloseable {
  private final RegistrySettings settings;
  private final HttpClients clients;
  private final HostsDirectory hosts;
  private final NodeCredentials nodeCredentials;
  private final SectionBuffers buffers = new SectionBuffers();

  public RegistryClient(Vertx vertx, RegistrySettings settings) {
    this.settings = settings;
    this.clients = new HttpClients(vertx, settings);
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
    HostsDirectory.Hosts asked = hosts.lookUp(reference.registry());
    Credentials credentials =
        auth instanceof RegistryAuth.Anonymous
            ? nodeCredentials.find(reference, cancellation)
            : new Credentials(auth, "the request");
    return new RegistrySession(
        reference, asked, new Exchange(clients, settings), credentials, settings, buffers);
  }

  @Override
  public void close() {
    clients.close();
  }
}
