package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * An image's {@code /etc/passwd} and {@code /etc/group} (passwd(5), group(5)), read through its
 * root's descriptor. Whoever built the image wrote them: links cannot lead out of the root, nothing
 * but a regular file is opened for reading, and no more than 4 MiB of it are kept. Lines that make
 * no sense are skipped, as the C library does.
 */
final class UserDatabase {
  private static final int LIMIT = 4 << 20;
  private static final long ID_MAX = 0xfffffffeL;
  private static final long INSIDE = OpenFlags.RESOLVE_IN_ROOT | OpenFlags.RESOLVE_NO_MAGICLINKS;

  private final List<User> users;
  private final List<Group> groups;

  private UserDatabase(List<User> users, List<Group> groups) {
    this.users = users;
    this.groups = groups;
  }

  /** A line of passwd(5). */
  record User(String name, long uid, long gid, String home) {}

  /** A line of group(5). */
  record Group(String name, long gid, List<String> members) {}

  static UserDatabase read(Files files, Fd root) {
    return parse(content(files, root, "etc/passwd"), content(files, root, "etc/group"));
  }

  static UserDatabase parse(String passwd, String group) {
    return new UserDatabase(
        passwd.lines().flatMap(UserDatabase::user).toList(),
        group.lines().flatMap(UserDatabase::group).toList());
  }

  Optional<User> user(long uid) {
    return users.stream().filter(user -> user.uid() == uid).findFirst();
  }

  Optional<User> userNamed(String name) {
    return users.stream().filter(user -> user.name().equals(name)).findFirst();
  }

  Optional<Group> groupNamed(String name) {
    return groups.stream().filter(group -> group.name().equals(name)).findFirst();
  }

  /** The ids of the groups that list this member, in the file's order. */
  List<Long> groupsOf(String member) {
    return groups.stream()
        .filter(group -> group.members().contains(member))
        .map(Group::gid)
        .distinct()
        .toList();
  }

  /** A decimal id below 2^32-1, which is reserved; empty for anything else. */
  static OptionalLong id(String text) {
    boolean digits = !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    if (!digits || text.length() > 10) {
      return OptionalLong.empty();
    }
    long id = Long.parseLong(text);
    return id > ID_MAX ? OptionalLong.empty() : OptionalLong.of(id);
  }

  private static Stream<User> user(String line) {
    String[] fields = line.split(":", -1);
    if (fields.length < 6 || fields[0].isEmpty()) {
      return Stream.empty();
    }
    OptionalLong uid = id(fields[2]);
    OptionalLong gid = id(fields[3]);
    return uid.isPresent() && gid.isPresent()
        ? Stream.of(new User(fields[0], uid.getAsLong(), gid.getAsLong(), home(fields[5])))
        : Stream.empty();
  }

  /** HOME goes into an environment: a path that is none, or has control characters, does not. */
  private static String home(String field) {
    boolean plain = field.chars().allMatch(c -> c >= 0x20 && c != 0x7f);
    return field.startsWith("/") && plain && field.length() < FieldText.PATH_MAX ? field : "/";
  }

  private static Stream<Group> group(String line) {
    String[] fields = line.split(":", -1);
    if (fields.length < 3 || fields[0].isEmpty()) {
      return Stream.empty();
    }
    OptionalLong gid = id(fields[2]);
    List<String> members = fields.length < 4 ? List.of() : List.of(fields[3].split(","));
    return gid.isPresent()
        ? Stream.of(new Group(fields[0], gid.getAsLong(), members))
        : Stream.empty();
  }

  private static String content(Files files, Fd root, String path) {
    // looked at before it is opened for reading: opening a device or a FIFO has effects
    try (Fd found = files.openat2(root, path, OpenFlags.O_PATH, 0, INSIDE)) {
      Stat stat = files.fstat(found);
      if (!stat.isRegular()) {
        throw FaultException.precondition("the image's /%s is not a regular file", path);
      }
      if (stat.size() > LIMIT) {
        throw FaultException.precondition(
            "the image's /%s has %d bytes, more than the %d that are read of it",
            path, stat.size(), LIMIT);
      }
      try (Fd readable = files.open("/proc/self/fd/" + found.number(), OpenFlags.O_RDONLY)) {
        return read(files, readable, stat.size());
      }
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return "";
      }
      if (e.errno() == Errno.ELOOP) {
        throw FaultException.precondition("the image's /%s is a link that leads nowhere", path);
      }
      throw e;
    }
  }

  /** Bounded by the size that was checked, even if the file grows. */
  private static String read(Files files, Fd file, long size) {
    ByteBuffer bytes = ByteBuffer.allocate((int) size);
    while (bytes.hasRemaining() && files.read(file, bytes) > 0) {
      // read(2) advances the buffer
    }
    return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
  }
}
