package dev.molo.network;

import dev.molo.Patience;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.spec.PortMapping;
import dev.molo.spec.SandboxId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Network namespaces without pods in them: one process holds them, hands out their descriptors, and
 * speaks TCP from inside. Each listens on port 4000. For one thread.
 */
final class NetnsHolder implements AutoCloseable {
  static final int PORT = 4000;

  /** A busy machine may lose a first packet; TCP sends it again after a second, two, four, ... */
  static final int LONG_SECONDS = 60;

  static final int SHORT_SECONDS = 4;

  /** A namespace; {@code key} is the holder's name for it. */
  record Pod(SandboxId sandbox, String key, Fd namespace, Fd netlink) {
    AttachRequest request(PortMapping... ports) {
      return new AttachRequest(sandbox, namespace, netlink, "pod-" + key, List.of(ports));
    }

    /** What the daemon does once the network is attached. */
    void closeDescriptors() {
      namespace.close();
      netlink.close();
    }
  }

  private final Linux linux;
  private final Process process;
  private final Fd pidfd;
  private final Writer commands;
  private final BufferedReader answers;

  NetnsHolder(Linux linux) {
    this.linux = linux;
    try {
      Path script = Files.createTempFile("molo-netns-holder", ".py");
      try (var source = NetnsHolder.class.getResourceAsStream("netns_holder.py")) {
        Files.write(script, source.readAllBytes());
      }
      process =
          new ProcessBuilder("python3", script.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      commands = process.outputWriter(StandardCharsets.UTF_8);
      answers =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      pidfd = linux.processes().pidfdOpen(Math.toIntExact(process.pid()));
      ask("close 0"); // it has read the script once it answers
      Files.delete(script);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Pod pod() {
    String[] numbers = must("new").split(" ", 2);
    return new Pod(
        SandboxId.random(),
        numbers[0],
        linux.processes().pidfdGetfd(pidfd, Integer.parseInt(numbers[0])),
        linux.processes().pidfdGetfd(pidfd, Integer.parseInt(numbers[1])));
  }

  /** Whether a TCP connection from inside {@code pod} comes about, however long it takes. */
  boolean reaches(Pod pod, InterfaceAddress address) {
    return connects(pod, address, LONG_SECONDS);
  }

  /** Whether none comes about while one usually would. */
  boolean misses(Pod pod, InterfaceAddress address) {
    return !connects(pod, address, SHORT_SECONDS);
  }

  private boolean connects(Pod pod, InterfaceAddress address, int seconds) {
    String command = "connect %s %s %d %d".formatted(pod.key(), address.text(), PORT, seconds);
    return ask(command).startsWith("ok ");
  }

  /** Who connected to {@code pod}; one connection a call. */
  String visitor(Pod pod) {
    return must("from " + pod.key());
  }

  void sysctl(Pod pod, String name, String value) {
    must("sysctl %s %s %s".formatted(pod.key(), name, value));
  }

  /** Ends the namespace, unless somebody else holds it. */
  void end(Pod pod) {
    must("close " + pod.key());
    pod.closeDescriptors();
  }

  /** The namespace as a path, for ip(8) and nsenter(1). */
  String path(Pod pod) {
    return "/proc/%d/fd/%s".formatted(process.pid(), pod.key());
  }

  private String must(String command) {
    String answer = ask(command);
    if (!answer.startsWith("ok")) {
      throw new AssertionError(command + ": " + answer);
    }
    return answer.substring(2).strip();
  }

  private String ask(String command) {
    try {
      commands.write(command + "\n");
      commands.flush();
      String answer = answers.readLine();
      if (answer == null) {
        throw new AssertionError(command + ": the holder ended");
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      commands.close();
      var _ = Patience.exit("the holder of namespaces ends", process);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    pidfd.close();
  }
}
