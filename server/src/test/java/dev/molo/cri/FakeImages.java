package dev.molo.cri;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
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
import dev.molo.image.Usage;
import dev.molo.image.VerifyRequest;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** Images that exist because a test said so. A pull of "…/slow" lasts until it is cancelled. */
final class FakeImages implements Images, ImageOperations {
  final Map<String, Image> byName = new ConcurrentHashMap<>();
  final List<PullRequest> pulls = new CopyOnWriteArrayList<>();
  final CountDownLatch slowPullBegan = new CountDownLatch(1);
  final CountDownLatch slowPullEnded = new CountDownLatch(1);

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
    if (request.reference().endsWith("/slow")) {
      CountDownLatch cancelled = new CountDownLatch(1);
      cancellation.onCancel(cancelled::countDown);
      slowPullBegan.countDown();
      try {
        cancelled.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      slowPullEnded.countDown();
      cancellation.check();
    }
    Image image = image(request.reference(), "");
    byName.put(request.reference(), image);
    return image;
  }

  @Override
  public PullExplanation explain(PullRequest request, Cancellation cancellation) {
    throw new UnsupportedOperationException("CRI has no explanations");
  }

  @Override
  public List<Image> importArchive(
      ImportRequest request, Cancellation cancellation, PullListener listener) {
    throw new UnsupportedOperationException("CRI has no import");
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
    byName.remove(referenceOrId);
  }

  @Override
  public Image tag(String referenceOrId, String name) {
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
  public List<LayerUse> layers() {
    return list().stream()
        .flatMap(image -> image.layers().stream())
        .distinct()
        .map(
            diffId -> new LayerUse(diffId, 4096, 3, List.of("image sha256:abab"), Optional.empty()))
        .toList();
  }

  @Override
  public Usage usage() {
    return new Usage(Path.of("/var/lib/molo/images"), 99, 7, Instant.ofEpochSecond(1, 5));
  }

  @Override
  public List<PullProgress> pulling() {
    return List.of();
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
