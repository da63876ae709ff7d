package dev.molo.app.cli;

import dev.molo.cri.v1.Container;
import dev.molo.cri.v1.ContainerFilter;
import dev.molo.cri.v1.ContainerState;
import dev.molo.cri.v1.ListContainersRequest;
import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.StopContainerRequest;
import dev.molo.cri.v1.StopPodSandboxRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Takes a pod down as a kubelet does: its containers together, then the sandbox. */
final class PodRemoval {
  private final CriClient client;

  PodRemoval(CriClient client) {
    this.client = client;
  }

  /**
   * Stops and removes.
   *
   * @param graceSeconds how long its containers have to end
   */
  void remove(String sandboxId, long graceSeconds) {
    stopContainers(sandboxId, graceSeconds);
    var _ =
        client
            .runtime()
            .stopPodSandbox(StopPodSandboxRequest.newBuilder().setPodSandboxId(sandboxId).build());
    var _ =
        client
            .runtime()
            .removePodSandbox(
                RemovePodSandboxRequest.newBuilder().setPodSandboxId(sandboxId).build());
  }

  private void stopContainers(String sandboxId, long graceSeconds) {
    List<Container> running =
        client
            .runtime()
            .listContainers(
                ListContainersRequest.newBuilder()
                    .setFilter(ContainerFilter.newBuilder().setPodSandboxId(sandboxId))
                    .build())
            .getContainersList()
            .stream()
            .filter(c -> c.getState() == ContainerState.CONTAINER_RUNNING)
            .toList();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<CompletableFuture<Void>> stops =
          running.stream()
              .map(c -> CompletableFuture.runAsync(() -> stop(c, graceSeconds), threads))
              .toList();
      stops.forEach(CompletableFuture::join);
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void stop(Container container, long graceSeconds) {
    var _ =
        client
            .runtime(graceSeconds)
            .stopContainer(
                StopContainerRequest.newBuilder()
                    .setContainerId(container.getId())
                    .setTimeout(graceSeconds)
                    .build());
  }
}
