package dev.molo.cri;

import dev.molo.cri.v1.Capability;
import dev.molo.cri.v1.IDMapping;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.SELinuxOption;
import dev.molo.cri.v1.UserNamespace;
import dev.molo.fault.FaultException;
import dev.molo.spec.CapabilityRequest;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.Namespaces;
import dev.molo.spec.SecurityProfile;
import dev.molo.spec.SelinuxLabel;
import dev.molo.spec.SupplementalGroupsPolicy;
import dev.molo.spec.UserNamespace.IdMapping;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The parts of security contexts that sandboxes and containers have in common, from the wire to the
 * domain, with the rules that span several fields. Values have passed {@link RequestFields}.
 */
final class SecurityMapping {
  private static final long ID_SPACE = 1L << 32;
  private static final String LOCALHOST_PREFIX = "localhost/";

  private SecurityMapping() {}

  static Namespaces namespaces(NamespaceOption option, String at) {
    NamespaceMode pid = mode(option.getPid());
    boolean target = pid == NamespaceMode.TARGET;
    if (target && option.getTargetId().isEmpty()) {
      throw FaultException.invalid("%s.target_id is empty although pid is TARGET", at);
    }
    if (!target && !option.getTargetId().isEmpty()) {
      throw FaultException.invalid("%s.target_id is given although pid is %s", at, pid);
    }
    return new Namespaces(
        mode(option.getNetwork()),
        pid,
        mode(option.getIpc()),
        target ? Optional.of(option.getTargetId()) : Optional.empty(),
        userNamespace(option.getUsernsOptions(), at + ".userns_options"));
  }

  static NamespaceMode mode(dev.molo.cri.v1.NamespaceMode mode) {
    return switch (mode) {
      case POD -> NamespaceMode.POD;
      case CONTAINER -> NamespaceMode.CONTAINER;
      case NODE -> NamespaceMode.NODE;
      case TARGET -> NamespaceMode.TARGET;
      case UNRECOGNIZED -> throw FaultException.invalid("unknown NamespaceMode");
    };
  }

  /** POD without mappings is what an older kubelet's silence decodes to: the host's namespace. */
  private static Optional<dev.molo.spec.UserNamespace> userNamespace(
      UserNamespace option, String at) {
    List<IdMapping> uids = mappings(option.getUidsList(), at + ".uids");
    List<IdMapping> gids = mappings(option.getGidsList(), at + ".gids");
    if (uids.isEmpty() && gids.isEmpty()) {
      return Optional.empty();
    }
    if (option.getMode() == dev.molo.cri.v1.NamespaceMode.NODE) {
      throw FaultException.invalid("%s has mappings although mode is NODE", at);
    }
    if (uids.isEmpty() || gids.isEmpty()) {
      throw FaultException.invalid("%s.%s is empty", at, uids.isEmpty() ? "uids" : "gids");
    }
    return Optional.of(new dev.molo.spec.UserNamespace(uids, gids));
  }

  static List<IdMapping> mappings(List<IDMapping> mappings, String at) {
    return mappings.stream().map(mapping -> mapping(mapping, at)).toList();
  }

  private static IdMapping mapping(IDMapping mapping, String at) {
    long host = Integer.toUnsignedLong(mapping.getHostId());
    long container = Integer.toUnsignedLong(mapping.getContainerId());
    long length = Integer.toUnsignedLong(mapping.getLength());
    if (length == 0) {
      throw FaultException.invalid("%s has a mapping of length 0", at);
    }
    if (host + length > ID_SPACE || container + length > ID_SPACE) {
      throw FaultException.invalid(
          "%s maps %d ids from %d (host) and %d (container): ids end at 4294967295",
          at, length, host, container);
    }
    return new IdMapping(host, container, length);
  }

  static OptionalLong number(boolean present, Int64Value value) {
    return present ? OptionalLong.of(value.getValue()) : OptionalLong.empty();
  }

  static SupplementalGroupsPolicy policy(dev.molo.cri.v1.SupplementalGroupsPolicy policy) {
    return switch (policy) {
      case Merge -> SupplementalGroupsPolicy.MERGE;
      case Strict -> SupplementalGroupsPolicy.STRICT;
      // in a sandbox's context the policy is recorded only, and nothing of it is checked
      case UNRECOGNIZED -> SupplementalGroupsPolicy.MERGE;
    };
  }

  /** CRI's documentation demands this error of both contexts. */
  static void refuseGroupWithoutUser(boolean group, boolean user, String at) {
    if (group && !user) {
      throw FaultException.invalid("%s.run_as_group is given without a user", at);
    }
  }

  /**
   * A seccomp or AppArmor profile.
   *
   * @param present whether the field of today is there; else the deprecated text counts
   * @param absent what the absence of both means
   */
  static SecurityProfile profile(
      boolean present,
      dev.molo.cri.v1.SecurityProfile profile,
      String deprecated,
      SecurityProfile absent,
      String at) {
    if (!present) {
      return deprecated.isEmpty() ? absent : deprecatedProfile(deprecated);
    }
    String ref = profile.getLocalhostRef();
    SecurityProfile.Kind kind = kind(profile.getProfileType());
    if (kind == SecurityProfile.Kind.LOCALHOST && ref.isEmpty()) {
      throw FaultException.invalid("%s.localhost_ref is empty although the type is Localhost", at);
    }
    if (kind != SecurityProfile.Kind.LOCALHOST && !ref.isEmpty()) {
      throw FaultException.invalid(
          "%s.localhost_ref is given although the type is %s", at, profile.getProfileType());
    }
    return new SecurityProfile(kind, withoutPrefix(ref));
  }

  private static SecurityProfile.Kind kind(dev.molo.cri.v1.SecurityProfile.ProfileType type) {
    return switch (type) {
      case RuntimeDefault -> SecurityProfile.Kind.RUNTIME_DEFAULT;
      case Unconfined -> SecurityProfile.Kind.UNCONFINED;
      case Localhost -> SecurityProfile.Kind.LOCALHOST;
      case UNRECOGNIZED -> throw FaultException.invalid("unknown ProfileType");
    };
  }

  private static SecurityProfile deprecatedProfile(String text) {
    if (text.equals("unconfined")) {
      return SecurityProfile.UNCONFINED;
    }
    return text.startsWith(LOCALHOST_PREFIX)
        ? new SecurityProfile(SecurityProfile.Kind.LOCALHOST, withoutPrefix(text))
        : SecurityProfile.RUNTIME_DEFAULT;
  }

  /** Clients write the prefix of the deprecated fields in the newer ones too; peers accept it. */
  private static String withoutPrefix(String ref) {
    return ref.startsWith(LOCALHOST_PREFIX) ? ref.substring(LOCALHOST_PREFIX.length()) : ref;
  }

  static Optional<SelinuxLabel> selinux(SELinuxOption option) {
    if (option.equals(SELinuxOption.getDefaultInstance())) {
      return Optional.empty();
    }
    return Optional.of(
        new SelinuxLabel(option.getUser(), option.getRole(), option.getType(), option.getLevel()));
  }

  static CapabilityRequest capabilities(Capability capability) {
    return new CapabilityRequest(
        bare(capability.getAddCapabilitiesList()),
        bare(capability.getDropCapabilitiesList()),
        bare(capability.getAddAmbientCapabilitiesList()));
  }

  /** Upper case and without CAP_, as the domain spells them. */
  private static List<String> bare(List<String> names) {
    return names.stream()
        .map(name -> name.toUpperCase(Locale.ROOT))
        .map(name -> name.startsWith("CAP_") ? name.substring("CAP_".length()) : name)
        .toList();
  }
}
