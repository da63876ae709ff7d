package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One HTTP client for each way to judge certificates, made when it is first needed, made anew when
 * a certificate file has changed. Thread-safe.
 */
final class HttpClients implements AutoCloseable {
  private static final int MAX_CLIENTS = 8;

  /** More than all layers of all pulls can use at once, so that no request waits for another. */
  private static final int CONNECTIONS_PER_HOST = 96;

  /**
   * A body is handed on in pieces of up to this. Each costs the event loop the same, but a
   * connection that is paused holds up to 16 of them.
   */
  static final int CHUNK = 16 << 10;

  /** Where Debian and its relatives, and Red Hat's, keep the authorities that the system trusts. */
  private static final List<Path> SYSTEM_BUNDLES =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"));

  private record Key(boolean secure, RegistryHost.Tls tls, List<FileTime> times) {}

  private final Vertx vertx;
  private final RegistrySettings settings;
  private final List<Path> systemBundles;
  private final Map<Key, HttpClient> clients = new LinkedHashMap<>(16, 0.75f, true);

  HttpClients(Vertx vertx, RegistrySettings settings) {
    this(vertx, settings, SYSTEM_BUNDLES);
  }

  /** {@code systemBundles}: the first that can be read counts. */
  HttpClients(Vertx vertx, RegistrySettings settings, List<Path> systemBundles) {
    this.vertx = vertx;
    this.settings = settings;
    this.systemBundles = List.copyOf(systemBundles);
  }

  synchronized HttpClient get(boolean secure, RegistryHost.Tls tls) {
    Key key =
        new Key(secure, secure ? tls : RegistryHost.Tls.system(), secure ? times(tls) : List.of());
    HttpClient known = clients.get(key);
    if (known != null) {
      return known;
    }
    HttpClient made =
        vertx.createHttpClient(
            options(key), new PoolOptions().setHttp1MaxSize(CONNECTIONS_PER_HOST));
    clients.put(key, made);
    if (clients.size() > MAX_CLIENTS) {
      var eldest = clients.entrySet().iterator();
      // A pull that still uses it fails over to a new connection; nine kinds of trust at once are
      // not a node's habit.
      eldest.next().getValue().close();
      eldest.remove();
    }
    return made;
  }

  private HttpClientOptions options(Key key) {
    HttpClientOptions options =
        new HttpClientOptions()
            .setConnectTimeout((int) settings.limits().connect().toMillis())
            .setKeepAliveTimeout(5)
            .setMaxHeaderSize(64 << 10)
            .setMaxChunkSize(CHUNK)
            .setTcpNoDelay(true);
    if (!key.secure()) {
      return options;
    }
    options
        .setSsl(true)
        .setSslHandshakeTimeout(settings.limits().connect().toMillis())
        .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS);
    if (key.tls().skipVerify()) {
      options.setTrustAll(true).setVerifyHost(false);
    } else {
      trust(options, key.tls());
    }
    if (!key.tls().clients().isEmpty()) {
      PemKeyCertOptions pem = new PemKeyCertOptions();
      for (RegistryHost.ClientCertificate client : key.tls().clients()) {
        pem.addCertValue(read(client.certificate())).addKeyValue(read(client.key()));
      }
      options.setKeyCertOptions(pem);
    }
    return options;
  }

  private void trust(HttpClientOptions options, RegistryHost.Tls tls) {
    PemTrustOptions pem = new PemTrustOptions();
    systemBundle().ifPresent(bundle -> pem.addCertValue(read(bundle)));
    tls.authorities().forEach(authority -> pem.addCertValue(read(authority)));
    if (!pem.getCertValues().isEmpty()) {
      // Without any file, the JDK's own list decides.
      options.setTrustOptions(pem);
    }
  }

  private Optional<Path> systemBundle() {
    return systemBundles.stream().filter(Files::isReadable).findFirst();
  }

  private List<FileTime> times(RegistryHost.Tls tls) {
    List<FileTime> times = new ArrayList<>();
    systemBundle().ifPresent(file -> times.add(time(file)));
    tls.authorities().forEach(file -> times.add(time(file)));
    tls.clients().forEach(client -> times.add(time(client.certificate())));
    tls.clients().forEach(client -> times.add(time(client.key())));
    return times;
  }

  private static FileTime time(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static Buffer read(Path file) {
    try {
      return Buffer.buffer(Files.readAllBytes(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static FaultException unreadable(Path file, IOException e) {
    return new FaultException(
        Fault.FAILED_PRECONDITION, "certificate or key " + file + " cannot be read: " + e, e);
  }

  @Override
  public synchronized void close() {
    clients.values().forEach(HttpClient::close);
    clients.clear();
  }
}
