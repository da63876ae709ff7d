package dev.molo.linux;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A fake kernel for tests: it writes down every call, answers as told, and keeps account of the
 * descriptors it gave.
 *
 * <p>Calls are known by the interface's method name ({@code "mkdirat"}); a default method shows as
 * the call that it makes. What nobody told it: a descriptor result is a new fake descriptor, an
 * Optional or a List is empty, a number is 0, read and write take all there is; other results are
 * an error of the test, which must say what to answer. Made with {@link #over}, it hands calls to
 * another kernel instead, so that a real one can be watched and made to fail at any call.
 * Thread-safe.
 */
public final class RecordingLinux implements Linux {

  /** One call, and the name of the thread that made it. */
  public record Call(String name, List<Object> arguments, String thread) {
    /** {@code mkdirat(fd 1000, a/b, 493)}. */
    @Override
    public String toString() {
      return name + "(" + String.join(", ", arguments.stream().map(Call::show).toList()) + ")";
    }

    private static String show(Object argument) {
      return switch (argument) {
        case byte[] bytes -> new String(bytes, StandardCharsets.UTF_8);
        case ByteBuffer buffer -> buffer.remaining() + " bytes";
        case Optional<?> optional -> optional.map(Call::show).orElse("none");
        default -> String.valueOf(argument);
      };
    }
  }

  /** What a call does instead. */
  @FunctionalInterface
  public interface Answer {
    /** The result; exceptions pass to the caller. */
    Object to(Call call);
  }

  private static final int FIRST_NUMBER = 1_000_000;

  private final Optional<Linux> delegate;
  private final List<Call> calls = new ArrayList<>();
  private final Map<String, Answer> answers = new HashMap<>();
  private final AtomicInteger numbers = new AtomicInteger(FIRST_NUMBER);
  private final Set<Integer> open = ConcurrentHashMap.newKeySet();
  private final BlockingCalls blocking = new BlockingCalls(2, 16);
  private int failAt = -1;
  private Errno failWith = Errno.EIO;

  /** A kernel that touches nothing. */
  public RecordingLinux() {
    this(Optional.empty());
  }

  private RecordingLinux(Optional<Linux> delegate) {
    this.delegate = delegate;
  }

  /** Watches {@code real}, which does the work unless an answer or a failure was asked for. */
  public static RecordingLinux over(Linux real) {
    return new RecordingLinux(Optional.of(real));
  }

  /** From now on, {@code name} is answered so. */
  public synchronized RecordingLinux answer(String name, Answer answer) {
    answers.put(name, answer);
    return this;
  }

  /** From now on, {@code name} is refused. */
  public RecordingLinux refuse(String name, Errno errno) {
    return answer(
        name,
        call -> {
          throw new LinuxException(name, errno, call.toString());
        });
  }

  /** The call after {@code successes} more calls, whichever it is, is refused; once. */
  public synchronized RecordingLinux refuseAfter(int successes, Errno errno) {
    failAt = calls.size() + successes;
    failWith = errno;
    return this;
  }

  /** All calls so far, in order. */
  public synchronized List<Call> calls() {
    return List.copyOf(calls);
  }

  /** The calls of one name, as text. */
  public List<String> calls(String name) {
    return calls().stream().filter(call -> call.name().equals(name)).map(Call::toString).toList();
  }

  /** Forgets the calls, keeps the answers. */
  public synchronized void forget() {
    calls.clear();
  }

  /** A fake descriptor, for answers. */
  public Fd fd() {
    int number = numbers.getAndIncrement();
    open.add(number);
    return Fd.owning(number, open::remove);
  }

  /** Numbers of fake descriptors that nobody has closed. */
  public Set<Integer> openFds() {
    return Set.copyOf(open);
  }

  @Override
  public Files files() {
    return fake(Files.class, delegate.map(Linux::files));
  }

  @Override
  public Mounts mounts() {
    return fake(Mounts.class, delegate.map(Linux::mounts));
  }

  @Override
  public Processes processes() {
    return fake(Processes.class, delegate.map(Linux::processes));
  }

  @Override
  public Sockets sockets() {
    return fake(Sockets.class, delegate.map(Linux::sockets));
  }

  @Override
  public Memfds memfds() {
    return fake(Memfds.class, delegate.map(Linux::memfds));
  }

  @Override
  public Memory memory() {
    return fake(Memory.class, delegate.map(Linux::memory));
  }

  @Override
  public Pipes pipes() {
    return fake(Pipes.class, delegate.map(Linux::pipes));
  }

  @Override
  public Epoll epoll() {
    return fake(Epoll.class, delegate.map(Linux::epoll));
  }

  @Override
  public Terminals terminals() {
    return fake(Terminals.class, delegate.map(Linux::terminals));
  }

  @Override
  public Nftables nftables() {
    return fake(Nftables.class, delegate.map(Linux::nftables));
  }

  @Override
  public Seccomp seccomp() {
    return fake(Seccomp.class, delegate.map(Linux::seccomp));
  }

  @Override
  public CgroupPrograms cgroupPrograms() {
    return fake(CgroupPrograms.class, delegate.map(Linux::cgroupPrograms));
  }

  @Override
  public SystemFacts system() {
    return fake(SystemFacts.class, delegate.map(Linux::system));
  }

  @Override
  public BlockingCalls blocking() {
    return delegate.map(Linux::blocking).orElse(blocking);
  }

  private <T> T fake(Class<T> family, Optional<T> real) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          Object[] given = arguments == null ? new Object[0] : arguments;
          if (method.getDeclaringClass() == Object.class) {
            return method.invoke(this, given);
          }
          if (method.isDefault()) {
            return InvocationHandler.invokeDefault(proxy, method, given);
          }
          return respond(method, given, real);
        };
    Object proxy =
        Proxy.newProxyInstance(family.getClassLoader(), new Class<?>[] {family}, handler);
    return family.cast(proxy);
  }

  private Object respond(Method method, Object[] arguments, Optional<?> real) throws Throwable {
    Call call =
        new Call(method.getName(), Arrays.asList(arguments), Thread.currentThread().getName());
    Answer answer = record(call);
    if (answer != null) {
      return answer.to(call);
    }
    if (real.isEmpty()) {
      return plain(method, call);
    }
    try {
      return method.invoke(real.get(), arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private synchronized Answer record(Call call) {
    calls.add(call);
    if (calls.size() - 1 == failAt) {
      failAt = -1;
      throw new LinuxException(call.name(), failWith, "injected into " + call);
    }
    return answers.get(call.name());
  }

  private Object plain(Method method, Call call) {
    Class<?> type = method.getReturnType();
    return switch (call.name()) {
      case "read", "pread", "write", "pwrite", "send" -> take((ByteBuffer) call.arguments().get(1));
      case "flock", "pidfdSendSignal" -> true;
      default -> {
        if (type == Fd.class) {
          yield fd();
        }
        if (type == Spawned.class) {
          yield new Spawned(numbers.getAndIncrement(), fd());
        }
        if (type == Pipes.Pipe.class) {
          yield new Pipes.Pipe(fd(), fd());
        }
        if (type == Sockets.FdPair.class) {
          yield new Sockets.FdPair(fd(), fd());
        }
        yield empty(type, call);
      }
    };
  }

  private static int take(ByteBuffer buffer) {
    int count = buffer.remaining();
    buffer.position(buffer.limit());
    return count;
  }

  private static Object empty(Class<?> type, Call call) {
    if (type == void.class) {
      return null;
    }
    if (type == int.class) {
      return 0;
    }
    if (type == long.class) {
      return 0L;
    }
    if (type == boolean.class) {
      return false;
    }
    if (type == String.class) {
      return "";
    }
    if (type == Optional.class) {
      return Optional.empty();
    }
    if (type == List.class) {
      return List.of();
    }
    throw new AssertionError("RecordingLinux was not told what to answer to " + call);
  }
}
