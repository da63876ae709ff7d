package dev.molo.launch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The program that decides which devices a container may open: cgroup v2 has no device controller,
 * a BPF program on the container's cgroup is asked instead (cgroup-v2.rst, "Device controller").
 *
 * <p>Making nodes is allowed for all devices, as with runc, so that the container's own /dev can be
 * made; opening only for those listed.
 */
final class DeviceFilter {
  private static final int BLOCK = 1;
  private static final int CHARACTER = 2;
  private static final int MAKE = 1;
  private static final int READ = 2;
  private static final int WRITE = 4;
  private static final int ALL = MAKE | READ | WRITE;
  private static final int ANY = -1;

  /** Terminals: the console, the multiplexer, and what it makes. */
  private static final List<Rule> TERMINALS =
      List.of(
          new Rule(CHARACTER, 5, 1, ALL),
          new Rule(CHARACTER, 5, 2, ALL),
          new Rule(CHARACTER, 136, ANY, ALL));

  private static final int INSTRUCTION = 8;

  // registers
  private static final int R0 = 0;
  private static final int CONTEXT = 1;
  private static final int TYPE = 2;
  private static final int ACCESS = 3;
  private static final int MAJOR = 4;
  private static final int MINOR = 5;
  private static final int REST = 6;

  // opcodes of linux/bpf_common.h and linux/bpf.h, put together
  private static final int LOAD_WORD = 0x61;
  private static final int MOVE_32 = 0xbc;
  private static final int AND_32 = 0x54;
  private static final int SHIFT_RIGHT_32 = 0x74;
  private static final int MOVE_IMMEDIATE = 0xb7;
  private static final int JUMP_NOT_EQUAL = 0x55;
  private static final int EXIT = 0x95;

  private final List<byte[]> program = new ArrayList<>();

  private DeviceFilter() {}

  /**
   * @param major -1: any
   * @param minor -1: any
   * @param access bits of MAKE, READ, WRITE
   */
  private record Rule(int type, int major, int minor, int access) {}

  /** The program, an array of struct bpf_insn. */
  static byte[] allowing(List<DeviceNode> nodes) {
    List<Rule> rules = new ArrayList<>();
    rules.add(new Rule(CHARACTER, ANY, ANY, MAKE));
    rules.add(new Rule(BLOCK, ANY, ANY, MAKE));
    rules.addAll(TERMINALS);
    for (DeviceNode node : nodes) {
      rules.add(
          new Rule(
              node.isBlock() ? BLOCK : CHARACTER,
              node.major(),
              node.minor(),
              access(node.permissions())));
    }
    return new DeviceFilter().assemble(rules.stream().distinct().toList());
  }

  private static int access(String permissions) {
    return (permissions.contains("r") ? READ : 0)
        | (permissions.contains("w") ? WRITE : 0)
        | (permissions.contains("m") ? MAKE : 0);
  }

  private byte[] assemble(List<Rule> rules) {
    // struct bpf_cgroup_dev_ctx: access_type (access in the upper half, type in the lower), major,
    // minor
    add(LOAD_WORD, TYPE, CONTEXT, 0, 0);
    add(MOVE_32, ACCESS, TYPE, 0, 0);
    add(AND_32, TYPE, 0, 0, 0xffff);
    add(SHIFT_RIGHT_32, ACCESS, 0, 0, 16);
    add(LOAD_WORD, MAJOR, CONTEXT, 4, 0);
    add(LOAD_WORD, MINOR, CONTEXT, 8, 0);
    rules.forEach(this::rule);
    answer(0);
    ByteBuffer bytes = ByteBuffer.allocate(program.size() * INSTRUCTION);
    program.forEach(bytes::put);
    return bytes.array();
  }

  /** A comparison that fails skips to behind the rule's own answer. */
  private void rule(Rule rule) {
    boolean restricted = rule.access() != ALL;
    int left =
        2
            + 1
            + (restricted ? 3 : 0)
            + (rule.major() == ANY ? 0 : 1)
            + (rule.minor() == ANY ? 0 : 1);
    add(JUMP_NOT_EQUAL, TYPE, 0, --left, rule.type());
    if (restricted) {
      add(MOVE_32, REST, ACCESS, 0, 0);
      add(AND_32, REST, 0, 0, ALL & ~rule.access());
      left -= 3;
      add(JUMP_NOT_EQUAL, REST, 0, left, 0);
    }
    if (rule.major() != ANY) {
      add(JUMP_NOT_EQUAL, MAJOR, 0, --left, rule.major());
    }
    if (rule.minor() != ANY) {
      add(JUMP_NOT_EQUAL, MINOR, 0, --left, rule.minor());
    }
    answer(1);
  }

  private void answer(int value) {
    add(MOVE_IMMEDIATE, R0, 0, 0, value);
    add(EXIT, 0, 0, 0, 0);
  }

  /** struct bpf_insn: code, registers, offset, immediate; the registers' nibbles by byte order. */
  private void add(int code, int target, int source, int offset, int immediate) {
    boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    int registers = little ? source << 4 | target : target << 4 | source;
    ByteBuffer bytes = ByteBuffer.allocate(INSTRUCTION).order(ByteOrder.nativeOrder());
    bytes.put((byte) code).put((byte) registers).putShort((short) offset).putInt(immediate);
    program.add(bytes.array());
  }
}
