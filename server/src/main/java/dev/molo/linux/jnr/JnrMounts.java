package dev.molo.linux.jnr;

import static dev.molo.linux.jnr.Kernel.call;
import static dev.molo.linux.jnr.Kernel.check;

import dev.molo.linux.BlockingCalls;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import dev.molo.linux.MountAttributes;
import dev.molo.linux.MountFlags;
import dev.molo.linux.Mounts;
import dev.molo.linux.OpenFlags;
import java.nio.charset.StandardCharsets;

/** {@link Mounts} by system calls. */
final class JnrMounts implements Mounts {

  private static final int FSOPEN_CLOEXEC = 1;
  private static final int FSMOUNT_CLOEXEC = 1;
  private static final int FSCONFIG_SET_FLAG = 0;
  private static final int FSCONFIG_SET_STRING = 1;
  private static final int FSCONFIG_SET_FD = 5;
  private static final int FSCONFIG_CMD_CREATE = 6;
  private static final int MOUNT_ATTR_SIZE_VER0 = 32;

  private final BlockingCalls blocking;

  JnrMounts(BlockingCalls blocking) {
    this.blocking = blocking;
  }

  @Override
  public Fd openTree(Fd dir, byte[] path, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      // OPEN_TREE_CLOEXEC is O_CLOEXEC.
      long result = call(Call.OPEN_TREE, dir.number(), name, flags | OpenFlags.O_CLOEXEC);
      return JnrFiles.owned(check(Call.OPEN_TREE, result, () -> Detail.path(dir, path)));
    }
  }

  @Override
  public void mountSetattr(Fd dir, byte[] path, int flags, MountAttributes attributes) {
    long set =
        attributes.set() | (attributes.userns().isPresent() ? MountFlags.MOUNT_ATTR_IDMAP : 0);
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      int attr = scratch.reserveDirty(MOUNT_ATTR_SIZE_VER0);
      scratch
          .memory()
          .putLong(attr, set)
          .putLong(attr + 8, attributes.clear())
          .putLong(attr + 16, attributes.propagation())
          .putLong(attr + 24, attributes.userns().map(Fd::number).orElse(0));
      long result =
          call(
              Call.MOUNT_SETATTR,
              dir.number(),
              name,
              flags & 0xffffffffL,
              scratch.at(attr),
              MOUNT_ATTR_SIZE_VER0);
      check(
          Call.MOUNT_SETATTR,
          result,
          () ->
              String.format(
                  "%s, set 0x%x, clear 0x%x, propagation 0x%x",
                  Detail.path(dir, path), set, attributes.clear(), attributes.propagation()));
    }
  }

  @Override
  public void moveMount(Fd fromDir, byte[] fromPath, Fd toDir, byte[] toPath, int flags) {
    try (Scratch scratch = Scratch.borrow()) {
      long from = scratch.string(fromPath);
      long to = scratch.string(toPath);
      long result = call(Call.MOVE_MOUNT, fromDir.number(), from, toDir.number(), to, flags);
      check(
          Call.MOVE_MOUNT,
          result,
          () -> Detail.path(fromDir, fromPath) + ", " + Detail.path(toDir, toPath));
    }
  }

  @Override
  public Fd fsopen(String type) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(type.getBytes(StandardCharsets.UTF_8));
      long result = call(Call.FSOPEN, name, FSOPEN_CLOEXEC);
      return JnrFiles.owned(check(Call.FSOPEN, result, () -> type));
    }
  }

  @Override
  public void fsconfigString(Fd context, String key, String value) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(key.getBytes(StandardCharsets.UTF_8));
      long text = scratch.string(value.getBytes(StandardCharsets.UTF_8));
      fsconfig(context, FSCONFIG_SET_STRING, name, text, 0, key + "=" + value);
    }
  }

  @Override
  public void fsconfigFlag(Fd context, String key) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(key.getBytes(StandardCharsets.UTF_8));
      fsconfig(context, FSCONFIG_SET_FLAG, name, 0, 0, key);
    }
  }

  @Override
  public void fsconfigFd(Fd context, String key, Fd value) {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(key.getBytes(StandardCharsets.UTF_8));
      fsconfig(context, FSCONFIG_SET_FD, name, 0, value.number(), key + "=" + value);
    }
  }

  @Override
  public void fsconfigCreate(Fd context) {
    fsconfig(context, FSCONFIG_CMD_CREATE, 0, 0, 0, "create");
  }

  private static void fsconfig(
      Fd context, int command, long key, long value, int aux, String what) {
    long result = call(Call.FSCONFIG, context.number(), command, key, value, aux);
    if (result < 0) {
      throw Kernel.refusal(Call.FSCONFIG, result, what + log(context));
    }
  }

  @Override
  public Fd fsmount(Fd context, long attributes) {
    long result = call(Call.FSMOUNT, context.number(), FSMOUNT_CLOEXEC, attributes);
    if (result < 0) {
      throw Kernel.refusal(
          Call.FSMOUNT, result, String.format("attributes 0x%x%s", attributes, log(context)));
    }
    return JnrFiles.owned(result);
  }

  /**
   * The messages that the file system left in its context ("e overlay: ..."), each read giving one.
   */
  private static String log(Fd context) {
    StringBuilder out = new StringBuilder();
    try (Scratch scratch = Scratch.borrow()) {
      int text = scratch.reserveDirty(1024);
      long count = call(Call.READ, context.number(), scratch.at(text), 1024);
      while (count > 0 && out.length() < 4096) {
        String line = Detail.text(scratch.copyOut(text, (int) count)).strip();
        out.append(out.isEmpty() ? ": " : "; ").append(line);
        count = call(Call.READ, context.number(), scratch.at(text), 1024);
      }
    }
    return out.toString();
  }

  @Override
  public void umount2(byte[] path, int flags) {
    blocking.run("umount2 " + Detail.text(path), () -> umountHere(path, flags));
  }

  private static Void umountHere(byte[] path, int flags) throws LinuxException {
    try (Scratch scratch = Scratch.borrow()) {
      long name = scratch.string(path);
      check(Call.UMOUNT2, call(Call.UMOUNT2, name, flags), () -> Detail.text(path));
      return null;
    }
  }
}
