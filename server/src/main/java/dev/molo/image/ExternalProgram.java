package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A program of the node's owner that has a say in pulls: a credential helper, a verifier. It is
 * started without a shell, hears its input on standard input (secrets never stand in its
 * arguments), and has a bounded time and a bounded amount to say. Thread-safe; blocks its caller.
 *
 * @param executable the file
 * @param arguments none of them secret
 * @param limit when it is killed, with whatever it has started, also what has left it: all of it
 *     has a mark in its environment
 */
public record ExternalProgram(Path executable, List<String> arguments, Duration limit) {
  private static final int MAX_OUTPUT = 64 << 10;
  private static final String MARK = "MOLO_PROGRAM";

  /**
   * How long output is read after the program has ended: a child may hold the pipe. Without one,
   * the end comes as soon as this process gets to read it.
   */
  private static final Duration DRAIN = Duration.ofSeconds(10);

  /** Copies its list. */
  public ExternalProgram {
    arguments = List.copyOf(arguments);
  }

  /**
   * How it ended.
   *
   * @param exitCode 128 and the signal when one ended it
   * @param output its standard output, the first 64 KiB
   * @param errors its standard error, the first 64 KiB
   */
  public record Outcome(int exitCode, String output, String errors) {
    /** Says nothing of what the program said: a helper's output is a secret. */
    @Override
    public String toString() {
      return "Outcome[exitCode=" + exitCode + "]";
    }
  }

  /**
   * Runs it to its end.
   *
   * @throws FaultException FAILED_PRECONDITION when it cannot be started, DEADLINE_EXCEEDED when
   *     its time ran out; the caller's own reason when that comes first
   */
  public Outcome run(byte[] input, Cancellation cancellation) {
    String mark = UUID.randomUUID().toString();
    Process process = start(mark);
    try (Cancellation.Registration _ = cancellation.onCancel(() -> kill(process, mark))) {
      Thread.ofVirtual().name("feed " + executable).start(() -> feed(process, input));
      CountDownLatch heard = new CountDownLatch(2);
      ByteArrayOutputStream output = hear(process.getInputStream(), heard);
      ByteArrayOutputStream errors = hear(process.getErrorStream(), heard);
      boolean ended = process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
      cancellation.check();
      if (!ended) {
        throw new FaultException(
            Fault.DEADLINE_EXCEEDED,
            executable + " did not end within " + limit.toMillis() + " ms and was killed");
      }
      // A child of the program may hold the pipes for ever: what came so far is what was said.
      var _ = heard.await(DRAIN.toMillis(), TimeUnit.MILLISECONDS);
      return new Outcome(
          process.exitValue(),
          output.toString(StandardCharsets.UTF_8),
          errors.toString(StandardCharsets.UTF_8));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, "interrupted while " + executable + " runs", e);
    } finally {
      kill(process, mark);
    }
  }

  private Process start(String mark) {
    List<String> command = new ArrayList<>();
    command.add(executable.toString());
    command.addAll(arguments);
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(Path.of("/").toFile());
      builder.environment().put(MARK, mark);
      return builder.start();
    } catch (IOException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION, executable + " cannot be run: " + e.getMessage(), e);
    }
  }

  /** Does nothing once it has ended: its number may be another's by then. */
  private static void kill(Process process, String mark) {
    if (!process.isAlive()) {
      return;
    }
    List<ProcessHandle> children = process.descendants().toList();
    process.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
    killMarked(mark);
  }

  /**
   * What was started just then, or has another parent by now. Each round finds what the one before
   * has not stopped in time.
   */
  private static void killMarked(String mark) {
    Set<Long> killed = new HashSet<>();
    List<ProcessHandle> fresh;
    do {
      fresh =
          ProcessHandle.allProcesses()
              .filter(one -> isMarked(one.pid(), mark) && killed.add(one.pid()))
              .toList();
      fresh.forEach(ProcessHandle::destroyForcibly);
    } while (!fresh.isEmpty());
  }

  private static boolean isMarked(long pid, String mark) {
    try {
      byte[] environment = Files.readAllBytes(Path.of("/proc/" + pid + "/environ"));
      return new String(environment, StandardCharsets.ISO_8859_1).contains(MARK + "=" + mark);
    } catch (IOException e) {
      // It has ended, or is nobody's who may be looked at: not ours then.
      return false;
    }
  }

  private static void feed(Process process, byte[] input) {
    try (OutputStream in = process.getOutputStream()) {
      in.write(input);
    } catch (IOException e) {
      // It need not read what it is told; its exit code is what counts.
      return;
    }
  }

  /**
   * What comes, while it comes; {@code ended} hears of its end. A child of the program may keep the
   * thread reading for ever, which a virtual one's carrier is too good for.
   */
  private ByteArrayOutputStream hear(InputStream stream, CountDownLatch ended) {
    ByteArrayOutputStream words = new ByteArrayOutputStream();
    Thread.ofPlatform()
        .daemon()
        .name("hear " + executable)
        .start(() -> {
          try (stream) {
            byte[] buffer = new byte[4096];
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
              words.write(buffer, 0, Math.min(n, MAX_OUTPUT - words.size()));
            }
          } catch (IOException e) {
            // It was killed while it spoke: what it said so far is all there is.
            return;
          } finally {
            ended.countDown();
          }
        });
    return words;
  }
}
