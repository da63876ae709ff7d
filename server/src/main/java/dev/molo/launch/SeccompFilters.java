package dev.molo.launch;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Architecture;
import dev.molo.linux.Capability;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Seccomp;
import dev.molo.spec.ContainerSecurity;
import dev.molo.spec.SecurityProfile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Compiled system call filters, kept by what they were made of: compiling costs milliseconds, and a
 * node runs thousands of containers with the same few. Bounded: the least recently used goes.
 * Thread-safe.
 */
final class SeccompFilters {
  private static final int KEPT = 64;

  private final Linux linux;
  private final Map<String, Filter> filters =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Filter> eldest) {
          return size() > KEPT;
        }
      };

  SeccompFilters(Linux linux) {
    this.linux = linux;
  }

  /**
   * A compiled filter.
   *
   * @param flags for seccomp(2)
   */
  record Filter(Seccomp.Program program, int flags) {
    List<String> unknownCalls() {
      return program.unknownCalls();
    }
  }

  /** What confines a process; empty: nothing does. */
  Optional<Filter> of(ContainerSecurity security, Set<Capability> bounding) {
    SecurityProfile profile = security.seccomp();
    if (security.privileged()) {
      // confined by nothing, whatever profile is named: so other runtimes do, and critest asks
      return Optional.empty();
    }
    return switch (profile.kind()) {
      case UNCONFINED -> Optional.empty();
      case RUNTIME_DEFAULT -> Optional.of(runtimeDefault(bounding));
      case LOCALHOST -> Optional.of(localhost(profile.localhostRef(), bounding));
    };
  }

  private Filter runtimeDefault(Set<Capability> bounding) {
    return cached(
        "default " + mask(bounding),
        () ->
            new Filter(
                linux.seccomp().compile(DefaultSeccomp.profile(bounding, Architecture.current())),
                0));
  }

  private Filter localhost(String ref, Set<Capability> bounding) {
    String path = FieldText.absolutePath("seccomp.localhost_ref", withoutPrefix(ref));
    byte[] json = read(path);
    return cached(
        "localhost " + sha256(json) + " " + mask(bounding),
        () -> {
          SeccompJson.Parsed parsed = SeccompJson.parse(path, json, bounding, linux.system());
          return new Filter(linux.seccomp().compile(parsed.profile()), parsed.flags());
        });
  }

  /** The deprecated spelling {@code localhost//path}. */
  private static String withoutPrefix(String ref) {
    return ref.startsWith("localhost/") ? ref.substring("localhost/".length()) : ref;
  }

  private Filter cached(String key, java.util.function.Supplier<Filter> compile) {
    synchronized (filters) {
      Filter found = filters.get(key);
      if (found != null) {
        return found;
      }
    }
    // compiled outside of the lock: at worst twice, never one waiting for another's file
    Filter made = compile.get();
    synchronized (filters) {
      filters.put(key, made);
    }
    return made;
  }

  private byte[] read(String path) {
    Files files = linux.files();
    try (Fd found = files.open(path, OpenFlags.O_PATH)) {
      if (!files.fstat(found).isRegular()) {
        throw FaultException.invalid("seccomp profile %s is not a regular file", path);
      }
      return files.readFile(
          Fd.AT_FDCWD,
          ("/proc/self/fd/" + found.number()).getBytes(StandardCharsets.UTF_8),
          SeccompJson.LIMIT);
    } catch (LinuxException e) {
      Fault kind = e.errno() == Errno.EFBIG ? Fault.INVALID_ARGUMENT : Fault.FAILED_PRECONDITION;
      throw new FaultException(
          kind, "seccomp profile %s cannot be read: %s".formatted(path, e.getMessage()), e);
    }
  }

  private static String mask(Set<Capability> set) {
    return Long.toHexString(set.stream().mapToLong(Capability::bit).reduce(0, (a, b) -> a | b));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
