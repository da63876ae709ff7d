package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.launch.LaunchPlan.FdRef;
import dev.molo.launch.LaunchPlan.Output;
import dev.molo.launch.LaunchPlan.Stdin;
import dev.molo.linux.CloneFlags;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.Namespaces;
import dev.molo.spec.SandboxSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Turns requests into launch plans.
 *
 * <p>Failures: {@link FaultException} INVALID_ARGUMENT, FAILED_PRECONDITION or UNIMPLEMENTED for
 * what the caller can change, naming the field as CRI spells it; {@link
 * dev.molo.linux.LinuxException} for what the kernel refused. Thread-safe.
 */
public final class Launches {
  private static final int HOSTNAME_MAX = 64;
  private static final int UMASK = 022;

  private final Linux linux;
  private final LaunchSettings settings;
  private final SeccompFilters filters;
  private final AppArmor apparmor;
  private final List<Rlimit> rlimits;

  /**
   * @throws FaultException INVALID_ARGUMENT when a configured limit makes no sense
   */
  public Launches(Linux linux, LaunchSettings settings) {
    this.linux = linux;
    this.settings = settings;
    this.filters = new SeccompFilters(linux);
    this.apparmor = new AppArmor(linux, settings.apparmorDefault());
    this.rlimits = Rlimit.of(settings.rlimits(), linux);
  }

  /** Checks what a sandbox asks of its namespaces. Touches nothing. */
  public SetupPlan setup(SandboxSpec sandbox) {
    Namespaces namespaces = sandbox.security().namespaces();
    refuseUserNamespace(namespaces);
    boolean ownNetwork = namespaces.network() != NamespaceMode.NODE;
    boolean ownIpc = namespaces.ipc() != NamespaceMode.NODE;
    String hostname = FieldText.plain("hostname", sandbox.hostname(), HOSTNAME_MAX);
    if (hostname.getBytes(StandardCharsets.UTF_8).length > HOSTNAME_MAX) {
      throw FaultException.invalid("hostname is longer than %d bytes", HOSTNAME_MAX);
    }
    return new SetupPlan(
        ownNetwork,
        ownIpc,
        ownNetwork,
        namespaces.pid() == NamespaceMode.POD,
        ownNetwork ? hostname : "",
        Sysctls.of(sandbox.sysctls(), ownNetwork, ownIpc));
  }

  /**
   * The operations of a setup, for {@code PodSupervisor.setup}; the caller may add those that
   * return descriptors.
   */
  public LaunchPlan.Builder setupOperations(SetupPlan setup) {
    LaunchPlan.Builder plan = LaunchPlan.builder();
    if (!setup.hostname().isEmpty()) {
      plan.hostname(setup.hostname());
    }
    if (setup.ownNetwork()) {
      plan.loopbackUp();
    }
    setup.sysctls().forEach(plan::sysctl);
    if (setup.sharedPid()) {
      plan.pidReaper();
    }
    return plan;
  }

  /**
   * Finds out who a container runs as, from its request, its image's USER and the user database in
   * its root.
   *
   * @param root the container's root, as a directory or a detached mount; only regular files in it
   *     are read, and no more than a bounded part
   */
  public ProcessUser resolveUser(Fd root, ContainerSpec container, ImageDefaults image) {
    UserDatabase database = UserDatabase.read(linux.files(), root);
    return new UserResolution(database).resolve(container, image);
  }

  /**
   * Checks at CreateContainer what {@link #containerPlan} would refuse at StartContainer, as far as
   * it can be known then. Makes missing host paths of mounts.
   */
  public void check(SandboxSpec sandbox, ContainerSpec container, ImageDefaults image) {
    refusePrivilegedInside(sandbox, container);
    refuseUserNamespace(container.security().namespaces());
    if (container.security().namespaces().pid() == NamespaceMode.POD) {
      PidNamespace.requireShared(sandbox.security().namespaces().pid());
    }
    CommandLine.of(container, image);
    WorkingDirectory.of(container, image);
    Environment.of(container, image, "", new ProcessUser(0, 0, List.of(), "/"), container.tty());
    oomScoreAdj(container);
    Confinement.of(container.security(), linux, filters, apparmor);
    checkPaths(container, image);
    new Devices(linux.files()).of(container);
    HostMounts hosts = new HostMounts(linux, settings.createMissingMounts());
    for (Targets.Target target : Targets.of(container).sorted()) {
      if (target.mount().image().isEmpty()) {
        hosts.prepare(target.mount());
      }
    }
  }

  /**
   * The plan that starts a container. Opens the host's side of its mounts, which may block in a
   * dead file system: call it off the lane.
   */
  public Launch containerPlan(LaunchContext context) {
    ContainerSpec container = context.container();
    refusePrivilegedInside(context.sandbox(), container);
    refuseUserNamespace(container.security().namespaces());
    Confinement confinement = Confinement.of(container.security(), linux, filters, apparmor);
    LaunchPlan.Builder plan = LaunchPlan.builder();
    List<Fd> opened = new ArrayList<>();
    try {
      plan.cgroup(plan.fd(context.cgroup()));
      PidNamespace.apply(plan, context);
      streams(plan, context);
      plan.oomScoreAdj(oomScoreAdj(container));
      String workingDir = WorkingDirectory.of(container, context.image());
      new RootContents(context, plan, linux, settings, opened)
          .build(References.of(plan, context.root()), workingDir);
      if (container.tty()) {
        plan.terminal(0, 0, true);
      }
      process(plan, context.user(), workingDir, confinement);
      environment(
          plan, container, context.image(), context.hostname(), context.user(), container.tty());
      CommandLine.of(container, context.image()).forEach(plan::arg);
      return new Launch(plan.exec().build(), opened, confinement.warnings());
    } catch (RuntimeException e) {
      opened.forEach(Fd::close);
      throw e;
    }
  }

  /**
   * The program that guards a container's devices, for {@code ContainerCgroup.filterDevices}: made
   * before anything runs in the container.
   *
   * @return empty for a privileged container, which may use all
   */
  public Optional<byte[]> deviceFilter(ContainerSpec container) {
    return container.security().privileged()
        ? Optional.empty()
        : Optional.of(DeviceFilter.allowing(new Devices(linux.files()).of(container)));
  }

  /** The plan that runs one more program in a running container. */
  public Launch execPlan(ExecContext context) {
    ContainerSpec container = context.container();
    CommandLine.checked("cmd", context.command());
    Confinement confinement = Confinement.of(container.security(), linux, filters, apparmor);
    LaunchPlan.Builder plan = LaunchPlan.builder();
    plan.cgroup(plan.fd(context.cgroup()));
    plan.pidOf(context.containerId().value());
    streams(plan, context);
    plan.oomScoreAdj(oomScoreAdj(container));
    boolean hostCgroups = container.security().privileged();
    long cgroups = hostCgroups ? 0 : CloneFlags.CLONE_NEWCGROUP;
    plan.join(CloneFlags.CLONE_NEWNS | cgroups, "");
    if (context.terminal()) {
      plan.terminal(0, 0, false);
    }
    String workingDir = WorkingDirectory.of(container, context.image());
    process(plan, context.user(), workingDir, confinement);
    environment(
        plan, container, context.image(), context.hostname(), context.user(), context.terminal());
    context.command().forEach(plan::arg);
    return new Launch(plan.exec().build(), List.of(), confinement.warnings());
  }

  private static void streams(LaunchPlan.Builder plan, LaunchContext context) {
    ContainerSpec container = context.container();
    if (container.tty()) {
      plan.stdin(Stdin.TERMINAL).output(Output.TERMINAL);
    } else {
      plan.stdin(container.stdin() ? Stdin.PIPE : Stdin.NULL).output(Output.LOG);
    }
    plan.log(context.log().map(plan::fd).orElse(FdRef.NONE));
  }

  private static void streams(LaunchPlan.Builder plan, ExecContext context) {
    if (context.terminal()) {
      plan.stdin(Stdin.TERMINAL).output(Output.TERMINAL);
      return;
    }
    context.stdin().map(plan::fd).ifPresentOrElse(plan::stdin, () -> plan.stdin(Stdin.NULL));
    if (context.stdout().isEmpty() && context.stderr().isEmpty()) {
      plan.output(Output.NULL);
      return;
    }
    plan.output(
        context.stdout().map(plan::fd).orElse(FdRef.NONE),
        context.stderr().map(plan::fd).orElse(FdRef.NONE));
  }

  /** From here on everything happens inside the new root. */
  private void process(
      LaunchPlan.Builder plan, ProcessUser user, String workingDir, Confinement confinement) {
    rlimits.forEach(limit -> plan.rlimit(limit.resource(), limit.soft(), limit.hard()));
    plan.umask(UMASK);
    plan.chownStdio(user.uid(), user.gid());
    // before the ids change: a directory that only root may enter is no obstacle, as with runc
    plan.cwd(workingDir);
    confinement.apply(plan, user);
  }

  private static void environment(
      LaunchPlan.Builder plan,
      ContainerSpec container,
      ImageDefaults image,
      String hostname,
      ProcessUser user,
      boolean terminal) {
    Environment.of(container, image, hostname, user, terminal).assignments().forEach(plan::env);
  }

  private static int oomScoreAdj(ContainerSpec container) {
    long value = container.resources().oomScoreAdj();
    if (value < -1000 || value > 1000) {
      throw FaultException.invalid(
          "linux.resources.oom_score_adj must be -1000 to 1000, is %d", value);
    }
    return (int) value;
  }

  private static void checkPaths(ContainerSpec container, ImageDefaults image) {
    container
        .security()
        .maskedPaths()
        .forEach(path -> FieldText.absolutePath("masked_paths", path));
    container
        .security()
        .readonlyPaths()
        .forEach(path -> FieldText.absolutePath("readonly_paths", path));
    image.volumes().forEach(path -> FieldText.absolutePath("the image's volume", path));
  }

  private static void refusePrivilegedInside(SandboxSpec sandbox, ContainerSpec container) {
    if (container.security().privileged() && !sandbox.security().privileged()) {
      throw FaultException.invalid(
          "security_context.privileged: the sandbox was not made privileged");
    }
  }

  private static void refuseUserNamespace(Namespaces namespaces) {
    if (namespaces.user().isPresent()) {
      throw FaultException.unimplemented(
          "namespace_options.userns_options: user namespaces are not built yet");
    }
  }
}
