package dev.molo.cri;

import dev.molo.cri.v1.UpdateRuntimeConfigRequest;
import dev.molo.cri.v1.UpdateRuntimeConfigResponse;
import java.util.List;

/**
 * UpdateRuntimeConfig: what the kubelet learned after its start, the pod networks of the node. An
 * empty value changes nothing.
 */
record UpdateRuntimeConfigCall(PodNetworks networks)
    implements UnaryCall<UpdateRuntimeConfigRequest, UpdateRuntimeConfigResponse> {
  @Override
  public UpdateRuntimeConfigResponse answer(UpdateRuntimeConfigRequest request, Caller caller) {
    String cidrs = request.getRuntimeConfig().getNetworkConfig().getPodCidr();
    if (!cidrs.isEmpty()) {
      networks.assigned(List.of(cidrs.split(",", -1)));
    }
    return UpdateRuntimeConfigResponse.getDefaultInstance();
  }
}
