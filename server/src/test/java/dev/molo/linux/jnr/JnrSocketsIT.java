package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Epoll;
import dev.molo.linux.EpollEvents;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.PeerCredentials;
import dev.molo.linux.Pipes;
import dev.molo.linux.RealKernel;
import dev.molo.linux.Received;
import dev.molo.linux.SocketFlags;
import dev.molo.linux.Sockets;
import dev.molo.linux.Terminals;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(RealKernel.class)
@Timeout(180)
class JnrSocketsIT {

  private final Linux linux = RealKernel.linux();
  private final Sockets sockets = linux.sockets();

  @TempDir Path folder;

  @Test
  void socketBelowALongPathIsReachedThroughItsDirectory() {
    Fd dir = linux.files().open(folder.toString(), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
    for (int i = 0; i < 10; i++) {
      linux.files().mkdirat(dir, "a-folder-with-a-long-name", 0700);
      Fd below =
          linux
              .files()
              .open(dir, "a-folder-with-a-long-name", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
      dir.close();
      dir = below;
    }
    try (Fd deep = dir;
        Fd listener = sockets.listenUnix(deep, "s.sock", SocketFlags.SOCK_SEQPACKET, 0600, 16);
        Fd client = sockets.connectUnix(deep, "s.sock", SocketFlags.SOCK_SEQPACKET);
        Fd server = sockets.accept(listener, 0).orElseThrow()) {
      assertThat(linux.files().statx(deep, "s.sock", 0).permissions()).isEqualTo(0600);
      PeerCredentials peer = sockets.peerCredentials(server);
      assertThat(peer).isEqualTo(new PeerCredentials((int) ProcessHandle.current().pid(), 0, 0));
      assertThat(sockets.send(client, ByteBuffer.wrap(new byte[] {1, 2}))).isEqualTo(2);
      ByteBuffer into = ByteBuffer.allocate(16);
      assertThat(sockets.recv(server, into).orElseThrow().bytes()).isEqualTo(2);
    }
  }

  @Test
  void groupModeIsIndependentOfTheUmask() {
    try (Fd dir = linux.files().open(folder.toString(), OpenFlags.O_PATH);
        Fd listener = sockets.listenUnix(dir, "g.sock", SocketFlags.SOCK_STREAM, 0666, 1)) {
      assertThat(listener.isOpen()).isTrue();
      assertThat(linux.files().statx(dir, "g.sock", 0).permissions()).isEqualTo(0666);
      assertThatThrownBy(() -> sockets.listenUnix(dir, "g.sock", SocketFlags.SOCK_STREAM, 0600, 1))
          .hasMessage("bind(" + folder + "/g.sock): EADDRINUSE (Address already in use)");
      assertThatThrownBy(() -> sockets.connectUnix(dir, "absent", SocketFlags.SOCK_STREAM))
          .hasMessageContaining("connect(" + folder + "/absent): ENOENT");
      assertThatThrownBy(() -> sockets.connectUnix(dir, "x".repeat(200), SocketFlags.SOCK_STREAM))
          .hasMessageContaining("ENAMETOOLONG");
    }
  }

  @Test
  void aPacketCarries253DescriptorsAndNoMore() {
    List<String> before = RealKernel.openFds();
    try (Sockets.FdPair pair = sockets.socketpair(SocketFlags.SOCK_SEQPACKET);
        Fd memfd = linux.memfds().sealed("m", ByteBuffer.wrap(new byte[] {42}))) {
      List<Fd> many = Collections.nCopies(SocketFlags.SCM_MAX_FD, memfd);
      sockets.send(pair.first(), ByteBuffer.wrap(new byte[] {1}), many);
      Received received = sockets.recv(pair.second(), ByteBuffer.allocateDirect(10)).orElseThrow();
      assertThat(received.fds()).hasSize(253);
      assertThat(received.truncated()).isFalse();
      ByteBuffer one = ByteBuffer.allocate(1);
      assertThat(linux.files().pread(received.fds().get(252), one, 0)).isEqualTo(1);
      assertThat(one.get(0)).isEqualTo((byte) 42);
      received.fds().forEach(Fd::close);
      List<Fd> tooMany = Collections.nCopies(254, memfd);
      assertThatThrownBy(() -> sockets.send(pair.first(), ByteBuffer.wrap(new byte[] {1}), tooMany))
          .isInstanceOf(LinuxException.class)
          .hasMessageContaining("254 descriptors");
    }
    assertThat(RealKernel.newFds(before)).isEmpty();
  }

  @Test
  void truncationAndEndAreTold() {
    Sockets.FdPair pair = sockets.socketpair(SocketFlags.SOCK_SEQPACKET);
    try (pair) {
      sockets.send(pair.first(), ByteBuffer.wrap(new byte[100]));
      Received cut = sockets.recv(pair.second(), ByteBuffer.allocate(10)).orElseThrow();
      assertThat(cut.truncated()).isTrue();
      assertThat(cut.bytes()).isEqualTo(10);
      sockets.shutdown(pair.first(), SocketFlags.SHUT_WR);
      assertThat(sockets.recv(pair.second(), ByteBuffer.allocate(10)).orElseThrow().endOfStream())
          .isTrue();
    }
    try (Sockets.FdPair gone = sockets.socketpair(SocketFlags.SOCK_SEQPACKET)) {
      gone.second().close();
      assertThatThrownBy(() -> sockets.send(gone.first(), ByteBuffer.wrap(new byte[1])))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
    }
  }

  @Test
  void nonBlockingSocketsSayWouldBlock() {
    try (Sockets.FdPair pair =
            sockets.socketpair(SocketFlags.SOCK_SEQPACKET | SocketFlags.SOCK_NONBLOCK);
        Fd dir = linux.files().open(folder.toString(), OpenFlags.O_PATH);
        Fd listener =
            sockets.listenUnix(
                dir, "n.sock", SocketFlags.SOCK_SEQPACKET | SocketFlags.SOCK_NONBLOCK, 0600, 1)) {
      assertThat(sockets.recv(pair.first(), ByteBuffer.allocate(1))).isEmpty();
      assertThat(sockets.accept(listener, 0)).isEmpty();
      int sent = 0;
      while (sockets.send(pair.first(), ByteBuffer.wrap(new byte[1000])) != Files.WOULD_BLOCK) {
        sent++;
      }
      assertThat(sent).isPositive();
    }
  }

  /** One carrier is enough for many waiting virtual threads: the waits are on the pool. */
  @Test
  void waitingVirtualThreadsDoNotHoldCarriers() throws Exception {
    int waiters = Runtime.getRuntime().availableProcessors() + 2;
    List<Sockets.FdPair> pairs = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < waiters; i++) {
      Sockets.FdPair pair = sockets.socketpair(SocketFlags.SOCK_SEQPACKET);
      pairs.add(pair);
      threads.add(
          Thread.ofVirtual().start(() -> sockets.recv(pair.second(), ByteBuffer.allocate(4))));
    }
    AtomicReference<Boolean> ran = new AtomicReference<>(false);
    Thread.ofVirtual().start(() -> ran.set(true)).join();
    assertThat(ran.get()).isTrue();
    for (Sockets.FdPair pair : pairs) {
      sockets.send(pair.first(), ByteBuffer.wrap(new byte[] {1}));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    pairs.forEach(Sockets.FdPair::close);
  }

  @Test
  void abstractDatagramSocketIsReached() throws Exception {
    byte[] name = ("molo-it-" + ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII);
    assertThatThrownBy(() -> sockets.connectAbstract(name, SocketFlags.SOCK_DGRAM))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ECONNREFUSED));
    try (Fd dir = linux.files().open(folder.toString(), OpenFlags.O_PATH);
        Fd notify = sockets.listenUnix(dir, "notify", SocketFlags.SOCK_DGRAM, 0600, 0);
        Fd client = sockets.connectUnix(dir, "notify", SocketFlags.SOCK_DGRAM)) {
      sockets.send(client, ByteBuffer.wrap("READY=1".getBytes(StandardCharsets.US_ASCII)));
      assertThat(sockets.recv(notify, ByteBuffer.allocate(64)).orElseThrow().bytes()).isEqualTo(7);
    }
  }

  @Test
  void netlinkAnswersALinkDump() {
    try (Fd route = sockets.netlink(SocketFlags.NETLINK_ROUTE, 0, 0)) {
      sockets.setOption(route, SocketFlags.SOL_NETLINK, SocketFlags.NETLINK_EXT_ACK, 1);
      ByteBuffer request = ByteBuffer.allocateDirect(32).order(ByteOrder.nativeOrder());
      // RTM_GETLINK with NLM_F_REQUEST|NLM_F_DUMP and an empty ifinfomsg
      request.putInt(32).putShort((short) 18).putShort((short) 0x301).putInt(7).putInt(0);
      request.position(32).flip();
      assertThat(sockets.send(route, request)).isEqualTo(32);
      ByteBuffer answer = ByteBuffer.allocateDirect(65536).order(ByteOrder.nativeOrder());
      Received received = sockets.recv(route, answer).orElseThrow();
      assertThat(received.bytes()).isGreaterThan(32);
      assertThat(answer.getShort(4)).as("RTM_NEWLINK").isEqualTo((short) 16);
      assertThat(answer.getInt(8)).as("our sequence number").isEqualTo(7);
    }
  }

  @Test
  void epollWakesByPipeAndEventfd() {
    Epoll epoll = linux.epoll();
    try (Fd poll = epoll.create();
        Fd wake = epoll.eventfd();
        Pipes.Pipe pipe = linux.pipes().pipe2(OpenFlags.O_NONBLOCK)) {
      EpollEvents events = new EpollEvents(4);
      long large = 0x7123_4567_89ab_cdefL;
      epoll.add(poll, pipe.readEnd(), Epoll.EPOLLIN, large);
      epoll.add(poll, wake, Epoll.EPOLLIN, -1);
      assertThat(epoll.await(poll, events, 0)).isZero();
      linux.files().writeFully(pipe.writeEnd(), ByteBuffer.wrap(new byte[] {1}));
      assertThat(epoll.await(poll, events, 60_000)).isEqualTo(1);
      assertThat(events.data(0)).isEqualTo(large);
      assertThat(events.events(0)).isEqualTo(Epoll.EPOLLIN);
      epoll.signal(wake);
      epoll.signal(wake);
      assertThat(epoll.await(poll, events, 60_000)).isEqualTo(2);
      assertThat(epoll.drain(wake)).isEqualTo(2);
      assertThat(epoll.drain(wake)).isZero();
      epoll.modify(poll, pipe.readEnd(), 0, 0);
      assertThat(epoll.await(poll, events, 0)).isZero();
      epoll.remove(poll, pipe.readEnd());
      epoll.remove(poll, pipe.readEnd());
      assertThat(epoll.poll(pipe.readEnd(), Epoll.EPOLLIN, 0)).isEqualTo(Epoll.EPOLLIN);
      assertThat(epoll.poll(wake, Epoll.EPOLLIN, 20)).isZero();
    }
  }

  @Test
  void terminalsHaveASize() {
    try (Fd master = linux.files().open("/dev/ptmx", OpenFlags.O_RDWR | OpenFlags.O_NOCTTY)) {
      linux.terminals().resize(master, new Terminals.WindowSize(50, 60_000));
      assertThat(linux.terminals().size(master)).isEqualTo(new Terminals.WindowSize(50, 60_000));
    }
  }
}
