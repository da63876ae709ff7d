package dev.molo.image;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Debian's docker-registry on a loopback port of its own. */
public final class TestRegistry implements AutoCloseable {
  private final RegistryProcess process;
  private final Path storage;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Map<String, String> headers;

  private TestRegistry(RegistryProcess process, Path storage, Map<String, String> headers) {
    this.process = process;
    this.storage = storage;
    this.headers = headers;
  }

  public static boolean installed() {
    return Files.isExecutable(RegistryProcess.PROGRAM);
  }

  /** Plain http, nobody asks who we are. */
  public static TestRegistry start(Path directory) throws IOException, InterruptedException {
    return start(directory, "", Map.of());
  }

  /**
   * With more configuration.
   *
   * @param moreYaml appended to the configuration
   * @param headers what the test itself sends when it pushes
   */
  public static TestRegistry start(Path directory, String moreYaml, Map<String, String> headers)
      throws IOException, InterruptedException {
    Path storage = Files.createTempDirectory(directory, "registry");
    return new TestRegistry(
        RegistryProcess.start(directory, storage, "", moreYaml), storage, headers);
  }

  /** {@code 127.0.0.1:port}. */
  public String address() {
    return process.address();
  }

  public int port() {
    return process.port();
  }

  /** The folder of everything that was pushed. */
  Path storage() {
    return storage;
  }

  /** Pushes an image under {@code repository:tag}; its manifest's digest. */
  public Digest push(TestImage image, String repository, String tag) {
    image.blobs().forEach((digest, bytes) -> pushBlob(repository, digest, bytes));
    return pushManifest(repository, tag, image.mediaType(), image.manifestBytes());
  }

  /** An image whose layers are not in the registry; only its configuration is. */
  public Digest pushWithoutLayers(TestImage image, String repository, String tag) {
    byte[] config = image.configBytes();
    pushBlob(repository, Digest.ofBytes(config), config);
    return pushManifest(repository, tag, image.mediaType(), image.manifestBytes());
  }

  /** An index and all of its images. */
  public Digest pushIndex(String repository, String tag, TestImage... images) {
    for (TestImage image : images) {
      push(image, repository, Digest.ofBytes(image.manifestBytes()).toString());
    }
    return pushManifest(
        repository, tag, "application/vnd.oci.image.index.v1+json", TestImage.index(images));
  }

  public Digest pushManifest(String repository, String reference, String type, byte[] bytes) {
    HttpResponse<String> answer =
        send(
            request("/v2/" + repository + "/manifests/" + reference)
                .header("Content-Type", type)
                .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes)));
    expect(answer, 201);
    return Digest.ofBytes(bytes);
  }

  private void pushBlob(String repository, Digest digest, byte[] bytes) {
    HttpResponse<String> opened =
        send(
            request("/v2/" + repository + "/blobs/uploads/")
                .POST(HttpRequest.BodyPublishers.noBody()));
    expect(opened, 202);
    URI location =
        URI.create("http://" + address())
            .resolve(opened.headers().firstValue("Location").orElseThrow());
    String separator = location.getQuery() == null ? "?" : "&";
    HttpRequest.Builder put =
        HttpRequest.newBuilder(URI.create(location + separator + "digest=" + digest))
            .header("Content-Type", "application/octet-stream")
            .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes));
    headers.forEach(put::header);
    expect(send(put), 201);
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create("http://" + address() + path));
    headers.forEach(builder::header);
    return builder;
  }

  private HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void expect(HttpResponse<String> answer, int status) {
    if (answer.statusCode() != status) {
      throw new IllegalStateException(
          answer.request().uri() + ": " + answer.statusCode() + " " + answer.body());
    }
  }

  @Override
  public void close() {
    process.close();
  }
}
