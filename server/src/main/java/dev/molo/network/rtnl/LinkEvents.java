package dev.molo.network.rtnl;

import dev.molo.linux.Epoll;
import dev.molo.linux.EpollEvents;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Received;
import dev.molo.linux.SocketFlags;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Waits for links of this process's namespace to be deleted (RTNLGRP_LINK). One thread waits;
 * {@link #wake} may be called by any.
 */
public final class LinkEvents implements AutoCloseable {
  private static final int RECEIVE = 64 * 1024;
  private static final int WANTED_QUEUE = 1 << 20;

  /**
   * What a wait brought.
   *
   * @param deleted indices of links that are gone
   * @param lost events were lost: whoever waits for a link looks for itself
   */
  public record Deletions(List<Integer> deleted, boolean lost) {
    public Deletions {
      deleted = List.copyOf(deleted);
    }
  }

  private final Linux linux;
  private final Fd socket;
  private final Fd waker;
  private final Fd epoll;
  private final EpollEvents ready = new EpollEvents(2);
  private final ByteBuffer into = ByteBuffer.allocateDirect(RECEIVE).order(ByteOrder.nativeOrder());

  /** Listens from now on. */
  public LinkEvents(Linux linux) {
    this.linux = linux;
    List<Fd> made = new ArrayList<>();
    try {
      socket =
          linux
              .sockets()
              .netlink(SocketFlags.NETLINK_ROUTE, Netlink.RTMGRP_LINK, SocketFlags.SOCK_NONBLOCK);
      made.add(socket);
      linux
          .sockets()
          .setOption(socket, SocketFlags.SOL_SOCKET, SocketFlags.SO_RCVBUFFORCE, WANTED_QUEUE);
      waker = linux.epoll().eventfd();
      made.add(waker);
      epoll = linux.epoll().create();
      made.add(epoll);
      linux.epoll().add(epoll, socket, Epoll.EPOLLIN, 0);
      linux.epoll().add(epoll, waker, Epoll.EPOLLIN, 1);
    } catch (RuntimeException e) {
      made.forEach(Fd::close);
      throw e;
    }
  }

  /**
   * Waits for deletions, {@link #wake} or the time.
   *
   * @param timeoutMillis -1 without limit
   */
  public Deletions await(int timeoutMillis) {
    linux.epoll().await(epoll, ready, timeoutMillis);
    linux.epoll().drain(waker);
    List<Integer> deleted = new ArrayList<>();
    boolean lost = false;
    while (true) {
      into.clear();
      try {
        Optional<Received> received = linux.sockets().recv(socket, into);
        if (received.isEmpty()) {
          return new Deletions(deleted, lost);
        }
        lost |= received.get().truncated();
        for (Reply reply : Reply.parse(into.flip())) {
          if (reply.type() == Netlink.RTM_DELLINK) {
            Link.of(reply).ifPresent(link -> deleted.add(link.index()));
          }
        }
      } catch (LinuxException e) {
        if (e.errno() != Errno.ENOBUFS) {
          throw e;
        }
        lost = true; // the queue ran over; the kernel says so once and goes on
      }
    }
  }

  /** Ends the present or the next wait. */
  public void wake() {
    linux.epoll().signal(waker);
  }

  @Override
  public void close() {
    epoll.close();
    waker.close();
    socket.close();
  }
}
