package dev.molo.linux;

/**
 * The kernel, as molo uses it: one accessor for each small family of operations.
 *
 * <p>Tests hand in a recording fake; {@code app} wires the real one ({@code
 * dev.molo.linux.jnr.JnrLinux}). All families are thread-safe and stateless. An accessor costs
 * nothing: libraries load when a family's first operation runs. Every refusal is a {@link
 * LinuxException}; every descriptor is made with O_CLOEXEC; EINTR is retried inside.
 *
 * <p>The API blocks. A native call pins the carrier of a virtual thread, so the few operations that
 * may wait for something other than this machine's CPU say "may block" and run on {@link
 * #blocking()} when a virtual thread calls them. For others that may meet a dead file system (a
 * stat below a volume), the caller uses {@link #blocking()} itself.
 */
public interface Linux {

  /** Files, directories, attributes, reading and writing. */
  Files files();

  /** The descriptor-based mount interface. */
  Mounts mounts();

  /** Processes: spawn, signal and reap by pidfd. */
  Processes processes();

  /** Unix and netlink sockets. */
  Sockets sockets();

  /** Anonymous files in memory. */
  Memfds memfds();

  /** Pipes. */
  Pipes pipes();

  /** Readiness: epoll, eventfd, poll. */
  Epoll epoll();

  /** Pseudo terminals. */
  Terminals terminals();

  /** Packet filter rules, through libnftables. */
  Nftables nftables();

  /** System call filters, compiled by libseccomp. */
  Seccomp seccomp();

  /** BPF programs of cgroups. */
  CgroupPrograms cgroupPrograms();

  /** Facts about this kernel and this process. */
  SystemFacts system();

  /** This process's own address space. */
  Memory memory();

  /** Hash functions for big content. */
  default Hashing hashing() {
    return Hashing.jdk();
  }

  /** Decompression of big content. */
  default Inflation inflation() {
    return Inflation.jdk();
  }

  /** The pool that runs what would pin a carrier thread. */
  BlockingCalls blocking();
}
