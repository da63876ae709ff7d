package dev.molo.app.cli.manifest;

import dev.molo.cri.v1.SELinuxOption;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.Signal;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A Pod manifest with what a node without a kubelet can do about it. Immutable.
 *
 * @param hostname empty: the pod's name
 * @param graceSeconds how long its containers have to end
 * @param leftToKubelet the paths of fields that were accepted and do nothing here
 */
public record PodManifest(
    String name,
    String namespace,
    String uid,
    Map<String, String> labels,
    Map<String, String> annotations,
    String hostname,
    Sharing sharing,
    Dns dns,
    PodSecurity security,
    List<Volume> volumes,
    List<Container> initContainers,
    List<Container> containers,
    long graceSeconds,
    List<String> leftToKubelet) {
  public PodManifest {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
    volumes = List.copyOf(volumes);
    initContainers = List.copyOf(initContainers);
    containers = List.copyOf(containers);
    leftToKubelet = List.copyOf(leftToKubelet);
  }

  /** NAMESPACE/NAME. */
  public String fullName() {
    return namespace + "/" + name;
  }

  /** Which namespaces the pod shares with the host, and its containers with each other. */
  public record Sharing(boolean hostNetwork, boolean hostPid, boolean hostIpc, boolean processes) {}

  /**
   * What goes into resolv.conf.
   *
   * @param hostToo whether it is added to the host's own settings
   */
  public record Dns(
      boolean hostToo, List<String> servers, List<String> searches, List<String> options) {
    public Dns {
      servers = List.copyOf(servers);
      searches = List.copyOf(searches);
      options = List.copyOf(options);
    }

    boolean says() {
      return !servers.isEmpty() || !searches.isEmpty() || !options.isEmpty();
    }
  }

  /** What a pod and a container can both say of their processes; the container's word counts. */
  public record Identity(
      OptionalLong user,
      OptionalLong group,
      Optional<Boolean> nonRoot,
      Optional<SecurityProfile> seccomp,
      Optional<SecurityProfile> apparmor,
      Optional<SELinuxOption> selinux) {
    /** What is not said here is taken from {@code other}. */
    Identity or(Identity other) {
      return new Identity(
          user.isPresent() ? user : other.user,
          group.isPresent() ? group : other.group,
          nonRoot.or(other::nonRoot),
          seccomp.or(other::seccomp),
          apparmor.or(other::apparmor),
          selinux.or(other::selinux));
    }
  }

  /** The pod's securityContext. */
  public record PodSecurity(
      Identity identity,
      OptionalLong fsGroup,
      List<Long> supplementalGroups,
      boolean strictGroups,
      Map<String, String> sysctls) {
    public PodSecurity {
      supplementalGroups = List.copyOf(supplementalGroups);
      sysctls = Map.copyOf(sysctls);
    }
  }

  /** A container's securityContext. */
  public record ContainerSecurity(
      Identity identity,
      boolean privileged,
      boolean readOnlyRoot,
      boolean noNewPrivileges,
      boolean unmaskedProc,
      List<String> addCapabilities,
      List<String> dropCapabilities) {
    public ContainerSecurity {
      addCapabilities = List.copyOf(addCapabilities);
      dropCapabilities = List.copyOf(dropCapabilities);
    }
  }

  /** Where a volume's files are. */
  public sealed interface Volume {
    String name();

    /** A folder in the pod's own directory; goes with the pod. */
    record EmptyDir(String name) implements Volume {}

    /**
     * The host's.
     *
     * @param type what must be there, as in the manifest; empty: anything
     */
    record HostPath(String name, String path, String type) implements Volume {}
  }

  /** When an image is fetched. */
  public enum PullPolicy {
    ALWAYS,
    IF_NOT_PRESENT,
    NEVER
  }

  /** An environment variable. */
  public sealed interface Env {
    String name();

    /** A value in which $(NAME) stands for an earlier variable. */
    record Plain(String name, String value) implements Env {}

    /** A fact about the pod. */
    record Fact(String name, String fieldPath) implements Env {}
  }

  /**
   * Where a container sees a volume.
   *
   * @param subPath below the volume; empty: all of it
   * @param expand whether $(NAME) in subPath stands for variables
   * @param propagation None, HostToContainer or Bidirectional
   * @param recursiveReadOnly Disabled, IfPossible or Enabled
   */
  public record VolumeMount(
      String volume,
      String path,
      boolean readOnly,
      String recursiveReadOnly,
      String subPath,
      boolean expand,
      String propagation) {}

  /** A port of a container. */
  public record Port(String protocol, int containerPort, int hostPort, String hostIp) {}

  /**
   * Requests and limits.
   *
   * @param cpuRequest cores
   * @param memoryRequest bytes
   * @param hugepages page size (2Mi) to bytes
   */
  public record Resources(
      Optional<BigDecimal> cpuRequest,
      Optional<BigDecimal> cpuLimit,
      Optional<BigDecimal> memoryRequest,
      Optional<BigDecimal> memoryLimit,
      Map<String, Long> hugepages) {
    public Resources {
      hugepages = Map.copyOf(hugepages);
    }
  }

  /**
   * One container.
   *
   * @param sidecar an init container that goes on beside the others
   */
  public record Container(
      String name,
      String image,
      PullPolicy pullPolicy,
      List<String> command,
      List<String> args,
      String workingDir,
      List<Env> env,
      List<VolumeMount> mounts,
      List<Port> ports,
      Resources resources,
      ContainerSecurity security,
      Signal stopSignal,
      boolean stdin,
      boolean stdinOnce,
      boolean tty,
      boolean sidecar) {
    public Container {
      command = List.copyOf(command);
      args = List.copyOf(args);
      env = List.copyOf(env);
      mounts = List.copyOf(mounts);
      ports = List.copyOf(ports);
    }
  }
}
