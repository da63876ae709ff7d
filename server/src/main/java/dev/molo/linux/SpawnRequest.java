package dev.molo.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What {@link Processes#spawn} starts.
 *
 * <p>The child gets exactly the listed descriptors, an empty signal mask and default signal
 * handlers. A target number that is not listed, 0 to 2 too, is closed: give it what it needs.
 *
 * @param executable a descriptor (O_PATH, ordinary or sealed memfd) of the program; scripts need an
 *     entry in {@code fds}
 * @param argv arguments, the program's name first; UTF-8
 * @param environment {@code NAME=value} strings, the whole environment; UTF-8
 * @param fds descriptors that the child gets, each under its number there
 * @param namespaces {@code CloneFlags.CLONE_NEW*} to be born into new ones; not CLONE_NEWUSER (see
 *     design.md, section 2)
 * @param cgroup a directory descriptor of the cgroup v2 leaf to be born into
 * @param workingDirectory a directory descriptor; the daemon's own otherwise
 */
public record SpawnRequest(
    Fd executable,
    List<String> argv,
    List<String> environment,
    List<InheritedFd> fds,
    long namespaces,
    Optional<Fd> cgroup,
    Optional<Fd> workingDirectory) {

  /** A descriptor of ours and the number that it has in the child. */
  public record InheritedFd(Fd source, int target) {
    /** Checks the number. */
    public InheritedFd {
      if (target < 0 || target > 65535) {
        throw new IllegalArgumentException("target number out of range: " + target);
      }
    }
  }

  /** Copies the lists and checks what the kernel would answer with a riddle. */
  public SpawnRequest {
    argv = List.copyOf(argv);
    environment = List.copyOf(environment);
    fds = List.copyOf(fds);
    if (argv.isEmpty()) {
      throw new IllegalArgumentException("argv is empty");
    }
    if (fds.stream().map(InheritedFd::target).distinct().count() != fds.size()) {
      throw new IllegalArgumentException("a target number is listed twice: " + fds);
    }
  }

  /** A program with its arguments and nothing else; go on with the {@code with} methods. */
  public static SpawnRequest of(Fd executable, List<String> argv) {
    return new SpawnRequest(
        executable, argv, List.of(), List.of(), 0, Optional.empty(), Optional.empty());
  }

  public SpawnRequest withEnvironment(List<String> variables) {
    return new SpawnRequest(executable, argv, variables, fds, namespaces, cgroup, workingDirectory);
  }

  /** Adds one inherited descriptor. */
  public SpawnRequest withFd(Fd source, int target) {
    List<InheritedFd> more = new ArrayList<>(fds);
    more.add(new InheritedFd(source, target));
    return new SpawnRequest(
        executable, argv, environment, more, namespaces, cgroup, workingDirectory);
  }

  public SpawnRequest withNamespaces(long flags) {
    return new SpawnRequest(executable, argv, environment, fds, flags, cgroup, workingDirectory);
  }

  public SpawnRequest withCgroup(Fd leaf) {
    return new SpawnRequest(
        executable, argv, environment, fds, namespaces, Optional.of(leaf), workingDirectory);
  }

  public SpawnRequest withWorkingDirectory(Fd directory) {
    return new SpawnRequest(
        executable, argv, environment, fds, namespaces, cgroup, Optional.of(directory));
  }
}
