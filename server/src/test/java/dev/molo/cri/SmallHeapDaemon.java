package dev.molo.cri;

import dev.molo.config.GrpcConfig;
import dev.molo.pod.ExecOutcome;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The edge in a process of its own, for {@link SmallHeapTest}. Every ExecSync answers with as many
 * bytes as its first argument says, from one buffer off the heap, and {@code leaked} tells how many
 * answers were not given back.
 */
final class SmallHeapDaemon {
  private SmallHeapDaemon() {}

  public static void main(String[] args) throws Exception {
    AtomicInteger held = new AtomicInteger();
    ByteBuffer output = ByteBuffer.allocateDirect(16 << 20);
    FakePodRuntime runtime = new FakePodRuntime();
    runtime.exec =
        (command, timeout, caller) -> {
          if (command.getFirst().equals("leaked")) {
            return outcome(ByteBuffer.allocate(0), held.get(), () -> {});
          }
          held.incrementAndGet();
          int size = Integer.parseInt(command.getFirst());
          return outcome(output.asReadOnlyBuffer().limit(size), 0, () -> held.decrementAndGet());
        };
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    CriServer server =
        CriServer.start(
            new GrpcConfig(Path.of(args[0]), 4 << 20),
            loops,
            runtime,
            new FakeImages(),
            CriServerTest.facts(),
            cidrs -> {});
    // lives until its standard input ends with the test that started it
    System.in.readAllBytes();
    server.close();
    System.exit(0);
  }

  private static ExecOutcome outcome(ByteBuffer stdout, int exitCode, Runnable release) {
    return new ExecOutcome(stdout, ByteBuffer.allocate(0), exitCode, 0, release);
  }
}
