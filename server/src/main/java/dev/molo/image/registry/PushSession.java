package dev.molo.image.registry;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Descriptor;
import io.vertx.core.http.HttpMethod;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One repository during one push (OCI distribution-spec, "Push"). A small blob goes in one request,
 * a bigger one in chunks, and goes on at the byte that the registry names where a connection broke.
 * Thread-safe; its callers block.
 */
public final class PushSession {
  /** Bigger blobs go in chunks of this size. */
  static final int CHUNK = 16 << 20;

  private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-([0-9]{1,18})");

  private final Reference reference;
  private final RegistryHost host;
  private final Exchange exchange;
  private final Authenticator authenticator;
  private final Credentials credentials;
  private final int attempts;

  PushSession(
      Reference reference,
      RegistryHost host,
      Exchange exchange,
      Credentials credentials,
      TokenCache tokens,
      int attempts) {
    this.reference = reference;
    this.host = host;
    this.exchange = exchange;
    this.authenticator =
        new Authenticator(
            exchange,
            credentials.auth(),
            tokens,
            "repository:" + reference.repository() + ":pull,push",
            attempts);
    this.credentials = credentials;
    this.attempts = attempts;
  }

  /** A body that can be sent more than once; each stream is closed by who asked for it. */
  private interface Body {
    InputStream from(long offset) throws IOException;

    static Body of(Blob blob) {
      return offset -> {
        InputStream in = blob.open();
        try {
          in.skipNBytes(offset);
          return in;
        } catch (IOException e) {
          in.close();
          throw e;
        }
      };
    }
  }

  /**
   * A blob from piece to piece: it is not begun again for each of them, because one that is made
   * while it is read takes longer to skip than to send.
   */
  private static final class Forward implements Body, AutoCloseable {
    private final Blob blob;
    private InputStream in = InputStream.nullInputStream();
    private long at = -1;

    Forward(Blob blob) {
      this.blob = blob;
    }

    @Override
    public InputStream from(long offset) throws IOException {
      if (at != offset) {
        in.close();
        in = Body.of(blob).from(offset);
        at = offset;
      }
      return new FilterInputStream(in) {
        @Override
        public int read() throws IOException {
          int c = super.read();
          at += c < 0 ? 0 : 1;
          return c;
        }

        @Override
        public int read(byte[] into, int start, int length) throws IOException {
          int n = super.read(into, start, length);
          at += Math.max(n, 0);
          return n;
        }

        @Override
        public void close() {
          // the next piece goes on here
        }
      };
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  /** What is asked: a method, where, and with what. */
  private record Call(
      HttpMethod method,
      Exchange.Target target,
      Map<String, String> headers,
      Body body,
      long offset,
      long length,
      LongConsumer sent) {}

  /** Whether the repository has a blob. */
  public boolean has(Digest digest, Cancellation cancellation) {
    return told(() -> isThere(digest, cancellation));
  }

  private boolean isThere(Digest digest, Cancellation cancellation)
      throws IOException, HostFailure {
    try (Exchange.Answer answer =
        repeatedly(call(HttpMethod.HEAD, at("/blobs/" + digest)), cancellation)) {
      if (answer.status() != 200 && answer.status() != 404) {
        throw RegistryErrors.of(answer);
      }
      return answer.status() == 200;
    }
  }

  /**
   * Asks the registry to take a blob from another repository of its own.
   *
   * @return whether it did; if not, it has to be uploaded
   */
  public boolean mount(Digest digest, String fromRepository, Cancellation cancellation) {
    return told(() -> {
      String query = "?mount=" + encode(digest.toString()) + "&from=" + encode(fromRepository);
      try (Exchange.Answer answer =
          repeatedly(call(HttpMethod.POST, at("/blobs/uploads/" + query)), cancellation)) {
        // 202: an upload was begun instead, which the registry forgets when nothing comes.
        if (answer.status() != 201) {
          return false;
        }
      }
      // docker-registry knows what it took by sha256 alone, whatever it was asked for.
      return digest.algorithm() == Digest.Algorithm.SHA256 || has(digest, cancellation);
    });
  }

  /**
   * Uploads a blob.
   *
   * @param sent hears how many of its bytes the registry has taken or is taking
   */
  public void upload(Blob blob, LongConsumer sent, Cancellation cancellation) {
    Digest digest = blob.descriptor().digest();
    // What broke off last may have been the answer, and not the upload.
    told(() ->
        fromTheBeginning(
            again -> (again && isThere(digest, cancellation)) || transfer(blob, sent, cancellation),
            cancellation));
  }

  private interface Attempt {
    boolean run(boolean again) throws IOException, HostFailure;
  }

  /**
   * Repeats what sends content and may be sent twice, where a connection breaks or a registry is
   * busy.
   */
  private boolean fromTheBeginning(Attempt step, Cancellation cancellation)
      throws IOException, HostFailure {
    for (int attempt = 1; ; attempt++) {
      try {
        return step.run(attempt > 1);
      } catch (IOException e) {
        cancellation.check();
        if (attempt == attempts || Failures.isPermanent(e)) {
          throw e;
        }
        Backoff.pause(attempt, wantedPause(e), cancellation);
      }
    }
  }

  /** The registry was sent content, and cannot do anything with it right now. */
  private static final class BusyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient HostFailure failure;
    private final Duration wanted;

    private BusyException(HostFailure failure, Duration wanted) {
      super(failure.getMessage(), failure);
      this.failure = failure;
      this.wanted = wanted;
    }

    static BusyException of(Exchange.Answer answer) {
      Duration wanted = RegistryErrors.wantedPause(answer).orElse(Duration.ZERO);
      return new BusyException(RegistryErrors.of(answer), wanted);
    }
  }

  private static Optional<Duration> wantedPause(IOException e) {
    return e instanceof BusyException busy ? Optional.of(busy.wanted) : Optional.empty();
  }

  /** From the beginning, in one go or in chunks. */
  private boolean transfer(Blob blob, LongConsumer sent, Cancellation cancellation)
      throws IOException, HostFailure {
    Descriptor what = blob.descriptor();
    Exchange.Target place;
    long chunk;
    try (Exchange.Answer begun =
        expect(call(HttpMethod.POST, at("/blobs/uploads/")), 202, cancellation)) {
      place = location(begun);
      chunk =
          Math.max(CHUNK, begun.header("oci-chunk-min-length").map(PushSession::number).orElse(0L));
    }
    if (what.size() > chunk) {
      return inChunks(blob, chunk, place, sent, cancellation);
    }
    Call put = ending(place, what, Body.of(blob), 0, sent);
    expect(put, 201, cancellation).close();
    return true;
  }

  private boolean inChunks(
      Blob blob, long chunk, Exchange.Target place, LongConsumer sent, Cancellation cancellation)
      throws IOException, HostFailure {
    Descriptor what = blob.descriptor();
    Chunks chunks;
    try (Forward body = new Forward(blob)) {
      chunks = new Chunks(body, what.size(), chunk, sent, place);
      while (chunks.offset < what.size()) {
        chunks.next(cancellation);
      }
    }
    Body nothing = _ -> InputStream.nullInputStream();
    Call put = ending(chunks.place, what, nothing, what.size(), sent);
    try (Exchange.Answer answer = repeatedly(put, cancellation)) {
      HostFailure refused = answer.status() == 201 ? null : RegistryErrors.of(answer);
      if (answer.status() == 404) {
        throw new IOException("it knows nothing of this upload any more", refused);
      }
      if (refused != null) {
        throw refused;
      }
      return true;
    }
  }

  /** What ends an upload, with the content from {@code offset} on. */
  private static Call ending(
      Exchange.Target place, Descriptor what, Body body, long offset, LongConsumer sent) {
    return new Call(
        HttpMethod.PUT,
        with(place, "digest=" + encode(what.digest().toString())),
        Map.of("Content-Type", "application/octet-stream"),
        body,
        offset,
        what.size() - offset,
        sent);
  }

  /** A blob on its way in pieces. */
  private final class Chunks {
    private final Body body;
    private final long size;
    private final long chunk;
    private final LongConsumer sent;
    private Exchange.Target place;
    private long offset;

    /** How far it has ever come. A registry that forgets what it took is not asked for ever. */
    private long furthest;

    private int failures;

    Chunks(Body body, long size, long chunk, LongConsumer sent, Exchange.Target place) {
      this.body = body;
      this.size = size;
      this.chunk = chunk;
      this.sent = sent;
      this.place = place;
    }

    /** Sends a piece; where that breaks, asks how much has arrived and goes on from there. */
    void next(Cancellation cancellation) throws IOException, HostFailure {
      long from = offset;
      long length = Math.min(chunk, size - from);
      Call patch =
          new Call(
              HttpMethod.PATCH,
              place,
              Map.of(
                  "Content-Type",
                  "application/octet-stream",
                  "Content-Range",
                  from + "-" + (from + length - 1)),
              body,
              from,
              length,
              n -> sent.accept(from + n));
      try (Exchange.Answer answer = once(patch, cancellation)) {
        if (answer.status() == 202) {
          place = location(answer);
          offset = from + length;
          if (offset > furthest) {
            furthest = offset;
            failures = 0;
          }
          return;
        }
        if (!RegistryErrors.isTransient(answer.status()) && answer.status() != 416) {
          throw RegistryErrors.of(answer);
        }
        failed(BusyException.of(answer), cancellation);
      } catch (IOException e) {
        failed(e, cancellation);
      }
    }

    private void failed(IOException e, Cancellation cancellation) throws IOException, HostFailure {
      cancellation.check();
      if (++failures >= attempts || Failures.isPermanent(e)) {
        throw e;
      }
      Backoff.pause(failures, wantedPause(e), cancellation);
      try (Exchange.Answer status = repeatedly(call(HttpMethod.GET, place), cancellation)) {
        if (status.status() != 204 && status.status() != 202) {
          // It knows nothing of this upload any more: from the beginning.
          throw e;
        }
        offset = arrived(status);
        if (status.header("location").isPresent()) {
          place = location(status);
        }
      }
    }
  }

  /** The number of bytes that the registry has. An empty upload is {@code 0-0} to some. */
  private static long arrived(Exchange.Answer status) {
    Matcher range = RANGE.matcher(status.header("range").orElse(""));
    if (!range.matches()) {
      return 0;
    }
    long last = Long.parseLong(range.group(1));
    return last == 0 ? 0 : last + 1;
  }

  private static long number(String text) {
    return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : 0;
  }

  /** Gives the repository a manifest, under a tag or its digest. */
  public void manifest(Descriptor descriptor, byte[] bytes, Cancellation cancellation) {
    told(() -> fromTheBeginning(_ -> put(descriptor, bytes, cancellation), cancellation));
  }

  private boolean put(Descriptor descriptor, byte[] bytes, Cancellation cancellation)
      throws IOException, HostFailure {
    String name = reference.tag().orElse(descriptor.digest().toString());
    Call put =
        new Call(
            HttpMethod.PUT,
            at("/manifests/" + name),
            Map.of("Content-Type", descriptor.mediaType()),
            _ -> new ByteArrayInputStream(bytes),
            0,
            bytes.length,
            _ -> {});
    try (Exchange.Answer answer = expect(put, 201, cancellation)) {
      String said = answer.header("docker-content-digest").orElse("");
      if (said.startsWith(descriptor.digest().algorithm().prefix())
          && !said.equals(descriptor.digest().toString())) {
        throw new HostFailure(
            Fault.INTERNAL,
            answer.from().shown() + ": took it as " + said + ", not as " + descriptor.digest(),
            null);
      }
      return true;
    }
  }

  private Exchange.Target at(String path) {
    return new Exchange.Target(
        host.secure(),
        host.host(),
        host.port(),
        host.pathPrefix() + "/" + reference.repository() + path,
        host.tls(),
        host.route());
  }

  private static Call call(HttpMethod method, Exchange.Target target) {
    return new Call(method, target, Map.of(), _ -> InputStream.nullInputStream(), 0, 0, _ -> {});
  }

  /** Where the upload goes on. Another host may be named; it is not told who we are. */
  private static Exchange.Target location(Exchange.Answer answer) throws IOException {
    String location =
        answer
            .header("location")
            .orElseThrow(() -> new IOException("it does not say where to upload to"));
    Exchange.Target from = answer.from();
    Exchange.Target next = Exchange.follow(from, location);
    if (from.secure() && !next.secure()) {
      throw new IOException("it wants the upload over http (" + next.shown() + "), refused");
    }
    return next.sameOrigin(from)
        ? new Exchange.Target(
            next.secure(), next.host(), next.port(), next.uri(), from.tls(), from.route())
        : next;
  }

  private static Exchange.Target with(Exchange.Target target, String parameter) {
    String uri = target.uri() + (target.uri().indexOf('?') < 0 ? "?" : "&") + parameter;
    return new Exchange.Target(
        target.secure(), target.host(), target.port(), uri, target.tls(), target.route());
  }

  private Exchange.Answer expect(Call call, int status, Cancellation cancellation)
      throws IOException, HostFailure {
    Exchange.Answer answer = repeatedly(call, cancellation);
    if (answer.status() == status) {
      return answer;
    }
    try (answer) {
      if (call.length() > 0 && RegistryErrors.isTransient(answer.status())) {
        throw BusyException.of(answer);
      }
      throw RegistryErrors.of(answer);
    }
  }

  /** Again where that may help. */
  private Exchange.Answer repeatedly(Call call, Cancellation cancellation)
      throws IOException, HostFailure {
    // A body is not sent twice to the same place: how much of the first has arrived?
    boolean last = call.length() > 0;
    for (int attempt = 1; ; attempt++) {
      Optional<Duration> wanted = Optional.empty();
      try {
        Exchange.Answer answer = once(call, cancellation);
        if (last || attempt == attempts || !RegistryErrors.isTransient(answer.status())) {
          return answer;
        }
        wanted = RegistryErrors.wantedPause(answer);
        answer.close();
      } catch (IOException e) {
        cancellation.check();
        if (last || attempt == attempts || Failures.isPermanent(e)) {
          throw e;
        }
      }
      Backoff.pause(attempt, wanted, cancellation);
    }
  }

  private Exchange.Answer once(Call call, Cancellation cancellation)
      throws IOException, HostFailure {
    for (int round = 0; ; round++) {
      cancellation.check();
      Optional<String> authorization = authenticator.header(host);
      Exchange.Answer answer = send(call, authorization, cancellation);
      // Whoever it redirects to has no say in which token server hears our secret.
      if (answer.status() != 401 || round == 2 || !atHome(answer.from())) {
        return answer;
      }
      List<String> challenges = answer.head().headers().getAll("www-authenticate");
      if (!authenticator.answer(host, authorization, challenges, cancellation)) {
        return answer;
      }
      answer.close();
    }
  }

  private Exchange.Answer send(Call call, Optional<String> authorization, Cancellation cancellation)
      throws IOException {
    Map<String, List<String>> confidential = new HashMap<>();
    if (atHome(call.target())) {
      confidential.putAll(host.headers());
      authorization.ifPresent(value -> confidential.put("authorization", List.of(value)));
    }
    Exchange.Request request =
        new Exchange.Request(
            call.method(), call.target(), call.headers(), confidential, Optional.empty());
    boolean bodiless =
        call.method().equals(HttpMethod.GET) || call.method().equals(HttpMethod.HEAD);
    if (bodiless) {
      return exchange.send(request, cancellation);
    }
    try (InputStream body = call.body().from(call.offset())) {
      return exchange.upload(request, body, call.length(), call.sent(), cancellation);
    }
  }

  private boolean atHome(Exchange.Target target) {
    return target.sameOrigin(at(""));
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private interface Step {
    boolean run() throws IOException, HostFailure;
  }

  private boolean told(Step step) {
    try {
      return step.run();
    } catch (HostFailure e) {
      throw fault(e.kind(), e.getMessage(), e);
    } catch (BusyException e) {
      throw fault(e.failure.kind(), e.failure.getMessage(), e);
    } catch (IOException e) {
      throw fault(Fault.UNAVAILABLE, host.url("/") + ": " + e.getMessage(), e);
    }
  }

  private FaultException fault(Fault kind, String why, Exception cause) {
    String message =
        "push %s: %s (credentials: %s)".formatted(reference, why, credentials.source());
    return kind == Fault.UNAVAILABLE
        ? new FaultException(kind, ReasonWord.RegistryUnavailable, message, cause)
        : new FaultException(kind, message, cause);
  }
}
