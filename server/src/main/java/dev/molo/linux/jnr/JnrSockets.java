package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;
import static dev.molo.linux.jnr.Kernel.is;

import dev.molo.linux.BlockingCalls;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.PeerCredentials;
import dev.molo.linux.Received;
import dev.molo.linux.SocketFlags;
import dev.molo.linux.Sockets;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** {@link Sockets} by system calls. */
final class JnrSockets implements Sockets {

  private static final int AF_UNIX = 1;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_CLOEXEC = OpenFlags.O_CLOEXEC;
  private static final int SCM_RIGHTS = 1;
  private static final int SO_PEERCRED = 17;
  private static final int MSG_CTRUNC = 0x8;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SUN_PATH = 108;
  private static final int MSGHDR_SIZE = 56;
  private static final int CMSGHDR_SIZE = 16;
  private static final int CONTROL_SIZE = CMSGHDR_SIZE + 4 * SocketFlags.SCM_MAX_FD + 4;

  private final Files files;
  private final BlockingCalls blocking;

  JnrSockets(Files files, BlockingCalls blocking) {
    this.files = files;
    this.blocking = blocking;
  }

  @Override
  public Fd listenUnix(Fd dir, String name, int type, int mode, int backlog) {
    Fd socket = socket(AF_UNIX, type, 0);
    try {
      // A socket file gets the mode of its socket, less the umask (unix_bind_bsd), so nobody can
      // come in early.
      files.fchmod(socket, mode);
      address(Call.BIND, socket, dir, name);
      if ((files.statx(dir, name, OpenFlags.AT_SYMLINK_NOFOLLOW).mode() & 07777) != mode) {
        files.fchmodat(dir, name, mode, 0);
      }
      if ((type & 0xf) != SocketFlags.SOCK_DGRAM) {
        check(
            Call.LISTEN,
            call(Call.LISTEN, socket.number(), backlog),
            () -> Detail.path(dir, name.getBytes(StandardCharsets.UTF_8)));
      }
      return socket;
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  @Override
  public Fd connectUnix(Fd dir, String name, int type) {
    Fd socket = socket(AF_UNIX, type, 0);
    try {
      if ((type & SocketFlags.SOCK_NONBLOCK) != 0) {
        address(Call.CONNECT, socket, dir, name);
      } else {
        blocking.run("connect " + name, () -> address(Call.CONNECT, socket, dir, name));
      }
      return socket;
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /** bind(2) or connect(2) to {@code name} below a directory descriptor. */
  private static Void address(Call call, Fd socket, Fd dir, String name) {
    String path = dir == Fd.AT_FDCWD ? name : "/proc/self/fd/" + dir.number() + "/" + name;
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    byte[] ofUser = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= SUN_PATH) {
      String what = Detail.path(dir, ofUser) + ", longer than sun_path";
      throw new LinuxException(call.kernelName(), Errno.ENAMETOOLONG, what);
    }
    try (Scratch scratch = Scratch.borrow()) {
      int at = scratch.reserve(2 + SUN_PATH);
      scratch.memory().putShort(at, (short) AF_UNIX).put(at + 2, bytes);
      long result = call(call, socket.number(), scratch.at(at), 2 + bytes.length + 1);
      check(call, result, () -> Detail.path(dir, ofUser));
      return null;
    }
  }

  @Override
  public Fd connectAbstract(byte[] name, int type) {
    Fd socket = socket(AF_UNIX, type, 0);
    try (Scratch scratch = Scratch.borrow()) {
      if (name.length > SUN_PATH - 1) {
        throw new LinuxException("connect", Errno.ENAMETOOLONG, "@" + Detail.text(name));
      }
      int at = scratch.reserve(2 + SUN_PATH);
      scratch.memory().putShort(at, (short) AF_UNIX).put(at + 3, name);
      long result = call(Call.CONNECT, socket.number(), scratch.at(at), 3 + name.length);
      check(Call.CONNECT, result, () -> "@" + Detail.text(name));
      return socket;
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private static Fd socket(int family, int type, int protocol) {
    long result = call(Call.SOCKET, family, type | SOCK_CLOEXEC, protocol);
    return JnrFiles.owned(
        check(
            Call.SOCKET,
            result,
            () -> "family " + family + ", type " + type + ", protocol " + protocol));
  }

  @Override
  public Optional<Fd> accept(Fd listener, int flags) {
    if (Thread.currentThread().isVirtual() && isBlocking(listener)) {
      return blocking.run("accept4", () -> acceptHere(listener, flags));
    }
    return acceptHere(listener, flags);
  }

  private static Optional<Fd> acceptHere(Fd listener, int flags) {
    long result;
    do {
      result = call(Call.ACCEPT4, listener.number(), 0, 0, flags | SOCK_CLOEXEC);
      // A peer that hung up while it waited in the queue is not our error: take the next.
    } while (is(result, Errno.ECONNABORTED));
    if (is(result, Errno.EAGAIN)) {
      return Optional.empty();
    }
    return Optional.of(JnrFiles.owned(check(Call.ACCEPT4, result, () -> Detail.fd(listener))));
  }

  private static boolean isBlocking(Fd socket) {
    return (JnrFiles.statusFlags(socket) & OpenFlags.O_NONBLOCK) == 0;
  }

  @Override
  public FdPair socketpair(int type) {
    try (Scratch scratch = Scratch.borrow()) {
      int pair = scratch.reserve(8);
      long result = call(Call.SOCKETPAIR, AF_UNIX, type | SOCK_CLOEXEC, 0, scratch.at(pair));
      check(Call.SOCKETPAIR, result, () -> "AF_UNIX, type " + type);
      return new FdPair(
          JnrFiles.owned(scratch.memory().getInt(pair)),
          JnrFiles.owned(scratch.memory().getInt(pair + 4)));
    }
  }

  @Override
  public int send(Fd socket, ByteBuffer from, List<Fd> fds) {
    if (fds.size() > SocketFlags.SCM_MAX_FD) {
      String what =
          fds.size() + " descriptors, at most " + SocketFlags.SCM_MAX_FD + " fit a packet";
      throw new LinuxException("sendmsg", Errno.EINVAL, what);
    }
    int length = from.remaining();
    try (Scratch scratch = Scratch.borrow(CONTROL_SIZE + 256 + (from.isDirect() ? 0 : length))) {
      long data = from.isDirect() ? Kernel.address(from) + from.position() : copyIn(scratch, from);
      int header = message(scratch, data, length);
      putDescriptors(scratch, header, fds);
      long result = waiting(socket, "sendmsg", flags -> sendmsg(socket, scratch.at(header), flags));
      if (is(result, Errno.EAGAIN)) {
        return Files.WOULD_BLOCK;
      }
      check(Call.SENDMSG, result, () -> Detail.fd(socket) + ", " + length + " bytes");
      from.position(from.position() + (int) result);
      return (int) result;
    }
  }

  private static long sendmsg(Fd socket, long header, int flags) {
    return call(Call.SENDMSG, socket.number(), header, flags | MSG_NOSIGNAL);
  }

  private static long copyIn(Scratch scratch, ByteBuffer from) {
    int at = scratch.reserveDirty(from.remaining());
    scratch.memory().put(at, from, from.position(), from.remaining());
    return scratch.at(at);
  }

  /** A struct msghdr with one piece of data. */
  private static int message(Scratch scratch, long data, int length) {
    int vector = scratch.reserveDirty(16);
    scratch.memory().putLong(vector, data).putLong(vector + 8, length);
    int header = scratch.reserve(MSGHDR_SIZE);
    scratch.memory().putLong(header + 16, scratch.at(vector)).putLong(header + 24, 1);
    return header;
  }

  private static void putDescriptors(Scratch scratch, int header, List<Fd> fds) {
    if (fds.isEmpty()) {
      return;
    }
    int length = CMSGHDR_SIZE + 4 * fds.size();
    int control = scratch.reserve(length + 8);
    ByteBuffer memory = scratch.memory();
    memory
        .putLong(control, length)
        .putInt(control + 8, SocketFlags.SOL_SOCKET)
        .putInt(control + 12, SCM_RIGHTS);
    for (int i = 0; i < fds.size(); i++) {
      memory.putInt(control + CMSGHDR_SIZE + 4 * i, fds.get(i).number());
    }
    memory.putLong(header + 32, scratch.at(control)).putLong(header + 40, (length + 7) & ~7);
  }

  /** A message call that takes flags. */
  private interface MessageCall {
    long with(int flags);
  }

  /**
   * Tries without waiting first: only what would really wait leaves a virtual thread for the pool.
   */
  private long waiting(Fd socket, String name, MessageCall message) {
    if (!Thread.currentThread().isVirtual()) {
      return message.with(0);
    }
    long result = message.with(MSG_DONTWAIT);
    if (!is(result, Errno.EAGAIN) || !isBlocking(socket)) {
      return result;
    }
    LongSupplier wait = () -> message.with(0);
    return blocking.run(name, wait::getAsLong);
  }

  @Override
  public Optional<Received> recv(Fd socket, ByteBuffer into) {
    int length = into.remaining();
    try (Scratch scratch = Scratch.borrow(CONTROL_SIZE + 256 + (into.isDirect() ? 0 : length))) {
      int copy = into.isDirect() ? 0 : scratch.reserveDirty(length);
      long data = into.isDirect() ? Kernel.address(into) + into.position() : scratch.at(copy);
      int header = message(scratch, data, length);
      int control = scratch.reserveDirty(CONTROL_SIZE);
      ByteBuffer memory = scratch.memory();
      memory.putLong(header + 32, scratch.at(control)).putLong(header + 40, CONTROL_SIZE);
      long result = waiting(socket, "recvmsg", flags -> recvmsg(socket, scratch.at(header), flags));
      if (is(result, Errno.EAGAIN)) {
        return Optional.empty();
      }
      check(Call.RECVMSG, result, () -> Detail.fd(socket));
      int bytes = (int) result;
      if (into.isDirect()) {
        into.position(into.position() + bytes);
      } else {
        into.put(memory.slice(copy, bytes));
      }
      boolean truncated = (memory.getInt(header + 48) & (MSG_TRUNC | MSG_CTRUNC)) != 0;
      List<Fd> fds = takeDescriptors(memory, control, (int) memory.getLong(header + 40));
      boolean end = bytes == 0 && fds.isEmpty() && length > 0;
      return Optional.of(new Received(bytes, end, truncated, fds));
    }
  }

  private static long recvmsg(Fd socket, long header, int flags) {
    return call(Call.RECVMSG, socket.number(), header, flags | MSG_CMSG_CLOEXEC);
  }

  private static List<Fd> takeDescriptors(ByteBuffer memory, int control, int length) {
    List<Fd> fds = new ArrayList<>();
    int at = control;
    while (at + CMSGHDR_SIZE <= control + length) {
      int size = (int) memory.getLong(at);
      boolean rights =
          memory.getInt(at + 8) == SocketFlags.SOL_SOCKET && memory.getInt(at + 12) == SCM_RIGHTS;
      for (int fd = at + CMSGHDR_SIZE; rights && fd + 4 <= at + size; fd += 4) {
        fds.add(JnrFiles.owned(memory.getInt(fd)));
      }
      if (size < CMSGHDR_SIZE) {
        break;
      }
      at += (size + 7) & ~7;
    }
    return fds;
  }

  @Override
  public PeerCredentials peerCredentials(Fd socket) {
    try (Scratch scratch = Scratch.borrow()) {
      int out = option(scratch, socket, SocketFlags.SOL_SOCKET, SO_PEERCRED, 12);
      ByteBuffer memory = scratch.memory();
      return new PeerCredentials(
          memory.getInt(out),
          memory.getInt(out + 4) & 0xffffffffL,
          memory.getInt(out + 8) & 0xffffffffL);
    }
  }

  private static int option(Scratch scratch, Fd socket, int level, int option, int size) {
    int out = scratch.reserve(size);
    int length = scratch.reserve(8);
    scratch.memory().putInt(length, size);
    long result =
        call(Call.GETSOCKOPT, socket.number(), level, option, scratch.at(out), scratch.at(length));
    check(
        Call.GETSOCKOPT,
        result,
        () -> Detail.fd(socket) + ", level " + level + ", option " + option);
    return out;
  }

  @Override
  public void setOption(Fd socket, int level, int option, int value) {
    try (Scratch scratch = Scratch.borrow()) {
      int in = scratch.reserve(8);
      scratch.memory().putInt(in, value);
      long result = call(Call.SETSOCKOPT, socket.number(), level, option, scratch.at(in), 4);
      check(
          Call.SETSOCKOPT,
          result,
          () -> Detail.fd(socket) + ", level " + level + ", option " + option + " = " + value);
    }
  }

  @Override
  public int getOption(Fd socket, int level, int option) {
    try (Scratch scratch = Scratch.borrow()) {
      return scratch.memory().getInt(option(scratch, socket, level, option, 4));
    }
  }

  @Override
  public void shutdown(Fd socket, int how) {
    check(Call.SHUTDOWN, call(Call.SHUTDOWN, socket.number(), how), () -> Detail.fd(socket));
  }

  @Override
  public Fd netlink(int protocol, int groups, int flags) {
    Fd socket = socket(AF_NETLINK, SocketFlags.SOCK_RAW | flags, protocol);
    try (Scratch scratch = Scratch.borrow()) {
      int at = scratch.reserve(12);
      scratch.memory().putShort(at, (short) AF_NETLINK).putInt(at + 8, groups);
      long result = call(Call.BIND, socket.number(), scratch.at(at), 12);
      check(Call.BIND, result, () -> "netlink protocol " + protocol + ", groups " + groups);
      return socket;
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }
}
