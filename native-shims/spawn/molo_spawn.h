/*
 * libmolospawn: starts a program from a process that must not fork, such as a JVM.
 *
 * One function, one struct. The struct is also written by Java (dev.molo.linux.jnr.SpawnLibrary):
 * fixed-size members at the offsets that the static assertions in spawn.c name.
 */
#ifndef MOLO_SPAWN_H
#define MOLO_SPAWN_H

#include <stdint.h>

/* More inherited descriptors than this are refused (E2BIG). */
#define MOLO_SPAWN_MAX_FDS 256

/* Where a spawn failed. Numbers are fixed; new ones are added at the end. */
enum molo_spawn_step {
	MOLO_SPAWN_REQUEST = 0,         /* the request itself is wrong */
	MOLO_SPAWN_STACK = 1,           /* mmap */
	MOLO_SPAWN_CLONE = 2,           /* clone3 */
	MOLO_SPAWN_SETSID = 3,          /* setsid */
	MOLO_SPAWN_CHDIR = 4,           /* fchdir */
	MOLO_SPAWN_MOVE = 5,            /* fcntl(F_DUPFD_CLOEXEC) */
	MOLO_SPAWN_CLOEXEC = 6,         /* close_range(CLOSE_RANGE_CLOEXEC) */
	MOLO_SPAWN_PLACE = 7,           /* dup3 to a target number */
	MOLO_SPAWN_SIGNAL_HANDLERS = 8, /* rt_sigaction */
	MOLO_SPAWN_SIGNAL_MASK = 9,     /* rt_sigprocmask */
	MOLO_SPAWN_EXEC = 10,           /* execveat */
};

/* A descriptor of ours and the number that the child finds it under. */
struct molo_spawn_fd {
	int32_t source;
	int32_t target;
};

struct molo_spawn_request {
	uint32_t size;             /* sizeof(struct molo_spawn_request) */
	int32_t executable;        /* run by execveat(AT_EMPTY_PATH) */
	int32_t cgroup;            /* a cgroup v2 directory to be born into, or -1 */
	int32_t working_directory; /* or -1: ours */
	uint64_t namespaces;       /* CLONE_NEW*; CLONE_NEWUSER is refused */
	char *const *argv;
	char *const *envp;
	const struct molo_spawn_fd *fds;
	uint32_t fd_count;
	/* results */
	int32_t pid;
	int32_t pidfd;        /* close-on-exec; the caller's to close */
	uint32_t failed_step; /* enum molo_spawn_step, set with an error */
};

/*
 * Returns 0 when the child has called exec, with pid and pidfd set; else a negative errno with
 * failed_step set, and no child is left. Never sets errno's meaning. Thread-safe. Blocks until
 * exec, about 0.1 ms.
 */
__attribute__((visibility("default"))) int molo_spawn(struct molo_spawn_request *request);

#endif
