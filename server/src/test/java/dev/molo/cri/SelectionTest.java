package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.cri.v1.ContainerFilter;
import dev.molo.cri.v1.ContainerStatsFilter;
import dev.molo.cri.v1.PodSandboxFilter;
import dev.molo.cri.v1.PodSandboxState;
import dev.molo.fault.FaultException;
import dev.molo.pod.ContainerSnapshot;
import dev.molo.pod.ContainerState;
import dev.molo.pod.SandboxSnapshot;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SelectionTest {
  private static final SandboxId POD_A = new SandboxId("aa1" + "0".repeat(61));
  private static final SandboxId POD_B = new SandboxId("aa2" + "0".repeat(61));

  private final SandboxSnapshot ready = sandbox(POD_A, true);
  private final SandboxSnapshot gone = sandbox(POD_B, false);
  private final List<SandboxSnapshot> pods = List.of(ready, gone);

  private final ContainerSnapshot created = container("b1", POD_A, new ContainerState.Created());
  private final ContainerSnapshot running =
      container("b2", POD_A, new ContainerState.Running(1, 2));
  private final ContainerSnapshot exited =
      container("c3", POD_B, new ContainerState.Exited(1, 2, 0, "Completed", ""));
  private final List<ContainerSnapshot> containers = List.of(created, running, exited);

  private static SandboxSnapshot sandbox(SandboxId id, boolean ready) {
    return new SandboxSnapshot(
        id,
        SandboxMapping.spec(KubeletRequests.runPodSandbox()),
        ready,
        1,
        List.of(),
        0,
        "",
        Map.of());
  }

  private static ContainerSnapshot container(String prefix, SandboxId pod, ContainerState state) {
    return FakePodRuntime.container(
        new ContainerId(prefix + "0".repeat(62)),
        pod,
        ContainerMapping.spec(KubeletRequests.containerConfig()),
        state);
  }

  private List<SandboxSnapshot> pods(PodSandboxFilter.Builder filter) {
    return Selection.sandboxes(pods, filter.build());
  }

  private List<ContainerSnapshot> containers(ContainerFilter.Builder filter) {
    return Selection.containers(containers, filter.build());
  }

  @Test
  void emptyFilterLetsAllThrough() {
    assertThat(pods(PodSandboxFilter.newBuilder())).containsExactlyElementsOf(pods);
    assertThat(containers(ContainerFilter.newBuilder())).containsExactlyElementsOf(containers);
  }

  @Test
  void readyIsAStateAlthoughItIsTheDefaultValue() {
    var filter = PodSandboxFilter.newBuilder();
    filter.getStateBuilder().setState(PodSandboxState.SANDBOX_READY);
    assertThat(pods(filter)).containsExactly(ready);
    filter.getStateBuilder().setState(PodSandboxState.SANDBOX_NOTREADY);
    assertThat(pods(filter)).containsExactly(gone);
  }

  @Test
  void unambiguousBeginningOfAnIdWillDo() {
    assertThat(pods(PodSandboxFilter.newBuilder().setId("aa1"))).containsExactly(ready);
    assertThat(containers(ContainerFilter.newBuilder().setPodSandboxId("aa1")))
        .containsExactly(created, running);
    assertThat(pods(PodSandboxFilter.newBuilder().setId("ff"))).isEmpty();
  }

  @Test
  void ambiguousBeginningIsRefused() {
    assertThatThrownBy(() -> pods(PodSandboxFilter.newBuilder().setId("aa")))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("filter.id \"aa\" is the beginning of 2 ids");
    assertThatThrownBy(() -> containers(ContainerFilter.newBuilder().setPodSandboxId("aa")))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("filter.pod_sandbox_id");
  }

  @Test
  void allConditionsMustHold() {
    var filter = ContainerFilter.newBuilder().setPodSandboxId("aa1");
    filter.getStateBuilder().setState(dev.molo.cri.v1.ContainerState.CONTAINER_EXITED);
    assertThat(containers(filter)).isEmpty();
    filter.getStateBuilder().setState(dev.molo.cri.v1.ContainerState.CONTAINER_CREATED);
    assertThat(containers(filter)).containsExactly(created);
    filter.putLabelSelector("io.kubernetes.container.name", "nginx");
    assertThat(containers(filter)).containsExactly(created);
    filter.putLabelSelector("no", "such");
    assertThat(containers(filter)).isEmpty();
  }

  @Test
  void labelMustHaveTheValueToo() {
    assertThat(pods(PodSandboxFilter.newBuilder().putLabelSelector("app", "web"))).hasSize(2);
    assertThat(pods(PodSandboxFilter.newBuilder().putLabelSelector("app", "db"))).isEmpty();
  }

  @Test
  void statisticsAreOfRunningContainersOnly() {
    assertThat(Selection.running(containers, ContainerStatsFilter.getDefaultInstance()))
        .containsExactly(running);
    assertThat(Selection.running(containers, ContainerStatsFilter.newBuilder().setId("c3").build()))
        .isEmpty();
  }
}
