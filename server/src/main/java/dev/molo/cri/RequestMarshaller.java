package dev.molo.cri;

import com.google.protobuf.Message;
import dev.molo.fault.FaultException;
import io.grpc.Context;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads requests, and makes bytes that are none a value instead of an exception: grpc would answer
 * one with UNKNOWN or INTERNAL, while text that is not UTF-8 or a message cut short is the client's
 * fault.
 */
final class RequestMarshaller<Q extends Message> implements Marshaller<Received<Q>> {
  private final Marshaller<Q> messages;
  private final LargeRequests large;

  RequestMarshaller(Marshaller<Q> messages, LargeRequests large) {
    this.messages = messages;
    this.large = large;
  }

  /** For clients, of which there are none here but in tests. */
  @Override
  public InputStream stream(Received<Q> value) {
    return messages.stream(value.message());
  }

  @Override
  public Received<Q> parse(InputStream stream) {
    try {
      int size = stream instanceof KnownLength ? stream.available() : 0;
      large.admit(size, Context.current());
      return new Received.Whole<>(messages.parse(stream));
    } catch (FaultException e) {
      return new Received.Broken<>(e);
    } catch (StatusRuntimeException e) {
      return unreadable(e.getCause() == null ? e : e.getCause());
    } catch (IOException e) {
      return unreadable(e);
    }
  }

  private Received<Q> unreadable(Throwable cause) {
    return new Received.Broken<>(
        FaultException.invalid("the request cannot be read: %s", cause.getMessage()));
  }
}
