package dev.molo.pod;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.linux.Pipes.Pipe;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What one exec'd program prints: two pipes, and behind each a memfd with what came through.
 *
 * <p>Made and ended by the verb's thread, filled by the thread of {@link ExecCaptures}; the monitor
 * of this object guards what both touch.
 */
final class ExecCapture implements AutoCloseable {
  private static final long MOVE_AT_ONCE = 1 << 20;
  private static final int SPLICE_F_NONBLOCK = 2;
  private static final int PIPE_BYTES = 256 * 1024;

  private final ExecCaptures captures;
  private final Linux linux;
  private final long streamBytes;
  private final Stream stdout;
  private final Stream stderr;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private long kept;
  private long discarded;
  private boolean hasShare;
  private boolean waitsForShare;
  private boolean collected;
  private boolean closed;

  ExecCapture(ExecCaptures captures, Linux linux, long streamBytes) {
    this.captures = captures;
    this.linux = linux;
    this.streamBytes = streamBytes;
    this.stdout = new Stream("stdout");
    try {
      this.stderr = new Stream("stderr");
    } catch (RuntimeException e) {
      stdout.closeMemory();
      throw e;
    }
  }

  Fd stdout() {
    return stdout.pipe.writeEnd();
  }

  Fd stderr() {
    return stderr.pipe.writeEnd();
  }

  /**
   * The program has its ends: ours are closed, so that its end is seen, and reading begins. Of both
   * in one step: a program may be gone already, and the end of the first must not be taken for the
   * end.
   */
  synchronized void begin() {
    stdout.begin();
    stderr.begin();
  }

  /** Completed when nobody holds a write end any more. */
  CompletableFuture<Void> ended() {
    return ended;
  }

  /**
   * Returns what came so far. A background child that still holds a write end lives on: what it
   * prints from now on is read and thrown away, so that it never meets a broken pipe.
   */
  ExecOutcome collect(int exitCode) {
    synchronized (this) {
      // the pump may have had no turn since the program's end
      stdout.moveWhatIsThere();
      stderr.moveWhatIsThere();
      collected = true;
      releaseFromWaiting();
    }
    Arena arena = Arena.ofShared();
    try {
      ByteBuffer out = stdout.bytes(arena);
      ByteBuffer err = stderr.bytes(arena);
      return new ExecOutcome(
          out,
          err,
          exitCode,
          discarded,
          () -> {
            arena.close();
            close();
          });
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /** Whether more than the free bytes may be kept; if not, both streams are paused until then. */
  private boolean acquireShare() {
    if (!waitsForShare && captures.takeShare(this)) {
      hasShare = true;
      return true;
    }
    waitsForShare = true;
    stdout.pause();
    stderr.pause();
    return false;
  }

  /** A paused stream goes on, to be thrown away. */
  private void releaseFromWaiting() {
    if (waitsForShare) {
      waitsForShare = false;
      stdout.resume();
      stderr.resume();
    }
  }

  /** The budget has room for us now: reading goes on. Called on whoever gave a share back. */
  void gotShare() {
    synchronized (this) {
      if (!collected && waitsForShare) {
        waitsForShare = false;
        hasShare = true;
        stdout.resume();
        stderr.resume();
        return;
      }
    }
    captures.returnShare();
  }

  @Override
  public void close() {
    boolean returnShare;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      collected = true;
      releaseFromWaiting();
      stdout.closeMemory();
      stderr.closeMemory();
      returnShare = hasShare;
    }
    captures.cancelWait(this);
    if (returnShare) {
      captures.returnShare();
    }
  }

  /** One of the two. */
  final class Stream {
    private final String name;
    private final Pipe pipe;
    private Optional<Fd> memory = Optional.empty();
    private long size;
    private long id;
    private boolean watched;

    private Stream(String name) {
      this.name = name;
      // the program's end must block when it is full, so only ours is made non-blocking
      this.pipe = linux.pipes().pipe2(0);
      linux.files().setNonBlocking(pipe.readEnd(), true);
      linux.pipes().setSize(pipe.readEnd(), PIPE_BYTES);
    }

    Fd readEnd() {
      return pipe.readEnd();
    }

    long id() {
      return id;
    }

    void id(long given) {
      id = given;
    }

    private void begin() {
      pipe.writeEnd().close();
      watched = true;
      captures.watch(this);
    }

    /**
     * Moves what is there, on the pump's thread.
     *
     * @param readable false: nothing is there, and nobody holds the other end
     */
    void move(boolean readable) {
      synchronized (ExecCapture.this) {
        if (!watched) {
          return;
        }
        if (!readable) {
          end();
          return;
        }
        long room = Math.min(streamBytes - size, ExecCaptures.WHOLE_ANSWER_BYTES - kept);
        if (collected || room <= 0) {
          endIf(discard() == 0);
          return;
        }
        if (!hasShare && kept == ExecCaptures.FREE_BYTES && !acquireShare()) {
          return;
        }
        long free = hasShare ? room : ExecCaptures.FREE_BYTES - kept;
        endIf(keep(Math.min(Math.min(room, free), MOVE_AT_ONCE)) == 0);
      }
    }

    /** What lies in the pipe now, and no more: a background child may go on writing. */
    private void moveWhatIsThere() {
      long there = watched ? linux.pipes().available(pipe.readEnd()) : 0;
      long before = size + discarded;
      for (long last = -1; watched && size + discarded - before < there; ) {
        if (size + discarded == last) {
          return; // the budget has no room
        }
        last = size + discarded;
        move(true);
      }
    }

    private void endIf(boolean atEnd) {
      if (atEnd) {
        end();
      }
    }

    private long keep(long room) {
      Fd into = memory.orElseGet(this::newMemory);
      long moved = linux.files().splice(pipe.readEnd(), into, room, SPLICE_F_NONBLOCK);
      if (moved > 0) {
        size += moved;
        kept += moved;
      }
      return moved;
    }

    private Fd newMemory() {
      Fd made = linux.memfds().create("molo-exec-" + name);
      memory = Optional.of(made);
      return made;
    }

    private long discard() {
      long moved =
          linux.files().splice(pipe.readEnd(), captures.devNull(), MOVE_AT_ONCE, SPLICE_F_NONBLOCK);
      if (moved > 0) {
        discarded += moved;
        captures.countDiscarded(moved);
      }
      return moved;
    }

    private void pause() {
      if (watched) {
        captures.pause(this);
      }
    }

    private void resume() {
      if (watched) {
        captures.resume(this);
      }
    }

    void fail(RuntimeException e) {
      synchronized (ExecCapture.this) {
        end();
      }
      ended.completeExceptionally(e);
    }

    private void end() {
      if (watched) {
        watched = false;
        captures.forget(this);
      }
      pipe.readEnd().close();
      if (!stdout.watched && !stderr.watched) {
        ended.complete(null);
      }
    }

    /** Valid until the arena is closed. */
    private ByteBuffer bytes(Arena arena) {
      if (memory.isEmpty()) {
        return ByteBuffer.allocate(0);
      }
      if (size <= ExecCaptures.FREE_BYTES) {
        ByteBuffer small = ByteBuffer.allocateDirect((int) size);
        while (small.hasRemaining()
            && linux.files().pread(memory.get(), small, small.position()) > 0) {
          // goes on until all is there
        }
        return small.flip().asReadOnlyBuffer();
      }
      Path file = Path.of("/proc/self/fd/" + memory.get().number());
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        return channel.map(MapMode.READ_ONLY, 0, size, arena).asByteBuffer();
      } catch (IOException e) {
        throw new FaultException(
            Fault.INTERNAL, "map %d bytes of %s: %s".formatted(size, name, e.getMessage()), e);
      }
    }

    /** A stream that never began is closed, one that did is read to its end. */
    private void closeMemory() {
      memory.ifPresent(Fd::close);
      if (!watched) {
        pipe.close();
      }
    }
  }
}
