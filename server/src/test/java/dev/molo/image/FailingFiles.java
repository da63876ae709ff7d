package dev.molo.image;

import dev.molo.Patience;
import dev.molo.linux.Errno;
import dev.molo.linux.Files;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A kernel that really works, but for one call that changes a file system: that one fails, or
 * waits, or something happens right behind it.
 */
final class FailingFiles {
  private static final Set<String> CHANGES =
      Set.of(
          "mkdirat",
          "mknodat",
          "symlinkat",
          "linkat",
          "renameat2",
          "fchownat",
          "fchown",
          "fchmodat",
          "fchmod",
          "utimensat",
          "setxattr",
          "lsetxattr",
          "write",
          "writeFully",
          "pwrite",
          "fsync",
          "fdatasync",
          "syncfs",
          "ftruncate");

  private final Linux real;
  private final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
  private volatile Errno errno = Errno.EIO;
  private volatile String failed = "";
  private volatile String stalled = "";
  private volatile String followed = "";
  private volatile Runnable follower = () -> {};
  private final List<String> made = new CopyOnWriteArrayList<>();
  private volatile CountDownLatch goOn = new CountDownLatch(0);
  private volatile CountDownLatch waiting = new CountDownLatch(0);

  FailingFiles(Linux real) {
    this.real = real;
  }

  /** From now on, the call after {@code calls} others fails, once. */
  void failAfter(int calls, Errno with) {
    failed = "";
    errno = with;
    left.set(calls);
  }

  /** From now on, calls of this name wait. */
  void stall(String call) {
    goOn = new CountDownLatch(1);
    waiting = new CountDownLatch(1);
    stalled = call;
  }

  /** Blocks until a call waits. */
  void awaitStalled() {
    Patience.await("the disk is asked to " + stalled, waiting);
  }

  /** Those that wait go on, and no other does. */
  void goOn() {
    stalled = "";
    goOn.countDown();
  }

  /** The names of all directories that were made. */
  List<String> directoriesMade() {
    return List.copyOf(made);
  }

  /** The next call of this name returns after {@code action}, which its thread runs. */
  void afterNext(String call, Runnable action) {
    follower = action;
    followed = call;
  }

  /** Nothing fails any more; which call has failed, empty when none did. */
  String heal() {
    left.set(Integer.MAX_VALUE);
    return failed;
  }

  Linux linux() {
    Files files = proxy(Files.class, this::file);
    return proxy(
        Linux.class,
        (method, arguments) ->
            method.getName().equals("files") ? files : call(real, method, arguments));
  }

  private Object file(Method method, Object[] arguments) throws Throwable {
    if (method.getName().equals(stalled)) {
      waiting.countDown();
      goOn.await();
    }
    boolean creates =
        method.getName().equals("openat2") && ((int) arguments[2] & OpenFlags.O_CREAT) != 0;
    if ((creates || CHANGES.contains(method.getName())) && left.getAndDecrement() == 0) {
      failed = method.getName();
      throw new LinuxException(method.getName(), errno, "injected");
    }
    Object answer = call(real.files(), method, arguments);
    if (method.getName().equals("mkdirat") && arguments[1] instanceof String name) {
      made.add(name);
    }
    if (method.getName().equals(followed)) {
      followed = "";
      follower.run();
    }
    return answer;
  }

  private interface Answer {
    Object to(Method method, Object[] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> answer.to(method, arguments)));
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
