package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupParentTest {
  @Test
  void aKubeletsParentIsTakenAsItIs() {
    assertThat(CgroupParent.of("/kubepods/burstable/pod12-34").path())
        .isEqualTo("/kubepods/burstable/pod12-34");
  }

  @Test
  void slashesAreNormalised() {
    assertThat(CgroupParent.of("//a///b/").path()).isEqualTo("/a/b");
    assertThat(CgroupParent.of("a").path()).isEqualTo("/a");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/../b", "..", "/.", "/a\nb", "/a\0", "kubepods-burstable.slice"})
  void whatIsNoPlainPathIsRefused(String path) {
    assertThatThrownBy(() -> CgroupParent.of(path))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("linux.cgroup_parent");
  }

  @Property
  void noParentEverClimbs(@ForAll String path) {
    try {
      assertThat(CgroupParent.of(path).names()).doesNotContain("..", ".", "");
    } catch (FaultException refused) {
      assertThat(refused).hasMessageStartingWith("linux.cgroup_parent");
    }
  }
}
