package dev.molo.spec;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A container as asked for (CRI ContainerConfig), defaults filled in, before the image's
 * configuration is merged into it.
 *
 * @param command replaces the image's entrypoint (and command) unless empty
 * @param args replaces the image's command unless empty
 * @param workingDir empty: the image's
 * @param logPath relative to the sandbox's log directory; empty: no log
 * @param stopSignal as SIGTERM, 15 or RTMIN+3; absent: the image's, else SIGTERM
 */
public record ContainerSpec(
    ContainerMetadata metadata,
    ImageRequest image,
    List<String> command,
    List<String> args,
    String workingDir,
    List<EnvVar> envs,
    List<MountSpec> mounts,
    List<DeviceSpec> devices,
    Map<String, String> labels,
    Map<String, String> annotations,
    String logPath,
    boolean stdin,
    boolean stdinOnce,
    boolean tty,
    Resources resources,
    ContainerSecurity security,
    Optional<String> stopSignal) {
  public ContainerSpec {
    command = List.copyOf(command);
    args = List.copyOf(args);
    envs = List.copyOf(envs);
    mounts = List.copyOf(mounts);
    devices = List.copyOf(devices);
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** The same with other limits. */
  public ContainerSpec withResources(Resources changed) {
    return new ContainerSpec(
        metadata,
        image,
        command,
        args,
        workingDir,
        envs,
        mounts,
        devices,
        labels,
        annotations,
        logPath,
        stdin,
        stdinOnce,
        tty,
        changed,
        security,
        stopSignal);
  }
}
