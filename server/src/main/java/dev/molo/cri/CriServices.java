package dev.molo.cri;

import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.image.Images;
import dev.molo.pod.PodRuntime;
import io.grpc.ServerServiceDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Both services of CRI with every call bound to its class. This is the list of what molo serves:
 * what it does not, it names.
 */
final class CriServices {
  /** Two of the largest ExecSync answers at a time, others wait. */
  private static final int SEND_BYTES = 32 << 20;

  private static final Duration SEND_PATIENCE = Duration.ofMinutes(1);
  private static final Duration REQUEST_PATIENCE = Duration.ofSeconds(20);

  private final PodRuntime runtime;
  private final Images images;
  private final CriFacts facts;
  private final PodNetworks networks;
  private final RequestFields fields = RequestFields.load();
  private final LargeRequests large = new LargeRequests(REQUEST_PATIENCE);
  private final SendBudget sending = new SendBudget(SEND_BYTES, SEND_PATIENCE);

  CriServices(PodRuntime runtime, Images images, CriFacts facts, PodNetworks networks) {
    this.runtime = runtime;
    this.images = images;
    this.facts = facts;
    this.networks = networks;
  }

  List<ServerServiceDefinition> definitions() {
    return List.of(runtimeService().build(), imageService().build());
  }

  /** What is missing for the calls that are not built, by the call's full name. */
  Map<String, String> notBuilt() {
    return runtimeService().notBuilt();
  }

  private ServiceBinding runtimeService() {
    ServiceBinding service =
        new ServiceBinding(RuntimeServiceGrpc.getServiceDescriptor(), fields, large);
    bindSandboxes(service);
    bindContainers(service);
    bindStreaming(service);
    bindStats(service);
    bindRuntime(service);
    bindCheckpoints(service);
    return service;
  }

  private void bindSandboxes(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getRunPodSandboxMethod(), new RunPodSandboxCall(runtime, facts))
        .unary(RuntimeServiceGrpc.getStopPodSandboxMethod(), new StopPodSandboxCall(runtime))
        .unary(RuntimeServiceGrpc.getRemovePodSandboxMethod(), new RemovePodSandboxCall(runtime))
        .unary(RuntimeServiceGrpc.getPodSandboxStatusMethod(), new PodSandboxStatusCall(runtime))
        .unary(RuntimeServiceGrpc.getListPodSandboxMethod(), new ListPodSandboxCall(runtime))
        .streaming(
            RuntimeServiceGrpc.getStreamPodSandboxesMethod(), new StreamPodSandboxesCall(runtime))
        .notBuilt(RuntimeServiceGrpc.getUpdatePodSandboxResourcesMethod(), "resizing of pods is");
  }

  private void bindContainers(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getCreateContainerMethod(), new CreateContainerCall(runtime))
        .unary(RuntimeServiceGrpc.getStartContainerMethod(), new StartContainerCall(runtime))
        .unary(RuntimeServiceGrpc.getStopContainerMethod(), new StopContainerCall(runtime))
        .unary(RuntimeServiceGrpc.getRemoveContainerMethod(), new RemoveContainerCall(runtime))
        .unary(RuntimeServiceGrpc.getListContainersMethod(), new ListContainersCall(runtime))
        .streaming(
            RuntimeServiceGrpc.getStreamContainersMethod(), new StreamContainersCall(runtime))
        .unary(
            RuntimeServiceGrpc.getContainerStatusMethod(), new ContainerStatusCall(runtime, images))
        .unary(
            RuntimeServiceGrpc.getUpdateContainerResourcesMethod(),
            new UpdateContainerResourcesCall(runtime))
        .unary(
            RuntimeServiceGrpc.getReopenContainerLogMethod(), new ReopenContainerLogCall(runtime));
  }

  private void bindStreaming(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getExecSyncMethod(), new ExecSyncCall(runtime, sending))
        .notBuilt(RuntimeServiceGrpc.getExecMethod(), "the streaming server (use ExecSync) is")
        .notBuilt(RuntimeServiceGrpc.getAttachMethod(), "the streaming server is")
        .notBuilt(RuntimeServiceGrpc.getPortForwardMethod(), "the streaming server is");
  }

  private void bindStats(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getContainerStatsMethod(), new ContainerStatsCall(runtime))
        .unary(
            RuntimeServiceGrpc.getListContainerStatsMethod(), new ListContainerStatsCall(runtime))
        .streaming(
            RuntimeServiceGrpc.getStreamContainerStatsMethod(),
            new StreamContainerStatsCall(runtime))
        .notBuilt(RuntimeServiceGrpc.getPodSandboxStatsMethod(), "statistics of whole pods are")
        .notBuilt(RuntimeServiceGrpc.getListPodSandboxStatsMethod(), "statistics of whole pods are")
        .notBuilt(
            RuntimeServiceGrpc.getStreamPodSandboxStatsMethod(), "statistics of whole pods are")
        .notBuilt(RuntimeServiceGrpc.getListMetricDescriptorsMethod(), "metrics over CRI are")
        .notBuilt(RuntimeServiceGrpc.getListPodSandboxMetricsMethod(), "metrics over CRI are")
        .notBuilt(RuntimeServiceGrpc.getStreamPodSandboxMetricsMethod(), "metrics over CRI are");
  }

  private void bindRuntime(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getVersionMethod(), new VersionCall(facts))
        .unary(RuntimeServiceGrpc.getStatusMethod(), new StatusCall(runtime, facts))
        .unary(RuntimeServiceGrpc.getRuntimeConfigMethod(), new RuntimeConfigCall(facts))
        .unary(
            RuntimeServiceGrpc.getUpdateRuntimeConfigMethod(),
            new UpdateRuntimeConfigCall(networks))
        .notBuilt(
            RuntimeServiceGrpc.getGetContainerEventsMethod(), "the stream of container events is");
  }

  private void bindCheckpoints(ServiceBinding service) {
    service
        .notBuilt(RuntimeServiceGrpc.getCheckpointContainerMethod(), "checkpoints are")
        .notBuilt(RuntimeServiceGrpc.getCheckpointPodMethod(), "checkpoints are")
        .notBuilt(RuntimeServiceGrpc.getRestorePodMethod(), "checkpoints are");
  }

  private ServiceBinding imageService() {
    return new ServiceBinding(ImageServiceGrpc.getServiceDescriptor(), fields, large)
        .unary(ImageServiceGrpc.getListImagesMethod(), new ListImagesCall(images))
        .streaming(ImageServiceGrpc.getStreamImagesMethod(), new StreamImagesCall(images))
        .unary(ImageServiceGrpc.getImageStatusMethod(), new ImageStatusCall(images))
        .unary(ImageServiceGrpc.getPullImageMethod(), new PullImageCall(images))
        .unary(ImageServiceGrpc.getRemoveImageMethod(), new RemoveImageCall(images))
        .unary(ImageServiceGrpc.getImageFsInfoMethod(), new ImageFsInfoCall(images));
  }
}
