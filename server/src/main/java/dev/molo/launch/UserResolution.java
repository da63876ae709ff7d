package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerSecurity;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.SupplementalGroupsPolicy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Decides who a container runs as. The request's user comes before the image's; a number is an id
 * and never looked up as a name, and one that does not fit 32 bits is refused, never cut
 * (CVE-2024-40635).
 */
final class UserResolution {
  private static final int NAME_MAX = 256;
  private static final int GROUPS_MAX = 65_536;
  private static final long ID_MAX = 0xfffffffeL;

  private final UserDatabase database;

  UserResolution(UserDatabase database) {
    this.database = database;
  }

  ProcessUser resolve(ContainerSpec container, ImageDefaults image) {
    ContainerSecurity security = container.security();
    Identity identity = identity(security, image);
    long gid = gid(security, identity);
    return new ProcessUser(identity.uid(), gid, groups(security, identity, gid), identity.home());
  }

  /**
   * Whom the user part names.
   *
   * @param entry its line in passwd, if it has one
   * @param group the image USER's group, where that decides
   */
  private record Identity(long uid, Optional<UserDatabase.User> entry, OptionalLong group) {
    String home() {
      return entry.map(UserDatabase.User::home).orElse("/");
    }
  }

  private Identity identity(ContainerSecurity security, ImageDefaults image) {
    if (security.runAsUser().isPresent()) {
      long uid = checkedId("run_as_user", security.runAsUser().getAsLong());
      return new Identity(uid, database.user(uid), OptionalLong.empty());
    }
    if (!security.runAsUsername().isEmpty()) {
      return ofName("run_as_username", security.runAsUsername(), OptionalLong.empty());
    }
    if (security.runAsGroup().isPresent()) {
      throw FaultException.invalid("run_as_group needs run_as_user or run_as_username");
    }
    return ofImage(image.user());
  }

  private Identity ofImage(String user) {
    String field = "the image's user";
    FieldText.plain(field, user, NAME_MAX);
    String[] parts = user.split(":", -1);
    if (parts.length > 2) {
      throw FaultException.precondition("%s \"%s\" has more than one colon", field, user);
    }
    OptionalLong group =
        parts.length == 2 && !parts[1].isEmpty()
            ? OptionalLong.of(groupId("the image's group", parts[1]))
            : OptionalLong.empty();
    String name = parts[0].isEmpty() ? "0" : parts[0];
    if (isNumber(name)) {
      long uid = number(field, name);
      return new Identity(uid, database.user(uid), group);
    }
    return ofName(field, name, group);
  }

  private Identity ofName(String field, String name, OptionalLong group) {
    FieldText.plain(field, name, NAME_MAX);
    if (name.indexOf(':') >= 0) {
      throw FaultException.invalid("%s must not have a colon", field);
    }
    UserDatabase.User user =
        database
            .userNamed(name)
            .orElseThrow(() ->
                FaultException.precondition(
                    "%s \"%s\" is not in the image's /etc/passwd", field, name));
    return new Identity(user.uid(), Optional.of(user), group);
  }

  private long gid(ContainerSecurity security, Identity identity) {
    if (security.runAsGroup().isPresent()) {
      return checkedId("run_as_group", security.runAsGroup().getAsLong());
    }
    if (identity.group().isPresent()) {
      return identity.group().getAsLong();
    }
    return identity.entry().map(UserDatabase.User::gid).orElse(0L);
  }

  private List<Long> groups(ContainerSecurity security, Identity identity, long gid) {
    Set<Long> groups = new LinkedHashSet<>();
    groups.add(gid);
    if (security.supplementalGroupsPolicy() == SupplementalGroupsPolicy.MERGE) {
      identity.entry().ifPresent(user -> groups.addAll(database.groupsOf(user.name())));
    }
    for (long group : security.supplementalGroups()) {
      groups.add(checkedId("supplemental_groups", group));
    }
    if (groups.size() > GROUPS_MAX) {
      throw FaultException.invalid(
          "supplemental_groups: %d groups, the kernel takes %d", groups.size(), GROUPS_MAX);
    }
    return new ArrayList<>(groups);
  }

  private long groupId(String field, String name) {
    if (isNumber(name)) {
      return number(field, name);
    }
    return database
        .groupNamed(name)
        .map(UserDatabase.Group::gid)
        .orElseThrow(() ->
            FaultException.precondition("%s \"%s\" is not in the image's /etc/group", field, name));
  }

  /** Whether it is meant as a number: digits, or a sign before whatever follows. */
  private static boolean isNumber(String text) {
    char first = text.charAt(0);
    return first == '-' || first == '+' || text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static long number(String field, String text) {
    return UserDatabase.id(text)
        .orElseThrow(() ->
            FaultException.precondition(
                "%s \"%s\" is not an id from 0 to %d", field, text, ID_MAX));
  }

  private static long checkedId(String field, long id) {
    if (id < 0 || id > ID_MAX) {
      throw FaultException.invalid("%s must be an id from 0 to %d, is %d", field, ID_MAX, id);
    }
    return id;
  }
}
