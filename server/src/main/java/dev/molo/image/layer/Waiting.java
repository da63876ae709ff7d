package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waiting for somebody else's result without outliving one's own caller. */
public final class Waiting {
  private Waiting() {}

  /**
   * The future's result.
   *
   * @throws FaultException the caller's reason when its cancellation comes first; else the future's
   *     own failure
   */
  public static <T> T on(CompletableFuture<T> future, Cancellation own) {
    own.check();
    CompletableFuture<T> mine = future.copy();
    try (Cancellation.Registration _ =
        own.onCancel(() -> mine.completeExceptionally(own.reason().orElseThrow()))) {
      return mine.get();
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, "interrupted while waiting", e);
    }
  }

  /** A fault thrown on another thread, with this thread's stack in front of it. */
  private static RuntimeException failure(Throwable cause) {
    Throwable root =
        cause instanceof java.util.concurrent.CompletionException && cause.getCause() != null
            ? cause.getCause()
            : cause;
    if (root instanceof FaultException fault) {
      return fault.reason().isPresent()
          ? new FaultException(fault.kind(), fault.reason().get(), fault.getMessage(), fault)
          : new FaultException(fault.kind(), fault.getMessage(), fault);
    }
    return new FaultException(Fault.INTERNAL, String.valueOf(root.getMessage()), root);
  }
}
