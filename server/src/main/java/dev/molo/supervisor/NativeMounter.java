package dev.molo.supervisor;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.SocketFlags;
import dev.molo.linux.Sockets.FdPair;
import dev.molo.linux.SpawnRequest;
import dev.molo.linux.Spawned;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the program {@code molo-mounter}. It is started with the first request and started anew when
 * it has ended. Thread-safe.
 */
public final class NativeMounter implements Mounter {
  private static final Logger log = LoggerFactory.getLogger(NativeMounter.class);
  private static final int SOCKET = 3;
  private static final int LAYERS = 4;
  private static final int PODS = 5;

  private final Linux linux;
  private final Reactor reactor;
  private final Path program;
  private final Path layers;
  private final Path pods;
  private Optional<Conversation> running = Optional.empty();
  private Optional<Spawned> process = Optional.empty();

  /**
   * Starts nothing yet.
   *
   * @param nativePrograms where {@code molo-mounter} lies
   * @param layers the folder that lower directories are relative to
   * @param pods the folder that upper and work directories are relative to
   */
  public NativeMounter(
      Linux linux, Reactors reactors, Path nativePrograms, Path layers, Path pods) {
    this.linux = linux;
    this.reactor = reactors.reactor();
    this.program = nativePrograms.resolve("molo-mounter");
    this.layers = layers;
    this.pods = pods;
  }

  @Override
  public Fd overlay(OverlayRequest request, Duration limit) {
    PacketBuilder packet = new PacketBuilder(Wire.MOUNT_OVERLAY);
    request.lowers().forEach(lower -> packet.text(Wire.F_LOWER, lower));
    request
        .writable()
        .ifPresent(writable ->
            packet.text(Wire.F_UPPER, writable.upper()).text(Wire.F_WORK, writable.work()));
    packet.u32(
        Wire.F_MOUNT_FLAGS,
        (request.isVolatile() ? Wire.OVERLAY_VOLATILE : 0)
            | (request.writable().isEmpty() ? Wire.OVERLAY_READONLY : 0));
    Packet answer = conversation().ask(packet, List.of(), limit);
    return answer.fds().stream()
        .findFirst()
        .orElseThrow(
            () -> new LinuxException("MOUNT_OVERLAY", Errno.EPROTO, "the answer has no mount"));
  }

  private synchronized Conversation conversation() {
    if (running.isEmpty() || !running.get().isOpen()) {
      running = Optional.of(start());
    }
    return running.get();
  }

  private Conversation start() {
    reap();
    FdPair sockets = linux.sockets().socketpair(SocketFlags.SOCK_SEQPACKET);
    try (Fd theirs = sockets.second();
        Fd layersFolder = folder(layers);
        Fd podsFolder = folder(pods);
        Fd file = linux.files().open(program.toString(), OpenFlags.O_RDONLY);
        Fd executable = linux.memfds().sealedExecutable("molo-mounter", file)) {
      SpawnRequest request =
          SpawnRequest.of(executable, List.of("molo-mounter"))
              .withFd(Fd.borrowed(2), 2)
              .withFd(theirs, SOCKET)
              .withFd(layersFolder, LAYERS)
              .withFd(podsFolder, PODS);
      process = Optional.of(linux.processes().spawn(request));
    } catch (RuntimeException e) {
      sockets.first().close();
      throw e;
    }
    linux.files().setNonBlocking(sockets.first(), true);
    return new Conversation(
        linux,
        reactor,
        sockets.first(),
        "the mounter",
        packet -> log.warn("the mounter sent a packet of type {} unasked", packet.type()),
        () -> log.warn("the mounter has ended; the next request starts another"));
  }

  private Fd folder(Path path) {
    return linux.files().open(path.toString(), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
  }

  /** Its end was seen on the socket: it is a zombie, or about to be one. */
  private void reap() {
    process.ifPresent(ended -> {
      try (ended) {
        linux.processes().waitidBlocking(ended.pidfd());
      }
    });
    process = Optional.empty();
  }

  @Override
  public synchronized void close() {
    running.ifPresent(Conversation::close);
    running = Optional.empty();
    reap();
  }
}
