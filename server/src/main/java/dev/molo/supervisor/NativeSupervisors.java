package dev.molo.supervisor;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.SocketFlags;
import dev.molo.linux.SpawnRequest;
import dev.molo.linux.Spawned;
import dev.molo.spec.SandboxId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the program {@code molo-supervisor}, from a sealed copy in memory: no container can
 * overwrite it. Thread-safe.
 */
public final class NativeSupervisors implements Supervisors {
  private static final Logger log = LoggerFactory.getLogger(NativeSupervisors.class);

  private static final String SOCKET = "supervisor.sock";
  private static final int SOCKET_MODE = 0600;
  private static final int LISTENER = 3;
  private static final int DIRECTORY = 4;
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Linux linux;
  private final Reactor reactor;
  private final Path pods;
  private final Path program;
  private Fd executable;

  /**
   * Starts the reactor.
   *
   * @param run the instance's folder for sockets
   * @param nativePrograms where {@code molo-supervisor} lies
   */
  public NativeSupervisors(Linux linux, Reactors reactors, Path run, Path nativePrograms) {
    this.linux = linux;
    this.reactor = reactors.reactor();
    this.pods = run.resolve("pods");
    this.program = nativePrograms.resolve("molo-supervisor");
    try {
      Files.createDirectories(pods, PRIVATE);
    } catch (IOException e) {
      throw new UncheckedIOException("make " + pods, e);
    }
  }

  /** One copy serves all pods, so its pages are shared. */
  private synchronized Fd executable() {
    if (executable == null) {
      try (Fd file = linux.files().open(program.toString(), OpenFlags.O_RDONLY)) {
        executable = linux.memfds().sealedExecutable("molo-supervisor", file);
      }
    }
    return executable;
  }

  @Override
  public PodSupervisor launch(SupervisorSpec spec, SupervisorListener listener) {
    Path folder = folder(spec.pod());
    makeFolder(folder);
    try (Fd directory = open(folder);
        Fd listening =
            linux
                .sockets()
                .listenUnix(directory, SOCKET, SocketFlags.SOCK_SEQPACKET, SOCKET_MODE, 4)) {
      Spawned spawned = spawn(spec, listening, directory);
      reapInBackground(spec.pod(), spawned);
      return connect(spec.pod(), directory, listener);
    }
  }

  private static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder, PRIVATE);
      Files.createDirectories(folder.resolve("exits"), PRIVATE);
    } catch (IOException e) {
      throw new UncheckedIOException("make the run folder " + folder, e);
    }
  }

  private Fd open(Path folder) {
    return linux.files().open(folder.toString(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
  }

  private Spawned spawn(SupervisorSpec spec, Fd listening, Fd directory) {
    SpawnRequest request =
        SpawnRequest.of(executable(), List.of("molo-supervisor", spec.pod().value()))
            .withFd(Fd.borrowed(2), 2)
            .withFd(listening, LISTENER)
            .withFd(directory, DIRECTORY)
            .withNamespaces(spec.namespaces())
            .withCgroup(spec.cgroup());
    return linux.processes().spawn(request);
  }

  /** It is our child as long as we live; init's afterwards. */
  private void reapInBackground(SandboxId pod, Spawned spawned) {
    Fd pidfd = spawned.pidfd();
    long[] watch = new long[1];
    Reactor.Handler reap =
        () -> {
          linux
              .processes()
              .waitid(pidfd)
              .ifPresent(status -> {
                log.debug("supervisor {} of pod {} ended: {}", spawned.pid(), pod, status);
                synchronized (watch) {
                  reactor.forget(watch[0], pidfd);
                }
              });
        };
    synchronized (watch) {
      watch[0] = reactor.watch(pidfd, reap);
    }
  }

  private PodSupervisor connect(SandboxId pod, Fd directory, SupervisorListener listener) {
    Fd socket =
        linux
            .sockets()
            .connectUnix(directory, SOCKET, SocketFlags.SOCK_SEQPACKET | SocketFlags.SOCK_NONBLOCK);
    return new NativePodSupervisor(linux, reactor, pod, socket, listener);
  }

  @Override
  public Optional<PodSupervisor> reconnect(SandboxId pod, SupervisorListener listener) {
    try (Fd directory = open(folder(pod))) {
      return Optional.of(connect(pod, directory, listener));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public List<SandboxId> runDirectories() {
    try (Stream<Path> folders = Files.list(pods)) {
      return folders
          .map(folder -> folder.getFileName().toString())
          .filter(SandboxId::isValid)
          .map(SandboxId::new)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("list " + pods, e);
    }
  }

  @Override
  public void removeRunDirectory(SandboxId pod) {
    Path folder = folder(pod);
    try (Stream<Path> tree = Files.walk(folder)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException gone) {
      // as wished
    } catch (IOException e) {
      throw new UncheckedIOException("remove the run folder " + folder, e);
    }
  }

  private Path folder(SandboxId pod) {
    return pods.resolve(pod.value());
  }

  @Override
  public synchronized void close() {
    if (executable != null) {
      executable.close();
      executable = null;
    }
  }
}
