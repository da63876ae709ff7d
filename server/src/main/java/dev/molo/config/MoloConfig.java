package dev.molo.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Everything the daemon was told, with defaults filled in. Immutable.
 *
 * @param configDir where config.yaml and config.d lie; need not exist
 */
public record MoloConfig(
    @Key("The daemon's name; see “Instances”. Flag `--instance`.") Instance instance,
    @Key(
            value = "Images, pods and their writable layers. Flag `--root`.",
            derived = "`/var/lib/molo`, `/var/lib/molo-NAME`")
        Path root,
    @Key(
            value = "Sockets and exits; on a tmpfs. Flag `--run`.",
            derived = "`/run/molo`, `/run/molo-NAME`")
        Path run,
    Path configDir,
    GrpcConfig grpc,
    HttpConfig http,
    CgroupConfig cgroup,
    NetworkConfig network,
    ImagesConfig images,
    RegistryConfig registry,
    PolicyConfig policy,
    MountsConfig mounts,
    ExecConfig exec,
    TimeoutsConfig timeouts,
    @Key(
            "Resource limits of containers, as `nofile: \"1024:524288\"` (soft:hard, or one number;"
                + " `unlimited`). What is not named is inherited from the daemon,"
                + " but `nofile`: 1048576, or what the daemon itself may have.")
        Map<String, String> rlimits) {
  /** Where configuration is looked for unless a flag says otherwise. */
  public static final Path CONFIG_DIR = Path.of("/etc/molo");

  private static final long MIB = 1L << 20;

  public MoloConfig {
    rlimits = Map.copyOf(rlimits);
  }

  /** What holds when no file and no flag says anything else. */
  public static MoloConfig defaults(Instance instance) {
    return defaults(instance, instance.root(), instance.run(), CONFIG_DIR);
  }

  /** The same for an instance whose folders lie elsewhere. */
  public static MoloConfig defaults(Instance instance, Path root, Path run, Path configDir) {
    return new MoloConfig(
        instance,
        root,
        run,
        configDir,
        new GrpcConfig(run.resolve("molo.sock"), 4 * MIB),
        new HttpConfig(true, "127.0.0.1", instance.isDefault() ? 7780 : 0),
        new CgroupConfig(
            unifiedMount(),
            instance.cgroupRoot(),
            CgroupConfig.Driver.CGROUPFS,
            CgroupConfig.MissingControllers.REFUSE),
        new NetworkConfig(instance.bridge(), instance.subnets(), 0, true),
        new ImagesConfig(
            List.of(configDir.resolve("certs.d")), false, List.of(), 4, 32L << 30, 2_000_000, 2000),
        new RegistryConfig(
            List.of(), List.of(), Duration.ofSeconds(15), Duration.ofSeconds(30), 4096, 4, 4),
        new PolicyConfig(
            List.of(), List.of(), configDir.resolve("verifiers"), 10, Duration.ofSeconds(10)),
        new MountsConfig(true, 64 * MIB),
        new ExecConfig(16 * MIB, 256 * MIB, Duration.ofSeconds(1)),
        new TimeoutsConfig(Duration.ofMinutes(2), Duration.ofMinutes(1), Duration.ofSeconds(1)),
        Map.of());
  }

  /** The socket of the HTTP interface with verbs, for root. */
  public Path apiSocket() {
    return run.resolve("api.sock");
  }

  /** Where the HTTP server writes the address it listens on. */
  public Path httpAddressFile() {
    return run.resolve("http.address");
  }

  /** A hybrid host (v1 controllers, a v2 mount beside them) has it one level below. */
  private static Path unifiedMount() {
    Path top = Path.of("/sys/fs/cgroup");
    Path beside = top.resolve("unified");
    boolean hybrid =
        !Files.exists(top.resolve("cgroup.controllers"))
            && Files.exists(beside.resolve("cgroup.controllers"));
    return hybrid ? beside : top;
  }
}
