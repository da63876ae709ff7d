package dev.molo.cri;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.fault.FaultException;
import dev.molo.pod.RequestCodec;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.SandboxSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * The canonical bytes of a request, and back. They are the request itself in protobuf's binary form
 * with maps in the order of their keys: equal requests have equal bytes, so the domain can tell a
 * retry by comparing them, keep them as its record, and read them again at recovery.
 *
 * <p>Of CreateContainer only the configuration is kept: the pod's id may be spelled in several
 * ways, and the copy of the pod's configuration is not read.
 */
public final class CanonicalRequests implements RequestCodec {

  /** The bytes of a RunPodSandbox request. */
  static byte[] of(RunPodSandboxRequest request) {
    return deterministic(request);
  }

  /** The bytes of a CreateContainer request. */
  static byte[] of(CreateContainerRequest request) {
    return deterministic(request.toBuilder().clearPodSandboxId().clearSandboxConfig().build());
  }

  private static byte[] deterministic(Message message) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException("an array of the right size cannot fail", e);
    }
    out.checkNoSpaceLeft();
    return bytes;
  }

  @Override
  public SandboxSpec sandbox(byte[] canonical) {
    return SandboxMapping.spec(sandboxRequest(canonical));
  }

  @Override
  public ContainerSpec container(byte[] canonical) {
    return ContainerMapping.spec(containerRequest(canonical).getConfig());
  }

  @Override
  public String sandboxDifference(byte[] held, byte[] asked) {
    return difference(sandboxRequest(held), sandboxRequest(asked), "").orElse("config");
  }

  @Override
  public String containerDifference(byte[] held, byte[] asked) {
    return difference(containerRequest(held), containerRequest(asked), "").orElse("config");
  }

  private static RunPodSandboxRequest sandboxRequest(byte[] canonical) {
    try {
      return RunPodSandboxRequest.parseFrom(canonical);
    } catch (InvalidProtocolBufferException e) {
      throw unreadable("RunPodSandbox", canonical, e);
    }
  }

  private static CreateContainerRequest containerRequest(byte[] canonical) {
    try {
      return CreateContainerRequest.parseFrom(canonical);
    } catch (InvalidProtocolBufferException e) {
      throw unreadable("CreateContainer", canonical, e);
    }
  }

  private static FaultException unreadable(
      String what, byte[] canonical, InvalidProtocolBufferException cause) {
    return new FaultException(
        dev.molo.fault.Fault.INVALID_ARGUMENT,
        "%d recorded bytes are no %s request: %s"
            .formatted(canonical.length, what, cause.getMessage()),
        cause);
  }

  /** The path of the first field, in the order of the definition, that differs. */
  private static Optional<String> difference(Message held, Message asked, String path) {
    for (FieldDescriptor field : held.getDescriptorForType().getFields()) {
      Object before = held.getField(field);
      Object now = asked.getField(field);
      boolean presenceDiffers =
          field.hasPresence() && held.hasField(field) != asked.hasField(field);
      if (before.equals(now) && !presenceDiffers) {
        continue;
      }
      String at = path.isEmpty() ? field.getName() : path + "." + field.getName();
      boolean descend = !field.isRepeated() && field.getJavaType() == JavaType.MESSAGE;
      return descend
          ? Optional.of(difference((Message) before, (Message) now, at).orElse(at))
          : Optional.of(at);
    }
    return Optional.empty();
  }
}
