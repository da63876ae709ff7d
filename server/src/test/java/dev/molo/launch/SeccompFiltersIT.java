package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Capability;
import dev.molo.linux.RealKernel;
import dev.molo.linux.RecordingLinux;
import dev.molo.spec.SecurityProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** libseccomp takes the profiles; they are compiled once. */
@ExtendWith(RealKernel.class)
class SeccompFiltersIT {
  private final RecordingLinux linux = RecordingLinux.over(RealKernel.linux());
  private final SeccompFilters filters = new SeccompFilters(linux);
  private final Specs specs = new Specs();

  @TempDir private Path folder;

  @Test
  void theDefaultCompilesForEverySetOfCapabilitiesAndIsKept() {
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    for (Set<Capability> bounding :
        Set.of(
            Set.<Capability>of(),
            Set.of(Capability.CAP_SYS_ADMIN),
            EnumSet.allOf(Capability.class))) {
      SeccompFilters.Filter filter = filters.of(specs.security(), bounding).orElseThrow();
      assertThat(filter.program().bpf().length).isGreaterThan(100).matches(n -> n % 8 == 0);
      assertThat(filters.of(specs.security(), bounding)).contains(filter);
    }
    assertThat(linux.calls("compile")).hasSize(3);
  }

  @Test
  void privilegedIsUnconfinedWhateverIsNamed() throws IOException {
    specs.privileged = true;
    specs.seccomp = SecurityProfile.RUNTIME_DEFAULT;
    assertThat(filters.of(specs.security(), Set.of())).isEmpty();
    specs.seccomp = localhost("{\"defaultAction\": \"SCMP_ACT_ALLOW\"}");
    assertThat(filters.of(specs.security(), Set.of())).isEmpty();
    specs.privileged = false;
    assertThat(filters.of(specs.security(), Set.of())).isPresent();
  }

  @Test
  void aChangedFileIsCompiledAnew() throws IOException {
    specs.seccomp = localhost("{\"defaultAction\": \"SCMP_ACT_ALLOW\"}");
    filters.of(specs.security(), Set.of());
    filters.of(specs.security(), Set.of());
    assertThat(linux.calls("compile")).hasSize(1);
    localhost("{\"defaultAction\": \"SCMP_ACT_LOG\"}");
    filters.of(specs.security(), Set.of());
    assertThat(linux.calls("compile")).hasSize(2);
  }

  @Test
  void whatIsNoFileIsRefused() throws IOException {
    specs.seccomp = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, folder + "/missing");
    assertThatThrownBy(() -> filters.of(specs.security(), Set.of()))
        .hasMessageContaining("missing cannot be read");
    specs.seccomp = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, "/dev/zero");
    assertThatThrownBy(() -> filters.of(specs.security(), Set.of()))
        .hasMessageContaining("not a regular file");
    specs.seccomp = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, "relative");
    assertThatThrownBy(() -> filters.of(specs.security(), Set.of()))
        .hasMessageContaining("absolute path");
    Files.writeString(folder.resolve("big"), " ".repeat(2 << 20));
    specs.seccomp = new SecurityProfile(SecurityProfile.Kind.LOCALHOST, folder + "/big");
    assertThatThrownBy(() -> filters.of(specs.security(), Set.of()))
        .hasMessageContaining("cannot be read");
  }

  private SecurityProfile localhost(String json) throws IOException {
    Path file = Files.writeString(folder.resolve("profile.json"), json);
    return new SecurityProfile(SecurityProfile.Kind.LOCALHOST, file.toString());
  }
}
