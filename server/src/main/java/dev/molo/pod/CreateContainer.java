package dev.molo.pod;

import com.google.protobuf.ByteString;
import dev.molo.fault.FaultException;
import dev.molo.image.Image;
import dev.molo.image.LayerLease;
import dev.molo.launch.ProcessUser;
import dev.molo.linux.Fd;
import dev.molo.pod.Lane.Waiting;
import dev.molo.pod.Reservations.Claim;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.state.proto.ContainerRecord;
import dev.molo.supervisor.OverlayRequest;
import dev.molo.supervisor.PodSupervisor;
import java.util.List;
import java.util.Optional;

/**
 * CRI CreateContainer: a root file system that the pod's supervisor holds, and a record. No process
 * yet.
 */
final class CreateContainer {
  private final Node node;

  CreateContainer(Node node) {
    this.node = node;
  }

  ContainerId run(String sandboxId, ContainerSpec spec, byte[] canonical) {
    Pod pod = node.pods().get(sandboxId);
    requireReady(pod);
    Claim<ContainerId> claim =
        pod.names()
            .claim(
                spec.metadata(), canonical, ContainerId::random, node.codec()::containerDifference);
    return switch (claim) {
      case Claim.Joiner<ContainerId>(ContainerId id, var outcome) ->
          Waiting.uninterruptibly(outcome);
      case Claim.Owner<ContainerId>(ContainerId id) -> make(pod, id, spec, canonical);
    };
  }

  private static void requireReady(Pod pod) {
    if (!pod.isReady()) {
      throw FaultException.precondition(
          "create a container in pod sandbox %s: it is not ready (%s)",
          pod.id(), pod.snapshot().notReadyReason());
    }
  }

  private ContainerId make(Pod pod, ContainerId id, ContainerSpec spec, byte[] canonical) {
    String object = "container %s of pod %s".formatted(spec.metadata(), pod.id().brief());
    try (Verbs.Verb verb = node.verbs().begin("CreateContainer", object)) {
      build(pod, id, spec, canonical, verb);
      pod.names().complete(spec.metadata(), id);
      return id;
    } catch (RuntimeException e) {
      // what an undo could not take away lies in the pod's folder and goes with the pod
      pod.names().fail(spec.metadata(), id, e, false);
      throw e;
    }
  }

  private void build(
      Pod pod, ContainerId id, ContainerSpec spec, byte[] canonical, Verbs.Verb verb) {
    Image image =
        node.images()
            .find(spec.image().image())
            .orElseThrow(() ->
                FaultException.notFound(
                    "create container %s: image %s is not on this node",
                    spec.metadata(), spec.image().image()));
    ImageDefaults defaults = ImageDefaultsOf.image(image.config());
    verb.step("check request", "host paths of mounts");
    node.cgroups().check(spec.resources());
    node.launches().check(pod.spec(), spec, defaults);

    try (UndoStack undo = node.undoStack()) {
      verb.step("take layers");
      LayerLease lease = node.images().acquire(image.id(), id.value());
      undo.push("give layers back", lease::close);

      verb.step("write intent", "disk");
      undo.push("delete folder", () -> node.store().discard(pod.id(), id));
      ContainerRecord.Builder record = record(pod, id, spec, canonical, image, defaults, lease);
      node.store().create(record.build());
      node.store().makeWritableLayer(pod.id(), id);

      verb.step("mount root", "mounter");
      PodSupervisor supervisor = pod.readySupervisor();
      try (Fd root = node.mounter().overlay(overlay(pod, id, lease), node.settings().verbLimit())) {
        verb.step("resolve user", "image's passwd");
        ProcessUser user = node.launches().resolveUser(root, spec, defaults);
        record
            .setUid((int) user.uid())
            .setGid((int) user.gid())
            .addAllGroups(user.groups().stream().map(Long::intValue).toList())
            .setHome(user.home());

        verb.step("hold root", "supervisor");
        undo.push("release root", () -> supervisor.release(id));
        supervisor.hold(id, PodSupervisor.KEY_ROOT, List.of(root));
      }

      verb.step("commit", "disk");
      Container container = new Container(pod, spec, defaults, record, Optional.of(lease));
      pod.lane()
          .run(() -> {
            pod.add(container);
            container.markCreated();
          });
      undo.commit();
      verb.step("answer");
    }
  }

  private ContainerRecord.Builder record(
      Pod pod,
      ContainerId id,
      ContainerSpec spec,
      byte[] canonical,
      Image image,
      ImageDefaults defaults,
      LayerLease lease) {
    return ContainerRecord.newBuilder()
        .setId(id.value())
        .setSandboxId(pod.id().value())
        .setBootId(node.linux().system().bootId())
        .setCreatedAt(node.now())
        .setRequest(ByteString.copyFrom(canonical))
        .setPhase(ContainerRecord.Phase.INTENT)
        .setImageId(image.id().toString())
        .setImageRef(image.imageRef())
        .setImage(ImageDefaultsOf.record(defaults))
        .addAllLayers(lease.lowerDirs())
        .setStopSignal(StopSignal.of(spec, defaults).name())
        .setLogPath(LogFiles.path(pod.spec(), spec).orElse(""));
  }

  private static OverlayRequest overlay(Pod pod, ContainerId id, LayerLease lease) {
    String folder = pod.id().value() + "/containers/" + id.value();
    return new OverlayRequest(
        lease.lowerDirs(),
        Optional.of(new OverlayRequest.Writable(folder + "/upper", folder + "/work")),
        true);
  }
}
