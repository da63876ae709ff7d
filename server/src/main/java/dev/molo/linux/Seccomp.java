package dev.molo.linux;

import java.util.List;

/** Compiles system call filters with libseccomp. Thread-safe. */
public interface Seccomp {

  /** A compiled filter; immutable. */
  final class Program {
    private final byte[] bpf;
    private final List<String> unknownCalls;

    /** A filter and the calls that libseccomp did not know. */
    public Program(byte[] bpf, List<String> unknownCalls) {
      this.bpf = bpf.clone();
      this.unknownCalls = List.copyOf(unknownCalls);
    }

    /** An array of struct sock_filter, as seccomp(2) takes it; a copy. */
    public byte[] bpf() {
      return bpf.clone();
    }

    /** Names that were left out because this libseccomp does not know them. */
    public List<String> unknownCalls() {
      return unknownCalls;
    }
  }

  /** Compiles; costs 1 to 20 ms, so cache by profile. */
  Program compile(SeccompProfile profile);

  /** libseccomp's version, such as "2.5.4". */
  String version();
}
