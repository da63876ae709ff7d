package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.ListPodSandboxRequest;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.cri.v1.StopPodSandboxRequest;
import dev.molo.cri.v1.WindowsContainerConfig;
import dev.molo.cri.v1.WindowsPodSandboxConfig;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.grpc.MethodDescriptor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RequestFieldsTest {
  /** Calls that answer UNIMPLEMENTED: nothing of their requests is read. */
  private static final Set<String> NOT_BUILT =
      Set.of(
          "Exec",
          "Attach",
          "PortForward",
          "PodSandboxStats",
          "ListPodSandboxStats",
          "StreamPodSandboxStats",
          "CheckpointContainer",
          "CheckpointPod",
          "RestorePod",
          "GetContainerEvents",
          "ListMetricDescriptors",
          "ListPodSandboxMetrics",
          "StreamPodSandboxMetrics",
          "UpdatePodSandboxResources");

  private final RequestFields fields = RequestFields.load();

  /** An empty request of every call that is served. */
  static List<Message> servedRequests() {
    return Stream.of(
            RuntimeServiceGrpc.getServiceDescriptor(), ImageServiceGrpc.getServiceDescriptor())
        .flatMap(service -> service.getMethods().stream())
        .filter(method -> !NOT_BUILT.contains(method.getBareMethodName()))
        .map(RequestFieldsTest::emptyRequest)
        .toList();
  }

  private static Message emptyRequest(MethodDescriptor<?, ?> method) {
    return (Message)
        ((MethodDescriptor.PrototypeMarshaller<?>) method.getRequestMarshaller())
            .getMessagePrototype();
  }

  private static List<Descriptor> servedTypes() {
    return servedRequests().stream().map(Message::getDescriptorForType).toList();
  }

  private Map<String, FieldRule> byPath() {
    Map<String, FieldRule> rules = new LinkedHashMap<>();
    fields.rules().forEach(rule -> rules.put(rule.path(), rule));
    return rules;
  }

  @Test
  void everyFieldOfEveryServedRequestHasARowAndEveryRowAField() {
    Map<String, FieldRule> rules = byPath();
    List<String> walked = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (Descriptor request : servedTypes()) {
      walk(request, request.getName(), rules, walked, missing);
    }
    assertThat(missing).as("fields without a row").isEmpty();
    assertThat(rules.keySet())
        .as("rows without a field")
        .containsExactlyInAnyOrderElementsOf(walked);
  }

  private static void walk(
      Descriptor type,
      String path,
      Map<String, FieldRule> rules,
      List<String> walked,
      List<String> missing) {
    for (FieldDescriptor field : type.getFields()) {
      String at = path + "." + field.getName();
      FieldRule rule = rules.get(at);
      if (rule == null) {
        missing.add(at);
        continue;
      }
      walked.add(at);
      if (rule.fieldClass() == FieldClass.HONOURED
          && field.getJavaType() == JavaType.MESSAGE
          && !field.isMapField()) {
        walk(field.getMessageType(), at, rules, walked, missing);
      }
    }
  }

  @Test
  void everyTextThatIsReadHasAForm() {
    List<String> formless = new ArrayList<>();
    for (Descriptor request : servedTypes()) {
      collectFormless(request, request.getName(), byPath(), formless);
    }
    assertThat(formless).isEmpty();
  }

  private static void collectFormless(
      Descriptor type, String path, Map<String, FieldRule> rules, List<String> formless) {
    for (FieldDescriptor field : type.getFields()) {
      String at = path + "." + field.getName();
      FieldRule rule = rules.get(at);
      if (rule.fieldClass() != FieldClass.HONOURED) {
        continue;
      }
      boolean text =
          field.getJavaType() == JavaType.STRING
              || field.getJavaType() == JavaType.BYTE_STRING
              || field.isMapField();
      if (text && rule.check().form().isEmpty()) {
        formless.add(at);
      }
      if (field.getJavaType() == JavaType.MESSAGE && !field.isMapField()) {
        collectFormless(field.getMessageType(), at, rules, formless);
      }
    }
  }

  @Test
  void whatIsRefusedSaysWhy() {
    assertThat(fields.rules())
        .filteredOn(rule -> rule.fieldClass() == FieldClass.REFUSED)
        .isNotEmpty()
        .allSatisfy(rule -> assertThat(rule.note()).isNotEmpty());
  }

  @Test
  void whatAKubeletFillsRoutinelyIsTaken() {
    assertThatCode(() -> fields.check(KubeletRequests.runPodSandbox())).doesNotThrowAnyException();
    assertThatCode(() -> fields.check(KubeletRequests.createContainer("a")))
        .doesNotThrowAnyException();
    assertThatCode(() -> SandboxMapping.spec(KubeletRequests.runPodSandbox()))
        .doesNotThrowAnyException();
    assertThatCode(() -> ContainerMapping.spec(KubeletRequests.containerConfig()))
        .doesNotThrowAnyException();
  }

  @Test
  void emptyMessageInARefusedFieldCountsAsAbsent() {
    var request = KubeletRequests.runPodSandbox().toBuilder();
    request.getConfigBuilder().setWindows(WindowsPodSandboxConfig.getDefaultInstance());
    request.getConfigBuilder().getWindowsBuilder().getSecurityContextBuilder();
    assertThatCode(() -> fields.check(request.build())).doesNotThrowAnyException();
  }

  @Test
  void refusedFieldsAreNamed() {
    assertRefusedContainer(
        config ->
            config
                .getConfigBuilder()
                .setWindows(
                    WindowsContainerConfig.newBuilder()
                        .setSecurityContext(
                            dev.molo.cri.v1.WindowsContainerSecurityContext.newBuilder()
                                .setHostProcess(true))),
        "config.windows");
    assertRefusedContainer(
        config -> config.getConfigBuilder().addCDIDevicesBuilder().setName("v.com/gpu=0"),
        "config.CDI_devices");
    assertRefusedSandbox(
        request ->
            request
                .getConfigBuilder()
                .getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setTargetId("x"),
        "config.linux.security_context.namespace_options.target_id");
  }

  @Test
  void malformedValuesAreNamedWithTheirPlaceInAList() {
    assertRefusedContainer(
        c -> c.getConfigBuilder().getMountsBuilder(1).setContainerPath("etc"),
        "config.mounts[1].container_path must be an absolute path");
    assertRefusedContainer(
        c -> c.getConfigBuilder().getMountsBuilder(1).setContainerPath("/a/../../etc"),
        "config.mounts[1].container_path");
    assertRefusedContainer(
        c -> c.getConfigBuilder().getMountsBuilder(0).clearContainerPath(),
        "config.mounts[0].container_path is empty");
    assertRefusedContainer(
        c -> c.getConfigBuilder().getEnvsBuilder(0).setKey("A=B"), "config.envs[0].key");
    assertRefusedContainer(
        c -> c.getConfigBuilder().setLogPath("../../etc/cron.d/x"), "config.log_path");
    assertRefusedContainer(c -> c.getConfigBuilder().setLogPath("/x.log"), "config.log_path");
    assertRefusedContainer(
        c -> c.getConfigBuilder().getMetadataBuilder().setName("a\nb"),
        "config.metadata.name must be a name without control characters, not \"a\\nb\"");
    assertRefusedContainer(
        c ->
            c.getConfigBuilder()
                .getLinuxBuilder()
                .getSecurityContextBuilder()
                .getRunAsUserBuilder()
                .setValue(4_294_967_295L),
        "config.linux.security_context.run_as_user.value must be 0 to 4294967294");
    assertRefusedContainer(
        c ->
            c.getConfigBuilder()
                .getLinuxBuilder()
                .getResourcesBuilder()
                .putUnified("../cgroup.procs", "1"),
        "config.linux.resources.unified");
    assertRefusedSandbox(
        r -> r.getConfigBuilder().getLinuxBuilder().putSysctls("kernel.shm+max", "1"),
        "config.linux.sysctls must name sysctls");
    assertRefusedSandbox(
        r -> r.getConfigBuilder().getLinuxBuilder().putSysctls("kernel.shmmax", "1\n2"),
        "config.linux.sysctls[\"kernel.shmmax\"]");
    assertRefusedSandbox(
        r -> r.getConfigBuilder().getPortMappingsBuilder(0).setHostPort(70_000),
        "config.port_mappings[0].host_port must be 0 to 65535, not 70000");
    assertRefusedSandbox(
        r -> r.getConfigBuilder().getLinuxBuilder().setCgroupParent("/a/../b"),
        "config.linux.cgroup_parent");
  }

  @Test
  void unknownEnumValuesAreNamed() {
    assertRefusedContainer(
        c -> c.getConfigBuilder().setStopSignalValue(99), "config.stop_signal: 99 is no Signal");
    assertRefusedSandbox(
        r ->
            r.getConfigBuilder()
                .getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setIpc(NamespaceMode.CONTAINER),
        "config.linux.security_context.namespace_options.ipc cannot be CONTAINER");
    var list = ListPodSandboxRequest.newBuilder();
    list.getFilterBuilder().getStateBuilder().setStateValue(7);
    assertThat(refusal(list.build())).contains("filter.state.state: 7 is no PodSandboxState");
  }

  @Test
  void valueOfAVariableOrACredentialIsNeverShown() {
    var container = KubeletRequests.createContainer("a").toBuilder();
    container
        .getConfigBuilder()
        .getEnvsBuilder(0)
        .setValue(com.google.protobuf.ByteString.copyFromUtf8("s3cret\0"));
    assertThat(refusal(container.build()))
        .contains("config.envs[0].value must be a value without NUL")
        .doesNotContain("s3cret");
    var pull = PullImageRequest.newBuilder();
    pull.getImageBuilder().setImage("nginx");
    pull.getAuthBuilder().setPassword("s3cret\n");
    assertThat(refusal(pull.build())).contains("auth.password").doesNotContain("s3cret");
  }

  @Test
  void variableMayHoldAnyBytesUpToTheKernelsLimit() {
    var container = KubeletRequests.createContainer("a").toBuilder();
    byte[] bytes = new byte[131_071];
    java.util.Arrays.fill(bytes, (byte) 0xe9);
    container
        .getConfigBuilder()
        .getEnvsBuilder(0)
        .setValue(com.google.protobuf.ByteString.copyFrom(bytes));
    assertThatCode(() -> fields.check(container.build())).doesNotThrowAnyException();
  }

  @Test
  void emptyIdIsRefused() {
    assertThat(refusal(StopPodSandboxRequest.getDefaultInstance()))
        .isEqualTo("pod_sandbox_id is empty");
  }

  @Test
  void rulesAcrossFieldsAreNamed() {
    assertMappingRefuses(
        c -> c.getLinuxBuilder().getSecurityContextBuilder().setRunAsUsername("www"),
        "both run_as_user and run_as_username");
    assertMappingRefuses(
        c ->
            c.getLinuxBuilder()
                .getSecurityContextBuilder()
                .clearRunAsUser()
                .getRunAsGroupBuilder()
                .setValue(5),
        "config.linux.security_context.run_as_group is given without a user");
    assertMappingRefuses(
        c -> c.addMounts(Mount.newBuilder().setContainerPath("/x")),
        "config.mounts[3].host_path is empty");
    assertMappingRefuses(
        c ->
            c.addMounts(
                Mount.newBuilder()
                    .setContainerPath("/x")
                    .setHostPath("/y")
                    .setReadonly(true)
                    .setRecursiveReadOnly(true)
                    .setPropagation(MountPropagation.PROPAGATION_BIDIRECTIONAL)),
        "config.mounts[3].recursive_read_only");
    assertMappingRefuses(
        c ->
            c.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.TARGET),
        "namespace_options.target_id is empty");
    assertMappingRefuses(
        c ->
            c.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getSeccompBuilder()
                .setProfileType(dev.molo.cri.v1.SecurityProfile.ProfileType.Localhost),
        "seccomp.localhost_ref is empty");
    assertMappingRefuses(
        c ->
            c.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .getUsernsOptionsBuilder()
                .addUidsBuilder()
                .setHostId(-1)
                .setLength(2),
        "userns_options.uids maps 2 ids");
  }

  private static void assertMappingRefuses(
      Consumer<dev.molo.cri.v1.ContainerConfig.Builder> change, String words) {
    var config = KubeletRequests.containerConfig().toBuilder();
    change.accept(config);
    FaultException failure =
        catchThrowableOfType(FaultException.class, () -> ContainerMapping.spec(config.build()));
    assertThat(failure).as(words).isNotNull();
    assertThat(failure.kind()).isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(failure).hasMessageContaining(words);
  }

  private void assertRefusedContainer(
      Consumer<CreateContainerRequest.Builder> change, String words) {
    var request = KubeletRequests.createContainer("a").toBuilder();
    change.accept(request);
    assertThat(refusal(request.build())).contains(words);
  }

  private void assertRefusedSandbox(Consumer<RunPodSandboxRequest.Builder> change, String words) {
    var request = KubeletRequests.runPodSandbox().toBuilder();
    change.accept(request);
    assertThat(refusal(request.build())).contains(words);
  }

  private String refusal(Message request) {
    FaultException failure =
        catchThrowableOfType(FaultException.class, () -> fields.check(request));
    assertThat(failure).as("the request should be refused").isNotNull();
    assertThat(failure.kind()).isEqualTo(Fault.INVALID_ARGUMENT);
    return failure.getMessage();
  }
}
