package dev.molo.linux.jnr;

import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.Memfds;
import dev.molo.linux.Seccomp;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Argument;
import dev.molo.linux.SeccompProfile.Comparison;
import dev.molo.linux.SeccompProfile.Rule;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.IgnoreError;

/**
 * {@link Seccomp} by libseccomp, bound at the first use. Each compilation has a context of its own.
 * Thread-safe.
 */
final class JnrSeccomp implements Seccomp {

  /** seccomp_*(3); addresses are {@code long}; errors come back as a negative errno. */
  public interface Library {
    @IgnoreError
    long seccomp_version();

    @IgnoreError
    long seccomp_init(int action);

    @IgnoreError
    void seccomp_release(long context);

    @IgnoreError
    int seccomp_attr_set(long context, int attribute, int value);

    @IgnoreError
    int seccomp_arch_resolve_name(long name);

    @IgnoreError
    int seccomp_arch_add(long context, int arch);

    @IgnoreError
    int seccomp_arch_remove(long context, int arch);

    @IgnoreError
    int seccomp_syscall_resolve_name(long name);

    @IgnoreError
    int seccomp_rule_add_array(long context, int action, int call, int count, long arguments);

    @IgnoreError
    int seccomp_export_bpf(long context, int fd);
  }

  private static final int SCMP_FLTATR_CTL_NNP = 3;
  private static final int SCMP_FLTATR_CTL_OPTIMIZE = 8;

  /** From libseccomp 2.5 on. */
  private static final int OPTIMIZE_BINARY_TREE = 2;

  private static final int SCMP_ARCH_NATIVE = 0;
  private static final int NR_SCMP_ERROR = -1;
  private static final int EEXIST = -17;
  private static final int EDOM = -33;
  private static final int SCMP_ARG_SIZE = 24;

  private static final class Bound {
    static final Library LIBRARY =
        NativeLibrary.bind(Library.class, "libseccomp.so.2", "install Debian's libseccomp2");

    private Bound() {}
  }

  private final Memfds memfds;
  private final Files files;

  JnrSeccomp(Memfds memfds, Files files) {
    this.memfds = memfds;
    this.files = files;
  }

  @Override
  public String version() {
    long version = Bound.LIBRARY.seccomp_version();
    Pointer numbers = Pointer.wrap(Runtime.getRuntime(Bound.LIBRARY), version, 12);
    return numbers.getInt(0) + "." + numbers.getInt(4) + "." + numbers.getInt(8);
  }

  @Override
  public Program compile(SeccompProfile profile) {
    int defaultAction = action(profile.defaultAction(), profile.defaultErrno());
    long context = Bound.LIBRARY.seccomp_init(defaultAction);
    if (context == 0) {
      throw new LinuxException("seccomp_init", Errno.EINVAL, "default " + profile.defaultAction());
    }
    try {
      // Whoever loads the filter decides about no_new_privs; exporting must not.
      checked(
          "seccomp_attr_set",
          "CTL_NNP",
          Bound.LIBRARY.seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0));
      // The kernel runs a filter once for every call there is when it is attached. Through a list
      // of comparisons, one for each call of the profile, that is half a millisecond a process.
      checked(
          "seccomp_attr_set",
          "CTL_OPTIMIZE",
          Bound.LIBRARY.seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_BINARY_TREE));
      addArchitectures(context, profile.architectures());
      List<String> unknown = new ArrayList<>();
      for (Rule rule : profile.rules()) {
        addRule(context, rule, defaultAction, unknown);
      }
      return new Program(export(context), unknown);
    } finally {
      Bound.LIBRARY.seccomp_release(context);
    }
  }

  private static void addArchitectures(long context, List<String> architectures) {
    if (architectures.isEmpty()) {
      return;
    }
    boolean nativeNamed = false;
    int nativeToken = nativeToken();
    for (String name : architectures) {
      int token = withString(name, Bound.LIBRARY::seccomp_arch_resolve_name);
      if (token == 0) {
        throw new LinuxException("seccomp_arch_resolve_name", Errno.EINVAL, name);
      }
      nativeNamed |= token == nativeToken;
      int result = Bound.LIBRARY.seccomp_arch_add(context, token);
      if (result != EEXIST) {
        checked("seccomp_arch_add", name, result);
      }
    }
    if (!nativeNamed) {
      checked(
          "seccomp_arch_remove",
          "native",
          Bound.LIBRARY.seccomp_arch_remove(context, SCMP_ARCH_NATIVE));
    }
  }

  private static int nativeToken() {
    String name =
        switch (dev.molo.linux.Architecture.current()) {
          case X86_64 -> "x86_64";
          case AARCH64 -> "aarch64";
        };
    return withString(name, Bound.LIBRARY::seccomp_arch_resolve_name);
  }

  private static void addRule(long context, Rule rule, int defaultAction, List<String> unknown) {
    int action = action(rule.action(), rule.errno());
    if (action == defaultAction) {
      // libseccomp refuses such a rule (EACCES); it would change nothing.
      return;
    }
    for (String name : rule.names()) {
      int call = withString(name, Bound.LIBRARY::seccomp_syscall_resolve_name);
      if (call == NR_SCMP_ERROR) {
        unknown.add(name);
      } else {
        addCall(context, name, call, action, rule.arguments());
      }
    }
  }

  private static void addCall(
      long context, String name, int call, int action, List<Argument> arguments) {
    long distinct = arguments.stream().map(Argument::index).distinct().count();
    if (distinct == arguments.size()) {
      addConditions(context, name, call, action, arguments);
      return;
    }
    // libseccomp takes one condition an argument; as runc does, the others become alternatives.
    for (Argument argument : arguments) {
      addConditions(context, name, call, action, List.of(argument));
    }
  }

  private static void addConditions(
      long context, String name, int call, int action, List<Argument> arguments) {
    try (Scratch scratch = Scratch.borrow()) {
      int array = scratch.reserve(SCMP_ARG_SIZE * arguments.size());
      int at = array;
      for (Argument argument : arguments) {
        scratch
            .memory()
            .putInt(at, argument.index())
            .putInt(at + 4, comparison(argument.comparison()))
            .putLong(at + 8, argument.value())
            .putLong(at + 16, argument.valueTwo());
        at += SCMP_ARG_SIZE;
      }
      int result =
          Bound.LIBRARY.seccomp_rule_add_array(
              context, action, call, arguments.size(), scratch.at(array));
      // The same rule twice is no error, nor is a call that one of the architectures lacks (EDOM).
      if (result != EEXIST && result != EDOM) {
        checked("seccomp_rule_add", name, result);
      }
    }
  }

  private byte[] export(long context) {
    try (Fd memfd = memfds.create("seccomp")) {
      checked(
          "seccomp_export_bpf",
          "filter",
          Bound.LIBRARY.seccomp_export_bpf(context, memfd.number()));
      ByteBuffer bpf = ByteBuffer.allocate((int) files.fstat(memfd).size());
      while (bpf.hasRemaining()) {
        int count = files.pread(memfd, bpf, bpf.position());
        if (count <= 0) {
          throw new LinuxException("pread", Errno.EIO, "the exported filter ends early");
        }
      }
      return bpf.array();
    }
  }

  private static int action(Action action, OptionalInt errno) {
    int data = errno.orElse(Errno.EPERM.number()) & 0xffff;
    return switch (action) {
      case KILL_PROCESS -> 0x80000000;
      case KILL_THREAD -> 0x00000000;
      case TRAP -> 0x00030000;
      case ERRNO -> 0x00050000 | data;
      case NOTIFY -> 0x7fc00000;
      case TRACE -> 0x7ff00000 | data;
      case LOG -> 0x7ffc0000;
      case ALLOW -> 0x7fff0000;
    };
  }

  private static int comparison(Comparison comparison) {
    return switch (comparison) {
      case NOT_EQUAL -> 1;
      case LESS_THAN -> 2;
      case LESS_OR_EQUAL -> 3;
      case EQUAL -> 4;
      case GREATER_OR_EQUAL -> 5;
      case GREATER_THAN -> 6;
      case MASKED_EQUAL -> 7;
    };
  }

  private interface NameCall {
    int with(long name);
  }

  private static int withString(String text, NameCall call) {
    try (Scratch scratch = Scratch.borrow()) {
      return call.with(scratch.string(text.getBytes(StandardCharsets.UTF_8)));
    }
  }

  private static void checked(String call, String detail, int result) {
    if (result < 0) {
      throw new LinuxException(call, -result, detail);
    }
  }
}
