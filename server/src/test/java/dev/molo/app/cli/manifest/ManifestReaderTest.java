package dev.molo.app.cli.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.LinuxContainerResources;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.SecurityProfile.ProfileType;
import dev.molo.cri.v1.Signal;
import dev.molo.fault.FaultException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestReaderTest {
  private static final long GIB = 1L << 30;
  private static final Image ROOT_IMAGE =
      Image.newBuilder().setId("sha256:1").setUid(Int64Value.getDefaultInstance()).build();

  @TempDir Path dir;

  @Test
  void theExampleIsReadAndItsKubeletFieldNamed() {
    PodManifest pod = ManifestReader.read(Path.of("../docs/examples/nginx.yaml")).getFirst();

    assertThat(pod.fullName()).isEqualTo("default/nginx");
    assertThat(pod.graceSeconds()).isEqualTo(5);
    assertThat(pod.leftToKubelet()).containsExactly("spec.restartPolicy");
  }

  @Test
  void anUnsupportedFieldIsNamedWithLineAndPath() {
    assertRefused(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: a}
        spec:
          containers:
          - name: c
            image: i
            envFrom: []
            env:
            - name: K
              valueFrom:
                secretKeyRef: {name: s, key: k}
          volumes:
          - name: v
            configMap: {name: m}
        """,
        "pod.yaml:8: spec.containers[0].envFrom is not supported",
        "pod.yaml:12: spec.containers[0].env[0].valueFrom.secretKeyRef is not supported",
        "pod.yaml:15: spec.volumes[0].configMap is not supported");
  }

  @Test
  void wrongValuesAreNamedAllAtOnce() {
    assertRefused(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: A_b}
        spec:
          hostNetwork: "yes"
          containers:
          - name: c
            image: i
            imagePullPolicy: Sometimes
            args: [1]
            resources: {limits: {cpu: much}}
            ports: [{containerPort: 70000}]
            volumeMounts: [{name: nope, mountPath: /x, subPath: ../up}]
          - name: c
            image: i
        """,
        "metadata.name must be",
        "spec.hostNetwork must be true or false",
        "spec.containers[0].imagePullPolicy must be one of",
        "spec.containers[0].args must be text",
        "spec.containers[0].resources.limits.cpu must be a quantity",
        "spec.containers[0].ports[0].containerPort must be a whole number from 1 to 65535",
        "spec.containers[0].volumeMounts[0].name names no volume",
        "spec.containers[0].volumeMounts[0].subPath must be relative",
        "spec.containers[1].name is that of another container");
  }

  @Test
  void whatIsNoPodIsRefused() {
    assertRefused("apiVersion: v1\nkind: Service\n", "kind Pod is expected");
    assertRefused("# nothing\n", "no manifest");
    assertRefused("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "spec is missing");
  }

  @Test
  void kubeletsFieldsAreAcceptedAndListed() {
    PodManifest pod =
        read("restartPolicy: Always\n  tolerations: []", "livenessProbe: {exec: {command: [x]}}");

    assertThat(pod.leftToKubelet())
        .containsExactlyInAnyOrder(
            "spec.restartPolicy", "spec.tolerations", "spec.containers[0].livenessProbe");
  }

  @Test
  void variablesAreExpandedInOrderAndUnknownOnesStay() {
    ContainerConfig config =
        request(
            read(
                "",
                """
                command: [sh, -c, "$(B) $(NO) $$(A)"]
                    env:
                    - {name: A, value: "1"}
                    - {name: B, value: "$(A)2"}
                    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\
                """),
            ROOT_IMAGE);

    assertThat(config.getCommandList()).containsExactly("sh", "-c", "12 $(NO) $(A)");
    assertThat(
            config.getEnvsList().stream()
                .collect(Collectors.toMap(e -> e.getKey(), e -> e.getValue().toStringUtf8())))
        .containsEntry("B", "12")
        .containsEntry("NAME", "web")
        .containsEntry("IP", "10.0.0.9");
  }

  @ParameterizedTest
  @CsvSource({
    "'{limits: {cpu: 500m, memory: 64Mi}}', 512, 50000, 67108864, -997",
    "'{requests: {cpu: 250m, memory: 512Mi}}', 256, 0, 0, 500",
    "'{requests: {cpu: 1m}}', 2, 0, 0, 999",
    "'{limits: {cpu: 1m}}', 2, 1000, 0, 999",
    "'{}', 2, 0, 0, 1000"
  })
  void resourcesAreWhatAKubeletAsksFor(
      String resources, long shares, long quota, long memory, long oomScoreAdj) {
    LinuxContainerResources asked =
        request(read("", "resources: " + resources), ROOT_IMAGE).getLinux().getResources();

    assertThat(asked.getCpuShares()).isEqualTo(shares);
    assertThat(asked.getCpuQuota()).isEqualTo(quota);
    assertThat(asked.getMemoryLimitInBytes()).isEqualTo(memory);
    assertThat(asked.getOomScoreAdj()).isEqualTo(oomScoreAdj);
  }

  @Test
  void theContainersSecurityOutranksThePods() {
    PodManifest pod =
        read(
            "securityContext: {runAsUser: 1, runAsGroup: 2, fsGroup: 7, seccompProfile: {type:"
                + " RuntimeDefault}}",
            "securityContext: {runAsUser: 5, allowPrivilegeEscalation: false, capabilities: {drop:"
                + " [ALL]}}");
    var security = request(pod, ROOT_IMAGE).getLinux().getSecurityContext();

    assertThat(security.getRunAsUser().getValue()).isEqualTo(5);
    assertThat(security.getRunAsGroup().getValue()).isEqualTo(2);
    assertThat(security.getSupplementalGroupsList()).containsExactly(7L);
    assertThat(security.getNoNewPrivs()).isTrue();
    assertThat(security.getCapabilities().getDropCapabilitiesList()).containsExactly("ALL");
    assertThat(security.getSeccomp().getProfileType()).isEqualTo(ProfileType.RuntimeDefault);
    assertThat(security.getMaskedPathsList()).contains("/proc/kcore");
    assertThat(security.getNamespaceOptions().getPid()).isEqualTo(NamespaceMode.CONTAINER);
  }

  @Test
  void nonRootIsRefusedWhereTheImageRunsAsRoot() {
    PodManifest pod = read("securityContext: {runAsNonRoot: true}", "tty: true");

    assertThatThrownBy(() -> request(pod, ROOT_IMAGE)).hasMessageContaining("would run as root");
    assertThatThrownBy(() -> request(pod, Image.newBuilder().setId("x").setUsername("www").build()))
        .hasMessageContaining("may be root");
  }

  @Test
  void theSandboxIsWhatAKubeletAsksFor() {
    PodManifest pod =
        read(
            "hostNetwork: true\n  hostPID: true\n  dnsConfig: {nameservers: [9.9.9.9]}",
            "ports: [{containerPort: 80, hostPort: 8080}]");
    PodSandboxConfig config =
        SandboxRequest.of(
            pod,
            PodDirectory.of(dir, pod.uid()),
            DNSConfig.newBuilder().addServers("1.1.1.1").build());

    assertThat(config.getLinux().getSecurityContext().getNamespaceOptions().getNetwork())
        .isEqualTo(NamespaceMode.NODE);
    assertThat(config.getPortMappingsList()).isEmpty();
    assertThat(config.getHostname()).isEmpty();
    assertThat(config.getDnsConfig().getServersList()).containsExactly("1.1.1.1", "9.9.9.9");
    assertThat(config.getLabelsMap()).containsEntry("io.kubernetes.pod.name", "web");
  }

  @Test
  void stopSignalsAreNamedAsInManifests() {
    PodManifest pod = read("", "lifecycle: {stopSignal: SIGRTMIN+3}");

    assertThat(request(pod, ROOT_IMAGE).getStopSignal()).isEqualTo(Signal.SIGNAL_SIGRTMINPLUS3);
  }

  @Test
  void aSubPathThatLeadsOutThroughALinkIsRefused() throws Exception {
    PodManifest pod =
        read(
            "volumes: [{name: v, emptyDir: {}}]",
            "volumeMounts: [{name: v, mountPath: /v, subPath: link/x}]");
    PodDirectory directory = PodDirectory.of(dir, pod.uid());
    directory.create(pod);
    Files.createSymbolicLink(directory.path().resolve("volumes/v/link"), Path.of("/etc"));

    assertThatThrownBy(() -> request(pod, ROOT_IMAGE))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("leads out of the volume");
  }

  @Test
  void onlyAMarkedFolderIsEverDeleted() throws Exception {
    PodManifest pod = read("volumes: [{name: v, emptyDir: {}}]", "tty: true");
    PodDirectory directory = PodDirectory.of(dir.resolve("pods"), pod.uid());
    directory.create(pod);
    Files.createSymbolicLink(directory.path().resolve("volumes/v/link"), dir.resolve("kept"));
    Files.createDirectories(dir.resolve("kept/inside"));
    var annotations = java.util.Map.of(PodDirectory.ANNOTATION, directory.path().toString());
    var foreign = java.util.Map.of(PodDirectory.ANNOTATION, dir.resolve("kept").toString());

    assertThat(PodDirectory.annotated(foreign, pod.uid())).isEmpty();
    assertThat(PodDirectory.annotated(annotations, "another")).isEmpty();
    PodDirectory.annotated(annotations, pod.uid()).orElseThrow().delete();

    assertThat(directory.path()).doesNotExist();
    assertThat(dir.resolve("kept/inside")).exists();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "250m,0.250", "1.5,1.5", "64Mi,67108864", "1e3,1000", "2k,2000"})
  void quantitiesAreReadAsKubernetesWritesThem(String text, java.math.BigDecimal amount) {
    assertThat(Quantity.parse(text).orElseThrow()).isEqualByComparingTo(amount);
  }

  @ParameterizedTest
  @CsvSource({"-1", "1Kb", "many", "9999999999Ei", "''"})
  void otherQuantitiesAreNone(String text) {
    assertThat(Quantity.parse(text)).isEmpty();
  }

  private ContainerConfig request(PodManifest pod, Image image) {
    PodFacts facts = new PodFacts(pod, List.of("10.0.0.9"), "node", "192.0.2.1");
    return new ContainerRequest(PodDirectory.of(dir, pod.uid()), facts, GIB)
        .of(pod.containers().getFirst(), image);
  }

  private static PodManifest read(String spec, String container) {
    String text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  %s\n  containers:\n  - name: c\n    image: i:1\n    %s\n"
            .formatted(spec, container);
    return ManifestReader.read("pod.yaml", text).getFirst();
  }

  private static void assertRefused(String text, String... messages) {
    assertThatThrownBy(() -> ManifestReader.read("pod.yaml", text))
        .isInstanceOf(FaultException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(messages));
  }
}
