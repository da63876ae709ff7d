package dev.molo.linux;

import dev.molo.linux.jnr.JnrLinux;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * For tests on the real kernel: {@code @ExtendWith(RealKernel.class)}.
 *
 * <p>Without root the class is skipped and the reason printed. With it, what the kernel shows of
 * this process is compared before and after the class: mounts, children, cgroups and network links.
 * What stays fails the class; the kernel is given time, because it takes links and namespaces away
 * after their last use. Others may be at work on the same machine, so a mount counts when its line
 * speaks of molo or of a JUnit folder, a link when its name begins with "molo" or "mv", a cgroup
 * when it ends in {@code -PID} of this JVM.
 */
public final class RealKernel implements ExecutionCondition, BeforeAllCallback, AfterAllCallback {

  private static final JnrLinux LINUX = JnrLinux.fromProperties();

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What the JVM, or what an earlier test has left in it, opens by itself at any time. */
  private static final List<String> OF_THE_JVM =
      List.of(
          "socket:",
          "anon_inode:[eventpoll]",
          "anon_inode:[eventfd]",
          "/dev/random",
          "/dev/urandom");

  private World before;

  /** The kernel itself, shared by all tests of this JVM. */
  public static JnrLinux linux() {
    return LINUX;
  }

  /** A mount of cgroup v2, where the machine has one. */
  public static Path cgroup2() {
    for (String mount : List.of("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) {
      if (Files.exists(Path.of(mount, "cgroup.procs"))
          && Files.exists(Path.of(mount, "cgroup.controllers"))) {
        return Path.of(mount);
      }
    }
    throw new IllegalStateException("no cgroup v2 hierarchy is mounted below /sys/fs/cgroup");
  }

  /** Descriptors of this process that stand for something other than the JVM's own files. */
  public static List<String> openFds() {
    List<String> found = new ArrayList<>();
    try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
      fds.forEach(fd -> describe(fd, found));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found.stream().sorted().toList();
  }

  /**
   * Descriptors that were opened since {@code before} and stay. Not those of kinds that the JVM
   * opens by itself, nor what another thread has open for a moment, as to load a class.
   */
  public static List<String> newFds(List<String> before) {
    return staying(() ->
        openFds().stream()
            .filter(fd -> !before.contains(fd))
            .filter(fd -> OF_THE_JVM.stream().noneMatch(fd.split(" -> ", 2)[1]::startsWith))
            .toList());
  }

  /** What {@code look} still finds when there was time for it to go. */
  private static List<String> staying(Supplier<List<String>> look) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    List<String> found = look.get();
    while (!found.isEmpty() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
      found = look.get();
    }
    return found;
  }

  private static void describe(Path fd, List<String> found) {
    try {
      String target = Files.readSymbolicLink(fd).toString();
      boolean ofTheJvm =
          target.endsWith(".jar")
              || target.endsWith(".so")
              || target.endsWith("/modules")
              || target.endsWith("/fd");
      if (!ofTheJvm) {
        found.add(fd.getFileName() + " -> " + target);
      }
    } catch (IOException goneMeanwhile) {
      // The listing's own descriptor is closed by now.
    }
  }

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (uid() == 0) {
      return ConditionEvaluationResult.enabled("root");
    }
    String reason =
        "SKIPPED " + context.getDisplayName() + ": needs root, and this is uid " + uid();
    System.out.println(reason);
    return ConditionEvaluationResult.disabled(reason);
  }

  private static long uid() {
    try {
      return ((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    before = World.now();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    List<String> left = staying(this::left);
    if (!left.isEmpty()) {
      throw new AssertionError(context.getDisplayName() + " left behind: " + left);
    }
  }

  private List<String> left() {
    World after = World.now();
    List<String> left = new ArrayList<>();
    left.addAll(more("mount", before.mounts, after.mounts));
    left.addAll(more("child", before.children, after.children));
    left.addAll(more("cgroup", before.cgroups, after.cgroups));
    left.addAll(more("link", before.links, after.links));
    return left;
  }

  private static List<String> more(
      String kind, Collection<String> before, Collection<String> after) {
    TreeSet<String> difference = new TreeSet<>(after);
    difference.removeAll(before);
    return difference.stream().map(name -> kind + " " + name).toList();
  }

  /** What a test could leave behind. */
  private record World(
      Collection<String> mounts,
      Collection<String> children,
      Collection<String> cgroups,
      Collection<String> links) {

    static World now() {
      return new World(mountLines(), ownChildren(), ownCgroups(), moloLinks());
    }

    private static Collection<String> mountLines() {
      try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
        return lines.filter(line -> line.contains("molo") || line.contains("junit")).toList();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static Collection<String> moloLinks() {
      return names("/sys/class/net").stream()
          .filter(name -> name.startsWith("molo") || name.startsWith("mv"))
          .toList();
    }

    private static Collection<String> ownChildren() {
      return new TreeSet<>(
          ProcessHandle.current()
              .children()
              .map(
                  child -> child.pid() + " " + child.info().command().orElse("(ended, not reaped)"))
              .toList());
    }

    /** Those of this JVM's tests only: other tests may run at the same time. */
    private static Collection<String> ownCgroups() {
      String mine = "-" + ProcessHandle.current().pid();
      return new TreeSet<>(
          names(cgroup2().toString()).stream().filter(name -> name.endsWith(mine)).toList());
    }

    private static Collection<String> names(String folder) {
      try (Stream<Path> entries = Files.list(Path.of(folder))) {
        return new TreeSet<>(entries.map(entry -> entry.getFileName().toString()).toList());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
