package dev.molo.app.cli;

import com.google.protobuf.ByteString;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.ContainerStatsRequest;
import dev.molo.cri.v1.ContainerStatusRequest;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.ExecSyncRequest;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.ListContainerStatsRequest;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.PodSandboxStatusRequest;
import dev.molo.cri.v1.RemoveContainerRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.StartContainerRequest;
import dev.molo.cri.v1.StopContainerRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A pod with a container, as a kubelet would ask for it, lived through once from its making to its
 * removal. The container's programs are the build host's.
 */
final class TrainingPod {
  private static final SecurityProfile CONFINED =
      SecurityProfile.newBuilder()
          .setProfileType(SecurityProfile.ProfileType.RuntimeDefault)
          .build();

  private final CriClient client;
  private final PodSandboxConfig pod;

  /**
   * @param logs a folder for the container's log
   */
  TrainingPod(CriClient client, Path logs) {
    this.client = client;
    this.pod =
        PodSandboxConfig.newBuilder()
            .setMetadata(
                PodSandboxMetadata.newBuilder()
                    .setName("train")
                    .setNamespace("train")
                    .setUid("train"))
            .setHostname("train")
            .setLogDirectory(logs.toString())
            .setDnsConfig(DNSConfig.newBuilder().addServers("127.0.0.1"))
            .putLabels("app", "train")
            .setLinux(LinuxPodSandboxConfig.getDefaultInstance())
            .build();
  }

  /** Lives. */
  void live(String image) {
    String sandbox =
        client
            .runtime()
            .runPodSandbox(RunPodSandboxRequest.newBuilder().setConfig(pod).build())
            .getPodSandboxId();
    try {
      container(sandbox, image);
      var _ =
          client
              .runtime()
              .podSandboxStatus(
                  PodSandboxStatusRequest.newBuilder().setPodSandboxId(sandbox).build());
    } finally {
      new PodRemoval(client).remove(sandbox, 0);
    }
  }

  private void container(String sandbox, String image) {
    var runtime = client.runtime();
    String id =
        runtime
            .createContainer(
                CreateContainerRequest.newBuilder()
                    .setPodSandboxId(sandbox)
                    .setSandboxConfig(pod)
                    .setConfig(config(image))
                    .build())
            .getContainerId();
    var _ = runtime.startContainer(StartContainerRequest.newBuilder().setContainerId(id).build());
    var _ = runtime.containerStatus(ContainerStatusRequest.newBuilder().setContainerId(id).build());
    ByteString said =
        runtime
            .execSync(
                ExecSyncRequest.newBuilder()
                    .setContainerId(id)
                    .addAllCmd(List.of("/bin/echo", "trained"))
                    .setTimeout(10)
                    .build())
            .getStdout();
    System.err.print("train: a container says " + said.toStringUtf8());
    var _ = runtime.containerStats(ContainerStatsRequest.newBuilder().setContainerId(id).build());
    var _ = runtime.listContainerStats(ListContainerStatsRequest.getDefaultInstance());
    var _ =
        runtime.stopContainer(
            StopContainerRequest.newBuilder().setContainerId(id).setTimeout(10).build());
    var _ = runtime.removeContainer(RemoveContainerRequest.newBuilder().setContainerId(id).build());
  }

  private static ContainerConfig config(String image) {
    return ContainerConfig.newBuilder()
        .setMetadata(ContainerMetadata.newBuilder().setName("train"))
        .setImage(ImageSpec.newBuilder().setImage(image))
        // ends at once on the signal to stop, which the first process of a namespace has to ask for
        .addAllCommand(List.of("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"))
        .addAllMounts(
            Stream.of("/bin", "/lib", "/lib64", "/usr")
                .filter(path -> Files.exists(Path.of(path)))
                .map(TrainingPod::bound)
                .toList())
        .setLogPath("train.log")
        .setLinux(
            LinuxContainerConfig.newBuilder()
                .setSecurityContext(
                    LinuxContainerSecurityContext.newBuilder()
                        .setSeccomp(CONFINED)
                        .addMaskedPaths("/proc/kcore")
                        .addReadonlyPaths("/proc/sys")))
        .build();
  }

  private static Mount bound(String path) {
    return Mount.newBuilder().setHostPath(path).setContainerPath(path).setReadonly(true).build();
  }
}
