package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.content.MediaTypes;
import io.vertx.core.http.HttpMethod;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One repository during one pull: its hosts in order, who we are to them, and who of them did not
 * answer. Each request goes to the mirrors first and to the registry last, and is repeated with
 * back-off where that may help. Thread-safe.
 */
public final class RegistrySession implements BlobSource {
  private static final Logger LOG = LoggerFactory.getLogger(RegistrySession.class);

  private final Reference reference;
  private final HostsDirectory.Hosts hosts;
  private final Exchange exchange;
  private final Authenticator authenticator;
  private final Credentials credentials;
  private final RegistrySettings settings;
  private final SectionBuffers buffers;
  private final List<HostAnswer> answers = new CopyOnWriteArrayList<>();
  private final Set<RegistryHost> silent = ConcurrentHashMap.newKeySet();

  RegistrySession(
      Reference reference,
      HostsDirectory.Hosts hosts,
      Exchange exchange,
      Credentials credentials,
      TokenCache tokens,
      RegistrySettings settings,
      SectionBuffers buffers) {
    this.reference = reference;
    this.hosts = hosts;
    this.exchange = exchange;
    this.authenticator =
        new Authenticator(
            exchange,
            credentials.auth(),
            tokens,
            "repository:" + reference.repository() + ":pull",
            settings.limits().attempts());
    this.credentials = credentials;
    this.settings = settings;
    this.buffers = buffers;
  }

  /** Who was asked for documents so far, in order, and what came of it. */
  public List<HostAnswer> answers() {
    return List.copyOf(answers);
  }

  /** The file that decided which hosts are asked; empty when there is none. */
  public Optional<Path> hostsSource() {
    return hosts.source();
  }

  /** Where the credentials come from; never what they are. */
  public String credentialSource() {
    return credentials.source();
  }

  int attempts() {
    return settings.limits().attempts();
  }

  int connectionsPerLayer() {
    return settings.limits().connectionsPerLayer();
  }

  /** What the reference points to: its digest if it has one, else its tag. */
  public Fetched manifest(Cancellation cancellation) {
    if (reference.digest().isPresent()) {
      return byDigest(reference.digest().get(), "", cancellation);
    }
    String tag = reference.tag().orElse(Reference.DEFAULT_TAG);
    return first(
        RegistryHost.Capability.RESOLVE,
        "/manifests/" + tag,
        Map.of(),
        this::document,
        cancellation);
  }

  /** A manifest that an index lists. */
  public Fetched manifest(Descriptor descriptor, Cancellation cancellation) {
    Fetched fetched = byDigest(descriptor.digest(), descriptor.mediaType(), cancellation);
    int bytes = fetched.content().bytes().length;
    if (bytes != descriptor.size()) {
      throw new FaultException(
          Fault.INTERNAL,
          "pull %s: manifest %s has %d bytes, the index says %d"
              .formatted(reference, descriptor.digest(), bytes, descriptor.size()));
    }
    return fetched;
  }

  private Fetched byDigest(Digest digest, String contentType, Cancellation cancellation) {
    Fetched fetched =
        first(
            RegistryHost.Capability.PULL,
            "/manifests/" + digest,
            Map.of(),
            answer -> document(answer, Optional.of(digest)),
            cancellation);
    return fetched.contentType().isEmpty()
        ? new Fetched(digest, contentType, fetched.content(), fetched.servedBy())
        : fetched;
  }

  private Fetched document(Exchange.Answer answer) throws IOException, HostFailure {
    return document(answer, Optional.empty());
  }

  private Fetched document(Exchange.Answer answer, Optional<Digest> expected)
      throws IOException, HostFailure {
    try (answer) {
      byte[] bytes = answer.readAll(ManifestDocument.MAX_BYTES);
      // By tag, the registry's own word for the digest is all there is to compare with. It also
      // says by which function the registry will find the document again.
      Optional<String> stated =
          expected.map(Digest::toString).or(() -> answer.header("docker-content-digest"));
      Digest.Algorithm algorithm =
          stated.flatMap(RegistrySession::algorithm).orElse(Digest.Algorithm.SHA256);
      Digest digest = Digest.ofBytes(algorithm, bytes);
      if (stated.isPresent()
          && stated.get().startsWith(algorithm.prefix())
          && !stated.get().equals(digest.toString())) {
        throw new HostFailure(
            Fault.INTERNAL,
            answer.from().shown()
                + ": gave content of digest "
                + digest
                + " instead of "
                + stated.get(),
            null);
      }
      return new Fetched(
          digest,
          answer.header("content-type").orElse(""),
          Content.of(bytes),
          answer.from().shown());
    }
  }

  /** By which a digest is made; empty for one that is not ours. */
  private static Optional<Digest.Algorithm> algorithm(String digest) {
    return Arrays.stream(Digest.Algorithm.values())
        .filter(algorithm -> digest.startsWith(algorithm.prefix() + ":"))
        .findFirst();
  }

  /**
   * A blob as a stream that goes on by itself where a connection broke. Its bytes are not verified
   * here.
   */
  @Override
  public InputStream open(Descriptor blob, Cancellation cancellation) {
    return connectionsPerLayer() > 1 && blob.size() >= RangedBlob.WORTH_IT
        ? new RangedBlob(this, buffers, blob, cancellation)
        : new ResumingBlob(this, blob, 0, blob.size(), cancellation);
  }

  /**
   * A stretch of the blob's bytes. A server without ranges gives more: all that is behind the
   * offset.
   *
   * @param end behind the last byte
   */
  Exchange.Answer openAt(Descriptor blob, long offset, long end, Cancellation cancellation) {
    Map<String, String> headers =
        offset == 0 && end == blob.size()
            ? Map.of()
            : Map.of("Range", "bytes=" + offset + "-" + (end == blob.size() ? "" : end - 1));
    Reader<Exchange.Answer> reader = answer -> positioned(answer, blob, offset, end);
    String path = "/blobs/" + blob.digest();
    try {
      return first(RegistryHost.Capability.PULL, path, headers, reader, cancellation);
    } catch (FaultException e) {
      cancellation.check();
      if (!MediaTypes.isNonDistributable(blob.mediaType())) {
        throw e;
      }
      return elsewhere(blob, headers, reader, e, cancellation);
    }
  }

  /**
   * A layer that registries are not meant to have names other places to fetch it from (OCI
   * image-spec, descriptor.md). They are not shown who we are.
   */
  private Exchange.Answer elsewhere(
      Descriptor blob,
      Map<String, String> headers,
      Reader<Exchange.Answer> reader,
      FaultException registry,
      Cancellation cancellation) {
    FaultException failure = registry;
    for (String url : blob.urls()) {
      try {
        Exchange.Request request =
            new Exchange.Request(
                HttpMethod.GET, Exchange.Target.of(url), headers, Map.of(), Optional.empty());
        Exchange.Answer answer = exchange.send(request, cancellation);
        if (answer.status() == 200 || answer.status() == 206) {
          return reader.read(answer);
        }
        try (answer) {
          throw RegistryErrors.of(answer);
        }
      } catch (HostFailure | IOException e) {
        cancellation.check();
        failure =
            new FaultException(
                registry.kind(),
                failure.getMessage() + "; the layer's own URL: " + e.getMessage(),
                e);
      }
    }
    throw failure;
  }

  private static Exchange.Answer positioned(
      Exchange.Answer answer, Descriptor blob, long offset, long end)
      throws IOException, HostFailure {
    boolean partial = answer.status() == 206;
    long expected = partial ? end - offset : blob.size();
    Optional<String> length = answer.header("content-length");
    if (length.isPresent() && !length.get().equals(Long.toString(expected))) {
      answer.close();
      throw new HostFailure(
          Fault.INTERNAL,
          answer.from().shown() + ": has " + length.get() + " bytes, the manifest says " + expected,
          null);
    }
    if (!partial && offset > 0) {
      answer.body().skipNBytes(offset);
    }
    return answer;
  }

  private interface Reader<T> {
    T read(Exchange.Answer answer) throws IOException, HostFailure;
  }

  private <T> T first(
      RegistryHost.Capability needed,
      String path,
      Map<String, String> headers,
      Reader<T> reader,
      Cancellation cancellation) {
    List<HostFailure> failures = new ArrayList<>();
    List<RegistryHost> capable = new ArrayList<>();
    for (RegistryHost host : hosts.hosts()) {
      if (host.can(needed)) {
        capable.add(host);
      } else {
        note(host, path, "not asked: its capabilities lack " + needed.word(), System.nanoTime());
      }
    }
    for (RegistryHost host : capable) {
      boolean last = host.equals(capable.getLast());
      if (silent.contains(host) && !last) {
        continue;
      }
      long began = System.nanoTime();
      try {
        T read = repeatedly(host, path, headers, reader, last, cancellation);
        note(host, path, HostAnswer.ANSWERED, began);
        return read;
      } catch (HostFailure failure) {
        failures.add(failure);
        note(host, path, failure.getMessage(), began);
        if (failure.unreachable()) {
          silent.add(host);
        }
        if (!last) {
          LOG.info("pull {}: {}; trying the next host", reference, failure.getMessage());
        }
      }
    }
    throw summary(failures);
  }

  private void note(RegistryHost host, String path, String outcome, long began) {
    if (path.startsWith("/manifests/")) {
      answers.add(
          new HostAnswer(
              host.origin(),
              !host.upstream(),
              repositoryPath(path),
              outcome,
              Duration.ofNanos(System.nanoTime() - began)));
    }
  }

  private FaultException summary(List<HostFailure> failures) {
    if (failures.isEmpty()) {
      return new FaultException(
          Fault.FAILED_PRECONDITION,
          "pull "
              + reference
              + ": no host in "
              + hosts.source().map(Object::toString).orElse("the list")
              + " may be asked for this");
    }
    HostFailure last = failures.getLast();
    StringBuilder text = new StringBuilder("pull " + reference + ": " + last.getMessage());
    for (HostFailure earlier : failures.subList(0, failures.size() - 1)) {
      text.append("; before that, mirror ").append(earlier.getMessage());
    }
    text.append(" (credentials: ").append(credentials.source());
    hosts.source().ifPresent(file -> text.append("; hosts by ").append(file));
    text.append(")");
    return last.kind() == Fault.UNAVAILABLE
        ? new FaultException(
            Fault.UNAVAILABLE, ReasonWord.RegistryUnavailable, text.toString(), last)
        : new FaultException(last.kind(), text.toString(), last);
  }

  private <T> T repeatedly(
      RegistryHost host,
      String path,
      Map<String, String> headers,
      Reader<T> reader,
      boolean last,
      Cancellation cancellation)
      throws HostFailure {
    HostFailure failure = null;
    Optional<Duration> wanted = Optional.empty();
    for (int attempt = 0; attempt < attempts(); attempt++) {
      if (attempt > 0) {
        Backoff.pause(attempt, wanted, cancellation);
      }
      cancellation.check();
      try {
        Exchange.Answer answer = authorised(host, path, headers, cancellation);
        if (answer.status() == 200 || answer.status() == 206) {
          return reader.read(answer);
        }
        try (answer) {
          failure = RegistryErrors.of(answer);
          wanted = RegistryErrors.wantedPause(answer);
          if (!RegistryErrors.isTransient(answer.status())) {
            throw failure;
          }
        }
      } catch (IOException e) {
        cancellation.check();
        failure =
            new HostFailure(
                Fault.UNAVAILABLE, true, host.url(repositoryPath(path)) + ": " + e.getMessage(), e);
        // There is another host to ask: no time is lost on one that does not even answer. But a
        // connection that was kept from before may just have been closed by the server.
        boolean again = last || (attempt == 0 && Failures.isClosedConnection(e));
        if (!again || Failures.isPermanent(e)) {
          throw failure;
        }
      }
    }
    throw failure;
  }

  private Exchange.Answer authorised(
      RegistryHost host, String path, Map<String, String> headers, Cancellation cancellation)
      throws IOException, HostFailure {
    // Twice at most: without or with an old token, then with what the challenge asked for.
    for (int round = 0; ; round++) {
      Optional<String> authorization = authenticator.header(host);
      Exchange.Request request = request(host, path, headers, authorization);
      Exchange.Answer answer = exchange.send(request, cancellation);
      // Whoever it redirects to has no say in which token server hears our secret.
      boolean itself = answer.from().sameOrigin(request.target());
      if (answer.status() != 401 || round == 2 || !itself) {
        return answer;
      }
      List<String> challenges = answer.head().headers().getAll("www-authenticate");
      if (!authenticator.answer(host, authorization, challenges, cancellation)) {
        return answer;
      }
      answer.close();
    }
  }

  private Exchange.Request request(
      RegistryHost host, String path, Map<String, String> headers, Optional<String> authorization) {
    Map<String, String> all = new LinkedHashMap<>(headers);
    if (path.startsWith("/manifests/")) {
      all.put("Accept", String.join(", ", MediaTypes.MANIFESTS));
    }
    Map<String, List<String>> confidential = new HashMap<>(host.headers());
    authorization.ifPresent(value -> confidential.put("authorization", List.of(value)));
    String uri = host.pathPrefix() + repositoryPath(path);
    if (!host.upstream()) {
      // Tells a mirror that serves several registries which one is meant (containerd,
      // docs/hosts.md).
      uri += "?ns=" + URLEncoder.encode(reference.registry(), StandardCharsets.UTF_8);
    }
    Exchange.Target target =
        new Exchange.Target(host.secure(), host.host(), host.port(), uri, host.tls(), host.route());
    return new Exchange.Request(HttpMethod.GET, target, all, confidential, Optional.empty());
  }

  private String repositoryPath(String path) {
    return "/" + reference.repository() + path;
  }
}
