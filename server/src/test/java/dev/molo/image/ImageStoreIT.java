package dev.molo.image;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.molo.Patience;
import dev.molo.Program;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from a real docker-registry into a real file system. */
final class ImageStoreIT {
  @TempDir Path directory;
  private TestStores stores;
  private TestRegistry registry;
  private ImageStore store;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    TestStores.needsRegistry();
    stores = new TestStores(directory);
    registry = TestRegistry.start(directory);
    store = stores.start();
  }

  /** As after a restart: containers are not known yet. */
  private ImageStore open() {
    return stores.open(stores.linux(), stores.settings("images"));
  }

  @AfterEach
  void stop() throws Exception {
    if (stores != null) {
      stores.close();
      registry.close();
    }
  }

  private static TestImage twoLayers() {
    byte[] base =
        new TarBytes()
            .add(TarBytes.directory("bin/"))
            .add(TarBytes.file("bin/hello", "hello").mode(0755))
            .add(TarBytes.directory("etc/"))
            .add(TarBytes.file("etc/old", "old"))
            .bytes();
    byte[] top =
        new TarBytes()
            .add(TarBytes.directory("etc/"))
            .add(TarBytes.whiteout("etc/", "old"))
            .add(TarBytes.file("etc/new", "new"))
            .bytes();
    return new TestImage()
        .gzipLayer(base)
        .gzipLayer(top)
        .config("Entrypoint", "/bin/hello")
        .config("Env", "A=b");
  }

  private Image pull(String reference) {
    return TestStores.pull(store, reference);
  }

  private String ref(String nameAndTag) {
    return registry.address() + "/" + nameAndTag;
  }

  private long entriesIn(String name) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("images").resolve(name))) {
      return files.count();
    }
  }

  private void awaitEmpty(String name) throws IOException, InterruptedException {
    for (int i = 0; i < 6000 && entriesIn(name) > 0; i++) {
      Thread.sleep(10);
    }
    assertThat(entriesIn(name)).isZero();
  }

  @Test
  void pulledImageIsFoundByEveryNameAndItsLayersAreLeased() throws IOException {
    TestImage image = twoLayers();
    Digest manifest = registry.push(image, "team/app", "v1");
    Image pulled = pull(ref("team/app:v1"));
    assertThat(pulled.id()).isEqualTo(image.id());
    assertThat(pulled.repoTags()).containsExactly(ref("team/app:v1"));
    assertThat(pulled.repoDigests()).containsExactly(ref("team/app@" + manifest));
    assertThat(pulled.imageRef()).isEqualTo(ref("team/app@" + manifest));
    assertThat(pulled.config().entrypoint()).containsExactly("/bin/hello");
    assertThat(pulled.size()).isPositive();
    for (String name :
        List.of(
            ref("team/app:v1"),
            ref("team/app@" + manifest),
            ref("team/app:v1@" + manifest),
            image.id().toString(),
            image.id().digest().hex(),
            image.id().digest().hex().substring(0, 12))) {
      assertThat(store.find(name)).as(name).contains(pulled);
    }
    assertThat(store.find(ref("team/app:v2"))).isEmpty();
    try (LayerLease lease = store.acquire(pulled.id(), "container")) {
      assertThat(lease.lowerDirs()).hasSize(2).allMatch(name -> name.length() <= 23);
      Path top = lease.root().resolve(lease.lowerDirs().getFirst());
      Path base = lease.root().resolve(lease.lowerDirs().getLast());
      assertThat(top.resolve("etc/new")).hasContent("new");
      assertThat(base.resolve("bin/hello")).hasContent("hello").isExecutable();
      assertThat(Files.getAttribute(top.resolve("etc/old"), "unix:rdev")).isEqualTo(0L);
    }
  }

  @Test
  void layersUnderALeaseOutliveTheirImage() throws IOException, InterruptedException {
    registry.push(twoLayers(), "app", "v1");
    Image pulled = pull(ref("app:v1"));
    LayerLease lease = store.acquire(pulled.id(), "container");
    store.remove(ref("app:v1"));
    assertThat(store.list()).isEmpty();
    assertThat(lease.root().resolve(lease.lowerDirs().getLast()).resolve("bin/hello")).exists();
    lease.close();
    lease.close();
    assertThat(lease.root().resolve(lease.lowerDirs().getLast())).doesNotExist();
    awaitEmpty("trash");
    assertThat(store.usage().bytes()).isZero();
    assertThat(store.usage().inodes()).isZero();
    store.remove(ref("app:v1"));
  }

  @Test
  void layerThatAPullFoundHereOutlivesTheImageThatHadIt() throws IOException {
    byte[] shared = new TarBytes().add(TarBytes.file("shared", "s")).bytes();
    byte[] own = new TarBytes().add(TarBytes.file("own", "o")).bytes();
    registry.push(new TestImage().gzipLayer(shared), "one", "latest");
    registry.push(new TestImage().gzipLayer(shared).gzipLayer(own), "two", "latest");
    pull(ref("one"));
    Image two =
        store.pull(
            PullRequest.of(ref("two"), RegistryAuth.anonymous()),
            Cancellation.create(),
            now -> {
              if (now.stage() == PullProgress.Stage.SYNCING) {
                store.remove(ref("one"));
              }
            });
    assertThat(store.list()).containsExactly(two);
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsExactly(LayerCheck.Verdict.SOUND, LayerCheck.Verdict.SOUND);
    store.remove(ref("two"));
    assertThat(store.layers()).isEmpty();
  }

  /** ImageFsInfo and ImageStatus never look at the disk. */
  @Test
  void countersSayWhatTheDiskSays() throws Exception {
    byte[] noise = new byte[300_000];
    new Random(7).nextBytes(noise);
    byte[] base =
        new TarBytes()
            .add(TarBytes.directory("d/"))
            .add(TarBytes.file("d/noise", noise))
            .add(TarBytes.hardlink("d/again", "d/noise"))
            .add(TarBytes.symlink("s", "d/noise"))
            .add(TarBytes.file("d/replaced", noise))
            .add(TarBytes.file("d/replaced", "by less"))
            .add(TarBytes.file("unlisted/folder/f", "content"))
            .add(TarBytes.file("zeros", new byte[1 << 20]))
            .bytes();
    TestImage made =
        new TestImage()
            .gzipLayer(base)
            .gzipLayer(new TarBytes().add(TarBytes.whiteout("d/", "noise")).bytes());
    registry.push(made, "app", "1");
    Image image = pull(ref("app:1"));
    long inodes = 0;
    long bytes = 0;
    for (int layer = 0; layer < 2; layer++) {
      String folder = layer(made, layer).toString();
      // What was replaced lies beside the layer's files.
      String files = "( -path %1$s/fs* -o -path %1$s/aside/* ) -printf".formatted(folder);
      List<String> find = new ArrayList<>(List.of("find", folder));
      find.addAll(List.of(files.split(" ", -1)));
      find.add("%i %y %b\n");
      String found = Program.output(find.toArray(String[]::new));
      for (String line : found.lines().distinct().toList()) {
        String[] words = line.split(" ", -1);
        inodes++;
        // A directory counts as one block, as ext4 has it; others have none for small ones.
        bytes += words[1].equals("d") ? 4096 : 512 * Long.parseLong(words[2]);
      }
      bytes += Files.size(layer(made, layer).resolve("tar")) / 4096 * 4096 + 4096;
    }
    assertThat(store.usage().inodes()).isEqualTo(inodes);
    assertThat(store.usage().bytes()).isCloseTo(bytes, within(4096L * 2));
    assertThat(image.size()).isEqualTo(store.usage().bytes());
  }

  @Test
  void layerOfAFailedPullWaitsForTheNextOneAlsoWhenItIsVerified() {
    byte[] good = new TarBytes().add(TarBytes.file("good", "g")).bytes();
    byte[] other = new TarBytes().add(TarBytes.file("other", "o")).bytes();
    registry.push(new TestImage().gzipLayer(good), "one", "latest");
    registry.push(
        new TestImage().gzipLayer(good).layer(other, TarBytes.gzip(good)), "bad", "latest");
    pull(ref("one"));
    assertThatThrownBy(() ->
            store.pull(
                PullRequest.of(ref("bad"), RegistryAuth.anonymous()),
                Cancellation.create(),
                now -> {
                  if (now.stage() == PullProgress.Stage.FETCHING) {
                    store.remove(ref("one"));
                  }
                }))
        .hasMessageContaining("instead of");
    assertThat(store.list()).isEmpty();
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsExactly(LayerCheck.Verdict.SOUND);
    assertThat(store.layers()).singleElement().matches(use -> use.idle().isPresent());
  }

  @Test
  void removalByOneTagTakesAllTagsOfTheImage() throws IOException, InterruptedException {
    registry.push(twoLayers(), "app", "1");
    pull(ref("app:1"));
    store.tag(ref("app:1"), "other:2");
    store.remove("other:2");
    assertThat(store.find(ref("app:1"))).isEmpty();
    assertThat(store.list()).isEmpty();
    for (String name : List.of("records", "trash", "ingest")) {
      awaitEmpty(name);
    }
    assertThat(entriesIn("layers")).as("the empty one").isOne();
  }

  @Test
  void endOfTheStoreWaitsForThePullsItEnds() throws Exception {
    registry.push(twoLayers(), "app", "1");
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicBoolean gone = new AtomicBoolean();
    PullListener listener =
        now -> {
          if (now.stage() == PullProgress.Stage.FETCHING && inside.getCount() > 0) {
            inside.countDown();
            await(goOn);
            gone.set(true);
          }
        };
    FutureTask<Image> pull =
        new FutureTask<>(() ->
            store.pull(
                PullRequest.of(ref("app:1"), RegistryAuth.anonymous()),
                Cancellation.create(),
                listener));
    Thread.ofVirtual().start(pull);
    Patience.await("the pull fetches", inside);
    FutureTask<Boolean> end =
        new FutureTask<>(() -> {
          store.close();
          return gone.get();
        });
    Thread ending = Thread.ofPlatform().start(end);
    Patience.waits("the store's end waits for the pull", ending, Thread.State.TIMED_WAITING);
    goOn.countDown();
    assertThat(Patience.result("the store is closed", end))
        .as("the pull has gone on before the store was closed")
        .isTrue();
    assertThatThrownBy(() -> Patience.result("the pull ends", pull))
        .hasMessageContaining("the daemon is stopping")
        .cause()
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE));
    assertThatThrownBy(() -> pull(ref("app:1"))).hasMessageContaining("the daemon is stopping");
    store = stores.start();
    assertThat(pull(ref("app:1")).id()).isEqualTo(twoLayers().id());
  }

  @Test
  void sharedLayerIsFetchedOnceAndKeptForTheOther() {
    byte[] shared = new TarBytes().add(TarBytes.file("shared", "s")).bytes();
    byte[] own = new TarBytes().add(TarBytes.file("own", "o")).bytes();
    registry.push(new TestImage().gzipLayer(shared), "one", "latest");
    registry.push(new TestImage().gzipLayer(shared).gzipLayer(own), "two", "latest");
    pull(ref("one"));
    long before = store.usage().inodes();
    Image two = pull(ref("two"));
    assertThat(store.usage().inodes()).isEqualTo(before + 2);
    store.remove(ref("one"));
    try (LayerLease lease = store.acquire(two.id(), "c")) {
      assertThat(lease.root().resolve(lease.lowerDirs().getLast()).resolve("shared")).exists();
    }
  }

  @Test
  void restartKeepsImagesAndClearsWhatWasHalfMade() throws IOException, InterruptedException {
    registry.push(twoLayers(), "app", "v1");
    Image pulled = pull(ref("app:v1"));
    LayerLease lease = store.acquire(pulled.id(), "container");
    store.close();
    Path images = directory.resolve("images");
    Files.createDirectories(images.resolve("ingest/0123456789abcdef0123-7/fs/etc"));
    Files.writeString(images.resolve("ingest/0123456789abcdef0123-7/fs/etc/x"), "half");
    Files.createDirectories(images.resolve("trash/left/a/b"));
    Files.createDirectories(images.resolve("layers/ffffffffffffffffffff/fs"));
    Files.writeString(
        images.resolve("layers/ffffffffffffffffffff/layer"), "molo-layer 1 sha256:torn");
    Files.writeString(images.resolve("records/aaaa.image"), "molo-image 1 sha256:0000\n{}");
    Files.writeString(images.resolve("records/bbbb.image.new"), "");
    store = open();
    assertThat(store.list()).containsExactly(pulled);
    assertThat(store.adopt(pulled.id(), "container", lease.lowerDirs()).lowerDirs())
        .isEqualTo(lease.lowerDirs());
    assertThatThrownBy(() -> store.adopt(pulled.id(), "c", List.of("0123456789abcdef0123/fs")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND));
    assertThatThrownBy(() -> store.adopt(pulled.id(), "c", List.of("../../etc")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT));
    awaitEmpty("ingest");
    awaitEmpty("trash");
    assertThat(images.resolve("quarantine/aaaa.image")).exists();
    assertThat(images.resolve("layers/ffffffffffffffffffff")).doesNotExist();
    store.recovered();
  }

  /** As when the daemon ends between the two records that a moving tag changes. */
  @Test
  void tagThatWasMovingBelongsToTheImageThatGotItLast() throws IOException {
    TestImage one = twoLayers();
    TestImage two = new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("two", "")).bytes());
    // in both orders of their ids
    for (List<TestImage> moved : List.of(List.of(one, two), List.of(two, one))) {
      Image first = bringIn(archive("1.tar", TestArchives.docker(moved.get(0), "a:1"))).getFirst();
      Path record = directory.resolve("images/records/" + first.id().digest().hex() + ".image");
      Path before = Files.copy(record, directory.resolve("before"), COPY_ATTRIBUTES);
      Image last = bringIn(archive("2.tar", TestArchives.docker(moved.get(1), "a:1"))).getFirst();
      store.close();
      Files.move(before, record, REPLACE_EXISTING);
      for (int starts = 0; starts < 2; starts++) {
        store = open();
        assertThat(store.find("a:1").orElseThrow().id()).isEqualTo(last.id());
        assertThat(store.find(first.id().toString()).orElseThrow().repoTags()).isEmpty();
        store.close();
      }
      assertThat(Files.readString(record)).doesNotContain("a:1");
      store = stores.start();
      store.remove(first.id().toString());
      store.remove(last.id().toString());
    }
  }

  @Test
  void lostLayerMakesTheNextPullFetchOnlyThat() throws IOException {
    registry.push(twoLayers(), "app", "v1");
    Image pulled = pull(ref("app:v1"));
    List<String> lowers;
    try (LayerLease lease = store.acquire(pulled.id(), "c")) {
      lowers = lease.lowerDirs();
    }
    store.close();
    Path layers = directory.resolve("images/layers");
    Path damaged = layers.resolve(lowers.getFirst()).getParent();
    Files.writeString(damaged.resolve("layer"), "");
    Object kept = Files.getAttribute(layers.resolve(lowers.getLast()), "unix:ino");
    store = open();
    store.recovered();
    assertThat(store.list()).isEmpty();
    assertThatThrownBy(() -> store.acquire(pulled.id(), "c")).isInstanceOf(FaultException.class);
    assertThat(pull(ref("app:v1"))).isEqualTo(pulled);
    assertThat(Files.getAttribute(layers.resolve(lowers.getLast()), "unix:ino")).isEqualTo(kept);
    assertThat(layers.resolve(lowers.getFirst()).resolve("etc/new")).exists();
  }

  @Test
  void indexGivesTheImageForThisMachineAndListsWhatThereIsOtherwise() {
    TestImage here = twoLayers();
    TestImage elsewhere = new TestImage().architecture("riscv64").gzipLayer(new TarBytes().bytes());
    Digest index = registry.pushIndex("multi", "latest", elsewhere, here);
    Image pulled = pull(ref("multi"));
    assertThat(pulled.id()).isEqualTo(here.id());
    assertThat(pulled.repoDigests()).containsExactly(ref("multi@" + index));
    registry.pushIndex("alien", "latest", elsewhere);
    assertThatThrownBy(() -> pull(ref("alien")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND))
        .hasMessageContaining("linux/riscv64");
  }

  @Test
  void missingImageIsNotFoundWithTheRegistrysWords() {
    assertThatThrownBy(() -> pull(ref("absent:v9")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND))
        .hasMessageContaining("/v2/absent/manifests/v9")
        .hasMessageContaining("404")
        .hasMessageContaining("MANIFEST_UNKNOWN");
  }

  @Test
  void unreachableRegistryIsUnavailable() throws IOException {
    // Bound, it can be nobody else's; and nobody listens.
    try (Socket silent = new Socket()) {
      silent.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
      String address = "127.0.0.1:" + silent.getLocalPort();
      assertThatThrownBy(() -> pull(address + "/app"))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.UNAVAILABLE))
          .hasMessageContaining(address);
    }
  }

  @Test
  void deadlineOfAMillisecondIsDeadlineExceeded() {
    registry.push(twoLayers(), "app", "v1");
    CountDownLatch told = new CountDownLatch(1);
    try (var timers = Executors.newScheduledThreadPool(1);
        Cancellation soon = Cancellation.after(Duration.ofMillis(1), "pull of app", timers)) {
      // The timer may be late, but the pull is not done before it.
      assertThatThrownBy(() ->
              store.pull(
                  PullRequest.of(ref("app:v1"), RegistryAuth.anonymous()), soon, _ -> await(told)))
          .isInstanceOfSatisfying(
              FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.DEADLINE_EXCEEDED));
    } finally {
      told.countDown();
    }
    assertThat(pull(ref("app:v1")).id()).isEqualTo(twoLayers().id());
  }

  private static void await(CountDownLatch latch) {
    Patience.await("the test lets it go on", latch);
  }

  @Test
  void concurrentPullsShareTheWork() throws Exception {
    registry.push(twoLayers(), "app", "v1");
    List<java.util.concurrent.Future<Image>> pulls = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 20; i++) {
        pulls.add(threads.submit(() -> pull(ref("app:v1"))));
      }
      for (var one : pulls) {
        assertThat(Patience.result("a pull ends", one).id()).isEqualTo(twoLayers().id());
      }
    }
    assertThat(store.pulling()).isEmpty();
    assertThat(store.list()).hasSize(1);
  }

  @Test
  void endOfTheLastPullIsTold() throws InterruptedException {
    registry.push(twoLayers(), "app", "v1");
    Semaphore over = new Semaphore(0);
    store.onPullsOver(over::release);
    pull(ref("app:v1"));
    assertThat(over.tryAcquire(60, TimeUnit.SECONDS)).as("after a pull").isTrue();
    assertThatThrownBy(() -> pull(ref("missing:v1"))).isInstanceOf(FaultException.class);
    assertThat(over.tryAcquire(60, TimeUnit.SECONDS)).as("after one that failed").isTrue();
    assertThat(store.pulling()).isEmpty();
  }

  @Test
  void tagThatMovedLeavesTheOldImageWithoutIt() {
    registry.push(twoLayers(), "app", "v1");
    Image old = pull(ref("app:v1"));
    TestImage next = new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("x", "y")).bytes());
    registry.push(next, "app", "v1");
    Image moved = pull(ref("app:v1"));
    assertThat(moved.id()).isEqualTo(next.id());
    assertThat(store.find(ref("app:v1"))).contains(moved);
    assertThat(store.find(old.id().toString()).orElseThrow().repoTags()).isEmpty();
  }

  @Test
  void namesComeAndGoOneAtATime() throws IOException {
    registry.push(twoLayers(), "app", "1");
    Image image = pull(ref("app:1"));

    assertThat(store.tag(ref("app:1"), "other").repoTags())
        .containsExactly(ref("app:1"), "docker.io/library/other:latest");
    store.close();
    store = open();
    assertThat(store.find("other"))
        .hasValueSatisfying(i -> assertThat(i.id()).isEqualTo(image.id()));

    assertThat(store.untag(ref("app:1")).repoTags())
        .containsExactly("docker.io/library/other:latest");
    assertThat(store.find(ref("app:1"))).isEmpty();
    assertThat(store.untag("other:latest").repoTags()).isEmpty();
    assertThat(store.find(image.id().toString())).isPresent();
    assertThatThrownBy(() -> store.untag("other"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND));
    assertThatThrownBy(() -> store.tag(image.id().toString(), "a@" + image.id()))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT));
  }

  @Test
  void tagTakesTheNameFromAnotherImage() {
    registry.push(twoLayers(), "app", "1");
    registry.push(twoLayers().config("Cmd", "x"), "app", "2");
    Image first = pull(ref("app:1"));
    Image second = pull(ref("app:2"));

    store.tag(second.id().toString(), ref("app:1"));

    assertThat(store.find(ref("app:1")).orElseThrow().id()).isEqualTo(second.id());
    assertThat(store.find(first.id().toString()).orElseThrow().repoTags()).isEmpty();
  }

  /** Row 22 of the complaints: disk not given back, and nobody knows why. */
  @Test
  void row22EveryLayerSaysWhyItIsKept() throws IOException {
    registry.push(twoLayers(), "app", "1");
    Image image = pull(ref("app:1"));
    try (LayerLease lease = store.acquire(image.id(), "container 3f2a")) {
      assertThat(lease.lowerDirs()).hasSize(2);
      assertThat(store.layers())
          .hasSize(2)
          .allSatisfy(use ->
              assertThat(use.keptBy()).containsExactly("container 3f2a", "image " + image.id()))
          .allSatisfy(use -> assertThat(use.idle()).isEmpty());
      store.remove(ref("app:1"));
      assertThat(store.layers())
          .allSatisfy(use -> assertThat(use.keptBy()).containsExactly("container 3f2a"));
      assertThat(store.layers().stream().mapToLong(LayerUse::bytes).sum())
          .isEqualTo(store.usage().bytes());
    }
    assertThat(store.layers()).isEmpty();
  }

  /** Row 22 too: what is not listed nobody removes, and its other layers take room. */
  @Test
  void row22ImageThatLacksALayerCanBeRemovedAndGoesByItselfInTheEnd() throws Exception {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    for (boolean byHand : List.of(true, false)) {
      pull(ref("app:1"));
      store.close();
      Files.delete(layer(image, 1).resolve("layer"));
      store = open();
      store.recovered();
      assertThat(store.list()).isEmpty();
      assertThat(store.layers())
          .singleElement()
          .satisfies(use -> assertThat(use.keptBy()).containsExactly("image " + image.id()));
      assertThat(
              store.verify(
                  new VerifyRequest(Optional.of(ref("app:1")), false, RegistryAuth.anonymous()),
                  Cancellation.create(),
                  _ -> {}))
          .extracting(LayerCheck::verdict)
          .containsExactly(LayerCheck.Verdict.SOUND, LayerCheck.Verdict.DAMAGED);

      store.collect(Duration.ofDays(1), Duration.ZERO);
      assertThat(store.layers()).as("time to repair it").hasSize(1);
      if (byHand) {
        store.remove(ref("app:1"));
      } else {
        store.collect(Duration.ZERO, Duration.ofDays(1));
      }
      assertThat(store.layers()).isEmpty();
      assertThat(entriesIn("records")).isZero();
      awaitEmpty("trash");
    }
  }

  private List<LayerCheck> verify(boolean repair) {
    return TestStores.verify(store, repair);
  }

  private Path layer(TestImage image, int number) {
    String name = image.diffIds().get(number).hex().substring(0, 20);
    return directory.resolve("images/layers").resolve(name);
  }

  /** Row 20 of the complaints: one damaged layer, and the whole store has to be wiped. */
  @Test
  void row20OnlyTheDamagedLayerIsFetchedAgain() throws IOException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    Image pulled = pull(ref("app:1"));
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsOnly(LayerCheck.Verdict.SOUND);

    Path file = layer(image, 0).resolve("fs/etc/old");
    Files.writeString(file, "OLD");
    Object soundLayer = Files.getAttribute(layer(image, 1), "unix:ino");

    assertThat(verify(false))
        .filteredOn(check -> check.verdict() == LayerCheck.Verdict.DAMAGED)
        .singleElement()
        .satisfies(check -> assertThat(check.detail()).contains("etc/old"))
        .satisfies(check -> assertThat(check.diffId()).isEqualTo(image.diffIds().getFirst()));
    assertThat(Files.readString(file)).isEqualTo("OLD");

    assertThat(verify(true))
        .extracting(LayerCheck::verdict)
        .containsExactlyInAnyOrder(LayerCheck.Verdict.SOUND, LayerCheck.Verdict.REPAIRED);
    assertThat(Files.readString(file)).isEqualTo("old");
    assertThat(Files.getAttribute(layer(image, 1), "unix:ino")).isEqualTo(soundLayer);
    assertThat(store.find(ref("app:1"))).contains(pulled);
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsOnly(LayerCheck.Verdict.SOUND);
  }

  /** Row 18 of the complaints: content missing although the metadata is there. */
  @Test
  void row18WhatIsMissingIsFetchedAgain() throws IOException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    pull(ref("app:1"));
    store.close();
    Files.delete(layer(image, 1).resolve("layer"));
    store = open();
    store.recovered();
    assertThat(store.find(ref("app:1"))).isEmpty();

    assertThat(verify(true))
        .extracting(LayerCheck::verdict)
        .containsExactlyInAnyOrder(LayerCheck.Verdict.SOUND, LayerCheck.Verdict.REPAIRED);
    assertThat(store.find(ref("app:1"))).isPresent();
  }

  @Test
  void repairLeavesTheFilesToContainersThatRunOnThem() throws IOException, InterruptedException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    Image pulled = pull(ref("app:1"));
    Path file = layer(image, 0).resolve("fs/etc/old");
    try (LayerLease lease = store.acquire(pulled.id(), "container 3f2a");
        java.io.InputStream open = Files.newInputStream(file)) {
      assertThat(lease.lowerDirs()).hasSize(2);
      Files.writeString(file, "OLD");
      assertThat(verify(true))
          .extracting(LayerCheck::verdict)
          .contains(LayerCheck.Verdict.REPAIRED);
      assertThat(open.readAllBytes()).asString().isEqualTo("OLD");
      assertThat(Files.readString(file)).isEqualTo("old");
      assertThat(entriesIn("replaced")).isOne();
      try (Stream<Path> old = Files.walk(directory.resolve("images/replaced"))) {
        assertThat(old).anyMatch(path -> path.endsWith("fs/etc/old"));
      }
    }
    assertThat(entriesIn("replaced")).isZero();
    awaitEmpty("trash");
    assertThat(store.find(ref("app:1"))).isPresent();
  }

  @Test
  void damageThatCannotBeRepairedIsToldAndTheImageNotListed() throws IOException {
    TestImage image = twoLayers();
    Path archive = archive("app.tar", TestArchives.docker(image, "app:v1"));
    bringIn(archive);
    Files.writeString(layer(image, 0).resolve("fs/etc/old"), "OLD");

    assertThat(verify(true))
        .filteredOn(check -> check.verdict() == LayerCheck.Verdict.DAMAGED)
        .singleElement()
        .satisfies(check -> assertThat(check.detail()).contains("etc/old", "came from a registry"));
    assertThat(store.list()).isEmpty();
    bringIn(archive);
    assertThat(store.list()).hasSize(1);
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsOnly(LayerCheck.Verdict.SOUND);
  }

  private ImageStore openAfterBoot(String bootId) {
    return stores.open(TestStores.booted(stores.linux(), bootId), stores.settings("images"));
  }

  /** Row 17 of the complaints: zero-byte files after power loss that survive a re-pull. */
  @Test
  void row17WhatAPowerCutToreIsFoundBeforeItIsUsed() throws IOException, InterruptedException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    Image pulled = pull(ref("app:1"));
    // What a disk that lies about its cache leaves: all records, and files without content.
    Path unpacking = directory.resolve("images/unpacking");
    byte[] marker = Files.readAllBytes(unpacking);
    store.close();
    assertThat(unpacking).doesNotExist();
    Files.write(unpacking, marker);
    Files.write(layer(image, 0).resolve("fs/etc/old"), new byte[0]);

    store = openAfterBoot("another");
    assertThat(store.find(ref("app:1"))).isPresent();
    assertThatThrownBy(() -> store.acquire(pulled.id(), "container"))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.NOT_FOUND));
    assertThat(store.find(ref("app:1"))).isEmpty();
    assertThat(layer(image, 1)).exists();
    store.recovered();
    pull(ref("app:1"));
    assertThat(layer(image, 0).resolve("fs/etc/old")).hasContent("old");
    store.acquire(pulled.id(), "container").close();
    assertThat(verify(false))
        .extracting(LayerCheck::verdict)
        .containsOnly(LayerCheck.Verdict.SOUND);
  }

  @Test
  void uncleanBootIsSettledInTheBackground() throws IOException, InterruptedException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    pull(ref("app:1"));
    Path unpacking = directory.resolve("images/unpacking");
    Files.copy(unpacking, directory.resolve("marker"));
    store.close();
    Files.copy(directory.resolve("marker"), unpacking);
    Files.write(layer(image, 0).resolve("fs/etc/old"), new byte[0]);

    store = openAfterBoot("another");
    store.recovered();

    for (int i = 0; i < 6000 && Files.exists(unpacking); i++) {
      Thread.sleep(10);
    }
    assertThat(unpacking).doesNotExist();
    assertThat(store.find(ref("app:1"))).isEmpty();
  }

  /** An upgrade of the daemon is no end of the boot. */
  @Test
  void bootGoesOnWhenOnlyTheDaemonEndedInOrder() {
    registry.push(twoLayers(), "app", "1");
    pull(ref("app:1"));
    Path unpacking = directory.resolve("images/unpacking");
    store.close();
    assertThat(unpacking).doesNotExist();
    store = stores.start();
    assertThat(unpacking).content().contains(stores.linux().system().bootId());
    store.close();
    assertThat(unpacking).doesNotExist();
    store = openAfterBoot("another");
    assertThat(unpacking).doesNotExist();
  }

  /** What cannot be read is put aside, and the daemon starts. */
  @Test
  void recordsThatSayStrangeThingsDoNotKeepTheStoreFromOpening() throws IOException {
    TestImage image = twoLayers();
    registry.push(image, "app", "1");
    pull(ref("app:1"));
    store.close();
    byte[] foreign = "{\"diffId\":\"sha999:1\"}".getBytes(StandardCharsets.UTF_8);
    Files.writeString(
        layer(image, 0).resolve("layer"),
        "molo-layer 1 %s\n%s"
            .formatted(Digest.ofBytes(foreign), new String(foreign, StandardCharsets.UTF_8)));
    Files.createDirectory(directory.resolve("images/unpacking"));
    Files.createDirectory(directory.resolve("images/records/odd.image"));
    store = open();
    store.recovered();
    assertThat(store.list()).isEmpty();
    Files.delete(directory.resolve("images/unpacking"));
    assertThat(pull(ref("app:1")).id()).isEqualTo(image.id());
  }

  @Test
  void damagedLayerIsRefusedAndLeavesNothing() throws IOException, InterruptedException {
    byte[] tar = new TarBytes().add(TarBytes.file("a", "b")).bytes();
    byte[] other = new TarBytes().add(TarBytes.file("a", "c")).bytes();
    registry.push(new TestImage().layer(tar, TarBytes.gzip(other)), "app", "bad");
    assertThatThrownBy(() -> pull(ref("app:bad")))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INTERNAL))
        .hasMessageContaining("instead of " + Digest.ofBytes(tar));
    assertThat(store.list()).isEmpty();
    awaitEmpty("ingest");
    awaitEmpty("trash");
    assertThat(entriesIn("layers")).isEqualTo(1);
  }

  @Test
  void imageWithoutLayersHasOneEmptyLowerDirectory() {
    registry.push(new TestImage(), "empty", "latest");
    Image pulled = pull(ref("empty"));
    try (LayerLease lease = store.acquire(pulled.id(), "c")) {
      assertThat(lease.lowerDirs()).containsExactly("empty/fs");
      assertThat(lease.root().resolve("empty/fs")).isEmptyDirectory();
    }
  }

  private Path archive(String name, byte[] bytes) throws IOException {
    return Files.write(directory.resolve(name), bytes);
  }

  private List<Image> bringIn(Path source) {
    return TestStores.bringIn(store, source);
  }

  @Test
  void ociArchiveIsImportedPlainAndCompressed() throws IOException {
    TestImage image = twoLayers();
    byte[] tar = TestArchives.oci(image, "docker.io/team/app:v1");
    Image imported = bringIn(archive("app.tar", tar)).getFirst();
    assertThat(imported.id()).isEqualTo(image.id());
    assertThat(imported.repoTags()).containsExactly("docker.io/team/app:v1");
    assertThat(imported.repoDigests())
        .containsExactly("docker.io/team/app@" + Digest.ofBytes(image.manifestBytes()));
    assertThat(store.find("team/app:v1")).contains(imported);
    store.remove("team/app:v1");
    assertThat(bringIn(archive("app.tar.gz", TarBytes.gzip(tar)))).containsExactly(imported);
    assertThat(entriesIn("ingest")).isZero();
  }

  @Test
  void importCanNameTheImage() throws IOException {
    Path source = archive("app.tar", TestArchives.oci(twoLayers(), "latest"));
    assertThat(bringIn(source).getFirst().repoTags()).isEmpty();
    ImportRequest named = new ImportRequest(source, java.util.Optional.of("nginx"));
    assertThat(
            store
                .importArchive(named, Cancellation.create(), PullListener.none())
                .getFirst()
                .repoTags())
        .containsExactly("docker.io/library/nginx:latest");
  }

  @Test
  void layoutDirectoryIsImported() throws Exception {
    Path source = archive("app.tar", TestArchives.oci(twoLayers(), "app:v1"));
    Path layout = Files.createDirectory(directory.resolve("layout"));
    Program.output("tar", "-xf", source.toString(), "-C", layout.toString());
    assertThat(bringIn(layout).getFirst().repoTags()).containsExactly("docker.io/library/app:v1");
  }

  @Test
  void dockerArchiveIsImported() throws IOException {
    TestImage image = twoLayers();
    Image imported = bringIn(archive("saved.tar", TestArchives.docker(image, "app:v1"))).getFirst();
    assertThat(imported.id()).isEqualTo(image.id());
    assertThat(imported.repoTags()).containsExactly("docker.io/library/app:v1");
    assertThat(imported.imageRef()).isEqualTo(image.id().toString());
  }

  @Test
  void whatIsNoArchiveIsRefused() throws IOException {
    assertThatThrownBy(
            () -> bringIn(archive("no.tar", new TarBytes().add(TarBytes.file("x", "y")).bytes())))
        .hasMessageContaining("neither index.json");
    assertThatThrownBy(() ->
            bringIn(
                archive(
                    "junk", "junk".repeat(300).getBytes(java.nio.charset.StandardCharsets.UTF_8))))
        .hasMessageContaining("not a tar archive");
    assertThatThrownBy(() -> bringIn(directory.resolve("absent"))).hasMessageContaining("absent");
  }

  @Test
  void setUidProgramsOfLayersAreOutOfReachForOtherUsers() throws IOException {
    assertThat(Files.getPosixFilePermissions(directory.resolve("images")))
        .isEqualTo(java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void fullDiskIsResourceExhaustedAndLeavesNothing() throws Exception {
    Path small = Files.createDirectory(directory.resolve("small"));
    Program.output("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small.toString());
    try {
      byte[] noise = new byte[6 << 20];
      new Random(5).nextBytes(noise);
      registry.push(
          new TestImage().gzipLayer(new TarBytes().add(TarBytes.file("big", noise)).bytes()),
          "big",
          "latest");
      registry.push(twoLayers(), "app", "v1");
      store.close();
      store = stores.start(stores.settings("small/images"));
      pull(ref("app:v1"));
      long before = Files.getFileStore(small).getUsableSpace();
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> pull(ref("big")))
            .isInstanceOfSatisfying(
                FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED))
            .hasMessageContaining("ENOSPC");
        assertThat(Files.getFileStore(small).getUsableSpace()).isEqualTo(before);
      }
      Files.write(small.resolve("filler"), new byte[(int) before]);
      long full = Files.getFileStore(small).getUsableSpace();
      assertThat(full).isLessThan(4096);
      store.close();
      store = stores.start(stores.settings("small/images"));
      assertThat(store.find(ref("app:v1"))).isPresent();
      store.remove(ref("app:v1"));
      assertThat(store.list()).isEmpty();
      awaitEmpty("../small/images/trash");
      assertThat(Files.getFileStore(small).getUsableSpace()).as("given back").isGreaterThan(full);
    } finally {
      store.close();
      Program.output("umount", small.toString());
    }
  }

  @Test
  void readOnlyDiskIsToldAndEverythingStaysAsItWas() throws Exception {
    Path small = Files.createDirectory(directory.resolve("small"));
    Program.output("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small.toString());
    try {
      registry.push(twoLayers(), "app", "1");
      registry.push(twoLayers().config("Cmd", "x"), "app", "2");
      store.close();
      store = stores.start(stores.settings("small/images"));
      Image image = pull(ref("app:1"));
      Program.output("mount", "-o", "remount,ro", small.toString());
      for (ThrowingCallable refused :
          List.<ThrowingCallable>of(
              () -> pull(ref("app:2")),
              () -> store.remove(ref("app:1")),
              () -> store.tag(ref("app:1"), "other"))) {
        assertThatThrownBy(refused)
            .isInstanceOfSatisfying(
                FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INTERNAL))
            .hasMessageContaining("EROFS");
      }
      assertThat(store.list()).containsExactly(image);
      store.acquire(image.id(), "container").close();
      Program.output("mount", "-o", "remount,rw", small.toString());
      pull(ref("app:2"));
      store.list().forEach(one -> store.remove(one.id().toString()));
      awaitEmpty("../small/images/trash");
      assertThat(store.usage().inodes()).isZero();
    } finally {
      store.close();
      Program.output("umount", small.toString());
    }
  }

  @Test
  void cancelledPullKeepsWhatIsDoneAndEndsWithItsLastCaller() throws Exception {
    registry.push(twoLayers(), "app", "v1");
    Cancellation first = Cancellation.create();
    List<PullProgress> heard = new java.util.concurrent.CopyOnWriteArrayList<>();
    PullListener listener =
        now -> {
          heard.add(now);
          if (now.stage() == PullProgress.Stage.SYNCING) {
            first.cancel("pull");
          }
        };
    assertThatThrownBy(() ->
            store.pull(PullRequest.of(ref("app:v1"), RegistryAuth.anonymous()), first, listener))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.CANCELLED));
    assertThat(heard)
        .extracting(PullProgress::stage)
        .contains(PullProgress.Stage.FETCHING, PullProgress.Stage.SYNCING);
    Image whole = pull(ref("app:v1"));
    try (LayerLease lease = store.acquire(whole.id(), "c")) {
      assertThat(lease.root().resolve(lease.lowerDirs().getFirst()).resolve("etc/new")).exists();
    }
  }
}
