package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.ContainerSecurity;
import dev.molo.app.cli.manifest.PodManifest.Identity;
import dev.molo.app.cli.manifest.PodManifest.PodSecurity;
import dev.molo.cri.v1.SELinuxOption;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.SecurityProfile.ProfileType;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Reads security contexts. */
final class SecurityReader {
  /** Where a kubelet looks for Localhost seccomp profiles. */
  private static final String SECCOMP_ROOT = "/var/lib/kubelet/seccomp/";

  private static final long MAX_ID = (1L << 31) - 1;

  private SecurityReader() {}

  static PodSecurity pod(Fields spec) {
    Fields context = spec.section("securityContext").orElseGet(Fields::nothing);
    Map<String, String> sysctls = new LinkedHashMap<>();
    for (Fields sysctl : context.sections("sysctls")) {
      sysctls.put(sysctl.required("name"), sysctl.text("value", ""));
      sysctl.finish();
    }
    PodSecurity security =
        new PodSecurity(
            identity(context),
            context.integer("fsGroup", 0, MAX_ID),
            context.integers("supplementalGroups", 0, MAX_ID),
            context.choice("supplementalGroupsPolicy", "Merge", "Merge", "Strict").equals("Strict"),
            sysctls);
    // an emptyDir is new: there is nothing whose group a change could skip
    context.passedOver("fsGroupChangePolicy");
    context.finish();
    return security;
  }

  static ContainerSecurity container(Fields container) {
    Fields context = container.section("securityContext").orElseGet(Fields::nothing);
    Fields capabilities = context.section("capabilities").orElseGet(Fields::nothing);
    boolean privileged = context.isTrue("privileged");
    boolean escalation = context.truth("allowPrivilegeEscalation").orElse(true);
    ContainerSecurity security =
        new ContainerSecurity(
            identity(context),
            privileged,
            context.isTrue("readOnlyRootFilesystem"),
            !escalation,
            context.choice("procMount", "Default", "Default", "Unmasked").equals("Unmasked"),
            capabilities.texts("add"),
            capabilities.texts("drop"));
    capabilities.finish();
    if (privileged && !escalation) {
      context.wrong("allowPrivilegeEscalation", "contradicts privileged");
    }
    context.finish();
    return security;
  }

  private static Identity identity(Fields context) {
    return new Identity(
        context.integer("runAsUser", 0, MAX_ID),
        context.integer("runAsGroup", 0, MAX_ID),
        context.truth("runAsNonRoot"),
        context.section("seccompProfile").map(profile -> profile(profile, SECCOMP_ROOT)),
        context.section("appArmorProfile").map(profile -> profile(profile, "")),
        context.section("seLinuxOptions").map(SecurityReader::selinux));
  }

  private static SecurityProfile profile(Fields fields, String root) {
    String type =
        fields.choice("type", "RuntimeDefault", "RuntimeDefault", "Unconfined", "Localhost");
    Optional<String> name = fields.text("localhostProfile");
    if (name.isPresent() != type.equals("Localhost")) {
      fields.wrong("localhostProfile", "belongs to the type Localhost and to no other");
    }
    fields.finish();
    return SecurityProfile.newBuilder()
        .setProfileType(ProfileType.valueOf(type))
        .setLocalhostRef(name.map(file -> file.startsWith("/") ? file : root + file).orElse(""))
        .build();
  }

  private static SELinuxOption selinux(Fields fields) {
    SELinuxOption label =
        SELinuxOption.newBuilder()
            .setUser(fields.text("user", ""))
            .setRole(fields.text("role", ""))
            .setType(fields.text("type", ""))
            .setLevel(fields.text("level", ""))
            .build();
    fields.finish();
    return label;
  }
}
