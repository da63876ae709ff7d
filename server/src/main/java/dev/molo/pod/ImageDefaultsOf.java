package dev.molo.pod;

import com.google.protobuf.ByteString;
import dev.molo.image.ImageConfig;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageDefaults;
import java.util.List;

/**
 * Carries what an image says about its container to {@code launch}, which does not see images, and
 * to and from the container's record.
 */
final class ImageDefaultsOf {
  private ImageDefaultsOf() {}

  static ImageDefaults image(ImageConfig config) {
    List<EnvVar> environment =
        config.environment().stream().map(ImageDefaultsOf::assignment).toList();
    return new ImageDefaults(
        config.entrypoint(),
        config.command(),
        environment,
        config.user(),
        config.workingDirectory(),
        config.stopSignal(),
        config.volumes());
  }

  /** An entry without "=" is a name with an empty value, as other runtimes read it. */
  private static EnvVar assignment(String entry) {
    int equals = entry.indexOf('=');
    return equals < 0
        ? EnvVar.of(entry, "")
        : EnvVar.of(entry.substring(0, equals), entry.substring(equals + 1));
  }

  /** As the container's record keeps it. */
  static dev.molo.state.proto.ImageDefaults record(ImageDefaults defaults) {
    var record =
        dev.molo.state.proto.ImageDefaults.newBuilder()
            .addAllEntrypoint(defaults.entrypoint())
            .addAllCommand(defaults.command())
            .setUser(defaults.user())
            .setWorkingDir(defaults.workingDir())
            .setStopSignal(defaults.stopSignal())
            .addAllVolumes(defaults.volumes());
    for (EnvVar env : defaults.envs()) {
      record.addEnvs(
          dev.molo.state.proto.EnvVar.newBuilder()
              .setName(env.name())
              .setValue(ByteString.copyFrom(env.value())));
    }
    return record.build();
  }

  /** From a container's record. */
  static ImageDefaults of(dev.molo.state.proto.ImageDefaults record) {
    return new ImageDefaults(
        record.getEntrypointList(),
        record.getCommandList(),
        record.getEnvsList().stream()
            .map(env -> new EnvVar(env.getName(), env.getValue().toByteArray()))
            .toList(),
        record.getUser(),
        record.getWorkingDir(),
        record.getStopSignal(),
        record.getVolumesList());
  }
}
