/*
 * What the daemon and its native programs say to each other: the pod supervisor and the mounter.
 * The prose, with the order of events and who owns what, is docs/supervisor-protocol.md.
 *
 * Everything is in the host's byte order (both ends run on one kernel) and made of two things:
 *
 *   packet  one datagram of a SOCK_SEQPACKET socket: struct molo_header, then fields
 *   field   struct molo_field, then its bytes, then zeros up to a multiple of 4
 *
 * A launch plan is a list of fields without a header; its tags are operations (enum molo_op).
 * A receiver skips a field of a packet that it does not know (a newer peer sent it), but refuses
 * an operation of a plan that it does not know (leaving one out would loosen a container).
 */
#ifndef MOLO_WIRE_H
#define MOLO_WIRE_H

#include <stdint.h>

#define MOLO_MAGIC 0x4f4c4f4dU /* "MOLO" */
#define MOLO_VERSION 1         /* spoken by this header */
#define MOLO_VERSION_OLDEST 1  /* still understood by this header */

enum {
	MOLO_PACKET_MAX = 96 * 1024, /* a whole packet, header included */
	MOLO_PLAN_INLINE_MAX = 64 * 1024,
	MOLO_PLAN_MAX = 4 * 1024 * 1024, /* in a sealed memfd */
	MOLO_FDS_MAX = 253,              /* descriptors in one packet (the kernel's SCM_MAX_FD) */
	MOLO_NAME_MAX = 64,              /* bytes of a container's or exec's name */
	MOLO_DETAIL_MAX = 512,           /* bytes of a detail or warning */
	MOLO_CONTAINERS_MAX = 512,       /* containers of one pod */
	MOLO_EXECS_MAX = 1024,           /* exec'd processes of one pod that run at a time */
	MOLO_HELD_MAX = 1024,            /* descriptors held for one pod */
	MOLO_LAYERS_MAX = 500,           /* lower directories of one overlay (the kernel's limit) */
};

struct molo_header {
	uint32_t magic;
	uint16_t type;     /* enum molo_message */
	uint16_t flags;    /* MOLO_MORE */
	uint32_t sequence; /* of a request; its replies carry the same one; 0 in an event */
	uint32_t length;   /* of the whole packet, this header included */
};

/* More packets with this sequence number follow (STATE only). */
#define MOLO_MORE 1

struct molo_field {
	uint16_t tag;
	uint16_t reserved; /* 0 */
	uint32_t length;   /* of the bytes behind, padding not counted */
};

/* Bit 15 marks what the native side sends in answer, bit 14 what it says unasked. */
#define MOLO_REPLY 0x8000
#define MOLO_EVENT 0x4000

enum molo_message {
	MOLO_HELLO = 1,   /* VERSION_MIN VERSION_MAX -> VERSION POD PID */
	MOLO_STATE = 2,   /* -> a group per container and exec: CONTAINER|EXEC, then its facts */
	MOLO_SETUP = 3,   /* PLAN -> [FDS: as the operations say, in their order] WARNING* */
	MOLO_HOLD = 4,    /* CONTAINER KEY fds: kept as KEY, KEY+1, ... */
	MOLO_RELEASE = 5, /* CONTAINER: forget it and what is held for it; refused while it runs */
	MOLO_START = 6,   /* CONTAINER PLAN fds -> PID fd: pidfd, WARNING* */
	MOLO_SIGNAL = 7,  /* CONTAINER|EXEC SIGNAL */
	MOLO_KILL = 8,    /* CONTAINER|EXEC: cgroup.kill of its leaf */
	MOLO_EXEC = 9,    /* CONTAINER EXEC PLAN fds -> PID fds: pidfd [terminal's master] */
	MOLO_REOPEN_LOG = 10,  /* CONTAINER [fd]: answered when the old file is written no more */
	MOLO_RESIZE = 11,      /* CONTAINER SIZE [fd: an exec's master] */
	MOLO_ATTACH = 12,      /* CONTAINER [SINKS fds] -> fd: terminal's master or stdin, if any */
	MOLO_CLOSE_STDIN = 13, /* CONTAINER: the supervisor's end of stdin */
	MOLO_STATS = 14,       /* CONTAINER -> LOG_STATS */
	MOLO_SHUTDOWN = 15,    /* kill every leaf, wait for the ends, answer, leave */

	MOLO_MOUNT_OVERLAY = 64, /* to the mounter: LOWER+ [UPPER WORK] MOUNT_FLAGS -> fd */

	MOLO_EXITED = MOLO_EVENT | 1,      /* CONTAINER EXIT LOG_STATS */
	MOLO_EXEC_EXITED = MOLO_EVENT | 2, /* CONTAINER EXEC EXIT */
	MOLO_LOG_TROUBLE = MOLO_EVENT | 3, /* CONTAINER LOG_STATS: dropping began, or ended */
};

/* A reply is type | MOLO_REPLY. ERRNO is absent where it worked; else FAILED_OP... say more. */
enum molo_tag {
	MOLO_F_VERSION_MIN = 1,  /* u32 */
	MOLO_F_VERSION_MAX = 2,  /* u32 */
	MOLO_F_VERSION = 3,      /* u32 */
	MOLO_F_POD = 4,          /* name */
	MOLO_F_CONTAINER = 5,    /* name; in STATE it opens a group; the pod itself is "" in HOLD */
	MOLO_F_EXEC = 6,         /* name; in STATE it opens a group */
	MOLO_F_PID = 7,          /* u32, as the host counts */
	MOLO_F_ERRNO = 8,        /* u32, positive */
	MOLO_F_FAILED_OP = 9,    /* u32: index of the operation in its plan, from 0 */
	MOLO_F_FAILED_CODE = 10, /* u32: enum molo_op */
	MOLO_F_DETAIL = 11,      /* bytes, UTF-8: what was tried, on what */
	MOLO_F_WARNING = 12,     /* bytes, UTF-8: done, but not as asked */
	MOLO_F_PLAN = 13,        /* fields: the launch plan, inline */
	MOLO_F_PLAN_FD = 14,     /* u32: index of the packet's descriptor that is a sealed memfd */
	MOLO_F_KEY = 15,         /* u32 */
	MOLO_F_SIGNAL = 16,      /* u32 */
	MOLO_F_PHASE = 17,       /* u32: enum molo_phase */
	MOLO_F_STARTED = 18,     /* u64: ns since the epoch */
	MOLO_F_EXIT = 19,        /* struct molo_exit */
	MOLO_F_LOG_STATS = 20,   /* struct molo_log_stats */
	MOLO_F_SIZE = 21,        /* struct molo_size */
	MOLO_F_SINKS = 22, /* u32: MOLO_SINK_*: which streams the packet's fds take, in order */
	MOLO_F_LOWER = 23, /* path below the layers directory, topmost first */
	MOLO_F_UPPER = 24, /* path below the pods directory */
	MOLO_F_WORK = 25,  /* path below the pods directory */
	MOLO_F_MOUNT_FLAGS = 26, /* u32: MOLO_OVERLAY_* */
	MOLO_F_USERNS = 27,      /* u32: index of the packet's descriptor: idmap the lowers by it */
};

enum molo_phase {
	MOLO_PHASE_HELD = 1,     /* something is held for it, nothing has run */
	MOLO_PHASE_STARTING = 2, /* between clone and exec */
	MOLO_PHASE_RUNNING = 3,
	MOLO_PHASE_ENDING = 4, /* its init has ended, its log is being drained */
	MOLO_PHASE_EXITED = 5,
};

struct molo_exit {
	uint64_t time_ns;   /* since the epoch */
	uint32_t code;      /* 0 to 255; 128 + signal when a signal ended it */
	uint32_t signal;    /* 0 unless a signal ended it */
	uint64_t oom_kills; /* memory.events oom_kill of its leaf; 0 for an exec */
};

struct molo_log_stats {
	uint64_t written_bytes; /* into the log, its prefixes included */
	uint64_t read_bytes;    /* from the container */
	uint64_t dropped_bytes; /* read, but could not be written */
	uint64_t dropped_lines;
	uint32_t last_errno; /* of the write that failed last; 0: none ever did */
	uint32_t dropping;   /* 1: the latest write failed */
};

struct molo_size {
	uint16_t rows;
	uint16_t columns;
};

#define MOLO_SINK_STDOUT 1
#define MOLO_SINK_STDERR 2

#define MOLO_OVERLAY_VOLATILE 1
#define MOLO_OVERLAY_READONLY 2 /* no upper, no work */

/*
 * Where an operation names a descriptor, it is a u32: an index into the packet's descriptors, or
 * one of these with a key in the low 16 bits.
 */
#define MOLO_FD_HELD 0x80000000U /* held for the container */
#define MOLO_FD_POD 0x40000000U  /* held for the pod (HOLD with an empty CONTAINER, or SETUP) */
#define MOLO_FD_NONE 0xffffffffU

/*
 * Operations. "path" ends its field; it is bytes without NUL, relative to the container's new root
 * (a leading slash changes nothing), and symbolic links in it never lead out of that root.
 * u32s come first, in the order given; strings are NUL-terminated.
 */
enum molo_op {
	/* Read by the supervisor before it clones (START, EXEC). */
	MOLO_OP_CGROUP = 0x0100,  /* fd: born into this leaf; kept for KILL and memory.events */
	MOLO_OP_CLONE = 0x0101,   /* u32 CLONE_NEW*: NS, PID, NET, IPC, UTS */
	MOLO_OP_PID_POD = 0x0102, /* into the pod's shared pid namespace (SETUP made it) */
	MOLO_OP_PID_OF = 0x0103,  /* name: into the pid namespace of that container of the pod */
	MOLO_OP_STDIN = 0x0104,   /* u32 mode, fd */
	MOLO_OP_OUTPUT = 0x0105,  /* u32 mode, fd stdout, fd stderr */
	MOLO_OP_LOG = 0x0106,     /* fd: CRI log file, or MOLO_FD_NONE: read and discard */
	MOLO_OP_USER_NS = 0x0107, /* fd: user namespace to be born in */

	/* Done by the child, in the order of the plan. */
	MOLO_OP_JOIN = 0x0200,    /* u32 CLONE_NEW*, [name]: setns to that container's; EXEC: "" */
	MOLO_OP_JOIN_FD = 0x0201, /* u32 CLONE_NEW*, fd: setns */
	MOLO_OP_UNSHARE = 0x0202, /* u32 CLONE_NEW* */
	MOLO_OP_PROPAGATION = 0x0203, /* u32 MS_*: of the whole tree of the old root */
	MOLO_OP_ROOT = 0x0204,        /* fd: detached mount that becomes the root */
	MOLO_OP_MKDIR = 0x0205,    /* u32 mode, uid, gid, path; parents 0755 root; existing: left */
	MOLO_OP_MKFILE = 0x0206,   /* u32 mode, uid, gid, path\0 content: replaced when it exists */
	MOLO_OP_ATTACH = 0x0207,   /* u32 fd, MOLO_AT_*, path: move_mount */
	MOLO_OP_MOUNT = 0x0208,    /* u32 MOLO_AT_*, MOUNT_ATTR_*; fstype\0 path\0 (key=value\0)* */
	MOLO_OP_MKNOD = 0x0209,    /* u32 mode (with S_IF*), major, minor, uid, gid, path */
	MOLO_OP_SYMLINK = 0x020a,  /* target\0 path; an existing one stays */
	MOLO_OP_BIND = 0x020b,     /* u32 MOLO_AT_*; from\0 path: both inside the root */
	MOLO_OP_MASK = 0x020c,     /* path: nothing to be seen there; absent: left */
	MOLO_OP_READONLY = 0x020d, /* path: bound onto itself read-only; absent: left */
	MOLO_OP_SETATTR = 0x020e,  /* u32 set, clear, propagation, recursive; path */
	MOLO_OP_PIVOT = 0x020f,    /* the new root becomes /, the old one goes */
	MOLO_OP_HOSTNAME = 0x0210, /* name */
	MOLO_OP_DOMAINNAME = 0x0211, /* name */
	MOLO_OP_SYSCTL = 0x0212,     /* name (net/ipv4/...)\0 value */
	MOLO_OP_RLIMIT = 0x0213,     /* u32 resource, 0; u64 soft, hard */
	MOLO_OP_OOM_SCORE = 0x0214,  /* i32: oom_score_adj; not permitted: clamped, a warning */
	MOLO_OP_UMASK = 0x0215,      /* u32 */
	MOLO_OP_IDS = 0x0216,        /* u32 uid, gid, supplementary gids... */
	MOLO_OP_BOUNDING = 0x0217,   /* u64: capabilities that stay in the bounding set */
	MOLO_OP_CAPS = 0x0218,       /* u64 effective, permitted, inheritable, ambient */
	MOLO_OP_SECUREBITS = 0x0219, /* u32 */
	MOLO_OP_KEEP_CAPS = 0x021a,  /* u32 0 or 1 */
	MOLO_OP_NO_NEW_PRIVS = 0x021b,
	MOLO_OP_SECCOMP = 0x021c,  /* u32 flags, struct sock_filter[] */
	MOLO_OP_LSM_EXEC = 0x021d, /* u32 enum molo_lsm, label */
	MOLO_OP_TERMINAL = 0x021e, /* u32 rows, columns, MOLO_TTY_*: from the root's /dev/pts */
	MOLO_OP_CWD = 0x021f,      /* path; must be inside the root */
	MOLO_OP_MKCWD = 0x0220, /* u32 uid, gid, path: made where it is missing (image's workdir) */
	MOLO_OP_ENV = 0x0221,   /* one KEY=value, raw bytes; repeated */
	MOLO_OP_ARG = 0x0222,   /* one argument, raw bytes; repeated */
	MOLO_OP_EXEC = 0x0223,  /* [file]: last; "" is argument 0; no slash: by PATH of ENV */
	MOLO_OP_SETSID = 0x0224,
	MOLO_OP_CHOWN_STDIO = 0x0226, /* u32 uid, gid: pipes and terminal, as docker and runc do */

	/* Done by the supervisor itself (SETUP). HOSTNAME, DOMAINNAME and SYSCTL serve there too.
	 */
	MOLO_OP_LOOPBACK_UP = 0x0300,
	MOLO_OP_PID_REAPER = 0x0301,  /* a shared pid namespace with a reaper as its pid 1 */
	MOLO_OP_NETLINK = 0x0302,     /* u32 protocol -> fd: AF_NETLINK socket of the pod's netns */
	MOLO_OP_NS_FD = 0x0303,       /* u32 CLONE_NEW* -> fd: one of the pod's namespaces */
	MOLO_OP_POD_SHM = 0x0305,     /* u32 POD fd, 0; u64 bytes: tmpfs that ATTACH shares */
	MOLO_OP_POD_USER_NS = 0x0304, /* u32 CLONE_NEW* made in it; uid_map\0 gid_map */
};

enum molo_stdin {
	MOLO_STDIN_NULL = 0,     /* /dev/null */
	MOLO_STDIN_PIPE = 1,     /* the supervisor keeps the other end for ATTACH */
	MOLO_STDIN_FD = 2,       /* the given one */
	MOLO_STDIN_TERMINAL = 3, /* what TERMINAL opens */
};

enum molo_output {
	MOLO_OUTPUT_NULL = 0,
	MOLO_OUTPUT_LOG = 1, /* pipes that the supervisor reads and logs */
	MOLO_OUTPUT_FD = 2,  /* the given ones */
	MOLO_OUTPUT_TERMINAL =
	    3, /* one stream; the supervisor logs it (START) or hands it out (EXEC) */
};

enum molo_lsm {
	MOLO_LSM_APPARMOR = 1,
	MOLO_LSM_SELINUX = 2,
};

#define MOLO_AT_CREATE_DIR 1  /* make the target, a directory, where it is missing */
#define MOLO_AT_CREATE_FILE 2 /* make the target, an empty file, where it is missing */
#define MOLO_AT_CREATE_LIKE 4 /* either, as what is attached */
#define MOLO_AT_RECURSIVE 8   /* BIND: with what is mounted below */
#define MOLO_AT_OPTIONAL 16   /* MOUNT: a kernel without this type is a warning */

#define MOLO_TTY_CONSOLE 1 /* bind the terminal at /dev/console too */

#endif
