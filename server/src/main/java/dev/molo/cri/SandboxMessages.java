package dev.molo.cri;

import dev.molo.cri.v1.LinuxPodSandboxStatus;
import dev.molo.cri.v1.Namespace;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.PodIP;
import dev.molo.cri.v1.PodSandbox;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.PodSandboxNetworkStatus;
import dev.molo.cri.v1.PodSandboxState;
import dev.molo.cri.v1.PodSandboxStatus;
import dev.molo.cri.v1.UserNamespace;
import dev.molo.pod.SandboxSnapshot;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.Namespaces;
import dev.molo.spec.SandboxMetadata;
import dev.molo.spec.UserNamespace.IdMapping;
import java.util.List;

/** Sandboxes, from the domain to the wire. */
final class SandboxMessages {
  private SandboxMessages() {}

  static PodSandbox brief(SandboxSnapshot sandbox) {
    return PodSandbox.newBuilder()
        .setId(sandbox.id().value())
        .setMetadata(metadata(sandbox.spec().metadata()))
        .setState(state(sandbox.ready()))
        .setCreatedAt(sandbox.createdAt())
        .putAllLabels(sandbox.spec().labels())
        .putAllAnnotations(sandbox.spec().annotations())
        .setRuntimeHandler(sandbox.spec().runtimeHandler())
        .build();
  }

  static PodSandboxStatus status(SandboxSnapshot sandbox) {
    return PodSandboxStatus.newBuilder()
        .setId(sandbox.id().value())
        .setMetadata(metadata(sandbox.spec().metadata()))
        .setState(state(sandbox.ready()))
        .setCreatedAt(sandbox.createdAt())
        .setNetwork(network(sandbox.addresses()))
        .setLinux(
            LinuxPodSandboxStatus.newBuilder()
                .setNamespaces(
                    Namespace.newBuilder()
                        .setOptions(namespaces(sandbox.spec().security().namespaces()))))
        .putAllLabels(sandbox.spec().labels())
        .putAllAnnotations(sandbox.spec().annotations())
        .setRuntimeHandler(sandbox.spec().runtimeHandler())
        .build();
  }

  static PodSandboxMetadata metadata(SandboxMetadata metadata) {
    return PodSandboxMetadata.newBuilder()
        .setName(metadata.name())
        .setUid(metadata.uid())
        .setNamespace(metadata.namespace())
        .setAttempt(metadata.attempt())
        .build();
  }

  static PodSandboxState state(boolean ready) {
    return ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
  }

  private static PodSandboxNetworkStatus network(List<String> addresses) {
    PodSandboxNetworkStatus.Builder network = PodSandboxNetworkStatus.newBuilder();
    if (!addresses.isEmpty()) {
      network.setIp(addresses.getFirst());
      addresses.stream()
          .skip(1)
          .forEach(ip -> network.addAdditionalIps(PodIP.newBuilder().setIp(ip)));
    }
    return network.build();
  }

  private static NamespaceOption namespaces(Namespaces namespaces) {
    NamespaceOption.Builder option =
        NamespaceOption.newBuilder()
            .setNetwork(mode(namespaces.network()))
            .setPid(mode(namespaces.pid()))
            .setIpc(mode(namespaces.ipc()));
    namespaces.targetId().ifPresent(option::setTargetId);
    namespaces.user().ifPresent(user -> option.setUsernsOptions(userNamespace(user)));
    return option.build();
  }

  private static UserNamespace userNamespace(dev.molo.spec.UserNamespace user) {
    UserNamespace.Builder message = UserNamespace.newBuilder();
    user.uids().forEach(mapping -> message.addUids(mapping(mapping)));
    user.gids().forEach(mapping -> message.addGids(mapping(mapping)));
    return message.build();
  }

  static dev.molo.cri.v1.IDMapping mapping(IdMapping mapping) {
    return dev.molo.cri.v1.IDMapping.newBuilder()
        .setHostId((int) mapping.hostId())
        .setContainerId((int) mapping.containerId())
        .setLength((int) mapping.length())
        .build();
  }

  private static dev.molo.cri.v1.NamespaceMode mode(NamespaceMode mode) {
    return switch (mode) {
      case POD -> dev.molo.cri.v1.NamespaceMode.POD;
      case CONTAINER -> dev.molo.cri.v1.NamespaceMode.CONTAINER;
      case NODE -> dev.molo.cri.v1.NamespaceMode.NODE;
      case TARGET -> dev.molo.cri.v1.NamespaceMode.TARGET;
    };
  }
}
