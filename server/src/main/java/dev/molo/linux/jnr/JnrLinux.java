package dev.molo.linux.jnr;

import dev.molo.linux.BlockingCalls;
import dev.molo.linux.CgroupPrograms;
import dev.molo.linux.Epoll;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.Inflation;
import dev.molo.linux.Linux;
import dev.molo.linux.Memfds;
import dev.molo.linux.Memory;
import dev.molo.linux.Mounts;
import dev.molo.linux.Nftables;
import dev.molo.linux.Pipes;
import dev.molo.linux.Processes;
import dev.molo.linux.Seccomp;
import dev.molo.linux.Sockets;
import dev.molo.linux.SystemFacts;
import dev.molo.linux.Terminals;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The real kernel. Making one costs nothing: libc, libnftables, libseccomp and libmolospawn are
 * each bound when an operation first needs them. Thread-safe.
 */
public final class JnrLinux implements Linux, AutoCloseable {

  /** System property: the folder of libmolospawn.so, molo-supervisor and molo-mounter. */
  public static final String NATIVE_FOLDER = "molo.native";

  private static final Logger log = LoggerFactory.getLogger(JnrLinux.class);

  private static final int BLOCKING_THREADS = 16;
  private static final int BLOCKING_QUEUE = 1024;

  private final BlockingCalls blocking = new BlockingCalls(BLOCKING_THREADS, BLOCKING_QUEUE);
  private final SystemFacts system = new JnrSystemFacts();
  private final Files files = new JnrFiles(system, blocking);
  private final Mounts mounts = new JnrMounts(blocking);
  private final Epoll epoll = new JnrEpoll(blocking);
  private final Sockets sockets = new JnrSockets(files, blocking);
  private final Memfds memfds = new JnrMemfds(files);
  private final Pipes pipes = new JnrPipes();
  private final Terminals terminals = new JnrTerminals();
  private final JnrNftables nftables = new JnrNftables();
  private final Seccomp seccomp = new JnrSeccomp(memfds, files);
  private final JnrCgroupPrograms cgroupPrograms = new JnrCgroupPrograms();
  private final Memory memory = new JnrMemory();
  private final Hashing hashing = new JnrHashing();
  private final Inflation inflation = new JnrInflation();
  private final Processes processes;

  /** The kernel, with the native parts in {@code nativeFolder}. */
  public JnrLinux(Path nativeFolder) {
    processes = new JnrProcesses(new SpawnLibrary(nativeFolder), epoll, blocking);
  }

  /** The kernel, with the native parts where the system property {@value #NATIVE_FOLDER} says. */
  public static JnrLinux fromProperties() {
    return new JnrLinux(Path.of(System.getProperty(NATIVE_FOLDER, "native")));
  }

  /**
   * Begins to bind libc on a thread of its own: a tenth of the daemon's start, which needs no
   * configuration. Whoever comes to need it waits for the rest, or meets the error.
   */
  public static void bindAhead() {
    Thread.ofPlatform().daemon().name("molo-libc").start(JnrLinux::bindLibc);
  }

  private static void bindLibc() {
    try {
      Kernel.bind();
    } catch (LinkageError e) {
      log.debug("libc was not bound ahead", e);
    }
  }

  @Override
  public Files files() {
    return files;
  }

  @Override
  public Mounts mounts() {
    return mounts;
  }

  @Override
  public Processes processes() {
    return processes;
  }

  @Override
  public Sockets sockets() {
    return sockets;
  }

  @Override
  public Memfds memfds() {
    return memfds;
  }

  @Override
  public Pipes pipes() {
    return pipes;
  }

  @Override
  public Epoll epoll() {
    return epoll;
  }

  @Override
  public Terminals terminals() {
    return terminals;
  }

  @Override
  public Nftables nftables() {
    return nftables;
  }

  @Override
  public Seccomp seccomp() {
    return seccomp;
  }

  @Override
  public CgroupPrograms cgroupPrograms() {
    return cgroupPrograms;
  }

  @Override
  public SystemFacts system() {
    return system;
  }

  @Override
  public Memory memory() {
    return memory;
  }

  @Override
  public Hashing hashing() {
    return hashing;
  }

  @Override
  public Inflation inflation() {
    return inflation;
  }

  @Override
  public BlockingCalls blocking() {
    return blocking;
  }

  /** Ends the pool and frees what the kernel and libnftables keep for this process. */
  @Override
  public void close() {
    cgroupPrograms.close();
    nftables.close();
    blocking.close();
  }
}
