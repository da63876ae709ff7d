package dev.molo.pod;

import dev.molo.cgroup.ContainerCgroup;
import dev.molo.fault.FaultException;
import dev.molo.image.LayerLease;
import dev.molo.launch.ProcessUser;
import dev.molo.pod.ContainerState.Created;
import dev.molo.pod.ContainerState.Exited;
import dev.molo.pod.ContainerState.Running;
import dev.molo.pod.ContainerState.Unknown;
import dev.molo.spec.ContainerId;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.Resources;
import dev.molo.state.proto.ContainerRecord;
import dev.molo.supervisor.ExitRecord;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * One container: its record, its state and what it holds.
 *
 * <p>Transitions ({@code begin…}, {@code became…}) run on the pod's lane only. {@link #snapshot}
 * and {@link #exit} may be read from anywhere.
 */
final class Container {
  /** The exit code of a container whose end nobody saw (as with other runtimes). */
  private static final int UNSEEN_EXIT = 255;

  /** The exit code of a container whose program could not be exec'd. */
  private static final int START_ERROR_EXIT = 128;

  private final ContainerId id;
  private final Pod pod;
  private final ContainerSpec spec;
  private final ImageDefaults image;
  private final ContainerRecord.Builder record;
  private final Optional<LayerLease> lease;
  private final CompletableFuture<Exited> exit = new CompletableFuture<>();
  private volatile ContainerSnapshot snapshot;
  private volatile Optional<ContainerCgroup> cgroup = Optional.empty();
  private CompletableFuture<Void> starting;
  private boolean launching;
  private Resources resources;

  /**
   * @param record phase INTENT or later; owned by this object from now on
   * @param lease absent when the layers were found gone after a restart: it can only be removed
   */
  Container(
      Pod pod,
      ContainerSpec spec,
      ImageDefaults image,
      ContainerRecord.Builder record,
      Optional<LayerLease> lease) {
    this.pod = pod;
    this.id = new ContainerId(record.getId());
    this.spec = spec;
    this.image = image;
    this.record = record;
    this.lease = lease;
    this.resources =
        record.hasResources() ? ResourcesOf.record(record.getResources()) : spec.resources();
    publish(new Created());
  }

  ContainerId id() {
    return id;
  }

  Pod pod() {
    return pod;
  }

  /** As it was asked for. */
  ContainerSpec spec() {
    return spec;
  }

  /** What a process that starts now is to get: as it was asked for, but with the limits of now. */
  ContainerSpec currentSpec() {
    return spec.withResources(resources);
  }

  ImageDefaults image() {
    return image;
  }

  ContainerSnapshot snapshot() {
    return snapshot;
  }

  ContainerState state() {
    return snapshot.state();
  }

  /** Completed, once, when the container has ended and its record is written. */
  CompletableFuture<Exited> exit() {
    return exit;
  }

  /** Present from the start of its program until its end has been dealt with. */
  Optional<ContainerCgroup> cgroup() {
    return cgroup;
  }

  ProcessUser user() {
    return new ProcessUser(
        Integer.toUnsignedLong(record.getUid()),
        Integer.toUnsignedLong(record.getGid()),
        record.getGroupsList().stream().map(Integer::toUnsignedLong).toList(),
        record.getHome());
  }

  String stopSignal() {
    return record.getStopSignal();
  }

  // ---- transitions, on the lane ----

  /**
   * From Created towards Running; the intent is on disk before the supervisor is asked.
   *
   * @return empty for the caller who does the work; else the start in flight, to wait for
   */
  Optional<CompletableFuture<Void>> beginStart() {
    if (starting != null && !starting.isDone()) {
      return Optional.of(starting);
    }
    switch (state()) {
      case Created c -> {
        starting = new CompletableFuture<>();
        record.setPhase(ContainerRecord.Phase.STARTING);
        save();
        return Optional.empty();
      }
      case Running r -> {
        return Optional.of(CompletableFuture.completedFuture(null));
      }
      case Exited e ->
          throw FaultException.precondition(
              "start container %s: it has exited; a container runs once", id);
      case Unknown u ->
          throw FaultException.precondition(
              "start container %s: its state is unknown (%s)", id, u.message());
    }
  }

  /** From here on its program may run; refused when it was stopped meanwhile. */
  void beginLaunch() {
    if (state() instanceof Exited exited) {
      throw FaultException.precondition("start container %s: %s", id, exited.message());
    }
    launching = true;
  }

  /**
   * What a stop has to wait for before there is anything to signal: the start in flight, which is
   * with the supervisor. A start that has not got so far ends here and now, whatever it hangs on.
   */
  Optional<CompletableFuture<Void>> beginStop(long now) {
    if (starting == null || starting.isDone()) {
      return Optional.empty();
    }
    if (launching) {
      return Optional.of(starting);
    }
    becameStartError(now, "it was stopped before its program was started");
    return Optional.empty();
  }

  /** The leaf it is about to be born into. */
  void inCgroup(ContainerCgroup leaf) {
    cgroup = Optional.of(leaf);
  }

  /** Its program runs. Does nothing when its end was told already. */
  void becameRunning(int pid, long startedAt, List<String> warnings) {
    if (state() instanceof Created) {
      record
          .setPhase(ContainerRecord.Phase.RUNNING)
          .setPid(pid)
          .setStartedAt(startedAt)
          .addAllWarnings(warnings);
      save();
      publish(new Running(startedAt, pid));
    }
    endStart();
  }

  /** Its program could not be exec'd: it has ended before it lived. */
  void becameStartError(long now, String message) {
    if (!(state() instanceof Exited)) {
      end(new Exited(0, now, START_ERROR_EXIT, "StartError", message));
    }
    endStart();
  }

  private void endStart() {
    if (starting != null) {
      starting.complete(null);
    }
  }

  /** What its supervisor says of its end; a repetition is nothing new. */
  void becameExited(ExitRecord told) {
    if (state() instanceof Exited) {
      return;
    }
    end(
        new Exited(
            told.startedAt(),
            told.exit().finishedAt(),
            told.exit().code(),
            reason(told),
            message(told)));
  }

  private static String reason(ExitRecord told) {
    if (told.oomKills() > 0 && told.exit().code() != 0) {
      return "OOMKilled";
    }
    return told.exit().code() == 0 ? "Completed" : "Error";
  }

  private static String message(ExitRecord told) {
    List<String> facts = new ArrayList<>();
    if (told.exit().signal() != 0) {
      facts.add("ended by signal %d".formatted(told.exit().signal()));
    }
    if (told.oomKills() > 0) {
      facts.add(
          "the kernel killed %d of its processes for want of memory".formatted(told.oomKills()));
    }
    return String.join("; ", facts);
  }

  /** Nobody saw how it ended: a reboot, or its supervisor is gone. */
  void becameLost(long now, String why) {
    if (!(state() instanceof Exited)) {
      long startedAt = record.getStartedAt();
      end(new Exited(startedAt, now, UNSEEN_EXIT, "ContainerStatusUnknown", why));
    }
    endStart();
  }

  private void end(Exited exited) {
    record
        .setPhase(ContainerRecord.Phase.EXITED)
        .setStartedAt(exited.startedAt())
        .setFinishedAt(exited.finishedAt())
        .setExitCode(exited.exitCode())
        .setReason(exited.reason())
        .setMessage(exited.message());
    try {
      save();
    } finally {
      // the container has ended whether or not a full disk takes the record
      publish(exited);
      exit.complete(exited);
    }
  }

  /** The state as a record found on disk tells it, at recovery. */
  void restore() {
    switch (record.getPhase()) {
      case EXITED -> {
        Exited exited =
            new Exited(
                record.getStartedAt(),
                record.getFinishedAt(),
                record.getExitCode(),
                record.getReason(),
                record.getMessage());
        publish(exited);
        exit.complete(exited);
      }
      case RUNNING -> publish(new Running(record.getStartedAt(), record.getPid()));
      default -> publish(new Created());
    }
  }

  /** The start that a former daemon had begun never reached the supervisor. */
  void becameCreatedAgain() {
    record.setPhase(ContainerRecord.Phase.CREATED);
    save();
    publish(new Created());
  }

  void markCreated() {
    record.setPhase(ContainerRecord.Phase.CREATED);
    save();
    publish(new Created());
  }

  /** Limits changed, for this daemon and the next. */
  void becameLimited(Resources changed, List<String> warnings) {
    warnings.stream()
        .filter(warning -> !record.getWarningsList().contains(warning))
        .forEach(record::addWarnings);
    record.setResources(ResourcesOf.resources(changed));
    save();
    resources = changed;
    publish(state());
  }

  Resources resources() {
    return resources;
  }

  /** Its cgroup is gone. */
  void leftCgroup() {
    cgroup.ifPresent(ContainerCgroup::close);
    cgroup = Optional.empty();
  }

  /** Gives back what it holds in this process. */
  void releaseLayers() {
    lease.ifPresent(LayerLease::close);
  }

  ContainerRecord.Phase phase() {
    return record.getPhase();
  }

  private void save() {
    pod.node().store().write(record.build());
  }

  private void publish(ContainerState state) {
    snapshot =
        new ContainerSnapshot(
            id,
            pod.id(),
            spec,
            state,
            record.getCreatedAt(),
            record.getImageId(),
            record.getImageRef(),
            record.getLogPath(),
            record.getStopSignal(),
            new ContainerSnapshot.User(user().uid(), user().gid(), user().groups()),
            resources,
            facts(state));
  }

  private Map<String, String> facts(ContainerState state) {
    Map<String, String> facts = new LinkedHashMap<>();
    if (state instanceof Running running) {
      facts.put("pid", Integer.toString(running.pid()));
    }
    if (!(state instanceof Exited)) {
      cgroup.ifPresent(leaf -> facts.put("cgroup", leaf.path()));
    }
    if (record.getWarningsCount() > 0) {
      facts.put("warnings", String.join("; ", record.getWarningsList()));
    }
    return facts;
  }
}
