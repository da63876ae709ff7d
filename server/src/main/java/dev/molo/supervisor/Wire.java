package dev.molo.supervisor;

/** The numbers of {@code native-shims/include/molo_wire.h}, under its names. */
final class Wire {
  static final int MAGIC = 0x4f4c4f4d;
  static final int VERSION = 1;
  static final int VERSION_OLDEST = 1;

  static final int PACKET_MAX = 96 * 1024;
  static final int PLAN_INLINE_MAX = 64 * 1024;
  static final int HEADER_BYTES = 16;

  /** Header flag: more packets with this sequence number follow. */
  static final int MORE = 1;

  static final int REPLY = 0x8000;

  static final int HELLO = 1;
  static final int STATE = 2;
  static final int SETUP = 3;
  static final int HOLD = 4;
  static final int RELEASE = 5;
  static final int START = 6;
  static final int SIGNAL = 7;
  static final int KILL = 8;
  static final int EXEC = 9;
  static final int REOPEN_LOG = 10;
  static final int RESIZE = 11;
  static final int ATTACH = 12;
  static final int CLOSE_STDIN = 13;
  static final int STATS = 14;
  static final int SHUTDOWN = 15;
  static final int MOUNT_OVERLAY = 64;

  static final int EXITED = 0x4001;
  static final int EXEC_EXITED = 0x4002;
  static final int LOG_TROUBLE = 0x4003;

  static final int F_VERSION_MIN = 1;
  static final int F_VERSION_MAX = 2;
  static final int F_VERSION = 3;
  static final int F_POD = 4;
  static final int F_CONTAINER = 5;
  static final int F_EXEC = 6;
  static final int F_PID = 7;
  static final int F_ERRNO = 8;
  static final int F_FAILED_OP = 9;
  static final int F_FAILED_CODE = 10;
  static final int F_DETAIL = 11;
  static final int F_WARNING = 12;
  static final int F_PLAN = 13;
  static final int F_PLAN_FD = 14;
  static final int F_KEY = 15;
  static final int F_SIGNAL = 16;
  static final int F_PHASE = 17;
  static final int F_STARTED = 18;
  static final int F_EXIT = 19;
  static final int F_LOG_STATS = 20;
  static final int F_SIZE = 21;
  static final int F_SINKS = 22;
  static final int F_LOWER = 23;
  static final int F_UPPER = 24;
  static final int F_WORK = 25;
  static final int F_MOUNT_FLAGS = 26;

  static final int SINK_STDOUT = 1;
  static final int SINK_STDERR = 2;

  static final int OVERLAY_VOLATILE = 1;
  static final int OVERLAY_READONLY = 2;

  private Wire() {}
}
