package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;
import static dev.molo.linux.jnr.Kernel.is;

import dev.molo.linux.BlockingCalls;
import dev.molo.linux.Epoll;
import dev.molo.linux.Errno;
import dev.molo.linux.ExitStatus;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Processes;
import dev.molo.linux.SpawnRequest;
import dev.molo.linux.Spawned;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** {@link Processes} by the spawn library and pidfds. */
final class JnrProcesses implements Processes {

  private static final int P_PIDFD = 3;
  private static final int WNOHANG = 1;
  private static final int WEXITED = 4;
  private static final int SIGINFO_SIZE = 128;
  private static final int CLD_EXITED = 1;
  private static final int CLD_DUMPED = 3;

  /** Names of enum molo_spawn_step. */
  private static final List<String> STEPS =
      List.of(
          "spawn",
          "mmap",
          "clone3",
          "setsid",
          "fchdir",
          "fcntl",
          "close_range",
          "dup2",
          "rt_sigaction",
          "rt_sigprocmask",
          "execveat");

  private final SpawnLibrary library;
  private final Epoll epoll;
  private final BlockingCalls blocking;

  JnrProcesses(SpawnLibrary library, Epoll epoll, BlockingCalls blocking) {
    this.library = library;
    this.epoll = epoll;
    this.blocking = blocking;
  }

  @Override
  public Spawned spawn(SpawnRequest request) {
    List<byte[]> argv = encode(request.argv());
    List<byte[]> environment = encode(request.environment());
    try (Scratch scratch =
        Scratch.borrow(room(argv) + room(environment) + 8 * request.fds().size() + 256)) {
      int at = scratch.reserve(SpawnLibrary.SIZE);
      ByteBuffer memory = scratch.memory();
      memory
          .putInt(at, SpawnLibrary.SIZE)
          .putInt(at + SpawnLibrary.EXECUTABLE, request.executable().number())
          .putInt(at + SpawnLibrary.CGROUP, number(request.cgroup()))
          .putInt(at + SpawnLibrary.WORKING_DIRECTORY, number(request.workingDirectory()))
          .putLong(at + SpawnLibrary.CLONE_FLAGS, request.namespaces())
          .putLong(at + SpawnLibrary.ARGV, vector(scratch, argv))
          .putLong(at + SpawnLibrary.ENVP, vector(scratch, environment))
          .putLong(at + SpawnLibrary.FDS, descriptors(scratch, request.fds()))
          .putInt(at + SpawnLibrary.FD_COUNT, request.fds().size());
      int result = library.spawn(scratch.at(at));
      if (result < 0) {
        int step = memory.getInt(at + SpawnLibrary.FAILED_STEP);
        throw new LinuxException(stepName(step), -result, detail(request));
      }
      int pidfd = memory.getInt(at + SpawnLibrary.PIDFD);
      return new Spawned(memory.getInt(at + SpawnLibrary.PID), JnrFiles.owned(pidfd));
    }
  }

  private static String stepName(int step) {
    return step >= 0 && step < STEPS.size() ? STEPS.get(step) : "spawn step " + step;
  }

  private static String detail(SpawnRequest request) {
    String into = request.cgroup().map(cgroup -> " into cgroup " + Detail.fd(cgroup)).orElse("");
    String program = Detail.text(request.argv().get(0).getBytes(StandardCharsets.UTF_8));
    return "spawn of " + program + " (" + Detail.fd(request.executable()) + ")" + into;
  }

  private static int number(Optional<Fd> fd) {
    return fd.map(Fd::number).orElse(-1);
  }

  private static List<byte[]> encode(List<String> strings) {
    return strings.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toList();
  }

  private static int room(List<byte[]> strings) {
    int bytes = 16;
    for (byte[] string : strings) {
      bytes += string.length + 8 + 16;
    }
    return bytes;
  }

  private static long vector(Scratch scratch, List<byte[]> strings) {
    int array = scratch.reserveDirty(8 * (strings.size() + 1));
    for (int i = 0; i < strings.size(); i++) {
      scratch.memory().putLong(array + 8 * i, scratch.string(strings.get(i)));
    }
    scratch.memory().putLong(array + 8 * strings.size(), 0);
    return scratch.at(array);
  }

  private static long descriptors(Scratch scratch, List<SpawnRequest.InheritedFd> fds) {
    int array = scratch.reserveDirty(8 * fds.size());
    int at = array;
    for (SpawnRequest.InheritedFd fd : fds) {
      scratch.memory().putInt(at, fd.source().number()).putInt(at + 4, fd.target());
      at += 8;
    }
    return scratch.at(array);
  }

  @Override
  public Fd pidfdOpen(int pid) {
    return JnrFiles.owned(
        check(Call.PIDFD_OPEN, call(Call.PIDFD_OPEN, pid, 0), () -> "pid " + pid));
  }

  @Override
  public boolean pidfdSendSignal(Fd pidfd, int signal) {
    long result = call(Call.PIDFD_SEND_SIGNAL, pidfd.number(), signal, 0, 0);
    if (is(result, Errno.ESRCH)) {
      return false;
    }
    check(Call.PIDFD_SEND_SIGNAL, result, () -> pidfd + ", signal " + signal);
    return true;
  }

  @Override
  public Fd pidfdGetfd(Fd pidfd, int number) {
    long result = call(Call.PIDFD_GETFD, pidfd.number(), number, 0);
    return JnrFiles.owned(check(Call.PIDFD_GETFD, result, () -> pidfd + ", its fd " + number));
  }

  @Override
  public Optional<ExitStatus> waitid(Fd pidfd) {
    return waitHere(pidfd, WEXITED | WNOHANG);
  }

  @Override
  public ExitStatus waitidBlocking(Fd pidfd) {
    return blocking.run("waitid", () -> waitHere(pidfd, WEXITED)).orElseThrow();
  }

  private static Optional<ExitStatus> waitHere(Fd pidfd, int options) {
    try (Scratch scratch = Scratch.borrow()) {
      int info = scratch.reserve(SIGINFO_SIZE);
      long result = call(Call.WAITID, P_PIDFD, pidfd.number(), scratch.at(info), options, 0);
      check(Call.WAITID, result, () -> "P_PIDFD, " + pidfd);
      // siginfo: si_signo, si_errno, si_code; then from 16 on si_pid, si_uid, si_status.
      if (scratch.memory().getInt(info + 16) == 0) {
        return Optional.empty();
      }
      int code = scratch.memory().getInt(info + 8);
      int status = scratch.memory().getInt(info + 24);
      return Optional.of(
          code == CLD_EXITED
              ? new ExitStatus.Exited(status)
              : new ExitStatus.Killed(status, code == CLD_DUMPED));
    }
  }

  @Override
  public boolean exited(Fd pidfd) {
    return epoll.poll(pidfd, Epoll.EPOLLIN, 0) != 0;
  }
}
