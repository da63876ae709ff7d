package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.Patience;
import dev.molo.linux.Fd;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.RealKernel;
import dev.molo.linux.SocketFlags;
import dev.molo.linux.jnr.JnrLinux;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A service manager in another language listens on a real datagram socket. */
@ExtendWith(RealKernel.class)
@Timeout(120)
class SystemdNotifyIT {
  private static final String MANAGER =
      """
      import socket, sys
      name = sys.argv[1]
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.bind(('\\0' + name[1:]) if name.startswith('@') else name)
      print('bound', flush=True)
      while True:
          message = s.recv(4096).decode()
          print(message.replace('\\n', '|'), flush=True)
      """;

  @TempDir Path folder;

  @Test
  void pathSocketHearsReadyAndStopping() throws Exception {
    hearsReadyAndStopping(folder.resolve("notify").toString());
  }

  @Test
  void abstractSocketHearsReadyAndStopping() throws Exception {
    hearsReadyAndStopping("@molo-notify-" + ProcessHandle.current().pid());
  }

  private static void hearsReadyAndStopping(String name) throws Exception {
    try (Manager manager = new Manager(name)) {
      SystemdNotify notify = SystemdNotify.from(RealKernel.linux(), Map.of("NOTIFY_SOCKET", name));
      assertThat(notify.watchdogInterval()).isEmpty();
      notify.ready("serves", () -> true);
      assertThat(manager.hears()).isEqualTo("READY=1|STATUS=serves");
      notify.close();
      assertThat(manager.hears()).isEqualTo("STOPPING=1");
    }
  }

  @Test
  void watchdogIsAnsweredWhileTheDaemonIsAlive() throws Exception {
    String name = folder.resolve("notify").toString();
    AtomicBoolean alive = new AtomicBoolean(true);
    AtomicInteger asked = new AtomicInteger();
    try (Manager manager = new Manager(name)) {
      Map<String, String> environment =
          Map.of(
              "NOTIFY_SOCKET",
              name,
              "WATCHDOG_USEC",
              "200000",
              "WATCHDOG_PID",
              Long.toString(ProcessHandle.current().pid()));
      SystemdNotify notify = SystemdNotify.from(RealKernel.linux(), environment);
      assertThat(notify.watchdogInterval()).contains(Duration.ofMillis(100));
      notify.ready(
          "serves",
          () -> {
            boolean answer = alive.get();
            asked.incrementAndGet();
            return answer;
          });
      assertThat(manager.hears()).startsWith("READY=1");
      assertThat(manager.hears()).isEqualTo("WATCHDOG=1");
      assertThat(manager.hears()).isEqualTo("WATCHDOG=1");
      alive.set(false);
      // who asks the second time from now on has told what came of an answer before
      int before = asked.get();
      TestNode.until("it is asked twice", () -> asked.get() >= before + 2);
      manager.hearsAllUntilNow();
      TestNode.until("it is asked thrice more", () -> asked.get() >= before + 5);
      notify.close();
      assertThat(manager.hears()).isEqualTo("STOPPING=1");
    }
  }

  @Test
  void anothersWatchdogIsLeftAlone() throws Exception {
    String name = folder.resolve("notify").toString();
    Map<String, String> environment =
        Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "200000", "WATCHDOG_PID", "1");
    try (Manager manager = new Manager(name);
        SystemdNotify notify = SystemdNotify.from(RealKernel.linux(), environment)) {
      assertThat(manager.process.isAlive()).isTrue();
      assertThat(notify.watchdogInterval()).isEmpty();
    }
  }

  @Test
  void nobodyToTellIsNoFailure() throws Exception {
    for (String name : List.of(folder.resolve("nobody").toString(), "vsock:2:1", "/")) {
      try (SystemdNotify notify =
          SystemdNotify.from(
              RealKernel.linux(), Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "200000"))) {
        notify.ready("serves", () -> true);
        assertThat(notify.watchdogInterval()).isEmpty();
      }
    }
  }

  /** What is bound to the socket, a line for each message. */
  static final class Manager implements AutoCloseable {
    private final Process process;
    private final BufferedReader lines;
    private final String name;
    private int marks;

    Manager(String name) throws IOException {
      this.name = name;
      process =
          new ProcessBuilder("python3", "-c", MANAGER, name).redirectErrorStream(true).start();
      lines = process.inputReader();
      assertThat(hears()).isEqualTo("bound");
    }

    String hears() throws IOException {
      return lines.readLine();
    }

    /** What it was told until now and has not said: a message of our own comes after all that. */
    List<String> hearsAllUntilNow() throws IOException {
      String mark = "MARK=" + ++marks;
      tell(mark);
      List<String> heard = new ArrayList<>();
      for (String line = hears(); !mark.equals(line); line = hears()) {
        assertThat(line).as("the manager ended").isNotNull();
        heard.add(line);
      }
      return heard;
    }

    private void tell(String message) {
      Path socket = Path.of(name);
      JnrLinux linux = RealKernel.linux();
      try (Fd folder =
              linux
                  .files()
                  .open(socket.getParent().toString(), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
          Fd to =
              linux
                  .sockets()
                  .connectUnix(folder, socket.getFileName().toString(), SocketFlags.SOCK_DGRAM)) {
        linux.sockets().send(to, ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8)));
      }
    }

    @Override
    public void close() {
      var _ = Patience.exit("the manager ends", process.destroyForcibly());
    }
  }
}
