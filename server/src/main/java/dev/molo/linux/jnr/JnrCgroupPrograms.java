package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.CgroupPrograms;
import dev.molo.linux.Fd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@link CgroupPrograms} by bpf(2). Offsets are those of union bpf_attr in linux/bpf.h.
 *
 * <p>Most containers have the same program, and the kernel verifies and compiles one at each load:
 * the last few stay loaded.
 */
final class JnrCgroupPrograms implements CgroupPrograms, AutoCloseable {

  private static final int BPF_PROG_LOAD = 5;
  private static final int BPF_PROG_ATTACH = 8;
  private static final int BPF_PROG_TYPE_CGROUP_DEVICE = 15;
  private static final int BPF_CGROUP_DEVICE = 6;
  private static final int BPF_F_ALLOW_MULTI = 2;
  private static final int INSTRUCTION = 8;
  private static final int LOAD_ATTR = 72;
  private static final int ATTACH_ATTR = 20;
  private static final int KEPT = 8;

  /** Keyed by their instructions, the one used last at the end; guarded by itself. */
  private final Map<ByteBuffer, Fd> loaded = new LinkedHashMap<>(16, 0.75f, true);

  @Override
  public void attachDeviceProgram(Fd cgroup, byte[] instructions) {
    synchronized (loaded) {
      ByteBuffer key = ByteBuffer.wrap(instructions);
      Fd program = loaded.get(key);
      if (program == null) {
        program = load(instructions);
        loaded.put(key, program);
        forgetAllBut(KEPT);
      }
      attach(cgroup, program);
    }
  }

  /** The cgroups that they are attached to keep them. */
  private void forgetAllBut(int kept) {
    Iterator<Fd> eldest = loaded.values().iterator();
    while (loaded.size() > kept) {
      eldest.next().close();
      eldest.remove();
    }
  }

  /** Forgets what is loaded. */
  @Override
  public void close() {
    synchronized (loaded) {
      forgetAllBut(0);
    }
  }

  private static void attach(Fd cgroup, Fd program) {
    try (Scratch scratch = Scratch.borrow()) {
      ByteBuffer attr = ByteBuffer.allocate(ATTACH_ATTR).order(ByteOrder.nativeOrder());
      attr.putInt(cgroup.number()).putInt(program.number());
      attr.putInt(BPF_CGROUP_DEVICE).putInt(BPF_F_ALLOW_MULTI);
      long at = scratch.at(scratch.bytes(attr.array()));
      check(
          Call.BPF,
          call(Call.BPF, BPF_PROG_ATTACH, at, ATTACH_ATTR),
          () -> "BPF_PROG_ATTACH, device filter, " + Detail.fd(cgroup));
    }
  }

  private static Fd load(byte[] instructions) {
    try (Scratch scratch = Scratch.borrow(instructions.length + LOAD_ATTR + 64)) {
      long program = scratch.at(scratch.bytes(instructions));
      long license = scratch.string("Apache-2.0".getBytes(StandardCharsets.US_ASCII));
      ByteBuffer attr = ByteBuffer.allocate(LOAD_ATTR).order(ByteOrder.nativeOrder());
      attr.putInt(BPF_PROG_TYPE_CGROUP_DEVICE).putInt(instructions.length / INSTRUCTION);
      attr.putLong(program).putLong(license);
      // log_level, log_size, log_buf, kern_version, prog_flags: none
      attr.position(48);
      attr.put("molo_devices".getBytes(StandardCharsets.US_ASCII));
      long at = scratch.at(scratch.bytes(attr.array()));
      return JnrFiles.owned(
          check(
              Call.BPF,
              call(Call.BPF, BPF_PROG_LOAD, at, LOAD_ATTR),
              () -> "BPF_PROG_LOAD, device filter, " + instructions.length + " bytes"));
    }
  }
}
