/**
 * The gRPC edge: the services of CRI's package {@code runtime.v1} over the domain's interfaces.
 *
 * <p>One small class per call. A request is held against the table of request fields ({@link
 * dev.molo.cri.RequestFields}), mapped to records of {@code dev.molo.spec}, handed to {@code
 * dev.molo.pod} or {@code dev.molo.image}, and the answer mapped back; failures become gRPC
 * statuses in {@link dev.molo.cri.FaultStatus} and nowhere else. Protobuf and grpc stop here.
 *
 * <p>Owns no state but the socket. Each call runs on a virtual thread of its own; Netty's event
 * loops only move bytes.
 */
package dev.molo.cri;
