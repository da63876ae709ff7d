package dev.molo.launch;

import dev.molo.linux.Capability;
import dev.molo.linux.Fd;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A launch plan: the flat list of operations that the pod supervisor, or the child that it clones,
 * works off one by one (docs/supervisor-protocol.md; numbers in molo_wire.h).
 *
 * <p>Immutable. The descriptors are borrowed: whoever put them into the builder keeps them open
 * until the plan has been sent, and closes them.
 */
public final class LaunchPlan {
  private final byte[] operations;
  private final List<Fd> descriptors;
  private final int count;

  private LaunchPlan(byte[] operations, List<Fd> descriptors, int count) {
    this.operations = operations;
    this.descriptors = List.copyOf(descriptors);
    this.count = count;
  }

  /** An empty plan to add to. */
  public static Builder builder() {
    return new Builder();
  }

  /** The encoded operations, read-only. */
  public ByteBuffer operations() {
    return ByteBuffer.wrap(operations).asReadOnlyBuffer();
  }

  /** The descriptors that the operations refer to by index, at most 253. */
  public List<Fd> descriptors() {
    return descriptors;
  }

  /** How many operations there are. */
  public int size() {
    return count;
  }

  /** Where the child's standard input comes from. */
  public enum Stdin {
    /** /dev/null. */
    NULL(0),
    /** A pipe whose other end the supervisor keeps for Attach. */
    PIPE(1),
    /** A descriptor; use {@link Builder#stdin(FdRef)}. */
    FD(2),
    /** What {@link Builder#terminal} opens. */
    TERMINAL(3);

    private final int number;

    Stdin(int number) {
      this.number = number;
    }
  }

  /** Where the child's output goes. */
  public enum Output {
    /** /dev/null. */
    NULL(0),
    /** Pipes that the supervisor reads and writes to the log. */
    LOG(1),
    /** Descriptors; use {@link Builder#output(FdRef, FdRef)}. */
    FD(2),
    /** The terminal: the supervisor logs a container's and hands out an exec's. */
    TERMINAL(3);

    private final int number;

    Output(int number) {
      this.number = number;
    }
  }

  /** A security module whose exec label is set. */
  public enum Lsm {
    APPARMOR(1),
    SELINUX(2);

    private final int number;

    Lsm(int number) {
      this.number = number;
    }
  }

  /** What is made at a mount's target when nothing is there. */
  public enum Create {
    NOTHING(0),
    DIRECTORY(1),
    FILE(2),
    /** A directory or an empty file, as the thing that is attached. */
    LIKE_SOURCE(4);

    private final int bits;

    Create(int bits) {
      this.bits = bits;
    }
  }

  /** A descriptor as an operation names it. Made by the builder or by {@link #held}. */
  public record FdRef(int code) {
    private static final int HELD = 0x80000000;
    private static final int POD = 0x40000000;

    /** No descriptor. */
    public static final FdRef NONE = new FdRef(-1);

    /** What PodSupervisor.hold keeps under this key for the container that is started. */
    public static FdRef held(int key) {
      return new FdRef(HELD | requireKey(key));
    }

    /** What PodSupervisor.holdForPod keeps under this key. */
    public static FdRef heldForPod(int key) {
      return new FdRef(POD | requireKey(key));
    }

    private static int requireKey(int key) {
      if (key < 0 || key > 0xffff) {
        throw new IllegalArgumentException("key out of range: " + key);
      }
      return key;
    }
  }

  /**
   * Adds operations in the order in which they are to happen; the supervisor knows no better one.
   * The order that works for a container: {@code cgroup, clone*, stdin/output/log} (read before the
   * clone), {@code propagation, root}, mounts and files, {@code mask, readonly, setAttributes,
   * pivot}, {@code hostname, sysctl, rlimit, oomScoreAdj}, {@code terminal}, the identity, {@code
   * cwd}, {@code env, arg, exec}. For an exec: {@code cgroup, pidOf, stdin/output}, {@code join},
   * the rest alike.
   *
   * <p>Paths are bytes relative to the container's root; a leading slash changes nothing; symbolic
   * links in them cannot lead out. Ids are as the child's user namespace counts. Not thread-safe.
   */
  public static final class Builder {
    private static final int MAX_DESCRIPTORS = 253;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
    private final List<Fd> descriptors = new ArrayList<>();
    private int count;

    private Builder() {}

    /** Lets operations name this descriptor; the same one is added once. */
    public FdRef fd(Fd fd) {
      Objects.requireNonNull(fd, "fd");
      int index = descriptors.indexOf(fd);
      if (index < 0) {
        if (descriptors.size() == MAX_DESCRIPTORS) {
          throw new IllegalStateException(
              "a plan carries at most " + MAX_DESCRIPTORS + " descriptors; hold the others first");
        }
        index = descriptors.size();
        descriptors.add(fd);
      }
      return new FdRef(index);
    }

    /** The finished plan. */
    public LaunchPlan build() {
      return new LaunchPlan(out.toByteArray(), descriptors, count);
    }

    // Read by the supervisor before it clones.

    /** Born into this cgroup v2 leaf, which is kept for KILL and for counting memory kills. */
    public Builder cgroup(FdRef leaf) {
      return add(0x0100, ints(leaf.code()));
    }

    /** New namespaces, {@code CloneFlags.CLONE_NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS}. */
    public Builder cloneNamespaces(long flags) {
      return add(0x0101, ints((int) flags));
    }

    /** Into the pod's shared pid namespace, which {@link #pidReaper} made. */
    public Builder pidOfPod() {
      return add(0x0102, ints());
    }

    /** Into the pid namespace of another container of this pod; for an exec, of its container. */
    public Builder pidOf(String container) {
      return add(0x0103, ints(), text(container));
    }

    /** Not for {@link Stdin#FD}. */
    public Builder stdin(Stdin mode) {
      return add(0x0104, ints(mode.number, FdRef.NONE.code()));
    }

    public Builder stdin(FdRef fd) {
      return add(0x0104, ints(Stdin.FD.number, fd.code()));
    }

    /** Not for {@link Output#FD}. */
    public Builder output(Output mode) {
      return add(0x0105, ints(mode.number, FdRef.NONE.code(), FdRef.NONE.code()));
    }

    public Builder output(FdRef stdout, FdRef stderr) {
      return add(0x0105, ints(Output.FD.number, stdout.code(), stderr.code()));
    }

    /** The CRI log file, opened O_APPEND; {@link FdRef#NONE}: read and discard. */
    public Builder log(FdRef file) {
      return add(0x0106, ints(file.code()));
    }

    /** Born inside this user namespace. */
    public Builder userNamespace(FdRef namespace) {
      return add(0x0107, ints(namespace.code()));
    }

    // Done by the child.

    /** setns to namespaces ({@code CLONE_NEW*}) of a running container of the pod. */
    public Builder join(long flags, String container) {
      return add(0x0200, ints((int) flags), text(container));
    }

    /** setns to one namespace, or, with a pidfd, to several of that process. */
    public Builder joinFd(long flags, FdRef namespace) {
      return add(0x0201, ints((int) flags, namespace.code()));
    }

    /** unshare(2); for CLONE_NEWCGROUP, whose root is where the child already is. */
    public Builder unshare(long flags) {
      return add(0x0202, ints((int) flags));
    }

    /** Propagation of the whole inherited tree: {@code MountFlags.MS_SLAVE}, PRIVATE or SHARED. */
    public Builder propagation(long flags) {
      return add(0x0203, ints((int) flags));
    }

    /** The detached mount that becomes the root; paths mean something from here on. */
    public Builder root(FdRef mount) {
      return add(0x0204, ints(mount.code()));
    }

    /** A directory with its parents (those 0755 root); an existing one is left as it is. */
    public Builder mkdir(byte[] path, int mode, int uid, int gid) {
      return add(0x0205, ints(mode, uid, gid), path(path));
    }

    public Builder mkdir(String path, int mode) {
      return mkdir(utf8(path), mode, 0, 0);
    }

    /** A file with this content, made anew where one exists; never through a symbolic link. */
    public Builder mkfile(String path, int mode, int uid, int gid, byte[] content) {
      return add(0x0206, ints(mode, uid, gid), path(utf8(path)), content.clone());
    }

    /** Attaches a detached mount. */
    public Builder attach(FdRef mount, byte[] path, Create create) {
      return add(0x0207, ints(mount.code(), create.bits), path(path));
    }

    public Builder attach(FdRef mount, String path, Create create) {
      return attach(mount, utf8(path), create);
    }

    /**
     * Makes a file system inside the child's own namespaces (proc, sysfs, mqueue, devpts, tmpfs,
     * cgroup2) and attaches it, making the directory where it is missing.
     *
     * @param attributes {@code MountFlags.MOUNT_ATTR_*}
     * @param options {@code key=value} or {@code key}, a value at most 255 bytes
     */
    public Builder mount(String fstype, String path, long attributes, List<String> options) {
      return mount(fstype, path, attributes, options, false);
    }

    /**
     * Mounts a file system of the given type.
     *
     * @param optional a kernel without this file system is a warning instead of a failure
     */
    public Builder mount(
        String fstype, String path, long attributes, List<String> options, boolean optional) {
      ByteArrayOutputStream tail = new ByteArrayOutputStream();
      tail.writeBytes(text(fstype));
      tail.writeBytes(path(utf8(path)));
      options.forEach(option -> tail.writeBytes(text(option)));
      int flags = Create.DIRECTORY.bits | (optional ? 16 : 0);
      return add(0x0208, ints(flags, (int) attributes), tail.toByteArray());
    }

    /**
     * A device node or FIFO; an existing one is replaced.
     *
     * @param mode with {@code S_IFCHR}, {@code S_IFBLK} or {@code S_IFIFO}; the umask does not
     *     count
     */
    public Builder mknod(String path, int mode, int major, int minor, int uid, int gid) {
      return add(0x0209, ints(mode, major, minor, uid, gid), path(utf8(path)));
    }

    /** A symbolic link; whatever is at {@code path} already stays. */
    public Builder symlink(String target, String path) {
      return add(0x020a, ints(), text(target), path(utf8(path)));
    }

    /** Binds something inside the root to another place inside the root. */
    public Builder bind(String from, String path, boolean recursive, Create create) {
      return add(
          0x020b, ints(create.bits | (recursive ? 8 : 0)), path(utf8(from)), path(utf8(path)));
    }

    /** Hides a file behind /dev/null, a directory behind an empty read-only tmpfs. */
    public Builder mask(String path) {
      return add(0x020c, ints(), path(utf8(path)));
    }

    /** Binds a path onto itself read-only, with all that is mounted below; absent: left. */
    public Builder readonly(String path) {
      return add(0x020d, ints(), path(utf8(path)));
    }

    /**
     * mount_setattr(2) of the mount at a path; {@code "/"} is the root.
     *
     * @param set {@code MountFlags.MOUNT_ATTR_*}
     * @param propagation {@code MountFlags.MS_*} or 0
     */
    public Builder setAttributes(
        String path, long set, long clear, long propagation, boolean recursive) {
      return add(
          0x020e,
          ints((int) set, (int) clear, (int) propagation, recursive ? 1 : 0),
          path(utf8(path)));
    }

    /** The new root becomes {@code /}; the old tree goes. */
    public Builder pivot() {
      return add(0x020f, ints());
    }

    public Builder hostname(String name) {
      return add(0x0210, ints(), text(name));
    }

    public Builder domainname(String name) {
      return add(0x0211, ints(), text(name));
    }

    /**
     * Writes below /proc/sys, in whatever namespaces the writer is in.
     *
     * @param name with dots or slashes: {@code net.ipv4.ip_forward}
     */
    public Builder sysctl(String name, String value) {
      return add(0x0212, ints(), text(sysctlPath(name)), text(value));
    }

    /**
     * Sets one resource limit.
     *
     * @param resource {@code RLIMIT_*} as the kernel numbers them
     * @param soft -1 is RLIM_INFINITY, as for {@code hard}
     */
    public Builder rlimit(int resource, long soft, long hard) {
      return add(0x0213, ints(resource, 0), longs(soft, hard));
    }

    /** −1000 to 1000; lower than permitted: clamped, with a warning in the answer. */
    public Builder oomScoreAdj(int value) {
      return add(0x0214, ints(value));
    }

    public Builder umask(int mask) {
      return add(0x0215, ints(mask));
    }

    /** setgroups, setresgid, setresuid. */
    public Builder ids(long uid, long gid, List<Long> groups) {
      int[] all = new int[2 + groups.size()];
      all[0] = id(uid);
      all[1] = id(gid);
      for (int i = 0; i < groups.size(); i++) {
        all[2 + i] = id(groups.get(i));
      }
      return add(0x0216, ints(all));
    }

    /** Drops from the bounding set whatever is not listed. */
    public Builder bounding(Set<Capability> kept) {
      return add(0x0217, longs(mask(kept)));
    }

    /** capset(2) and the ambient set. */
    public Builder capabilities(
        Set<Capability> effective,
        Set<Capability> permitted,
        Set<Capability> inheritable,
        Set<Capability> ambient) {
      return add(0x0218, longs(mask(effective), mask(permitted), mask(inheritable), mask(ambient)));
    }

    public Builder secureBits(int bits) {
      return add(0x0219, ints(bits));
    }

    /** PR_SET_KEEPCAPS: the permitted set survives {@link #ids} of somebody other than root. */
    public Builder keepCapabilities(boolean keep) {
      return add(0x021a, ints(keep ? 1 : 0));
    }

    public Builder noNewPrivileges() {
      return add(0x021b, ints());
    }

    /**
     * seccomp(SECCOMP_SET_MODE_FILTER). Without {@link #noNewPrivileges} before it, the child must
     * still have CAP_SYS_ADMIN.
     *
     * @param flags {@code SECCOMP_FILTER_FLAG_*}
     * @param program an array of struct sock_filter
     */
    public Builder seccomp(int flags, byte[] program) {
      return add(0x021c, ints(flags), program.clone());
    }

    /** The label that the exec changes to. */
    public Builder execLabel(Lsm module, String label) {
      return add(0x021d, ints(module.number), text(label));
    }

    /**
     * Opens a terminal in the root's /dev/pts, with itself as the controlling one.
     *
     * @param console bind it at /dev/console too
     */
    public Builder terminal(int rows, int columns, boolean console) {
      return add(0x021e, ints(rows, columns, console ? 1 : 0));
    }

    /** The working directory; refused when it is not inside the root. */
    public Builder cwd(String path) {
      return add(0x021f, ints(), path(utf8(path)));
    }

    /** Makes the image's working directory where it is missing; before {@link #pivot} or after. */
    public Builder mkcwd(String path, long uid, long gid) {
      return add(0x0220, ints(id(uid), id(gid)), path(utf8(path)));
    }

    /** One {@code KEY=value} as raw bytes without NUL. */
    public Builder env(byte[] assignment) {
      return add(0x0221, ints(), text(assignment));
    }

    public Builder env(String key, String value) {
      return env(utf8(key + "=" + value));
    }

    /** One argument as raw bytes without NUL. */
    public Builder arg(byte[] argument) {
      return add(0x0222, ints(), text(argument));
    }

    public Builder arg(String argument) {
      return arg(utf8(argument));
    }

    /** Executes argument 0, looked up in the PATH of the environment when it has no slash. */
    public Builder exec() {
      return add(0x0223, ints());
    }

    public Builder setsid() {
      return add(0x0224, ints());
    }

    /** Gives the pipes or the terminal to the user who will use them. */
    public Builder chownStdio(long uid, long gid) {
      return add(0x0226, ints(id(uid), id(gid)));
    }

    // Done by the supervisor itself, in PodSupervisor.setup.

    public Builder loopbackUp() {
      return add(0x0300, ints());
    }

    /** A pid namespace for the whole pod, with a reaper as its pid 1. */
    public Builder pidReaper() {
      return add(0x0301, ints());
    }

    /** Returns an AF_NETLINK socket made in the pod's network namespace. */
    public Builder netlinkSocket(int protocol) {
      return add(0x0302, ints(protocol));
    }

    /** Returns a descriptor of one of the pod's namespaces ({@code CLONE_NEWNET}...). */
    public Builder namespaceFd(long flag) {
      return add(0x0303, ints((int) flag));
    }

    /**
     * Makes the pod's user namespace and in it the given ones, which the supervisor moves into.
     *
     * @param uidMap lines as /proc/PID/uid_map takes them
     */
    public Builder podUserNamespace(long flags, String uidMap, String gidMap) {
      return add(0x0304, ints((int) flags), text(uidMap), text(gidMap));
    }

    /**
     * Makes the pod's shared /dev/shm, a tmpfs with mode 1777, nosuid, nodev, noexec, under a pod
     * key: each {@link #attach} of {@code FdRef.heldForPod(key)} attaches a mount of the same one.
     *
     * @param bytes its size
     */
    public Builder podShm(int key, long bytes) {
      return add(0x0305, ints(FdRef.heldForPod(key).code(), 0), longs(bytes));
    }

    private Builder add(int code, byte[]... parts) {
      int length = 0;
      for (byte[] part : parts) {
        length += part.length;
      }
      ByteBuffer head = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
      head.putShort((short) code).putShort((short) 0).putInt(length);
      out.writeBytes(head.array());
      for (byte[] part : parts) {
        out.writeBytes(part);
      }
      out.writeBytes(new byte[-length & 3]);
      count++;
      return this;
    }

    private static byte[] ints(int... values) {
      ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
      for (int value : values) {
        bytes.putInt(value);
      }
      return bytes.array();
    }

    private static byte[] longs(long... values) {
      ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.nativeOrder());
      for (long value : values) {
        bytes.putLong(value);
      }
      return bytes.array();
    }

    private static int id(long value) {
      if (value < 0 || value > 0xfffffffeL) {
        throw new IllegalArgumentException("id out of range: " + value);
      }
      return (int) value;
    }

    private static long mask(Set<Capability> set) {
      return set.stream().mapToLong(Capability::bit).reduce(0, (a, b) -> a | b);
    }

    private static byte[] text(String value) {
      return text(utf8(value));
    }

    /** Strings end with a NUL, so that C can point into the plan. */
    private static byte[] text(byte[] value) {
      firstNul(value)
          .ifPresent(at -> {
            throw new IllegalArgumentException("a NUL byte at index " + at);
          });
      return Arrays.copyOf(value, value.length + 1);
    }

    private static byte[] path(byte[] value) {
      if (value.length == 0) {
        throw new IllegalArgumentException("an empty path");
      }
      return text(value);
    }

    private static OptionalInt firstNul(byte[] value) {
      for (int i = 0; i < value.length; i++) {
        if (value[i] == 0) {
          return OptionalInt.of(i);
        }
      }
      return OptionalInt.empty();
    }

    private static byte[] utf8(String value) {
      return value.getBytes(StandardCharsets.UTF_8);
    }

    /** net.ipv4.conf.eth0/1.x: where the first separator is a dot, dots and slashes swap roles. */
    private static String sysctlPath(String name) {
      int dot = name.indexOf('.');
      int slash = name.indexOf('/');
      if (dot < 0 || (slash >= 0 && slash < dot)) {
        return name;
      }
      StringBuilder path = new StringBuilder(name.length());
      name.chars().forEach(c -> path.append(c == '.' ? '/' : c == '/' ? '.' : (char) c));
      return path.toString();
    }
  }
}
