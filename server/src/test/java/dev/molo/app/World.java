package dev.molo.app;

import dev.molo.Program;
import dev.molo.config.Instance;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.molo.linux.RealKernel;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * All that the host, the disk and the daemon's answers show of an instance, a line for each thing:
 * processes of its pods, cgroups, links, addresses, packet filter, mounts, files with what records
 * hold, statuses. Two of them can be compared.
 */
final class World {
  /** The kernel reaps links and processes a moment later. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Instance instance;
  private final TestDaemon daemon;

  World(String instance, TestDaemon daemon) {
    this.instance = new Instance(instance);
    this.daemon = daemon;
  }

  /** As it is now. */
  Set<String> look() throws IOException, InterruptedException {
    TreeSet<String> seen = new TreeSet<>();
    addProcesses(seen);
    addCgroups(seen);
    addLinks(seen);
    addFiles(daemon.root(), seen);
    addFiles(daemon.run(), seen);
    Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
        .filter(line -> line.contains(daemon.root().toString()))
        .forEach(line -> seen.add("mount " + line));
    for (String family : List.of("ip", "ip6")) {
      seen.add(printed("nft", "-s", "list", "table", family, instance.nftTable()));
    }
    seen.add(printed("ip", "-o", "address", "show", "scope", "global", "dev", instance.bridge()));
    addStatuses(daemon.cri(), seen);
    return seen;
  }

  /** Waits until it is as it was; the differences that stay: "gone" and "new". */
  List<String> differences(Set<String> before) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      List<String> different = compare(before, look());
      if (different.isEmpty() || System.nanoTime() > deadline) {
        return different;
      }
      Thread.sleep(50);
    }
  }

  private static List<String> compare(Set<String> before, Set<String> after) {
    List<String> different = new ArrayList<>();
    before.stream().filter(line -> !after.contains(line)).forEach(l -> different.add("gone " + l));
    after.stream().filter(line -> !before.contains(line)).forEach(l -> different.add("new " + l));
    return different;
  }

  /** Those in the cgroups of pods; and a mounter that is one too many. */
  private void addProcesses(Set<String> seen) throws IOException {
    int mounters = 0;
    for (Path process : list(Path.of("/proc"))) {
      if (!process.getFileName().toString().matches("[0-9]+")) {
        continue;
      }
      String stat = text(process.resolve("stat"));
      if (text(process.resolve("cgroup")).contains("/" + instance.qualifiedName() + "-")
          && !stat.isEmpty()) {
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        if (!fields[0].equals("Z")) {
          seen.add("process %s born %s".formatted(stat.replaceAll("\\).*\\s*", ")"), fields[19]));
        }
      }
      if (stat.contains("(molo-mounter)")
          && text(process.resolve("mountinfo")).contains(daemon.root().toString())) {
        mounters++;
      }
    }
    if (mounters > 1) {
      seen.add("mounters " + mounters);
    }
  }

  private void addCgroups(Set<String> seen) throws IOException {
    Path root = RealKernel.cgroup2().resolve(instance.cgroupRoot().substring(1));
    walk(
        root,
        (path, attributes) -> {
          // the root itself comes with the first pod and stays
          if (attributes.isDirectory() && !path.equals(root)) {
            seen.add("cgroup " + path);
          }
        });
  }

  private void addLinks(Set<String> seen) throws IOException {
    for (Path link : list(Path.of("/sys/class/net"))) {
      String name = link.getFileName().toString();
      if (name.startsWith(instance.vethPrefix()) || name.equals(instance.bridge())) {
        seen.add(
            "link %s index %s address %s port of %s"
                .formatted(
                    name,
                    text(link.resolve("ifindex")).strip(),
                    text(link.resolve("address")).strip(),
                    master(link)));
      }
    }
  }

  private static Path master(Path link) {
    try {
      return Files.readSymbolicLink(link.resolve("master")).getFileName();
    } catch (IOException none) {
      return Path.of("none");
    }
  }

  /** The lock names the process that has it. What records hold is compared, of others the size. */
  private void addFiles(Path folder, Set<String> seen) throws IOException {
    walk(
        folder,
        (path, attributes) -> {
          if (path.equals(daemon.root().resolve("lock"))) {
            return;
          }
          String content = "";
          if (attributes.isRegularFile()) {
            content =
                path.toString().endsWith(".rec")
                    ? " " + Arrays.hashCode(Files.readAllBytes(path))
                    : " " + attributes.size();
          }
          seen.add("file " + path + content);
        });
  }

  private static void addStatuses(RuntimeServiceBlockingStub cri, Set<String> seen) {
    cri.listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList().stream()
        .map(pod ->
            PodSandboxStatusRequest.newBuilder()
                .setPodSandboxId(pod.getId())
                .setVerbose(true)
                .build())
        .forEach(request -> {
          var status = cri.podSandboxStatus(request);
          seen.add("pod " + status.getStatus() + new TreeSet<>(status.getInfoMap().values()));
        });
    cri.listContainers(ListContainersRequest.getDefaultInstance()).getContainersList().stream()
        .map(container ->
            ContainerStatusRequest.newBuilder()
                .setContainerId(container.getId())
                .setVerbose(true)
                .build())
        .forEach(request -> {
          var status = cri.containerStatus(request);
          seen.add("container " + status.getStatus() + new TreeSet<>(status.getInfoMap().values()));
        });
  }

  private static String printed(String... command) throws IOException, InterruptedException {
    return String.join(" ", command) + ": " + Program.run(command).output();
  }

  private interface Visit {
    void of(Path path, BasicFileAttributes attributes) throws IOException;
  }

  /** What goes meanwhile is not seen. */
  private static void walk(Path folder, Visit visit) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            visit.of(path, attributes);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            try {
              visit.of(path, attributes);
            } catch (java.nio.file.NoSuchFileException gone) {
              return FileVisitResult.CONTINUE;
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException gone) {
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path path, IOException gone) {
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException gone) {
      return "";
    }
  }
}
