package dev.molo.image.registry;

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

  public RegistryClient(Vertx vertx, RegistrySettings settings) {
    this.settings = settings;
    this.clients = new HttpClients(vertx, settings);
    this.hosts = new HostsDirectory(settings);
  }

  /**
   * Begins a pull: reads the hosts.toml files that apply.
   *
   * @throws dev.molo.fault.FaultException FAILED_PRECONDITION when one of them cannot be understood
   */
  public RegistrySession open(Reference reference, RegistryAuth auth) {
    Exchange exchange = new Exchange(clients, settings);
    Authenticator authenticator =
        new Authenticator(exchange, auth, "repository:" + reference.repository() + ":pull");
    return new RegistrySession(
        reference, hosts.lookUp(reference.registry()), exchange, authenticator, settings);
  }

  @Override
  public void close() {
    clients.close();
  }
}
