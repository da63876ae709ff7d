package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.PodManifest.Dns;
import dev.molo.app.cli.manifest.PodManifest.Sharing;
import dev.molo.app.cli.manifest.PodManifest.Volume;
import dev.molo.config.yaml.YamlNode;
import dev.molo.config.yaml.YamlReader;
import dev.molo.fault.FaultException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/** Reads Pod manifests, and accounts for every field in them. */
public final class ManifestReader {
  private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern DNS_SUBDOMAIN =
      Pattern.compile(
          "(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  private static final Pattern UID = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9]{0,63}");
  private static final long DEFAULT_GRACE_SECONDS = 30;

  private final Problems problems = new Problems();

  private ManifestReader() {}

  /**
   * The pods of a file, at least one.
   *
   * @throws FaultException INVALID_ARGUMENT with one line for each problem, each with file, line
   *     and the field's path
   */
  public static List<PodManifest> read(Path file) {
    return read(YamlReader.documents(file), file.toString());
  }

  /** The same for text. */
  public static List<PodManifest> read(String name, String text) {
    return read(YamlReader.documents(name, text), name);
  }

  private static List<PodManifest> read(List<YamlNode.Mapping> documents, String name) {
    if (documents.isEmpty()) {
      throw FaultException.invalid("%s: no manifest in it", name);
    }
    List<PodManifest> pods = new ArrayList<>();
    for (YamlNode.Mapping document : documents) {
      pods.add(new ManifestReader().pod(document));
    }
    Set<String> names = new HashSet<>();
    for (PodManifest pod : pods) {
      if (!names.add(pod.fullName())) {
        throw FaultException.invalid("%s: pod %s stands in it twice", name, pod.fullName());
      }
    }
    return pods;
  }

  private PodManifest pod(YamlNode.Mapping document) {
    Fields top = new Fields(document, "", problems);
    String kind = top.required("kind");
    if (!kind.equals("Pod") || !top.required("apiVersion").equals("v1")) {
      throw FaultException.invalid(
          "%s: a manifest with apiVersion v1 and kind Pod is expected", document.at());
    }
    top.passedOver("status");
    Fields metadata = top.section("metadata").orElseGet(Fields::nothing);
    Optional<Fields> spec = top.section("spec");
    if (spec.isEmpty()) {
      top.wrong("spec", "is missing");
    }
    top.finish();
    PodManifest pod = pod(document, metadata, spec.orElseGet(Fields::nothing));
    problems.finish();
    return pod;
  }

  private PodManifest pod(YamlNode.Mapping document, Fields metadata, Fields spec) {
    String name = metadata.text("name", "");
    if (!DNS_SUBDOMAIN.matcher(name).matches()) {
      problems.wrong(
          document.at(), "metadata.name", "must be lower-case letters, digits, '-' and '.'");
    }
    String namespace = metadata.text("namespace", "default");
    if (!DNS_LABEL.matcher(namespace).matches()) {
      metadata.wrong("namespace", "must be lower-case letters, digits and '-'");
    }
    String uid = metadata.text("uid").orElseGet(() -> uid(namespace, name));
    if (!UID.matcher(uid).matches()) {
      metadata.wrong("uid", "must be letters, digits and '-'");
    }
    List<Volume> volumes = new VolumesReader().volumes(spec);
    ContainerReader containers = new ContainerReader(volumes.stream().map(Volume::name).toList());
    PodManifest pod =
        new PodManifest(
            name,
            namespace,
            uid,
            metadata.textMap("labels"),
            metadata.textMap("annotations"),
            hostname(spec),
            sharing(spec),
            dns(spec),
            SecurityReader.pod(spec),
            volumes,
            containers(spec, "initContainers", containers),
            containers(spec, "containers", containers),
            spec.integer("terminationGracePeriodSeconds", 0, 1 << 30).orElse(DEFAULT_GRACE_SECONDS),
            List.of());
    // who made it and when: an API server's
    metadata.passedOver(
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "managedFields",
        "ownerReferences",
        "finalizers",
        "generateName",
        "selfLink");
    metadata.finish();
    others(spec);
    spec.finish();
    return withLeftToKubelet(pod);
  }

  private List<Container> containers(Fields spec, String key, ContainerReader reader) {
    boolean init = key.equals("initContainers");
    List<Container> containers =
        spec.sections(key).stream().map(fields -> reader.container(fields, init)).toList();
    if (containers.isEmpty() && !init) {
      spec.wrong(key, "must have at least one");
    }
    return containers;
  }

  private static Sharing sharing(Fields spec) {
    Sharing sharing =
        new Sharing(
            spec.isTrue("hostNetwork"),
            spec.isTrue("hostPID"),
            spec.isTrue("hostIPC"),
            spec.isTrue("shareProcessNamespace"));
    if (sharing.hostPid() && sharing.processes()) {
      spec.wrong("shareProcessNamespace", "contradicts hostPID");
    }
    if (!spec.truth("hostUsers").orElse(true)) {
      spec.unsupported("hostUsers");
    }
    return sharing;
  }

  private static String hostname(Fields spec) {
    String hostname = spec.text("hostname", "");
    if (!hostname.isEmpty() && !DNS_LABEL.matcher(hostname).matches()) {
      spec.wrong("hostname", "must be lower-case letters, digits and '-'");
    }
    if (spec.isTrue("setHostnameAsFQDN")) {
      spec.unsupported("setHostnameAsFQDN");
    }
    return hostname;
  }

  private Dns dns(Fields spec) {
    boolean cluster = spec.has("dnsPolicy");
    String policy =
        spec.choice(
            "dnsPolicy", "Default", "Default", "None", "ClusterFirst", "ClusterFirstWithHostNet");
    if (cluster && policy.startsWith("ClusterFirst")) {
      // without a cluster a kubelet falls back to the host's settings too
      problems.leftToKubelet(spec.path("dnsPolicy"));
    }
    Fields config = spec.section("dnsConfig").orElseGet(Fields::nothing);
    List<String> options = new ArrayList<>();
    for (Fields option : config.sections("options")) {
      String name = option.required("name");
      options.add(option.text("value").map(value -> name + ":" + value).orElse(name));
      option.finish();
    }
    Dns dns =
        new Dns(
            !policy.equals("None"), config.texts("nameservers"), config.texts("searches"), options);
    config.finish();
    if (policy.equals("None") && dns.servers().isEmpty()) {
      spec.wrong("dnsPolicy", "is None, but dnsConfig names no nameservers");
    }
    return dns;
  }

  private static void others(Fields spec) {
    spec.leftToKubelet(
        "restartPolicy",
        "nodeName",
        "nodeSelector",
        "affinity",
        "tolerations",
        "schedulerName",
        "priority",
        "priorityClassName",
        "preemptionPolicy",
        "serviceAccountName",
        "serviceAccount",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "activeDeadlineSeconds",
        "readinessGates",
        "schedulingGates",
        "topologySpreadConstraints",
        "imagePullSecrets",
        "subdomain",
        "overhead");
    spec.section("os")
        .ifPresent(os -> {
          os.choice("name", "linux", "linux");
          os.finish();
        });
  }

  private PodManifest withLeftToKubelet(PodManifest pod) {
    return new PodManifest(
        pod.name(),
        pod.namespace(),
        pod.uid(),
        pod.labels(),
        pod.annotations(),
        pod.hostname(),
        pod.sharing(),
        pod.dns(),
        pod.security(),
        pod.volumes(),
        pod.initContainers(),
        pod.containers(),
        pod.graceSeconds(),
        problems.leftToKubelet());
  }

  /** The same manifest gives the same uid, so that its pod is found again. */
  private static String uid(String namespace, String name) {
    return UUID.nameUUIDFromBytes((namespace + "/" + name).getBytes(StandardCharsets.UTF_8))
        .toString();
  }
}
