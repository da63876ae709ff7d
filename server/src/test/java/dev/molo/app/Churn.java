package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Patience;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ContainerStatus;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Clients that bring pods up and take them down again, one pod after the other, and make a call
 * again when the daemon is gone meanwhile. Nothing may be lost on the way: every call succeeds in
 * the end, and every program ends as it was written.
 */
final class Churn {
  /** What they run in turn, and how it must end: by itself, at SIGTERM, by SIGKILL. */
  private enum Program {
    EXIT("exit 7", 7, "Error"),
    WAIT("wait", 0, "Completed"),
    STAY("stay", 137, "Error");

    private final String arguments;
    private final int code;
    private final String reason;

    Program(String arguments, int code, String reason) {
      this.arguments = arguments;
      this.code = code;
      this.reason = reason;
    }
  }

  private final TestDaemon daemon;
  private final Path logs;
  private final List<Thread> clients = new ArrayList<>();
  private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final AtomicInteger lives = new AtomicInteger();
  private volatile boolean ending;

  Churn(TestDaemon daemon, Path logs) {
    this.daemon = daemon;
    this.logs = logs;
  }

  void begin(int count) {
    for (int i = 0; i < count; i++) {
      int first = i;
      clients.add(Thread.ofPlatform().name("client-" + i).start(() -> live(first)));
    }
  }

  /**
   * Lets each client finish its pod.
   *
   * @return how many pods have lived and gone
   */
  int end() throws InterruptedException {
    ending = true;
    for (Thread client : clients) {
      Patience.end("a client ends", client);
    }
    assertNothingLost();
    return lives.get();
  }

  void assertNothingLost() {
    assertThat(failures).isEmpty();
  }

  private void live(int first) {
    try {
      for (int i = first; !ending; i++) {
        Program program = Program.values()[i % Program.values().length];
        live(new PodScenario("churn" + lives.incrementAndGet(), logs, program.arguments), program);
      }
    } catch (Throwable e) {
      failures.add(e);
    }
  }

  private void live(PodScenario pod, Program program) throws InterruptedException {
    for (Consumer<RuntimeServiceBlockingStub> call : pod.up()) {
      try {
        insist(call);
      } catch (StatusRuntimeException e) {
        // a call made again finds that the program it had started has ended since
        if (program != Program.EXIT || e.getStatus().getCode() != Status.Code.FAILED_PRECONDITION) {
          throw e;
        }
      }
    }
    if (program == Program.EXIT) {
      awaitEnd(pod);
    }
    List<Consumer<RuntimeServiceBlockingStub>> down = pod.down();
    insist(down.getFirst());
    ContainerStatus ended = awaitEnd(pod);
    assertThat(ended.getExitCode()).as("%s", ended).isEqualTo(program.code);
    assertThat(ended.getReason()).isEqualTo(program.reason);
    assertThat(ended.getFinishedAt()).isGreaterThanOrEqualTo(ended.getStartedAt());
    for (Consumer<RuntimeServiceBlockingStub> call : down.subList(1, down.size())) {
      insist(call);
    }
  }

  /** As the kubelet does: again, until the daemon is back. */
  private void insist(Consumer<RuntimeServiceBlockingStub> call) throws InterruptedException {
    long deadline = System.nanoTime() + 120_000_000_000L;
    while (true) {
      try {
        call.accept(daemon.cri());
        return;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || System.nanoTime() > deadline) {
          throw e;
        }
        Thread.sleep(10);
      }
    }
  }

  private ContainerStatus awaitEnd(PodScenario pod) throws InterruptedException {
    for (int tries = 0; tries < 12_000; tries++) {
      ContainerStatus[] status = new ContainerStatus[1];
      insist(cri -> status[0] = pod.containerStatus(cri));
      if (status[0].getState() == ContainerState.CONTAINER_EXITED) {
        return status[0];
      }
      Thread.sleep(10);
    }
    throw new AssertionError("a container that was to end goes on: " + pod.container());
  }
}
