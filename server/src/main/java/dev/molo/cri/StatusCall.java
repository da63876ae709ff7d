package dev.molo.cri;

import dev.molo.cri.v1.RuntimeFeatures;
import dev.molo.cri.v1.RuntimeHandler;
import dev.molo.cri.v1.RuntimeHandlerFeatures;
import dev.molo.cri.v1.RuntimeStatus;
import dev.molo.cri.v1.StatusRequest;
import dev.molo.cri.v1.StatusResponse;
import dev.molo.pod.PodRuntime;
import dev.molo.pod.RuntimeCondition;

/** Status: health, handlers, features. */
record StatusCall(PodRuntime runtime, CriFacts facts)
    implements UnaryCall<StatusRequest, StatusResponse> {
  @Override
  public StatusResponse answer(StatusRequest request, Caller caller) {
    RuntimeCondition now = runtime.condition();
    StatusResponse.Builder response =
        StatusResponse.newBuilder()
            .setStatus(
                RuntimeStatus.newBuilder()
                    .addConditions(
                        condition(
                            "RuntimeReady",
                            now.runtimeReady(),
                            now.runtimeReason(),
                            now.runtimeMessage()))
                    .addConditions(
                        condition(
                            "NetworkReady",
                            now.networkReady(),
                            now.networkReason(),
                            now.networkMessage())))
            .setFeatures(
                RuntimeFeatures.newBuilder()
                    .setSupplementalGroupsPolicy(true)
                    .setUserNamespacesHostNetwork(facts.userNamespacesOnHostNetwork())
                    .setMountOptions(facts.mountOptions()));
    facts
        .handlers()
        .forEach((name, features) -> response.addRuntimeHandlers(handler(name, features)));
    if (request.getVerbose()) {
      response.putAllInfo(VerboseInfo.runtime(now, runtime.facts(), facts));
    }
    return response.build();
  }

  private static dev.molo.cri.v1.RuntimeCondition condition(
      String type, boolean well, String reason, String message) {
    return dev.molo.cri.v1.RuntimeCondition.newBuilder()
        .setType(type)
        .setStatus(well)
        .setReason(reason)
        .setMessage(message)
        .build();
  }

  private static RuntimeHandler handler(String name, CriFacts.HandlerFeatures features) {
    return RuntimeHandler.newBuilder()
        .setName(name)
        .setFeatures(
            RuntimeHandlerFeatures.newBuilder()
                .setRecursiveReadOnlyMounts(features.recursiveReadOnlyMounts())
                .setUserNamespaces(features.userNamespaces()))
        .build();
  }
}
