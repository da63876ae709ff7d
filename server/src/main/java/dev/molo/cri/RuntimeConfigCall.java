package dev.molo.cri;

import dev.molo.cri.v1.CgroupDriver;
import dev.molo.cri.v1.LinuxRuntimeConfiguration;
import dev.molo.cri.v1.RuntimeConfigRequest;
import dev.molo.cri.v1.RuntimeConfigResponse;

/** RuntimeConfig: the cgroup driver, so that the kubelet uses the same. */
record RuntimeConfigCall(CriFacts facts)
    implements UnaryCall<RuntimeConfigRequest, RuntimeConfigResponse> {
  @Override
  public RuntimeConfigResponse answer(RuntimeConfigRequest request, Caller caller) {
    CgroupDriver driver =
        switch (facts.cgroupDriver()) {
          case CGROUPFS -> CgroupDriver.CGROUPFS;
          case SYSTEMD -> CgroupDriver.SYSTEMD;
        };
    return RuntimeConfigResponse.newBuilder()
        .setLinux(LinuxRuntimeConfiguration.newBuilder().setCgroupDriver(driver))
        .build();
  }
}
