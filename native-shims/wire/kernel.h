/*
 * Thin wrappers of system calls that the C library lacks, or wraps in a way that a child between
 * clone and exec must not use (musl's set*id signal all threads). Each returns the kernel's value,
 * or -errno.
 */
#ifndef MOLO_KERNEL_H
#define MOLO_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS 0x04000000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000
#define CLONE_PIDFD 0x00001000
#define CLONE_PARENT 0x00008000
#endif
#define MOLO_CLONE_INTO_CGROUP 0x200000000ULL
#define MOLO_CLONE_CLEAR_SIGHAND 0x100000000ULL

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define MOLO_AT_RECURSIVE_TREE 0x8000
#define MOLO_CLOSE_RANGE_CLOEXEC 4U

static inline long k_result(long result)
{
	return result < 0 ? -(long)errno : result;
}
#define KERNEL_CALL(...) k_result(syscall(__VA_ARGS__))

/* struct clone_args, VER2 */
struct k_clone {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};

static inline int k_clone3(struct k_clone *args)
{
	return (int)KERNEL_CALL(SYS_clone3, args, sizeof(*args));
}

static inline int k_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
			    uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
	long fd;

	/* EAGAIN: something was renamed while ".." was resolved; the kernel asks to try again. */
	for (int tries = 0; tries < 128; tries++) {
		fd = KERNEL_CALL(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd != -EAGAIN && fd != -EINTR)
			break;
	}
	return (int)fd;
}

static inline int k_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)KERNEL_CALL(SYS_open_tree, dir, path, flags | (unsigned)OPEN_TREE_CLOEXEC);
}

static inline int k_move_mount(int from, int to)
{
	return (int)KERNEL_CALL(SYS_move_mount, from, "", to, "",
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int k_mount_setattr(int fd, unsigned flags, struct mount_attr *attr)
{
	return (int)KERNEL_CALL(SYS_mount_setattr, fd, "", flags | (unsigned)AT_EMPTY_PATH, attr,
				sizeof(*attr));
}

static inline int k_fsopen(const char *type)
{
	return (int)KERNEL_CALL(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int k_fsconfig(int fd, unsigned command, const char *key, const char *value)
{
	return (int)KERNEL_CALL(SYS_fsconfig, fd, command, key, value, 0);
}

static inline int k_fsmount(int fd, unsigned attributes)
{
	return (int)KERNEL_CALL(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
}

static inline int k_mount(const char *source, const char *target, const char *type,
			  unsigned long flags, const void *data)
{
	return (int)KERNEL_CALL(SYS_mount, source, target, type, flags, data);
}

static inline int k_umount2(const char *target, int flags)
{
	return (int)KERNEL_CALL(SYS_umount2, target, flags);
}

static inline int k_pivot_root(const char *new_root, const char *put_old)
{
	return (int)KERNEL_CALL(SYS_pivot_root, new_root, put_old);
}

static inline int k_setns(int fd, unsigned flags)
{
	return (int)KERNEL_CALL(SYS_setns, fd, flags);
}

static inline int k_unshare(unsigned flags)
{
	return (int)KERNEL_CALL(SYS_unshare, flags);
}

static inline int k_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)KERNEL_CALL(SYS_close_range, first, last, flags);
}

static inline int k_pidfd_send_signal(int pidfd, int signal)
{
	return (int)KERNEL_CALL(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static inline int k_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			  unsigned long d)
{
	return (int)KERNEL_CALL(SYS_prctl, option, a, b, c, d);
}

/* Closes at the end of the block: int fd AUTO_CLOSE = ...; */
static inline void k_close_at_end(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(k_close_at_end)))

static inline int k_keep(int *fd)
{
	int kept = *fd;

	*fd = -1;
	return kept;
}

#endif
