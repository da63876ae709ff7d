package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.molo.config.CgroupConfig;
import dev.molo.config.GrpcConfig;
import dev.molo.cri.v1.AttachRequest;
import dev.molo.cri.v1.ContainerFilter;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.ContainerStatusResponse;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageFsInfoRequest;
import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.ImageStatusRequest;
import dev.molo.cri.v1.ListContainerStatsRequest;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.ListImagesRequest;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.cri.v1.StatusRequest;
import dev.molo.cri.v1.StopContainerRequest;
import dev.molo.cri.v1.StreamContainersRequest;
import dev.molo.cri.v1.StreamContainersResponse;
import dev.molo.cri.v1.StreamImagesRequest;
import dev.molo.cri.v1.StreamImagesResponse;
import dev.molo.cri.v1.UpdateRuntimeConfigRequest;
import dev.molo.cri.v1.VersionRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.pod.ExecOutcome;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The edge over its real transport, a unix socket, with a domain that only remembers. */
@Timeout(300)
class CriServerTest {
  private static final int REQUEST_LIMIT = 4 << 20;

  @TempDir Path run;

  private final FakePodRuntime runtime = new FakePodRuntime();
  private final FakeImages images = new FakeImages();
  private final List<String> podNetworks = new ArrayList<>();
  private EventLoopGroup loops;
  private CriServer server;
  private ManagedChannel channel;
  private RuntimeServiceGrpc.RuntimeServiceBlockingStub pods;
  private ImageServiceGrpc.ImageServiceBlockingStub imageStub;

  @BeforeEach
  void serve() throws IOException {
    loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    server =
        CriServer.start(
            new GrpcConfig(run.resolve("molo.sock"), REQUEST_LIMIT),
            loops,
            runtime,
            images,
            facts(),
            podNetworks::addAll);
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(server.socket().toFile()))
            .channelType(EpollDomainSocketChannel.class)
            .withOption(io.netty.channel.ChannelOption.SO_KEEPALIVE, null)
            .eventLoopGroup(loops)
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build();
    pods = RuntimeServiceGrpc.newBlockingStub(channel);
    imageStub = ImageServiceGrpc.newBlockingStub(channel);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  static CriFacts facts() {
    return new CriFacts(
        "1.2.3",
        CgroupConfig.Driver.CGROUPFS,
        Map.of("", new CriFacts.HandlerFeatures(true, false)),
        false,
        true);
  }

  private static StatusRuntimeException refused(Runnable call) {
    StatusRuntimeException failure = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(failure).as("the call should have failed").isNotNull();
    return failure;
  }

  private static void assertRefused(Runnable call, Status.Code code, String... words) {
    StatusRuntimeException failure = refused(call);
    assertThat(failure.getStatus().getCode()).as(failure.getMessage()).isEqualTo(code);
    for (String word : words) {
      assertThat(failure.getStatus().getDescription()).contains(word);
    }
  }

  private String runPod() {
    return pods.runPodSandbox(KubeletRequests.runPodSandbox()).getPodSandboxId();
  }

  private String createContainer(String pod) {
    return pods.createContainer(KubeletRequests.createContainer(pod)).getContainerId();
  }

  @Test
  void versionNamesRuntimeAndApi() {
    var version = pods.version(VersionRequest.newBuilder().setVersion("v1").build());
    assertThat(version.getRuntimeName()).isEqualTo("molo");
    assertThat(version.getRuntimeVersion()).isEqualTo("1.2.3");
    assertThat(version.getRuntimeApiVersion()).isEqualTo("v1");
  }

  @Test
  void socketIsForRootAlone() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.socket())))
        .isEqualTo("rw-------");
  }

  @Test
  void closingRemovesTheSocket() {
    server.close();
    assertThat(server.socket()).doesNotExist();
  }

  @Test
  void allCallsOfBothServicesAreRegistered() {
    List<String> expected =
        Stream.of(
                RuntimeServiceGrpc.getServiceDescriptor(), ImageServiceGrpc.getServiceDescriptor())
            .flatMap(service -> service.getMethods().stream())
            .map(MethodDescriptor::getFullMethodName)
            .toList();
    List<String> bound =
        new CriServices(runtime, images, facts(), cidrs -> {})
            .definitions().stream()
                .map(ServerServiceDefinition::getMethods)
                .flatMap(methods -> methods.stream())
                .map(method -> method.getMethodDescriptor().getFullMethodName())
                .toList();
    assertThat(bound).hasSize(43).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void callThatIsNotBuiltSaysWhatIsMissing() {
    assertRefused(
        () -> pods.attach(AttachRequest.getDefaultInstance()),
        Status.Code.UNIMPLEMENTED,
        "Attach",
        "streaming server");
  }

  @Test
  void ordinaryPodOfAKubeletIsTakenAndComesBackAsItWasAskedFor() {
    String id = runPod();
    var status =
        pods.podSandboxStatus(
            PodSandboxStatusRequest.newBuilder().setPodSandboxId(id).setVerbose(true).build());
    var config = KubeletRequests.sandboxConfig();
    assertThat(status.getStatus().getMetadata()).isEqualTo(config.getMetadata());
    assertThat(status.getStatus().getLabelsMap()).isEqualTo(config.getLabelsMap());
    assertThat(status.getStatus().getAnnotationsMap()).isEqualTo(config.getAnnotationsMap());
    assertThat(status.getStatus().getNetwork().getIp()).isEqualTo("10.0.0.2");
    assertThat(status.getStatus().getNetwork().getAdditionalIps(0).getIp()).isEqualTo("fd00::2");
    assertThat(status.getInfoMap().get("info")).startsWith("{").contains("\"pid\":77");
  }

  @Test
  void ordinaryContainerOfAKubeletIsTakenAndComesBackAsItWasAskedFor() {
    String id = createContainer(runPod());
    images.byName.put("nginx:1.27", FakeImages.image("nginx:1.27", ""));
    pods.startContainer(StartContainerRequest.newBuilder().setContainerId(id).build());
    ContainerStatusResponse response =
        pods.containerStatus(
            ContainerStatusRequest.newBuilder().setContainerId(id).setVerbose(true).build());
    var status = response.getStatus();
    var config = KubeletRequests.containerConfig();
    assertThat(status.getMetadata()).isEqualTo(config.getMetadata());
    assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_RUNNING);
    assertThat(status.getStartedAt()).isEqualTo(3_000);
    assertThat(status.getMountsList()).isEqualTo(config.getMountsList());
    assertThat(status.getResources().getLinux()).isEqualTo(config.getLinux().getResources());
    assertThat(status.getImage().getImage()).isEqualTo("nginx:1.27");
    assertThat(status.getImageId()).startsWith("sha256:");
    assertThat(status.getStopSignal().name()).isEqualTo("SIGNAL_SIGQUIT");
    assertThat(status.getUser().getLinux().getSupplementalGroupsList()).containsExactly(7L);
    assertThat(response.getInfoMap().get("info")).contains("\"pid\":4").doesNotContain("BEGIN");
  }

  @Test
  void filterByPodAndStateLetsThroughWhatMatchesBoth() {
    String pod = runPod();
    String running = createContainer(pod);
    createContainer(pod);
    pods.startContainer(StartContainerRequest.newBuilder().setContainerId(running).build());
    var filter = ContainerFilter.newBuilder().setPodSandboxId(pod.substring(0, 20));
    filter.getStateBuilder().setState(ContainerState.CONTAINER_RUNNING);
    var list = pods.listContainers(ListContainersRequest.newBuilder().setFilter(filter).build());
    assertThat(list.getContainersList()).singleElement().extracting("id").isEqualTo(running);
  }

  @Test
  void statisticsAreThoseOfRunningContainersAndLeaveOutWhatTheKernelDoesNotGive() {
    String pod = runPod();
    String running = createContainer(pod);
    createContainer(pod);
    pods.startContainer(StartContainerRequest.newBuilder().setContainerId(running).build());
    var stats = pods.listContainerStats(ListContainerStatsRequest.getDefaultInstance());
    assertThat(stats.getStatsList()).hasSize(1);
    var only = stats.getStats(0);
    assertThat(only.getAttributes().getId()).isEqualTo(running);
    assertThat(only.getCpu().getUsageCoreNanoSeconds().getValue()).isEqualTo(11);
    assertThat(only.getCpu().hasUsageNanoCores()).isFalse();
    assertThat(only.hasSwap()).isFalse();
    assertThat(only.getWritableLayer().getFsId().getMountpoint()).startsWith("/var/lib/molo");
  }

  @Test
  void statusTellsConditionsFeaturesAndVerboseObjects() {
    var status = pods.status(StatusRequest.newBuilder().setVerbose(true).build());
    assertThat(status.getStatus().getConditionsList())
        .extracting("type")
        .containsExactly("RuntimeReady", "NetworkReady");
    assertThat(status.getStatus().getConditions(1).getReason()).isEqualTo("NoNat");
    assertThat(status.getRuntimeHandlers(0).getFeatures().getRecursiveReadOnlyMounts()).isTrue();
    assertThat(status.getInfoMap()).containsKeys("config", "kernel", "runtime", "slowStages");
    assertThat(status.getInfoMap().values()).allSatisfy(json -> assertThat(json).startsWith("{"));
  }

  @Test
  void podNetworksReachTheNetwork() {
    var request = UpdateRuntimeConfigRequest.newBuilder();
    request.getRuntimeConfigBuilder().getNetworkConfigBuilder().setPodCidr("10.1.0.0/24,fd00::/64");
    pods.updateRuntimeConfig(request.build());
    assertThat(podNetworks).containsExactly("10.1.0.0/24", "fd00::/64");
  }

  @Test
  void missingMetadataIsNamed() {
    assertRefused(
        () -> pods.runPodSandbox(RunPodSandboxRequest.getDefaultInstance()),
        Status.Code.INVALID_ARGUMENT,
        "config is missing");
    var request = KubeletRequests.runPodSandbox().toBuilder();
    request.getConfigBuilder().clearMetadata();
    assertRefused(
        () -> pods.runPodSandbox(request.build()),
        Status.Code.INVALID_ARGUMENT,
        "config.metadata is missing");
    assertThat(runtime.verbs).isEmpty();
  }

  @Test
  void unknownRuntimeHandlerIsRefused() {
    assertRefused(
        () ->
            pods.runPodSandbox(
                KubeletRequests.runPodSandbox().toBuilder().setRuntimeHandler("kata").build()),
        Status.Code.INVALID_ARGUMENT,
        "runtime_handler",
        "kata");
  }

  @Test
  void faultsOfTheDomainKeepTheirKind() {
    assertRefused(
        () ->
            pods.containerStatus(
                ContainerStatusRequest.newBuilder().setContainerId("gone").build()),
        Status.Code.NOT_FOUND,
        "gone");
    runtime.during =
        () -> {
          throw new FaultException(Fault.UNAVAILABLE, "still recovering");
        };
    assertRefused(() -> runPod(), Status.Code.UNAVAILABLE, "still recovering");
    runtime.during =
        () -> {
          throw new IllegalStateException("a bug");
        };
    assertRefused(() -> runPod(), Status.Code.INTERNAL, "RunPodSandbox", "a bug");
  }

  @Test
  void gracePeriodOfAnySizeIsBounded() {
    pods.stopContainer(
        StopContainerRequest.newBuilder().setContainerId("c").setTimeout(-5).build());
    pods.stopContainer(
        StopContainerRequest.newBuilder().setContainerId("c").setTimeout(Long.MAX_VALUE).build());
    assertThat(runtime.verbs).containsExactly("stop c 0", "stop c 1000000000");
  }

  @Test
  void textThatIsNotUtf8IsTheClientsFault() {
    // StopContainerRequest: field 1 (container_id), length 2, bytes ff fe
    assertRefused(
        () -> raw(RuntimeServiceGrpc.getStopContainerMethod(), new byte[] {10, 2, -1, -2}),
        Status.Code.INVALID_ARGUMENT,
        "cannot be read");
    // the same cut short
    assertRefused(
        () -> raw(RuntimeServiceGrpc.getStopContainerMethod(), new byte[] {10, 9, 65}),
        Status.Code.INVALID_ARGUMENT,
        "cannot be read");
    assertThat(runtime.verbs).isEmpty();
  }

  @Test
  void hugeMessagesAreRefusedAndTheServerLivesOn() {
    assertRefused(
        () -> raw(RuntimeServiceGrpc.getStopContainerMethod(), text(64 << 20)),
        Status.Code.RESOURCE_EXHAUSTED,
        "exceeds maximum size");
    assertRefused(
        () -> raw(RuntimeServiceGrpc.getStopContainerMethod(), text(4 << 20)),
        Status.Code.RESOURCE_EXHAUSTED,
        "exceeds maximum size 4194304");
    assertRefused(
        () -> raw(RuntimeServiceGrpc.getStopContainerMethod(), text(1 << 20)),
        Status.Code.INVALID_ARGUMENT,
        "container_id is longer");
    assertThat(pods.version(VersionRequest.getDefaultInstance()).getRuntimeName())
        .isEqualTo("molo");
  }

  /** A message whose field 1 is a string of that many letters. */
  private static byte[] text(int length) {
    return StopContainerRequest.newBuilder()
        .setContainerIdBytes(ByteString.copyFrom(new byte[length]))
        .build()
        .toByteArray();
  }

  private <Q, R> R raw(MethodDescriptor<Q, R> method, byte[] request) {
    MethodDescriptor<byte[], R> bytes =
        method.toBuilder(new Bytes(), method.getResponseMarshaller()).build();
    return ClientCalls.blockingUnaryCall(channel, bytes, CallOptions.DEFAULT, request);
  }

  /** Sends bytes as they are. */
  private record Bytes() implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      throw new UnsupportedOperationException("for requests");
    }
  }

  @Test
  void lifecycleVerbGoesOnWhenItsCallerHangsUp() throws InterruptedException {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch hungUp = new CountDownLatch(1);
    runtime.during =
        () -> {
          inside.countDown();
          await(hungUp);
        };
    ClientCall<RunPodSandboxRequest, ?> call =
        channel.newCall(RuntimeServiceGrpc.getRunPodSandboxMethod(), CallOptions.DEFAULT);
    start(call, KubeletRequests.runPodSandbox());
    await(inside);
    call.cancel("the test hangs up", null);
    hungUp.countDown();
    for (int i = 0; i < 6000 && runtime.sandboxes.isEmpty(); i++) {
      Thread.sleep(10);
    }
    assertThat(runtime.sandboxes).hasSize(1);
  }

  @Test
  void execEndsWhenItsCallerHangsUpAndItsMemoryIsGivenBack() {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    runtime.exec =
        (command, timeout, caller) -> {
          CountDownLatch gone = new CountDownLatch(1);
          caller.onGone(gone::countDown);
          running.countDown();
          await(gone);
          ended.countDown();
          return new ExecOutcome(
              ByteBuffer.allocate(5), ByteBuffer.allocate(0), 0, 0, released::countDown);
        };
    ClientCall<ExecSyncRequest, ?> call =
        channel.newCall(RuntimeServiceGrpc.getExecSyncMethod(), CallOptions.DEFAULT);
    start(call, ExecSyncRequest.newBuilder().setContainerId("c").addCmd("sleep").build());
    await(running);
    call.cancel("the test hangs up", null);
    await(ended);
    await(released);
  }

  @Test
  void execEndsWhenItsCallersDeadlinePasses() {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    runtime.exec =
        (command, timeout, caller) -> {
          CountDownLatch gone = new CountDownLatch(1);
          caller.onGone(gone::countDown);
          running.countDown();
          await(gone);
          ended.countDown();
          throw new FaultException(Fault.CANCELLED, "gone");
        };
    // one that passes on the way, before the server has heard of the call, says nothing
    long deadline = 100;
    do {
      deadline *= 2;
      var limited = pods.withDeadlineAfter(deadline, TimeUnit.MILLISECONDS);
      assertRefused(
          () ->
              limited.execSync(
                  ExecSyncRequest.newBuilder().setContainerId("c").addCmd("sleep").build()),
          Status.Code.DEADLINE_EXCEEDED);
    } while (running.getCount() > 0 && deadline < 60_000);
    await(ended);
  }

  @Test
  void execOutputIsBinarySafeAndReleasedOnceSent() {
    int size = 8 << 20;
    ByteBuffer out = ByteBuffer.allocateDirect(size);
    for (int i = 0; i < size; i++) {
      out.put(i, (byte) i);
    }
    CountDownLatch released = new CountDownLatch(1);
    runtime.exec =
        (command, timeout, caller) ->
            new ExecOutcome(
                out.asReadOnlyBuffer(),
                ByteBuffer.wrap(new byte[] {0, -1}),
                137,
                0,
                released::countDown);
    ExecSyncResponse response =
        pods.execSync(ExecSyncRequest.newBuilder().setContainerId("c").addCmd("x").build());
    assertThat(response.getExitCode()).isEqualTo(137);
    assertThat(response.getStderr()).isEqualTo(ByteString.copyFrom(new byte[] {0, -1}));
    assertThat(response.getStdout()).isEqualTo(ByteString.copyFrom(out));
    await(released);
  }

  @Test
  void execWithoutACommandIsRefused() {
    assertRefused(
        () -> pods.execSync(ExecSyncRequest.newBuilder().setContainerId("c").build()),
        Status.Code.INVALID_ARGUMENT,
        "cmd is empty");
    assertRefused(
        () ->
            pods.execSync(
                ExecSyncRequest.newBuilder()
                    .setContainerId("c")
                    .addCmd("x")
                    .setTimeout(-1)
                    .build()),
        Status.Code.INVALID_ARGUMENT,
        "timeout");
  }

  @Test
  void pullEndsWhenItsCallerHangsUp() {
    ClientCall<PullImageRequest, ?> call =
        channel.newCall(ImageServiceGrpc.getPullImageMethod(), CallOptions.DEFAULT);
    start(
        call,
        PullImageRequest.newBuilder()
            .setImage(ImageSpec.newBuilder().setImage("localhost:5000/slow"))
            .build());
    await(images.slowPullBegan);
    call.cancel("the test hangs up", null);
    await(images.slowPullEnded);
  }

  @Test
  void pullAnswersWithTheIdAndNeverShowsCredentials() {
    var request =
        PullImageRequest.newBuilder()
            .setImage(ImageSpec.newBuilder().setImage("localhost:5000/nginx"));
    request.getAuthBuilder().setUsername("u").setPassword("s3cret");
    assertThat(imageStub.pullImage(request.build()).getImageRef()).startsWith("sha256:");
    assertThat(images.pulls.getFirst().auth().toString()).doesNotContain("s3cret");
    request.getAuthBuilder().clear().setAuth("s3cret\0");
    StatusRuntimeException failure = refused(() -> imageStub.pullImage(request.build()));
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(failure.getMessage()).contains("auth.auth").doesNotContain("s3cret");
  }

  @Test
  void absentImageIsAnEmptyAnswer() {
    var request =
        ImageStatusRequest.newBuilder().setImage(ImageSpec.newBuilder().setImage("nowhere"));
    assertThat(imageStub.imageStatus(request.build()).hasImage()).isFalse();
    assertRefused(
        () -> imageStub.imageStatus(ImageStatusRequest.getDefaultInstance()),
        Status.Code.INVALID_ARGUMENT,
        "image is missing");
  }

  @Test
  void imageTellsItsUserByNumberOrName() {
    images.byName.put("a", FakeImages.image("a", "1000:1000"));
    var request = ImageStatusRequest.newBuilder().setImage(ImageSpec.newBuilder().setImage("a"));
    var image = imageStub.imageStatus(request.setVerbose(true).build());
    assertThat(image.getImage().getUid().getValue()).isEqualTo(1000);
    assertThat(image.getInfoMap().get("info")).contains("\"Entrypoint\":[\"/bin/sh\"]");
    images.byName.put("a", FakeImages.image("a", "nginx:www"));
    image = imageStub.imageStatus(request.build());
    assertThat(image.getImage().hasUid()).isFalse();
    assertThat(image.getImage().getUsername()).isEqualTo("nginx");
  }

  @Test
  void imagesAreStreamedAsTheyAreListed() {
    for (int i = 0; i < 2_000; i++) {
      images.byName.put("app:" + i, FakeImages.image("app:" + i, ""));
    }
    List<Image> streamed = new ArrayList<>();
    int portions = 0;
    Iterator<StreamImagesResponse> all =
        imageStub.streamImages(StreamImagesRequest.getDefaultInstance());
    while (all.hasNext()) {
      streamed.addAll(all.next().getImagesList());
      portions++;
    }
    assertThat(portions).isGreaterThan(1);
    assertThat(streamed)
        .hasSize(2_000)
        .isEqualTo(imageStub.listImages(ListImagesRequest.getDefaultInstance()).getImagesList());
    StreamImagesRequest.Builder one = StreamImagesRequest.newBuilder();
    one.getFilterBuilder().getImageBuilder().setImage("app:77");
    assertThat(imageStub.streamImages(one.build()).next().getImagesList())
        .singleElement()
        .satisfies(image -> assertThat(image.getRepoTagsList()).containsExactly("app:77"));
    one.getFilterBuilder().getImageBuilder().setImage("absent:1");
    assertThat(imageStub.streamImages(one.build()).hasNext()).isFalse();
  }

  @Test
  void imageFileSystemHasATimeAndAMountpoint() {
    var info = imageStub.imageFsInfo(ImageFsInfoRequest.getDefaultInstance());
    assertThat(info.getImageFilesystems(0).getTimestamp()).isEqualTo(1_000_000_005L);
    assertThat(info.getContainerFilesystems(0).getFsId().getMountpoint())
        .isEqualTo("/var/lib/molo/images");
  }

  @Test
  void streamMakesPortionsOnlyAsTheClientTakesThem() throws InterruptedException {
    AtomicInteger made = new AtomicInteger();
    int count = 50_000;
    var one =
        FakePodRuntime.container(
            ContainerId.random(),
            SandboxId.random(),
            ContainerMapping.spec(KubeletRequests.containerConfig()),
            new dev.molo.pod.ContainerState.Created());
    FakePodRuntime many =
        new FakePodRuntime() {
          @Override
          public List<dev.molo.pod.ContainerSnapshot> containers() {
            return java.util.Collections.nCopies(count, one);
          }
        };
    StreamingCall<StreamContainersRequest, StreamContainersResponse> counting =
        (request, caller) -> {
          var portions = new StreamContainersCall(many).portions(request, caller);
          return new java.util.Iterator<>() {
            @Override
            public boolean hasNext() {
              return portions.hasNext();
            }

            @Override
            public StreamContainersResponse next() {
              made.incrementAndGet();
              return portions.next();
            }
          };
        };
    io.grpc.Server counted = serveStream(counting);
    ManagedChannel toCounted =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(run.resolve("c.sock").toFile()))
            .channelType(EpollDomainSocketChannel.class)
            .withOption(io.netty.channel.ChannelOption.SO_KEEPALIVE, null)
            .eventLoopGroup(loops)
            .usePlaintext()
            .build();
    try {
      var items =
          RuntimeServiceGrpc.newBlockingStub(toCounted)
              .streamContainers(StreamContainersRequest.getDefaultInstance());
      int taken = items.next().getContainersCount();
      assertThat(taken).isPositive();
      // the client takes nothing more: what is made must come to rest far from the end
      int before;
      do {
        before = made.get();
        Thread.sleep(100);
      } while (made.get() != before);
      assertThat(made.get() * Portions.PORTION_BYTES).isLessThan(8 << 20);
      while (items.hasNext()) {
        taken += items.next().getContainersCount();
      }
      assertThat(taken).isEqualTo(count);
    } finally {
      toCounted.shutdownNow();
      counted.shutdownNow();
    }
  }

  private io.grpc.Server serveStream(
      StreamingCall<StreamContainersRequest, StreamContainersResponse> call) {
    var descriptor =
        io.grpc.ServiceDescriptor.newBuilder("runtime.v1.RuntimeService")
            .addMethod(RuntimeServiceGrpc.getStreamContainersMethod())
            .build();
    try {
      return io.grpc.netty.NettyServerBuilder.forAddress(
              new DomainSocketAddress(run.resolve("c.sock").toFile()))
          .channelType(io.netty.channel.epoll.EpollServerDomainSocketChannel.class)
          .bossEventLoopGroup(loops)
          .workerEventLoopGroup(loops)
          .addService(
              new ServiceBinding(
                      descriptor,
                      RequestFields.load(),
                      new LargeRequests(java.time.Duration.ofSeconds(1)))
                  .streaming(RuntimeServiceGrpc.getStreamContainersMethod(), call)
                  .build())
          .build()
          .start();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void repeatedRequestsHaveEqualBytesWhateverTheOrderOfTheirMaps() {
    String pod = runPod();
    CreateContainerRequest first = KubeletRequests.createContainer(pod);
    pods.createContainer(first);
    var second = first.toBuilder().clearSandboxConfig();
    second.getConfigBuilder().clearLabels().putLabels("z", "1").putLabels("a", "2");
    pods.createContainer(second.build());
    second.getConfigBuilder().clearLabels().putLabels("a", "2").putLabels("z", "1");
    pods.createContainer(second.build());
    assertThat(runtime.canonical.get(1)).isNotEqualTo(runtime.canonical.get(2));
    assertThat(runtime.canonical.get(2)).isEqualTo(runtime.canonical.get(3));
  }

  private static <Q, R> void start(ClientCall<Q, R> call, Q request) {
    call.start(new ClientCall.Listener<R>() {}, new Metadata());
    call.request(1);
    call.sendMessage(request);
    call.halfClose();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).as("in time").isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
