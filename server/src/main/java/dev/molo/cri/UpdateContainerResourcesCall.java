package dev.molo.cri;

import dev.molo.cri.v1.UpdateContainerResourcesRequest;
import dev.molo.cri.v1.UpdateContainerResourcesResponse;
import dev.molo.pod.PodRuntime;

/** UpdateContainerResources: changes limits, all or none. */
record UpdateContainerResourcesCall(PodRuntime runtime)
    implements UnaryCall<UpdateContainerResourcesRequest, UpdateContainerResourcesResponse> {
  @Override
  public UpdateContainerResourcesResponse answer(
      UpdateContainerResourcesRequest request, Caller caller) {
    runtime.updateContainerResources(
        request.getContainerId(), ResourcesMapping.resources(request.getLinux()));
    return UpdateContainerResourcesResponse.getDefaultInstance();
  }
}
