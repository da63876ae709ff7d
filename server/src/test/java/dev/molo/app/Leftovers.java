package dev.molo.app;

import dev.molo.config.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an instance without pods must not have: looks at the kernel and the disk, not at the daemon.
 */
final class Leftovers {
  private final Instance instance;
  private final Path cgroups;
  private final TestDaemon daemon;

  Leftovers(String instance, Path cgroups, TestDaemon daemon) {
    this.instance = new Instance(instance);
    this.cgroups = cgroups;
    this.daemon = daemon;
  }

  /** One line for each thing that is left, once the kernel has had a moment to reap. */
  List<String> find() throws IOException, InterruptedException {
    List<String> found = List.of();
    for (int tries = 0; tries < 1200; tries++) {
      found = look();
      if (found.isEmpty()) {
        return found;
      }
      Thread.sleep(50);
    }
    return found;
  }

  private List<String> look() throws IOException {
    List<String> found = new ArrayList<>();
    for (Path folder :
        List.of(
            daemon.root().resolve("pods"),
            daemon.root().resolve("trash"),
            daemon.root().resolve("quarantine"),
            daemon.run().resolve("pods"),
            cgroups.resolve(instance.cgroupRoot().substring(1)))) {
      children(folder).forEach(found::add);
    }
    // not by NetworkInterface, which shows no link that has lost its addresses
    children(Path.of("/sys/class/net")).stream()
        .filter(link -> link.startsWith("/sys/class/net/" + instance.vethPrefix()))
        .forEach(link -> found.add("link " + link));
    found.addAll(processes());
    Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
        .filter(line -> line.contains(daemon.root().toString()))
        .forEach(line -> found.add("mount " + line));
    return found;
  }

  private static List<String> children(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(path -> Files.isDirectory(path) || !path.startsWith("/sys"))
          .map(Path::toString)
          .toList();
    } catch (NoSuchFileException none) {
      return List.of();
    }
  }

  /** Supervisors of this instance's pods know their pod's name; containers know the cgroup. */
  private List<String> processes() throws IOException {
    List<String> found = new ArrayList<>();
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path process : all.filter(p -> p.getFileName().toString().matches("[0-9]+")).toList()) {
        if (read(process.resolve("cgroup")).contains("/" + instance.qualifiedName() + "-")
            && !read(process.resolve("status")).contains("State:\tZ")) {
          found.add("process " + process + " " + read(process.resolve("comm")).strip());
        }
      }
    }
    return found;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException gone) {
      return "";
    }
  }
}
