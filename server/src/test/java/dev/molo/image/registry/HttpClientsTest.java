package dev.molo.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HttpClientsTest {
  @TempDir Path folder;
  private Vertx vertx;
  private HttpClients clients;
  private Path system;
  private Path own;

  @BeforeEach
  void start() throws IOException {
    vertx = Vertx.vertx();
    system = Files.writeString(folder.resolve("system.crt"), "");
    own = Files.writeString(folder.resolve("own.crt"), "");
    clients =
        new HttpClients(
            vertx,
            RegistrySettings.standard(List.of()),
            List.of(folder.resolve("absent.crt"), system));
  }

  @AfterEach
  void stop() throws TimeoutException {
    clients.close();
    vertx.close().await(60, TimeUnit.SECONDS);
  }

  private HttpClient get() {
    return clients.get(true, new RegistryHost.Tls(false, List.of(own), List.of()));
  }

  @Test
  void changedAuthoritiesAreSeenWithoutARestart() throws IOException {
    for (Path bundle : List.of(system, own)) {
      HttpClient before = get();
      assertThat(get()).isSameAs(before);
      Files.setLastModifiedTime(bundle, FileTime.fromMillis(1));
      assertThat(get()).as(bundle + "").isNotSameAs(before);
    }
  }
}
