package dev.molo.cri;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.Iterator;

/**
 * Sends an answer's portions at the pace at which the client takes them: grpc queues whatever it is
 * given, so a portion is made only when the transport says that it is ready. Runs on the call's
 * serial executor: never on two threads at once, and never blocks.
 */
final class PortionSender<R> {
  private final String call;
  private final Iterator<R> portions;
  private final ServerCallStreamObserver<R> client;
  private boolean done;

  PortionSender(String call, Iterator<R> portions, ServerCallStreamObserver<R> client) {
    this.call = call;
    this.portions = portions;
    this.client = client;
  }

  /** Sends what the client takes now and the rest when it is ready for more. */
  void start() {
    client.setOnReadyHandler(this::send);
    send();
  }

  private void send() {
    try {
      while (!done && !client.isCancelled() && client.isReady()) {
        if (portions.hasNext()) {
          client.onNext(portions.next());
        } else {
          done = true;
          client.onCompleted();
        }
      }
    } catch (RuntimeException failure) {
      done = true;
      client.onError(FaultStatus.of(call, failure).asRuntimeException());
    }
  }
}
