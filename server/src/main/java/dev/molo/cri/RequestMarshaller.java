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
 *
 * <p>A request over {@link #MAX_REQUEST} is not parsed at all: parsing takes several times its size
 * of the heap, and nothing that size can be run (execve(2) takes 6 MiB of arguments and environment
 * at the very most, 2 MiB as a rule).
 */
final class RequestMarshaller<Q extends Message> implements Marshaller<Received<Q>> {
  /** Bytes of the largest request that is parsed. */
  static final int MAX_REQUEST = 4 << 20;

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
      if (size > MAX_REQUEST) {
        throw FaultException.invalid(
            "the request has %d bytes; at most %d are read", size, MAX_REQUEST);
      }
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
