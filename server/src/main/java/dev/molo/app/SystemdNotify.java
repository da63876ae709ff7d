package dev.molo.app;

import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.SocketFlags;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the daemon tells the service manager that started it, as sd_notify(3) and
 * sd_watchdog_enabled(3) say: one datagram a message to the socket that {@code NOTIFY_SOCKET}
 * names. Nothing to tell when there is none.
 *
 * <p>A message that cannot be sent is logged and does not end the daemon: its pods are worth more.
 * For one thread; the watchdog has its own.
 */
final class SystemdNotify implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SystemdNotify.class);

  private final Linux linux;
  private final Optional<Fd> socket;
  private final Optional<Duration> watchdogInterval;
  private Optional<Thread> watchdog = Optional.empty();

  private SystemdNotify(Linux linux, Optional<Fd> socket, Optional<Duration> watchdogInterval) {
    this.linux = linux;
    this.socket = socket;
    this.watchdogInterval = watchdogInterval;
  }

  /** With the socket and the watchdog that {@code environment} names. */
  static SystemdNotify from(Linux linux, Map<String, String> environment) {
    Optional<Fd> socket =
        Optional.ofNullable(environment.get("NOTIFY_SOCKET")).flatMap(name -> connect(linux, name));
    return new SystemdNotify(
        linux, socket, interval(environment, linux.system().pid()).filter(i -> socket.isPresent()));
  }

  /** An abstract name begins with '@', a path with '/'. */
  private static Optional<Fd> connect(Linux linux, String name) {
    try {
      if (name.startsWith("@")) {
        byte[] bytes = name.substring(1).getBytes(StandardCharsets.UTF_8);
        return Optional.of(linux.sockets().connectAbstract(bytes, SocketFlags.SOCK_DGRAM));
      }
      if (name.startsWith("/") && name.length() > 1) {
        return Optional.of(connectPath(linux, Path.of(name)));
      }
      log.warn("NOTIFY_SOCKET={} is neither a path nor an abstract name: not told", name);
    } catch (LinuxException e) {
      log.warn("connect to NOTIFY_SOCKET={}: {}", name, e.getMessage());
    }
    return Optional.empty();
  }

  private static Fd connectPath(Linux linux, Path path) {
    String folder = path.getParent().toString();
    try (Fd dir = linux.files().open(folder, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) {
      return linux
          .sockets()
          .connectUnix(dir, path.getFileName().toString(), SocketFlags.SOCK_DGRAM);
    }
  }

  /** Half of what the manager allows, as it recommends; WATCHDOG_PID may mean another process. */
  private static Optional<Duration> interval(Map<String, String> environment, int self) {
    String allowed = environment.getOrDefault("WATCHDOG_USEC", "");
    String pid = environment.getOrDefault("WATCHDOG_PID", Integer.toString(self));
    if (allowed.isEmpty() || !pid.equals(Integer.toString(self))) {
      return Optional.empty();
    }
    try {
      long micros = Long.parseLong(allowed);
      if (micros > 1) {
        return Optional.of(Duration.ofNanos(Math.multiplyExact(micros, 500L)));
      }
    } catch (NumberFormatException | ArithmeticException e) {
      log.debug("WATCHDOG_USEC", e);
    }
    log.warn("WATCHDOG_USEC={} is no time span: the watchdog is not answered", allowed);
    return Optional.empty();
  }

  /** How often the watchdog is answered; empty when the manager has asked for nothing. */
  Optional<Duration> watchdogInterval() {
    return watchdogInterval;
  }

  /**
   * Everything is served. From now on the watchdog is answered, as long as the daemon is alive.
   *
   * @param status one line for {@code systemctl status}
   * @param alive asked on the watchdog's thread before each answer; returns within the interval
   */
  void ready(String status, BooleanSupplier alive) {
    send("READY=1\nSTATUS=" + status);
    watchdogInterval.ifPresent(every ->
        watchdog =
            Optional.of(
                Thread.ofPlatform()
                    .name("molo-watchdog")
                    .daemon()
                    .start(() -> answer(every, alive))));
  }

  private void answer(Duration every, BooleanSupplier alive) {
    try {
      while (true) {
        if (alive.getAsBoolean()) {
          send("WATCHDOG=1");
        } else {
          log.error("the daemon does not answer itself within {}: the watchdog is not fed", every);
        }
        Thread.sleep(every);
      }
    } catch (InterruptedException e) {
      log.debug("the watchdog's thread ends");
    }
  }

  /** The daemon stops; nothing is said after that. */
  @Override
  public void close() {
    send("STOPPING=1");
    watchdog.ifPresent(SystemdNotify::end);
    socket.ifPresent(Fd::close);
  }

  private static void end(Thread watchdog) {
    watchdog.interrupt();
    try {
      watchdog.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void send(String message) {
    socket.ifPresent(to -> {
      try {
        linux.sockets().send(to, ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8)));
      } catch (LinuxException e) {
        log.warn("tell the service manager {}: {}", message, e.getMessage());
      }
    });
  }
}
