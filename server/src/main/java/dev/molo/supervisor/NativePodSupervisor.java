package dev.molo.supervisor;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** {@link PodSupervisor} over its socket. Thread-safe. */
final class NativePodSupervisor implements PodSupervisor {
  /**
   * What is answered at once is answered within this, or the supervisor hangs. Ten seconds were too
   * few on a node with a tenth of a processor.
   */
  private static final Duration SOON = Duration.ofSeconds(30);

  private static final long RELEASE_PAUSE_NANOS = Duration.ofMillis(5).toNanos();

  private final Linux linux;
  private final SandboxId pod;
  private final SupervisorListener listener;
  private final Conversation conversation;
  private final int pid;

  /**
   * Says HELLO.
   *
   * @param socket connected, non-blocking; owned from now on
   */
  NativePodSupervisor(
      Linux linux, Reactor reactor, SandboxId pod, Fd socket, SupervisorListener listener) {
    this.linux = linux;
    this.pod = pod;
    this.listener = listener;
    this.conversation =
        new Conversation(
            linux,
            reactor,
            socket,
            "supervisor of pod " + pod.brief(),
            this::event,
            () -> listener.lost(pod));
    try {
      Packet hello =
          conversation.ask(
              new PacketBuilder(Wire.HELLO)
                  .u32(Wire.F_VERSION_MIN, Wire.VERSION_OLDEST)
                  .u32(Wire.F_VERSION_MAX, Wire.VERSION),
              List.of(),
              SOON);
      if (!hello.text(Wire.F_POD).equals(pod.value())) {
        throw new LinuxException(
            "HELLO", Errno.EPROTO, "it is the supervisor of pod " + hello.text(Wire.F_POD));
      }
      this.pid = hello.u32(Wire.F_PID).orElse(0);
    } catch (RuntimeException e) {
      conversation.close();
      throw e;
    }
  }

  private void event(Packet packet) {
    switch (packet.type()) {
      case Wire.EXITED -> exited(packet);
      case Wire.EXEC_EXITED -> {
        ProcessExit exit = exit(packet.field(Wire.F_EXIT).orElseThrow());
        String exec = packet.text(Wire.F_EXEC);
        listener.execExited(pod, container(packet), exec, exit);
      }
      case Wire.LOG_TROUBLE ->
          packet
              .field(Wire.F_LOG_STATS)
              .ifPresent(
                  stats -> listener.logTrouble(pod, container(packet), logStats(stats.bytes())));
      default -> {
        // a newer supervisor tells more than this daemon knows
      }
    }
  }

  private void exited(Packet packet) {
    Packet.Field exit = packet.field(Wire.F_EXIT).orElseThrow();
    long startedAt = packet.field(Wire.F_STARTED).map(Packet.Field::u64).orElse(0L);
    listener.exited(pod, new ExitRecord(container(packet), startedAt, exit(exit), oomKills(exit)));
  }

  private static ContainerId container(Packet packet) {
    return new ContainerId(packet.text(Wire.F_CONTAINER));
  }

  /** struct molo_exit: u64 time, u32 code, u32 signal, u64 oom_kills. */
  private static ProcessExit exit(Packet.Field field) {
    ByteBuffer bytes = field.bytes();
    return new ProcessExit(bytes.getLong(0), bytes.getInt(8), bytes.getInt(12));
  }

  private static long oomKills(Packet.Field exit) {
    return exit.bytes().getLong(16);
  }

  /** struct molo_log_stats. */
  private static LogStats logStats(ByteBuffer bytes) {
    return new LogStats(
        bytes.getLong(8),
        bytes.getLong(0),
        bytes.getLong(16),
        bytes.getLong(24),
        bytes.getInt(32),
        bytes.getInt(36) != 0);
  }

  @Override
  public SandboxId pod() {
    return pod;
  }

  @Override
  public int pid() {
    return pid;
  }

  @Override
  public boolean connected() {
    return conversation.isOpen();
  }

  @Override
  public List<ContainerFacts> containers() {
    List<Packet> answer = conversation.askAll(new PacketBuilder(Wire.STATE), List.of(), SOON);
    return new StateReader().read(answer);
  }

  /** Reads the groups of a STATE answer: CONTAINER, or EXEC and CONTAINER, then facts. */
  private static final class StateReader {
    private final List<List<Packet.Field>> groups = new ArrayList<>();

    List<ContainerFacts> read(List<Packet> packets) {
      boolean ofExec = false;
      for (Packet packet : packets) {
        for (Packet.Field field : packet.fields()) {
          boolean opens =
              field.tag() == Wire.F_EXEC || (field.tag() == Wire.F_CONTAINER && !ofExec);
          if (opens) {
            groups.add(new ArrayList<>());
          }
          ofExec = field.tag() == Wire.F_EXEC;
          if (!groups.isEmpty()) {
            groups.getLast().add(field);
          }
        }
      }
      Map<String, List<String>> execs = execs();
      return groups.stream()
          .filter(group -> group.getFirst().tag() == Wire.F_CONTAINER)
          .map(group -> facts(group, execs))
          .toList();
    }

    private Map<String, List<String>> execs() {
      Map<String, List<String>> execs = new HashMap<>();
      for (List<Packet.Field> group : groups) {
        if (group.getFirst().tag() == Wire.F_EXEC && group.size() > 1) {
          execs
              .computeIfAbsent(group.get(1).text(), name -> new ArrayList<>())
              .add(group.getFirst().text());
        }
      }
      return execs;
    }

    private static ContainerFacts facts(List<Packet.Field> group, Map<String, List<String>> execs) {
      Packet packet = new Packet(Wire.STATE, false, 0, group, List.of());
      ContainerId id = container(packet);
      long startedAt = packet.field(Wire.F_STARTED).map(Packet.Field::u64).orElse(0L);
      return new ContainerFacts(
          id,
          phase(packet.u32(Wire.F_PHASE).orElse(0)),
          packet.u32(Wire.F_PID).orElse(0),
          startedAt,
          packet
              .field(Wire.F_EXIT)
              .map(exit -> new ExitRecord(id, startedAt, exit(exit), oomKills(exit))),
          execs.getOrDefault(id.value(), List.of()));
    }

    private static ContainerFacts.Phase phase(int number) {
      ContainerFacts.Phase[] phases = ContainerFacts.Phase.values();
      if (number < 1 || number > phases.length) {
        throw new LinuxException("STATE", Errno.EPROTO, "phase " + number);
      }
      return phases[number - 1];
    }
  }

  @Override
  public SetUp setup(ByteBuffer plan, List<Fd> fds) {
    try (Sending sending = new Sending(Wire.SETUP, plan, fds)) {
      Packet answer = conversation.ask(sending.packet, sending.fds, SOON);
      return new SetUp(answer.fds(), answer.texts(Wire.F_WARNING));
    }
  }

  @Override
  public void hold(ContainerId container, int firstKey, List<Fd> fds) {
    hold(container.value(), firstKey, fds);
  }

  @Override
  public void holdForPod(int firstKey, List<Fd> fds) {
    hold("", firstKey, fds);
  }

  private void hold(String container, int firstKey, List<Fd> fds) {
    PacketBuilder packet =
        new PacketBuilder(Wire.HOLD).text(Wire.F_CONTAINER, container).u32(Wire.F_KEY, firstKey);
    conversation.ask(packet, fds, SOON);
  }

  /**
   * Programs that were exec'd in it are killed with it, but outside of a pid namespace of its own
   * they may end a moment after it: EBUSY until then.
   */
  @Override
  public void release(ContainerId container) {
    long deadline = System.nanoTime() + SOON.toNanos();
    while (!released(container, System.nanoTime() - deadline > 0)) {
      LockSupport.parkNanos(RELEASE_PAUSE_NANOS);
    }
  }

  private boolean released(ContainerId container, boolean last) {
    try {
      conversation.ask(about(Wire.RELEASE, container), List.of(), SOON);
      return true;
    } catch (LinuxException e) {
      if (e.errno() != Errno.EBUSY || last) {
        throw e;
      }
      return false;
    }
  }

  @Override
  public Started start(ContainerId container, ByteBuffer plan, List<Fd> fds, Duration limit) {
    try (Sending sending = new Sending(Wire.START, plan, fds)) {
      sending.packet.text(Wire.F_CONTAINER, container.value());
      return started(conversation.ask(sending.packet, sending.fds, limit));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ETIMEDOUT) {
        kill(container);
      }
      throw e;
    }
  }

  @Override
  public Started exec(
      ContainerId container, String exec, ByteBuffer plan, List<Fd> fds, Duration limit) {
    try (Sending sending = new Sending(Wire.EXEC, plan, fds)) {
      sending.packet.text(Wire.F_CONTAINER, container.value()).text(Wire.F_EXEC, exec);
      return started(conversation.ask(sending.packet, sending.fds, limit));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ETIMEDOUT) {
        killExec(exec);
      }
      throw e;
    }
  }

  private static Started started(Packet answer) {
    List<Fd> fds = answer.fds();
    if (fds.isEmpty()) {
      throw new LinuxException("START", Errno.EPROTO, "the answer has no pidfd");
    }
    return new Started(
        answer.u32(Wire.F_PID).orElse(0),
        fds.getFirst(),
        fds.size() > 1 ? Optional.of(fds.get(1)) : Optional.empty(),
        answer.texts(Wire.F_WARNING));
  }

  @Override
  public boolean signal(ContainerId container, int signal) {
    return runs(about(Wire.SIGNAL, container).u32(Wire.F_SIGNAL, signal));
  }

  @Override
  public boolean signalExec(String exec, int signal) {
    return runs(new PacketBuilder(Wire.SIGNAL).text(Wire.F_EXEC, exec).u32(Wire.F_SIGNAL, signal));
  }

  @Override
  public boolean kill(ContainerId container) {
    return runs(about(Wire.KILL, container));
  }

  @Override
  public boolean killExec(String exec) {
    return runs(new PacketBuilder(Wire.KILL).text(Wire.F_EXEC, exec));
  }

  /** Whether there was somebody to do it to. */
  private boolean runs(PacketBuilder request) {
    try {
      conversation.ask(request, List.of(), SOON);
      return true;
    } catch (LinuxException e) {
      if (e.errno() == Errno.ESRCH) {
        return false;
      }
      throw e;
    }
  }

  private static PacketBuilder about(int type, ContainerId container) {
    return new PacketBuilder(type).text(Wire.F_CONTAINER, container.value());
  }

  @Override
  public void reopenLog(ContainerId container, Optional<Fd> log) {
    conversation.ask(about(Wire.REOPEN_LOG, container), log.map(List::of).orElse(List.of()), SOON);
  }

  @Override
  public void resize(ContainerId container, int rows, int columns) {
    ByteBuffer size = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
    size.putShort((short) rows).putShort((short) columns).flip();
    conversation.ask(about(Wire.RESIZE, container).bytes(Wire.F_SIZE, size), List.of(), SOON);
  }

  @Override
  public Optional<Fd> attach(ContainerId container, Optional<Fd> stdout, Optional<Fd> stderr) {
    List<Fd> fds = new ArrayList<>();
    stdout.ifPresent(fds::add);
    stderr.ifPresent(fds::add);
    int sinks =
        (stdout.isPresent() ? Wire.SINK_STDOUT : 0) | (stderr.isPresent() ? Wire.SINK_STDERR : 0);
    Packet answer =
        conversation.ask(about(Wire.ATTACH, container).u32(Wire.F_SINKS, sinks), fds, SOON);
    return answer.fds().stream().findFirst();
  }

  @Override
  public void closeStdin(ContainerId container) {
    conversation.ask(about(Wire.CLOSE_STDIN, container), List.of(), SOON);
  }

  @Override
  public LogStats logStats(ContainerId container) {
    Packet answer = conversation.ask(about(Wire.STATS, container), List.of(), SOON);
    return logStats(answer.field(Wire.F_LOG_STATS).orElseThrow().bytes());
  }

  @Override
  public void shutdown(Duration limit) {
    conversation.ask(new PacketBuilder(Wire.SHUTDOWN), List.of(), limit);
    conversation.close();
  }

  @Override
  public void close() {
    conversation.close();
  }

  /** A request with a plan: inline while it is small, else in a sealed memfd behind the others. */
  private final class Sending implements AutoCloseable {
    private final PacketBuilder packet;
    private final List<Fd> fds;
    private final Optional<Fd> memfd;

    private Sending(int type, ByteBuffer plan, List<Fd> planFds) {
      this.packet = new PacketBuilder(type);
      this.fds = new ArrayList<>(planFds);
      if (plan.remaining() <= Wire.PLAN_INLINE_MAX) {
        this.memfd = Optional.empty();
        packet.bytes(Wire.F_PLAN, plan);
        return;
      }
      ByteBuffer direct = ByteBuffer.allocateDirect(plan.remaining()).put(plan.duplicate()).flip();
      Fd sealed = linux.memfds().sealed("molo-plan", direct);
      this.memfd = Optional.of(sealed);
      packet.u32(Wire.F_PLAN_FD, fds.size());
      fds.add(sealed);
    }

    @Override
    public void close() {
      memfd.ifPresent(Fd::close);
    }
  }
}
