package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Capability;
import dev.molo.linux.SystemFacts;
import dev.molo.spec.CapabilityRequest;
import dev.molo.spec.ContainerSecurity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The five capability sets of a container's process (capabilities(7)).
 *
 * <p>Bounding, permitted and effective are equal. Inheritable and ambient hold what was asked for
 * as ambient and nothing else: an inheritable set of more let processes without privileges gain
 * some by file capabilities (CVE-2022-24769). The kernel itself takes permitted and effective from
 * a process that is not root when it executes.
 *
 * @param bounding also permitted and effective
 * @param ambient also inheritable; a part of {@code bounding}
 * @param missing default capabilities that the daemon does not have and so cannot give
 */
record CapabilitySets(Set<Capability> bounding, Set<Capability> ambient, List<String> missing) {
  private static final String ALL = "ALL";

  /** What containerd and Docker give. */
  private static final Set<Capability> DEFAULTS =
      Collections.unmodifiableSet(
          EnumSet.of(
              Capability.CAP_AUDIT_WRITE,
              Capability.CAP_CHOWN,
              Capability.CAP_DAC_OVERRIDE,
              Capability.CAP_FOWNER,
              Capability.CAP_FSETID,
              Capability.CAP_KILL,
              Capability.CAP_MKNOD,
              Capability.CAP_NET_BIND_SERVICE,
              Capability.CAP_NET_RAW,
              Capability.CAP_SETFCAP,
              Capability.CAP_SETGID,
              Capability.CAP_SETPCAP,
              Capability.CAP_SETUID,
              Capability.CAP_SYS_CHROOT));

  CapabilitySets {
    bounding = Collections.unmodifiableSet(copy(bounding));
    ambient = Collections.unmodifiableSet(copy(ambient));
    missing = List.copyOf(missing);
  }

  static CapabilitySets of(ContainerSecurity security, SystemFacts facts) {
    Set<Capability> own = facts.effectiveCapabilities();
    if (security.privileged()) {
      return new CapabilitySets(own, Set.of(), List.of());
    }
    CapabilityRequest request = security.capabilities();
    Set<Capability> asked = named("add_capabilities", request.add());
    Set<Capability> dropped = named("drop_capabilities", request.drop());
    Set<Capability> ambient = named("add_ambient_capabilities", request.addAmbient());

    Set<Capability> kept = base(request, own);
    kept.addAll(asked);
    kept.removeAll(dropped);
    kept.addAll(ambient);

    refuseForeign("add_capabilities", asked, kept, own);
    refuseForeign("add_ambient_capabilities", ambient, kept, own);
    List<String> missing = kept.stream().filter(c -> !own.contains(c)).map(Enum::name).toList();
    kept.retainAll(own);
    return new CapabilitySets(kept, ambient, missing);
  }

  private static Set<Capability> base(CapabilityRequest request, Set<Capability> own) {
    if (hasAll(request.drop())) {
      return EnumSet.noneOf(Capability.class);
    }
    return copy(hasAll(request.add()) ? own : DEFAULTS);
  }

  /** An empty set carries no element type, which EnumSet.copyOf needs. */
  private static Set<Capability> copy(Set<Capability> set) {
    Set<Capability> copy = EnumSet.noneOf(Capability.class);
    copy.addAll(set);
    return copy;
  }

  private static boolean hasAll(List<String> names) {
    return names.stream().anyMatch(ALL::equalsIgnoreCase);
  }

  private static Set<Capability> named(String field, List<String> names) {
    List<Capability> found = new ArrayList<>();
    for (String name : names) {
      if (!ALL.equalsIgnoreCase(name)) {
        found.add(named(field, name));
      }
    }
    return copy(Set.copyOf(found));
  }

  private static Capability named(String field, String name) {
    FieldText.plain(field, name, 64);
    String upper = name.toUpperCase(Locale.ROOT);
    String whole = upper.startsWith("CAP_") ? upper : "CAP_" + upper;
    for (Capability capability : Capability.values()) {
      if (capability.name().equals(whole)) {
        return capability;
      }
    }
    throw FaultException.invalid("%s: there is no capability \"%s\"", field, name);
  }

  /** What was asked for by name and cannot be given is an error, not a surprise at run time. */
  private static void refuseForeign(
      String field, Set<Capability> asked, Set<Capability> kept, Set<Capability> own) {
    for (Capability capability : asked) {
      if (kept.contains(capability) && !own.contains(capability)) {
        throw FaultException.precondition(
            "%s: %s cannot be given: this daemon does not have it itself",
            field, capability.name());
      }
    }
  }
}
