package dev.molo.image.registry;

import java.util.concurrent.CountDownLatch;

/** Misbehaviour that more than one test needs. */
final class RegistryScripts {
  private RegistryScripts() {}

  /** Sends a head and nothing else until {@code over}. */
  static void stall(
      ScriptedRegistry registry,
      String path,
      long length,
      CountDownLatch stalled,
      CountDownLatch over) {
    registry.on(
        path,
        e -> {
          e.sendResponseHeaders(200, length);
          e.getResponseBody().flush();
          stalled.countDown();
          RegistrySessionIT.await(over);
          e.close();
        });
  }
}
