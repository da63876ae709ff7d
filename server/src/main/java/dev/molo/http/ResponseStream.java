package dev.molo.http;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * An answer's body in chunks, written by a thread that waits until each write is on its way: a slow
 * client slows the writer, and nothing piles up. Writing fails once the client has gone. One
 * writer, which must not be the event loop.
 */
final class ResponseStream extends OutputStream {
  private final Context loop;
  private final HttpServerResponse response;
  private boolean begun;

  /**
   * @param loop the connection's
   * @param response with its head set but for the chunks
   */
  ResponseStream(Context loop, HttpServerResponse response) {
    this.loop = loop;
    this.response = response;
  }

  /** Whether anything has been written. */
  boolean begun() {
    return begun;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Buffer copy = Buffer.buffer().appendBytes(bytes, offset, length);
    onLoop(() -> response.write(copy));
    begun = true;
  }

  /** Ends a body that is whole. */
  void end() throws IOException {
    onLoop(response::end);
  }

  /** A field after the body's end, for what is known only then. */
  void trailer(String field, String value) throws IOException {
    onLoop(() -> {
      response.putTrailer(field, value);
      return Future.succeededFuture();
    });
  }

  /**
   * Ends a body with a field that says what went wrong: the only way to tell, once the status is
   * out.
   */
  void fail(String field, String value) throws IOException {
    onLoop(() -> {
      response.putTrailer(field, value);
      return response.end();
    });
  }

  private void onLoop(Supplier<Future<Void>> write) throws IOException {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.runOnContext(_ -> {
      if (response.closed() || response.ended()) {
        done.completeExceptionally(new IOException("the client has gone"));
        return;
      }
      if (!response.headWritten()) {
        response.setChunked(true);
      }
      write.get().onComplete(_ -> done.complete(null), done::completeExceptionally);
    });
    try {
      done.get();
    } catch (ExecutionException e) {
      throw new IOException("the client has gone", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while answering");
    }
  }
}
