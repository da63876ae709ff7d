package dev.molo.cri;

import dev.molo.cri.v1.StreamContainersRequest;
import dev.molo.cri.v1.StreamContainersResponse;
import dev.molo.pod.PodRuntime;
import java.util.Iterator;

/** StreamContainers: ListContainers in portions. */
record StreamContainersCall(PodRuntime runtime)
    implements StreamingCall<StreamContainersRequest, StreamContainersResponse> {
  @Override
  public Iterator<StreamContainersResponse> portions(
      StreamContainersRequest request, Caller caller) {
    return new Portions<>(
        Selection.containers(runtime.containers(), request.getFilter()),
        ContainerMessages::brief,
        items -> StreamContainersResponse.newBuilder().addAllContainers(items).build());
  }
}
