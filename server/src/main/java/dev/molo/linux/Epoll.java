package dev.molo.linux;

/** Readiness of descriptors (epoll(7), eventfd(2), poll(2)). Thread-safe. */
public interface Epoll {

  int EPOLLIN = 0x001;
  int EPOLLPRI = 0x002;
  int EPOLLOUT = 0x004;
  int EPOLLERR = 0x008;
  int EPOLLHUP = 0x010;
  int EPOLLRDHUP = 0x2000;
  int EPOLLONESHOT = 1 << 30;
  int EPOLLET = 1 << 31;

  /** epoll_create1(2). */
  Fd create();

  /** EPOLL_CTL_ADD; {@code data} comes back with the events. */
  void add(Fd epoll, Fd target, int events, long data);

  /** EPOLL_CTL_MOD. */
  void modify(Fd epoll, Fd target, int events, long data);

  /**
   * EPOLL_CTL_DEL; nothing happens when it was not registered (ENOENT). Call it before closing
   * {@code target}.
   */
  void remove(Fd epoll, Fd target);

  /**
   * epoll_wait(2). Blocks the calling thread: a platform thread of the caller, never a virtual one.
   *
   * @param timeoutMillis -1 without limit
   * @return entries filled; 0 on time-out
   */
  int await(Fd epoll, EpollEvents into, int timeoutMillis);

  /** A non-blocking eventfd(2) with count 0. */
  Fd eventfd();

  /** Adds 1 to an eventfd and so wakes its epoll. */
  void signal(Fd eventfd);

  /** Takes an eventfd's count; 0 when there was none. */
  long drain(Fd eventfd);

  /**
   * poll(2) of one descriptor. With a timeout other than 0 it may block: on a virtual thread it
   * runs on the pool.
   *
   * @return the events ({@code EPOLLIN} and so on; poll has the same numbers), 0 on time-out
   */
  int poll(Fd fd, int events, int timeoutMillis);
}
