package dev.molo.cri;

import com.google.protobuf.Message;
import dev.molo.fault.FaultException;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Binds the calls of one service to their classes. Around each call: the request is read and
 * checked, the call runs, its failure becomes a status. Not thread-safe; the definition it builds
 * is.
 */
final class ServiceBinding {
  private final ServiceDescriptor service;
  private final RequestFields fields;
  private final LargeRequests large;
  private final List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
  private final Map<String, String> notBuilt = new TreeMap<>();

  ServiceBinding(ServiceDescriptor service, RequestFields fields, LargeRequests large) {
    this.service = service;
    this.fields = fields;
    this.large = large;
  }

  /** Binds a call with one answer. */
  <Q extends Message, R> ServiceBinding unary(MethodDescriptor<Q, R> method, UnaryCall<Q, R> call) {
    add(
        method,
        ServerCalls.asyncUnaryCall(
            (received, observer) -> answer(method, call, received, observer)));
    return this;
  }

  /** Binds a call that answers in portions. */
  <Q extends Message, R> ServiceBinding streaming(
      MethodDescriptor<Q, R> method, StreamingCall<Q, R> call) {
    add(
        method,
        ServerCalls.asyncServerStreamingCall(
            (received, observer) -> stream(method, call, received, observer)));
    return this;
  }

  /**
   * Binds a call that this version does not offer: UNIMPLEMENTED, whatever is asked.
   *
   * @param missing what there is not, as a sentence's subject: "checkpoints are"
   */
  <Q extends Message, R> ServiceBinding notBuilt(MethodDescriptor<Q, R> method, String missing) {
    notBuilt.put(method.getFullMethodName(), missing);
    add(
        method,
        ServerCalls.asyncServerStreamingCall((received, observer) -> {
          String call = method.getBareMethodName();
          FaultException refusal =
              FaultException.unimplemented("%s: %s not built yet", call, missing);
          observer.onError(FaultStatus.of(call, refusal).asRuntimeException());
        }));
    return this;
  }

  /** What is missing for the calls that are not built, by the call's full name. */
  Map<String, String> notBuilt() {
    return Map.copyOf(notBuilt);
  }

  /**
   * The service.
   *
   * @throws IllegalStateException when a call of the service was not bound
   */
  ServerServiceDefinition build() {
    ServiceDescriptor.Builder descriptor = ServiceDescriptor.newBuilder(service.getName());
    methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder definition =
        ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(definition::addMethod);
    if (methods.size() != service.getMethods().size()) {
      throw new IllegalStateException(
          "%s has %d calls, %d are bound"
              .formatted(service.getName(), service.getMethods().size(), methods.size()));
    }
    return definition.build();
  }

  private <Q extends Message, R> void add(
      MethodDescriptor<Q, R> method, ServerCallHandler<Received<Q>, R> handler) {
    Marshaller<Received<Q>> requests =
        new RequestMarshaller<>(method.getRequestMarshaller(), large);
    MethodDescriptor<Received<Q>, R> lenient =
        method.toBuilder(requests, method.getResponseMarshaller()).build();
    methods.add(ServerMethodDefinition.create(lenient, handler));
  }

  private <Q extends Message, R> void answer(
      MethodDescriptor<Q, R> method,
      UnaryCall<Q, R> call,
      Received<Q> received,
      StreamObserver<R> observer) {
    Caller caller = new Caller(Context.current());
    ServerCallStreamObserver<R> client = (ServerCallStreamObserver<R>) observer;
    // with a handler for it, answering a client that has gone is no error
    client.setOnCancelHandler(caller::served);
    client.setOnCloseHandler(caller::served);
    try {
      Q request = received.message();
      fields.check(request);
      observer.onNext(call.answer(request, caller));
      observer.onCompleted();
    } catch (Throwable failure) {
      observer.onError(FaultStatus.of(method.getBareMethodName(), failure).asRuntimeException());
    }
  }

  private <Q extends Message, R> void stream(
      MethodDescriptor<Q, R> method,
      StreamingCall<Q, R> call,
      Received<Q> received,
      StreamObserver<R> observer) {
    ServerCallStreamObserver<R> client = (ServerCallStreamObserver<R>) observer;
    Caller caller = new Caller(Context.current());
    client.setOnCancelHandler(caller::served);
    client.setOnCloseHandler(caller::served);
    try {
      Q request = received.message();
      fields.check(request);
      new PortionSender<>(method.getBareMethodName(), call.portions(request, caller), client)
          .start();
    } catch (Throwable failure) {
      observer.onError(FaultStatus.of(method.getBareMethodName(), failure).asRuntimeException());
    }
  }
}
