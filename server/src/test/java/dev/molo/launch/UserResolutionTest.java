package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.spec.SupplementalGroupsPolicy;
import java.util.List;
import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UserResolutionTest {
  private static final UserDatabase DATABASE =
      UserDatabase.parse(
          """
          root:x:0:0:root:/root:/bin/sh
          # a comment
          broken
          web:x:1000:1001:Web:/srv/web:/bin/false
          web:x:7:7:second line of the same name:/other:/bin/false
          relative:x:1002:1002::home:/bin/sh
          huge:x:4294967295:1:::
          negative:x:-1:1:::
          """,
          """
          root:x:0:
          web:x:1001:
          video:x:44:web,other
          audio:x:45:other
          extra:x:50:web
          wheel:x:4294967296:web
          """);

  private final Specs specs = new Specs();

  @Test
  void anImageWithoutUserRunsAsRoot() {
    assertThat(resolve("")).isEqualTo(new ProcessUser(0, 0, List.of(0L), "/root"));
  }

  @Test
  void aNameGivesIdsHomeAndGroups() {
    assertThat(resolve("web"))
        .isEqualTo(new ProcessUser(1000, 1001, List.of(1001L, 44L, 50L), "/srv/web"));
  }

  @Test
  void aKnownNumberIsTheSameAsItsName() {
    assertThat(resolve("1000")).isEqualTo(resolve("web"));
  }

  @Test
  void anUnknownNumberHasTheRootGroupAndHome() {
    assertThat(resolve("4242")).isEqualTo(new ProcessUser(4242, 0, List.of(0L), "/"));
  }

  @Test
  void theImagesGroupReplacesThePrimaryOne() {
    assertThat(resolve("web:video").gid()).isEqualTo(44);
    assertThat(resolve("web:77")).extracting(ProcessUser::gid).isEqualTo(77L);
    assertThat(resolve(":77")).extracting(ProcessUser::uid).isEqualTo(0L);
    assertThat(resolve("web:").gid()).isEqualTo(1001);
  }

  @Test
  void theRequestComesBeforeTheImage() {
    specs.runAsUser = OptionalLong.of(4242);
    assertThat(resolve("web").uid()).isEqualTo(4242);
    specs.runAsGroup = OptionalLong.of(5);
    assertThat(resolve("web")).isEqualTo(new ProcessUser(4242, 5, List.of(5L), "/"));
  }

  @Test
  void theRequestsNameMustBeInTheImage() {
    specs.runAsUsername = "web";
    assertThat(resolve("").uid()).isEqualTo(1000);
    specs.runAsUsername = "nobody";
    assertThatThrownBy(() -> resolve(""))
        .hasMessage("run_as_username \"nobody\" is not in the image's /etc/passwd");
  }

  @Test
  void aGroupWithoutAUserIsRefused() {
    specs.runAsGroup = OptionalLong.of(5);
    assertThatThrownBy(() -> resolve("web")).hasMessageStartingWith("run_as_group needs");
  }

  @Test
  void strictLeavesOutTheImagesGroups() {
    specs.groupsPolicy = SupplementalGroupsPolicy.STRICT;
    specs.supplementalGroups = List.of(9L, 9L);
    assertThat(resolve("web").groups()).containsExactly(1001L, 9L);
    specs.groupsPolicy = SupplementalGroupsPolicy.MERGE;
    assertThat(resolve("web").groups()).containsExactly(1001L, 44L, 50L, 9L);
  }

  @Test
  void aHomeThatIsNoPathIsTheRoot() {
    assertThat(resolve("relative").home()).isEqualTo("/");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "4294967295", "4294967296", "18446744073709551616", "-1", "+0", "-0", "huge", "negative",
        "a:b:c", "web:nogroup", "web:-1", "web:4294967295", "nobody", "1000x", "web\n", "web\0",
        "0x10", " 0"
      })
  void whatIsNoUserIsRefusedAndNeverRoot(String user) {
    assertThatThrownBy(() -> resolve(user)).isInstanceOf(FaultException.class);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 4294967295L, Long.MAX_VALUE, Long.MIN_VALUE})
  void idsBeyond32BitsAreRefused(long id) {
    specs.runAsUser = OptionalLong.of(id);
    assertThatThrownBy(() -> resolve("")).hasMessageContaining("run_as_user");
    specs.runAsUser = OptionalLong.of(1);
    specs.runAsGroup = OptionalLong.of(id);
    assertThatThrownBy(() -> resolve("")).hasMessageContaining("run_as_group");
    specs.runAsGroup = OptionalLong.empty();
    specs.supplementalGroups = List.of(id);
    assertThatThrownBy(() -> resolve("")).hasMessageContaining("supplemental_groups");
  }

  @Property
  void noTextBecomesRootByAccident(@ForAll String user) {
    ProcessUser found;
    try {
      found = new UserResolution(DATABASE).resolve(new Specs().container(), Specs.imageUser(user));
    } catch (FaultException refused) {
      return;
    }
    String name = user.split(":", -1)[0];
    boolean saysRoot = name.isEmpty() || name.equals("root") || name.matches("0+");
    assertThat(found.uid() == 0).isEqualTo(saysRoot);
  }

  @Property
  void everyDatabaseIsReadWithoutFailing(@ForAll String passwd, @ForAll String group) {
    UserDatabase database = UserDatabase.parse(passwd, group);
    for (String name : passwd.split(":", -1)) {
      database.userNamed(name).ifPresent(user -> assertThat(user.uid()).isBetween(0L, 0xfffffffeL));
    }
  }

  private ProcessUser resolve(String imageUser) {
    return new UserResolution(DATABASE).resolve(specs.container(), Specs.imageUser(imageUser));
  }
}
