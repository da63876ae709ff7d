package dev.molo.cri;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.fault.ReasonWord;
import dev.molo.image.Cancellation;
import dev.molo.image.CommitRequest;
import dev.molo.image.Digest;
import dev.molo.image.ExportRequest;
import dev.molo.image.ExportTarget;
import dev.molo.image.ExportedImage;
import dev.molo.image.Image;
import dev.molo.image.ImageConfig;
import dev.molo.image.ImageId;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.image.ImportRequest;
import dev.molo.image.LayerCheck;
import dev.molo.image.LayerLease;
import dev.molo.image.LayerUse;
import dev.molo.image.Platform;
import dev.molo.image.PullExplanation;
import dev.molo.image.PullListener;
import dev.molo.image.PullProgress;
import dev.molo.image.PullRequest;
import dev.molo.image.PushRequest;
import dev.molo.image.PushedImage;
import dev.molo.image.PushedLayer;
import dev.molo.image.Reference;
import dev.molo.image.Usage;
import dev.molo.image.VerifyRequest;
import dev.molo.image.admission.Judgement;
import dev.molo.image.content.Descriptor;
import dev.molo.image.registry.HostAnswer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * Images that exist because a test said so. A pull of "…/slow" lasts until it is cancelled; for
 * what is named "…/out-of-memory:…" there is not enough of it.
 */
final class FakeImages implements Images, ImageOperations {
  volatile Path scratch;
  final Map<String, Image> byName = new ConcurrentHashMap<>();
  final List<PullRequest> pulls = new CopyOnWriteArrayList<>();
  final CountDownLatch slowPullBegan = new CountDownLatch(1);
  final CountDownLatch slowPullEnded = new CountDownLatch(1);
  final List<PullProgress> underWay = new CopyOnWriteArrayList<>();

  FakeImages() {
    this(Path.of("/nowhere"));
  }

  /** {@code scratch}: where uploaded archives lie. */
  FakeImages(Path scratch) {
    this.scratch = scratch;
  }

  static Image image(String name, String user) {
    return new Image(
        ImageId.parse("sha256:" + "ab".repeat(32)),
        List.of(name),
        List.of(),
        1234,
        false,
        new ImageConfig(
            List.of("/bin/sh"),
            List.of("-c"),
            List.of("PATH=/bin"),
            user,
            "/",
            "",
            List.of("/data"),
            Map.of("a", "b"),
            List.of("80/tcp")),
        new Platform("linux", "amd64", ""),
        Instant.EPOCH,
        List.of(Digest.parse("sha256:" + "ef".repeat(32))),
        Map.of("k", "v"));
  }

  @Override
  public Image pull(PullRequest request, Cancellation cancellation, PullListener listener) {
    pulls.add(request);
    if (request.reference().contains("unreachable")) {
      throw unreachable();
    }
    if (request.reference().endsWith("/slow")) {
      slowPullBegan.countDown();
      awaitCancel(cancellation);
      slowPullEnded.countDown();
      cancellation.check();
    }
    Image image = image(request.reference(), "");
    byName.put(request.reference(), image);
    return image;
  }

  private static FaultException unreachable() {
    return new FaultException(
        Fault.UNAVAILABLE, ReasonWord.RegistryUnavailable, "nobody answers", null);
  }

  /** Of something that has just begun. */
  static PullProgress progress(String name) {
    return new PullProgress(name, PullProgress.Stage.RESOLVING, Instant.EPOCH, List.of());
  }

  private static void awaitCancel(Cancellation cancellation) {
    CountDownLatch cancelled = new CountDownLatch(1);
    cancellation.onCancel(cancelled::countDown);
    try {
      cancelled.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public PullExplanation explain(PullRequest request, Cancellation cancellation) {
    Digest layer = Digest.parse("sha256:" + "12".repeat(32));
    return new PullExplanation(
        request.reference(),
        Reference.parse(request.reference()).orLatest().toString(),
        Optional.of(Path.of("/etc/molo/certs.d/_default/hosts.toml")),
        "none",
        List.of(
            new HostAnswer(
                "https://mirror.example",
                true,
                "/app/manifests/1",
                "503 busy",
                Duration.ofMillis(7))),
        Optional.of(
            new PullExplanation.Found(
                layer, layer, Optional.empty(), "linux/amd64", "it fits best")),
        List.of(new PullExplanation.Layer(layer, "application/tar", 4096, false)),
        new PullExplanation.Room(4096, 8192, 1024),
        List.of(new Judgement("policy", true, "no pattern of policy.deny matches")),
        request.reference().contains("refused")
            ? Optional.of(FaultException.notFound("pull %s: gone", request.reference()))
            : request.reference().contains("unreachable")
                ? Optional.of(unreachable())
                : Optional.empty());
  }

  @Override
  public List<Image> importArchive(
      ImportRequest request, Cancellation cancellation, PullListener listener) {
    try {
      String named = request.name().orElse(Files.readString(request.source()));
      if (named.endsWith("/slow")) {
        listener.progress(progress(named));
        awaitCancel(cancellation);
        cancellation.check();
      }
      Image image = image(named, "");
      byName.put(named, image);
      return List.of(image);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<Image> list() {
    return List.copyOf(byName.values());
  }

  @Override
  public Optional<Image> find(String referenceOrId) {
    if (referenceOrId.isEmpty()) {
      throw FaultException.invalid("the image's name is empty");
    }
    return byName.values().stream()
        .filter(image ->
            image.id().toString().equals(referenceOrId) || image.repoTags().contains(referenceOrId))
        .findFirst();
  }

  @Override
  public void remove(String referenceOrId) {
    byName
        .values()
        .removeIf(image ->
            image.id().toString().equals(referenceOrId)
                || image.repoTags().contains(referenceOrId));
  }

  private static void requireMemory(String name) {
    if (name.contains("/out-of-memory:")) {
      throw new OutOfMemoryError("as the test wants it");
    }
  }

  @Override
  public Image tag(String referenceOrId, String name) {
    requireMemory(name);
    Image image = find(referenceOrId).orElseThrow(() -> FaultException.notFound("no %s", name));
    Image named = image(name, image.config().user());
    byName.put(name, named);
    return named;
  }

  @Override
  public Image untag(String name) {
    Image image = byName.remove(name);
    if (image == null) {
      throw FaultException.notFound("image %s is not in the store", name);
    }
    return image;
  }

  @Override
  public List<LayerCheck> verify(
      VerifyRequest request, Cancellation cancellation, Consumer<LayerCheck> listener) {
    List<LayerCheck> checks =
        layers().stream()
            .map(use ->
                new LayerCheck(
                    use.diffId(),
                    use.bytes(),
                    request.repair() ? LayerCheck.Verdict.REPAIRED : LayerCheck.Verdict.DAMAGED,
                    "file \"a\" is gone"))
            .toList();
    checks.forEach(listener);
    return checks;
  }

  @Override
  public List<ExportedImage> export(
      ExportRequest request, ExportTarget target, Cancellation cancellation) {
    if (!(target instanceof ExportTarget.Tar tar)) {
      throw new UnsupportedOperationException("nothing is written into directories");
    }
    try {
      tar.out().write("archive of %s".formatted(request.images()).getBytes(StandardCharsets.UTF_8));
      tar.out().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (request.images().contains("example.org/broken:1")) {
      throw new FaultException(Fault.INTERNAL, "layer is damaged");
    }
    return request.images().stream()
        .map(name -> image(name, ""))
        .map(image ->
            new ExportedImage(
                image.id(), image.repoTags(), Optional.of(image.layers().getFirst()), false))
        .toList();
  }

  @Override
  public PushedImage push(
      PushRequest request, Cancellation cancellation, Consumer<PushedLayer> listener) {
    if (request.target().orElse("").contains("unreachable")) {
      throw new FaultException(Fault.UNAVAILABLE, "the registry does not answer");
    }
    requireMemory(request.image());
    Image image = image(request.image(), "");
    PushedLayer layer =
        new PushedLayer(
            image.layers().getFirst(),
            Descriptor.of("tar", image.layers().getFirst(), 4096),
            PushedLayer.Stage.MOUNTED,
            0);
    listener.accept(layer);
    return new PushedImage(
        Reference.parse(request.target().orElse(request.image())),
        new ExportedImage(image.id(), List.of(), Optional.of(image.layers().getFirst()), true),
        List.of(layer));
  }

  @Override
  public Image commit(CommitRequest request, Cancellation cancellation) {
    return image(request.name(), "");
  }

  @Override
  public Path scratchDirectory() {
    return scratch;
  }

  @Override
  public List<LayerUse> layers() {
    return list().stream()
        .flatMap(image -> image.layers().stream())
        .distinct()
        .map(diffId ->
            new LayerUse(
                diffId,
                4096,
                3,
                List.of("image sha256:" + "ab".repeat(32), "0c".repeat(32)),
                Optional.empty()))
        .toList();
  }

  @Override
  public Usage usage() {
    return new Usage(Path.of("/var/lib/molo/images"), 99, 7, Instant.ofEpochSecond(1, 5));
  }

  @Override
  public List<PullProgress> pulling() {
    return List.copyOf(underWay);
  }

  @Override
  public LayerLease acquire(ImageId image, String holder) {
    throw new UnsupportedOperationException("the edge takes no layers");
  }

  @Override
  public LayerLease adopt(ImageId image, String holder, List<String> lowerDirs) {
    throw new UnsupportedOperationException("the edge takes no layers");
  }

  @Override
  public void recovered() {
    throw new UnsupportedOperationException("the edge recovers nothing");
  }
}
