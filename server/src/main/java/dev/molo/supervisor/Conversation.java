package dev.molo.supervisor;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Deadlines;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Received;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests and answers over one SOCK_SEQPACKET socket.
 *
 * <p>Callers send on their own thread, one packet at a time, and wait; the reactor's thread
 * completes them. Thread-safe.
 */
final class Conversation implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Conversation.class);

  /** A peer that does not take a packet for so long is stuck. */
  private static final int SEND_LIMIT_MILLIS = 5000;

  private final Linux linux;
  private final Reactor reactor;
  private final Fd socket;
  private final String peer;
  private final Consumer<Packet> events;
  private final Runnable lost;
  private final AtomicInteger sequences = new AtomicInteger();
  private final Map<Integer, Pending> pending = new ConcurrentHashMap<>();
  private final ByteBuffer received = ByteBuffer.allocateDirect(Wire.PACKET_MAX);
  private final long watch;
  private volatile boolean open = true;

  private record Pending(CompletableFuture<List<Packet>> answer, List<Packet> parts) {}

  /**
   * Begins to listen.
   *
   * @param socket connected, non-blocking; owned from now on
   * @param peer who it is, for messages
   * @param events told what comes unasked, on the reactor's thread
   * @param lost told once when the peer has hung up, on the reactor's thread
   */
  Conversation(
      Linux linux,
      Reactor reactor,
      Fd socket,
      String peer,
      Consumer<Packet> events,
      Runnable lost) {
    this.linux = linux;
    this.reactor = reactor;
    this.socket = socket;
    this.peer = peer;
    this.events = events;
    this.lost = lost;
    synchronized (this) {
      // a peer that hangs up at once is told before the key is here: its end waits for it
      this.watch = reactor.watch(socket, this::read);
    }
  }

  boolean isOpen() {
    return open;
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @return the last packet of the answer (the only one but for STATE); its descriptors are the
   *     caller's
   * @throws LinuxException what the peer answered; ETIMEDOUT
   * @throws FaultException UNAVAILABLE when the peer is gone
   */
  Packet ask(PacketBuilder request, List<Fd> fds, Duration limit) {
    return askAll(request, fds, limit).getLast();
  }

  List<Packet> askAll(PacketBuilder request, List<Fd> fds, Duration limit) {
    int sequence = sequences.incrementAndGet();
    Pending waiting = new Pending(new CompletableFuture<>(), new ArrayList<>());
    pending.put(sequence, waiting);
    if (!open) {
      // it may have been lost between the check of whoever called and the registration
      pending.remove(sequence);
      throw gone();
    }
    try {
      send(request.finish(sequence), fds);
      List<Packet> answer = await(waiting.answer(), limit);
      requireSuccess(answer.getLast());
      return answer;
    } finally {
      pending.remove(sequence);
    }
  }

  private synchronized void send(ByteBuffer packet, List<Fd> fds) {
    while (true) {
      if (!open) {
        // the reactor closes the socket after that, never before
        throw gone();
      }
      if (trySend(packet, fds) >= 0) {
        return;
      }
      if (linux.epoll().poll(socket, dev.molo.linux.Epoll.EPOLLOUT, SEND_LIMIT_MILLIS) == 0) {
        throw new LinuxException(
            "sendmsg",
            Errno.ETIMEDOUT,
            peer + " has taken nothing for " + SEND_LIMIT_MILLIS + " ms");
      }
    }
  }

  /** Whoever sends may be the first to see that the peer has hung up. */
  private int trySend(ByteBuffer packet, List<Fd> fds) {
    try {
      return linux.sockets().send(socket, packet, fds);
    } catch (LinuxException e) {
      throw e.errno() == Errno.EPIPE || e.errno() == Errno.ECONNRESET ? gone() : e;
    }
  }

  private List<Packet> await(CompletableFuture<List<Packet>> answer, Duration limit) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + limit.toNanos();
    try {
      while (true) {
        try {
          return Deadlines.get(answer, Duration.ofNanos(deadline - System.nanoTime()));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (TimeoutException e) {
      LinuxException late =
          new LinuxException("recvmsg", Errno.ETIMEDOUT, peer + " has not answered in " + limit);
      late.initCause(e);
      // an answer that has come after all is taken, one that comes later meets nobody and is closed
      if (!answer.completeExceptionally(late) && !answer.isCompletedExceptionally()) {
        return answer.join();
      }
      throw late;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : gone();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void requireSuccess(Packet answer) {
    Optional<Packet.Field> error = answer.field(Wire.F_ERRNO);
    if (error.isEmpty()) {
      return;
    }
    answer.closeFds();
    String detail = answer.text(Wire.F_DETAIL);
    Optional<Packet.Field> operation = answer.field(Wire.F_FAILED_OP);
    if (operation.isPresent()) {
      throw new LaunchFailure(operation.get().u32(), "launch", error.get().u32(), detail);
    }
    throw new LinuxException("supervisor", error.get().u32(), detail);
  }

  /** On the reactor's thread: everything that is there. */
  private void read() {
    while (open) {
      received.clear();
      Optional<Received> packet = receive();
      if (packet.isEmpty()) {
        return;
      }
      if (packet.get().endOfStream()) {
        end(true);
        return;
      }
      received.flip();
      dispatch(packet.get());
    }
  }

  private Optional<Received> receive() {
    try {
      return linux.sockets().recv(socket, received);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ECONNRESET) {
        end(true);
        return Optional.empty();
      }
      throw e;
    }
  }

  private void dispatch(Received raw) {
    Packet packet;
    try {
      packet = Packet.parse(received, raw.fds());
    } catch (IllegalArgumentException e) {
      log.error("{} sent a malformed packet: {}", peer, e.getMessage());
      raw.fds().forEach(Fd::close);
      return;
    }
    if ((packet.type() & Wire.REPLY) == 0) {
      events.accept(packet);
      packet.closeFds();
      return;
    }
    Pending waiting = pending.get(packet.sequence());
    if (waiting == null) {
      // whoever asked has given up
      packet.closeFds();
      return;
    }
    waiting.parts().add(packet);
    if (!packet.more() && !waiting.answer().complete(List.copyOf(waiting.parts()))) {
      packet.closeFds();
    }
  }

  private FaultException gone() {
    return new FaultException(Fault.UNAVAILABLE, "ask " + peer + ": it has ended or hung up");
  }

  private void end(boolean byPeer) {
    synchronized (this) {
      if (!open) {
        return;
      }
      open = false;
    }
    reactor.forget(watch, socket);
    pending.values().forEach(waiting -> waiting.answer().completeExceptionally(gone()));
    if (byPeer) {
      lost.run();
    }
  }

  /** Hangs up. */
  @Override
  public void close() {
    end(false);
  }
}
