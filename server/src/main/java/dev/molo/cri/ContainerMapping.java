package dev.molo.cri;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.Device;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.KeyValue;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerMetadata;
import dev.molo.spec.ContainerSecurity;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.DeviceSpec;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageRequest;
import dev.molo.spec.MountSpec;
import dev.molo.spec.SecurityProfile;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** A CreateContainer request's configuration, checked by {@link RequestFields}, as the domain's. */
final class ContainerMapping {
  private static final String SECURITY = "config.linux.security_context";

  private ContainerMapping() {}

  static ContainerSpec spec(ContainerConfig config) {
    return new ContainerSpec(
        new ContainerMetadata(config.getMetadata().getName(), config.getMetadata().getAttempt()),
        image(config.getImage()),
        config.getCommandList(),
        config.getArgsList(),
        config.getWorkingDir(),
        config.getEnvsList().stream().map(ContainerMapping::variable).toList(),
        mounts(config.getMountsList()),
        config.getDevicesList().stream().map(ContainerMapping::device).toList(),
        config.getLabelsMap(),
        config.getAnnotationsMap(),
        config.getLogPath(),
        config.getStdin(),
        config.getStdinOnce(),
        config.getTty(),
        ResourcesMapping.resources(config.getLinux().getResources()),
        security(config.getLinux().getSecurityContext()),
        SignalNames.name(config.getStopSignal()));
  }

  static ImageRequest image(ImageSpec image) {
    return new ImageRequest(
        image.getImage(),
        image.getUserSpecifiedImage(),
        image.getAnnotationsMap(),
        image.getRuntimeHandler());
  }

  private static EnvVar variable(KeyValue variable) {
    return new EnvVar(variable.getKey(), variable.getValue().toByteArray());
  }

  private static DeviceSpec device(Device device) {
    return new DeviceSpec(device.getContainerPath(), device.getHostPath(), device.getPermissions());
  }

  private static List<MountSpec> mounts(List<Mount> mounts) {
    return IntStream.range(0, mounts.size())
        .mapToObj(i -> mount(mounts.get(i), "config.mounts[" + i + "]"))
        .toList();
  }

  private static MountSpec mount(Mount mount, String at) {
    boolean hasImage = !mount.getImage().getImage().isEmpty();
    if (hasImage && !mount.getHostPath().isEmpty()) {
      throw FaultException.invalid("%s has both host_path and image", at);
    }
    if (!hasImage && mount.getHostPath().isEmpty()) {
      throw FaultException.invalid("%s.host_path is empty and there is no image either", at);
    }
    if (!hasImage && !mount.getImageSubPath().isEmpty()) {
      throw FaultException.invalid("%s.image_sub_path is given without an image", at);
    }
    if (mount.getRecursiveReadOnly()
        && (!mount.getReadonly()
            || mount.getPropagation() != MountPropagation.PROPAGATION_PRIVATE)) {
      throw FaultException.invalid(
          "%s.recursive_read_only needs readonly and PROPAGATION_PRIVATE", at);
    }
    return new MountSpec(
        mount.getContainerPath(),
        mount.getHostPath(),
        mount.getReadonly(),
        mount.getRecursiveReadOnly(),
        mount.getSelinuxRelabel(),
        propagation(mount.getPropagation()),
        SecurityMapping.mappings(mount.getUidMappingsList(), at + ".uidMappings"),
        SecurityMapping.mappings(mount.getGidMappingsList(), at + ".gidMappings"),
        hasImage ? Optional.of(image(mount.getImage())) : Optional.empty(),
        mount.getImageSubPath(),
        mount.getMountOptionsList());
  }

  private static MountSpec.Propagation propagation(MountPropagation propagation) {
    return switch (propagation) {
      case PROPAGATION_PRIVATE -> MountSpec.Propagation.PRIVATE;
      case PROPAGATION_HOST_TO_CONTAINER -> MountSpec.Propagation.HOST_TO_CONTAINER;
      case PROPAGATION_BIDIRECTIONAL -> MountSpec.Propagation.BIDIRECTIONAL;
      case UNRECOGNIZED -> throw FaultException.invalid("unknown MountPropagation");
    };
  }

  // clients older than the fields of today fill the deprecated ones
  @SuppressWarnings("deprecation")
  private static ContainerSecurity security(LinuxContainerSecurityContext context) {
    boolean named = !context.getRunAsUsername().isEmpty();
    if (named && context.hasRunAsUser()) {
      throw FaultException.invalid("%s has both run_as_user and run_as_username", SECURITY);
    }
    SecurityMapping.refuseGroupWithoutUser(
        context.hasRunAsGroup(), context.hasRunAsUser() || named, SECURITY);
    return new ContainerSecurity(
        SecurityMapping.capabilities(context.getCapabilities()),
        context.getPrivileged(),
        SecurityMapping.namespaces(context.getNamespaceOptions(), SECURITY + ".namespace_options"),
        SecurityMapping.number(context.hasRunAsUser(), context.getRunAsUser()),
        SecurityMapping.number(context.hasRunAsGroup(), context.getRunAsGroup()),
        context.getRunAsUsername(),
        context.getReadonlyRootfs(),
        context.getSupplementalGroupsList(),
        SecurityMapping.policy(context.getSupplementalGroupsPolicy()),
        context.getNoNewPrivs(),
        context.getMaskedPathsList(),
        context.getReadonlyPathsList(),
        SecurityMapping.profile(
            context.hasSeccomp(),
            context.getSeccomp(),
            context.getSeccompProfilePath(),
            SecurityProfile.UNCONFINED,
            SECURITY + ".seccomp"),
        SecurityMapping.profile(
            context.hasApparmor(),
            context.getApparmor(),
            context.getApparmorProfile(),
            SecurityProfile.RUNTIME_DEFAULT,
            SECURITY + ".apparmor"),
        SecurityMapping.selinux(context.getSelinuxOptions()));
  }
}
