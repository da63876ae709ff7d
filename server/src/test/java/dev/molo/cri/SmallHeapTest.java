package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ExecSyncResponse;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.cri.v1.VersionRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Large messages in both directions, many at once, against the edge in a JVM with the daemon's 64
 * MiB heap: it answers all, throws no OutOfMemoryError, and gives back what it held.
 */
@Timeout(300)
class SmallHeapTest {
  private static final int AT_ONCE = 64;
  private static final int LARGEST_OUTPUT = (16 << 20) - 4096;

  @TempDir Path run;

  private Process daemon;
  private Path log;
  private EventLoopGroup loops;
  private ManagedChannel channel;
  private RuntimeServiceGrpc.RuntimeServiceBlockingStub pods;

  @BeforeEach
  void start() throws IOException {
    log = run.resolve("daemon.log");
    Path socket = run.resolve("molo.sock");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(daemonFlags());
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            SmallHeapDaemon.class.getName(),
            socket.toString()));
    daemon =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
            .channelType(EpollDomainSocketChannel.class)
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .eventLoopGroup(loops)
            .usePlaintext()
            // what the kubelet's client takes
            .maxInboundMessageSize(16 << 20)
            .build();
    pods = RuntimeServiceGrpc.newBlockingStub(channel).withWaitForReady();
    pods.withDeadlineAfter(60, TimeUnit.SECONDS).version(VersionRequest.getDefaultInstance());
  }

  /** Those that the launcher starts the daemon with; errors shall be seen here, though. */
  private static List<String> daemonFlags() throws IOException {
    Path flags = Path.of(System.getProperty("basedir", ".")).resolve("src/dist/jvm.flags");
    return Files.readAllLines(flags).stream().filter(flag -> !flag.startsWith("-Xlog")).toList();
  }

  @AfterEach
  void stop() throws IOException, InterruptedException {
    channel.shutdownNow();
    daemon.getOutputStream().close();
    if (!daemon.waitFor(20, TimeUnit.SECONDS)) {
      daemon.destroyForcibly();
    }
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  @Test
  void manyLargeOutputsAtOncePassThroughASmallHeap() throws Exception {
    List<Future<Integer>> answers = new ArrayList<>();
    // the client's own heap holds a few of them at a time
    Semaphore reading = new Semaphore(8);
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < AT_ONCE; i++) {
        answers.add(clients.submit(() -> outputSize(reading)));
      }
      for (Future<Integer> answer : answers) {
        assertThat(answer.get()).isEqualTo(LARGEST_OUTPUT);
      }
    }
    assertDaemonIsWell();
    assertThat(awaitedLeaks()).as("answers not given back").isZero();
  }

  /** An answer is given back when its call is over, of which the client may know before. */
  private int awaitedLeaks() throws InterruptedException {
    int leaked = exec("leaked").getExitCode();
    for (int i = 0; i < 600 && leaked > 0; i++) {
      Thread.sleep(100);
      leaked = exec("leaked").getExitCode();
    }
    return leaked;
  }

  private int outputSize(Semaphore reading) throws InterruptedException {
    reading.acquire();
    try {
      return exec(String.valueOf(LARGEST_OUTPUT)).getStdout().size();
    } finally {
      reading.release();
    }
  }

  private ExecSyncResponse exec(String command) {
    return pods.withDeadlineAfter(120, TimeUnit.SECONDS)
        .execSync(ExecSyncRequest.newBuilder().setContainerId("c").addCmd(command).build());
  }

  @Test
  void manyLargeRequestsAtOnceAreAnsweredOneByOne() throws Exception {
    Map<Status.Code, Integer> codes = flood(3 << 20, 200);
    // the environment is too long for the kernel: the field is at fault, not the heap
    assertThat(codes).containsOnlyKeys(Status.Code.INVALID_ARGUMENT);
    assertDaemonIsWell();
  }

  @Test
  void requestsThatNobodyCouldRunAreRefusedUnread() throws Exception {
    assertDaemonIsWell();
    assertThat(flood(12 << 20, 24)).containsOnlyKeys(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(flood(64 << 20, 8)).containsOnlyKeys(Status.Code.RESOURCE_EXHAUSTED);
    assertDaemonIsWell();
  }

  private Map<Status.Code, Integer> flood(int bytes, int calls)
      throws InterruptedException, ExecutionException {
    var config = ContainerConfig.newBuilder();
    config.getMetadataBuilder().setName("n");
    config.getImageBuilder().setImage("i");
    config.addEnvsBuilder().setKey("K").setValue(ByteString.copyFrom(new byte[bytes]));
    CreateContainerRequest request =
        CreateContainerRequest.newBuilder().setPodSandboxId("p").setConfig(config).build();
    Map<Status.Code, Integer> codes = new EnumMap<>(Status.Code.class);
    Semaphore sending = new Semaphore(16);
    List<Future<Status.Code>> answers = new ArrayList<>();
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < calls; i++) {
        answers.add(
            clients.submit(() -> {
              sending.acquire();
              try {
                return answer(request);
              } finally {
                sending.release();
              }
            }));
      }
      for (Future<Status.Code> answer : answers) {
        codes.merge(answer.get(), 1, Integer::sum);
      }
    }
    return codes;
  }

  private Status.Code answer(CreateContainerRequest request) {
    try {
      pods.withDeadlineAfter(120, TimeUnit.SECONDS).createContainer(request);
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private void assertDaemonIsWell() throws IOException {
    assertThat(daemon.isAlive()).isTrue();
    pods.withDeadlineAfter(60, TimeUnit.SECONDS).version(VersionRequest.getDefaultInstance());
    assertThat(Files.readString(log)).doesNotContain("OutOfMemory").doesNotContain("OutOfDirect");
  }
}
