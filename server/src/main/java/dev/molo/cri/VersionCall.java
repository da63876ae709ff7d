package dev.molo.cri;

import dev.molo.cri.v1.VersionRequest;
import dev.molo.cri.v1.VersionResponse;

/** Version: answers at any time, during recovery too. */
record VersionCall(CriFacts facts) implements UnaryCall<VersionRequest, VersionResponse> {
  private static final String KUBELET_API_VERSION = "0.1.0";
  private static final String RUNTIME_NAME = "molo";
  private static final String API_VERSION = "v1";

  @Override
  public VersionResponse answer(VersionRequest request, Caller caller) {
    return VersionResponse.newBuilder()
        .setVersion(KUBELET_API_VERSION)
        .setRuntimeName(RUNTIME_NAME)
        .setRuntimeVersion(facts.version())
        .setRuntimeApiVersion(API_VERSION)
        .build();
  }
}
