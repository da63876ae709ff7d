package dev.molo.linux.jnr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.linux.Architecture;
import dev.molo.linux.LinuxException;
import dev.molo.linux.RealKernel;
import dev.molo.linux.Seccomp;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Argument;
import dev.molo.linux.SeccompProfile.Comparison;
import dev.molo.linux.SeccompProfile.Rule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs what libseccomp compiled through a small interpreter of seccomp's BPF. */
@ExtendWith(RealKernel.class)
class JnrSeccompIT {

  private static final int ALLOW = 0x7fff0000;
  private static final int ERRNO = 0x00050000;
  private static final boolean X86 = Architecture.current() == Architecture.X86_64;
  private static final int AUDIT_ARCH = X86 ? 0xc000003e : 0xc00000b7;
  private static final int GETPID = X86 ? 39 : 172;
  private static final int PERSONALITY = X86 ? 135 : 92;
  private static final int CLONE = X86 ? 56 : 220;

  private final Seccomp seccomp = RealKernel.linux().seccomp();

  private static SeccompProfile profile(Rule... rules) {
    return new SeccompProfile(Action.ERRNO, OptionalInt.of(38), List.of(), List.of(rules));
  }

  private static Rule allow(String name, Argument... arguments) {
    return new Rule(List.of(name), Action.ALLOW, OptionalInt.empty(), List.of(arguments));
  }

  @Test
  void listedCallsPassAndOthersGetTheDefaultErrno() {
    Seccomp.Program program = seccomp.compile(profile(allow("getpid"), allow("no_such_call")));
    assertThat(program.unknownCalls()).containsExactly("no_such_call");
    assertThat(run(program, AUDIT_ARCH, GETPID)).isEqualTo(ALLOW);
    assertThat(run(program, AUDIT_ARCH, PERSONALITY)).isEqualTo(ERRNO | 38);
  }

  @Test
  void argumentsAreCompared() {
    Argument none = new Argument(0, Comparison.MASKED_EQUAL, 0x7e020000L, 0);
    Seccomp.Program program = seccomp.compile(profile(allow("clone", none)));
    assertThat(run(program, AUDIT_ARCH, CLONE, 0x11)).isEqualTo(ALLOW);
    assertThat(run(program, AUDIT_ARCH, CLONE, 0x10000000)).isEqualTo(ERRNO | 38);
  }

  @Test
  void conditionsOnTheSameArgumentAreAlternatives() {
    Argument zero = new Argument(0, Comparison.EQUAL, 0, 0);
    Argument eight = new Argument(0, Comparison.EQUAL, 8, 0);
    Seccomp.Program program = seccomp.compile(profile(allow("personality", zero, eight)));
    assertThat(run(program, AUDIT_ARCH, PERSONALITY, 8)).isEqualTo(ALLOW);
    assertThat(run(program, AUDIT_ARCH, PERSONALITY, 0)).isEqualTo(ALLOW);
    assertThat(run(program, AUDIT_ARCH, PERSONALITY, 9)).isEqualTo(ERRNO | 38);
  }

  @Test
  void rulesCanRefuseWhatTheDefaultAllows() {
    Rule refuse = new Rule(List.of("personality"), Action.ERRNO, OptionalInt.of(1), List.of());
    SeccompProfile open =
        new SeccompProfile(
            Action.ALLOW,
            OptionalInt.empty(),
            List.of("x86_64", "x86", "x32", "aarch64", "arm"),
            List.of(refuse));
    Seccomp.Program program = seccomp.compile(open);
    assertThat(run(program, AUDIT_ARCH, PERSONALITY)).isEqualTo(ERRNO | 1);
    assertThat(run(program, AUDIT_ARCH, GETPID)).isEqualTo(ALLOW);
    assertThat(run(program, 0x40000003, 136)).as("i386's personality").isEqualTo(ERRNO | 1);
  }

  @Test
  void foreignArchitectureIsRefused() {
    SeccompProfile odd =
        new SeccompProfile(Action.ALLOW, OptionalInt.empty(), List.of("z80"), List.of());
    assertThatThrownBy(() -> seccomp.compile(odd))
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("z80");
  }

  @Test
  void versionIsTold() {
    assertThat(seccomp.version()).matches("[0-9]+\\.[0-9]+\\.[0-9]+");
  }

  /** What the filter says to a call: struct seccomp_data through classic BPF. */
  private static int run(Seccomp.Program program, int arch, int call, long... arguments) {
    ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
    data.putInt(0, call).putInt(4, arch);
    for (int i = 0; i < arguments.length; i++) {
      data.putLong(16 + 8 * i, arguments[i]);
    }
    ByteBuffer code = ByteBuffer.wrap(program.bpf()).order(ByteOrder.nativeOrder());
    int accumulator = 0;
    int at = 0;
    while (true) {
      int operation = code.getShort(at * 8) & 0xffff;
      int ifTrue = code.get(at * 8 + 2) & 0xff;
      int ifFalse = code.get(at * 8 + 3) & 0xff;
      int k = code.getInt(at * 8 + 4);
      at++;
      switch (operation) {
        case 0x20 -> accumulator = data.getInt(k);
        case 0x54 -> accumulator &= k;
        case 0x05 -> at += k;
        case 0x15 -> at += accumulator == k ? ifTrue : ifFalse;
        case 0x25 -> at += Integer.compareUnsigned(accumulator, k) > 0 ? ifTrue : ifFalse;
        case 0x35 -> at += Integer.compareUnsigned(accumulator, k) >= 0 ? ifTrue : ifFalse;
        case 0x45 -> at += (accumulator & k) != 0 ? ifTrue : ifFalse;
        case 0x06 -> {
          return k;
        }
        default -> throw new AssertionError("BPF operation 0x" + Integer.toHexString(operation));
      }
    }
  }
}
