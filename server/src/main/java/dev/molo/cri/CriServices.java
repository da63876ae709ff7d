package dev.molo.cri;

import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.image.Images;
import dev.molo.pod.PodRuntime;
import io.grpc.ServerServiceDefinition;
import java.time.Duration;
import java.util.List;

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
    return List.of(runtimeService(), imageService());
  }

  private ServerServiceDefinition runtimeService() {
    ServiceBinding service =
        new ServiceBinding(RuntimeServiceGrpc.getServiceDescriptor(), fields, large);
    bindSandboxes(service);
    bindContainers(service);
    bindStreaming(service);
    bindStats(service);
    bindRuntime(service);
    bindCheckpoints(service);
    return service.build();
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
        .unary(
            RuntimeServiceGrpc.getUpdatePodSandboxResourcesMethod(),
            new NotBuilt<>("UpdatePodSandboxResources", "resizing of pods is"));
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
        .unary(
            RuntimeServiceGrpc.getExecMethod(),
            new NotBuilt<>("Exec", "the streaming server (use ExecSync) is"))
        .unary(
            RuntimeServiceGrpc.getAttachMethod(),
            new NotBuilt<>("Attach", "the streaming server is"))
        .unary(
            RuntimeServiceGrpc.getPortForwardMethod(),
            new NotBuilt<>("PortForward", "the streaming server is"));
  }

  private void bindStats(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getContainerStatsMethod(), new ContainerStatsCall(runtime))
        .unary(
            RuntimeServiceGrpc.getListContainerStatsMethod(), new ListContainerStatsCall(runtime))
        .streaming(
            RuntimeServiceGrpc.getStreamContainerStatsMethod(),
            new StreamContainerStatsCall(runtime))
        .unary(
            RuntimeServiceGrpc.getPodSandboxStatsMethod(),
            new NotBuilt<>("PodSandboxStats", "statistics of whole pods are"))
        .unary(
            RuntimeServiceGrpc.getListPodSandboxStatsMethod(),
            new NotBuilt<>("ListPodSandboxStats", "statistics of whole pods are"))
        .streaming(
            RuntimeServiceGrpc.getStreamPodSandboxStatsMethod(),
            new NotBuilt<>("StreamPodSandboxStats", "statistics of whole pods are"))
        .unary(
            RuntimeServiceGrpc.getListMetricDescriptorsMethod(),
            new NotBuilt<>("ListMetricDescriptors", "metrics over CRI are"))
        .unary(
            RuntimeServiceGrpc.getListPodSandboxMetricsMethod(),
            new NotBuilt<>("ListPodSandboxMetrics", "metrics over CRI are"))
        .streaming(
            RuntimeServiceGrpc.getStreamPodSandboxMetricsMethod(),
            new NotBuilt<>("StreamPodSandboxMetrics", "metrics over CRI are"));
  }

  private void bindRuntime(ServiceBinding service) {
    service
        .unary(RuntimeServiceGrpc.getVersionMethod(), new VersionCall(facts))
        .unary(RuntimeServiceGrpc.getStatusMethod(), new StatusCall(runtime, facts))
        .unary(RuntimeServiceGrpc.getRuntimeConfigMethod(), new RuntimeConfigCall(facts))
        .unary(
            RuntimeServiceGrpc.getUpdateRuntimeConfigMethod(),
            new UpdateRuntimeConfigCall(networks))
        .streaming(
            RuntimeServiceGrpc.getGetContainerEventsMethod(),
            new NotBuilt<>("GetContainerEvents", "the stream of container events is"));
  }

  private void bindCheckpoints(ServiceBinding service) {
    service
        .unary(
            RuntimeServiceGrpc.getCheckpointContainerMethod(),
            new NotBuilt<>("CheckpointContainer", "checkpoints are"))
        .unary(
            RuntimeServiceGrpc.getCheckpointPodMethod(),
            new NotBuilt<>("CheckpointPod", "checkpoints are"))
        .unary(
            RuntimeServiceGrpc.getRestorePodMethod(),
            new NotBuilt<>("RestorePod", "checkpoints are"));
  }

  private ServerServiceDefinition imageService() {
    return new ServiceBinding(ImageServiceGrpc.getServiceDescriptor(), fields, large)
        .unary(ImageServiceGrpc.getListImagesMethod(), new ListImagesCall(images))
        .streaming(ImageServiceGrpc.getStreamImagesMethod(), new StreamImagesCall(images))
        .unary(ImageServiceGrpc.getImageStatusMethod(), new ImageStatusCall(images))
        .unary(ImageServiceGrpc.getPullImageMethod(), new PullImageCall(images))
        .unary(ImageServiceGrpc.getRemoveImageMethod(), new RemoveImageCall(images))
        .unary(ImageServiceGrpc.getImageFsInfoMethod(), new ImageFsInfoCall(images))
        .build();
  }
}
