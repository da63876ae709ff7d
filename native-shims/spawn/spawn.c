#include "molo_spawn.h"

#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct molo_spawn_request) == 64, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, executable) == 4, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, cgroup) == 8, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, working_directory) == 12,
	       "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, namespaces) == 16, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, argv) == 24, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, envp) == 32, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, fds) == 40, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, fd_count) == 48, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, pid) == 52, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, pidfd) == 56, "Java writes this struct");
_Static_assert(offsetof(struct molo_spawn_request, failed_step) == 60, "Java writes this struct");

/* One page would do for the child; the rest is for a debugger's or sanitizer's taste. */
#define STACK_SIZE (64 * 1024)
#define GUARD_SIZE (64 * 1024)

/* The kernel's signal set: one bit for each of 64, without libc's room for more. */
#define KERNEL_SIGNALS 64
#define KERNEL_SIGSET_SIZE ((long)sizeof(uint64_t))

/* struct sigaction as the kernel has it, zero: SIG_DFL, no flags. 32 bytes on x86_64, 24 on
 * aarch64. */
static const uint64_t DEFAULT_ACTION[4];
static const uint64_t EMPTY_SET;

#define NAMESPACES                                                                                 \
	(CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* What parent and child share; the parent sleeps while the child writes here. */
struct spawn {
	const struct molo_spawn_request *request;
	int failed_step;
	int error;
};

/* ---- the child: no libc, no return, shares the parent's memory ---- */

static _Noreturn void child_fail(struct spawn *spawn, enum molo_spawn_step step, long result)
{
	spawn->failed_step = (int)step;
	spawn->error = (int)-result;
	for (;;)
		raw_syscall5(SYS_exit_group, 127, 0, 0, 0, 0);
}

static long child_try(struct spawn *spawn, enum molo_spawn_step step, long result)
{
	if (result < 0)
		child_fail(spawn, step, result);
	return result;
}

/* A close-on-exec copy at or above base, out of the way of every target number. */
static int child_move(struct spawn *spawn, int fd, int base)
{
	return (int)child_try(spawn, MOLO_SPAWN_MOVE,
			      raw_syscall5(SYS_fcntl, fd, F_DUPFD_CLOEXEC, base, 0, 0));
}

/*
 * Sources and targets may overlap in any way. So all sources are first copied above the highest
 * target, then everything is marked close-on-exec, and only then are the targets made, which dup3
 * leaves unmarked. Exec closes the rest.
 */
static int child_descriptors(struct spawn *spawn)
{
	const struct molo_spawn_request *request = spawn->request;
	int moved[MOLO_SPAWN_MAX_FDS];
	int base = 3;

	for (uint32_t i = 0; i < request->fd_count; i++)
		if (request->fds[i].target >= base)
			base = request->fds[i].target + 1;
	int executable = child_move(spawn, request->executable, base);
	for (uint32_t i = 0; i < request->fd_count; i++)
		moved[i] = child_move(spawn, request->fds[i].source, base);
	child_try(spawn, MOLO_SPAWN_CLOEXEC,
		  raw_syscall5(SYS_close_range, 0, (long)UINT_MAX, CLOSE_RANGE_CLOEXEC, 0, 0));
	for (uint32_t i = 0; i < request->fd_count; i++)
		child_try(spawn, MOLO_SPAWN_PLACE,
			  raw_syscall5(SYS_dup3, moved[i], request->fds[i].target, 0, 0, 0));
	return executable;
}

/*
 * An ignored signal would stay ignored after exec, so every one gets its default action. The child
 * has a table of handlers of its own (no CLONE_SIGHAND).
 */
static void child_signal_handlers(struct spawn *spawn)
{
	for (int number = 1; number <= KERNEL_SIGNALS; number++) {
		if (number == SIGKILL || number == SIGSTOP)
			continue;
		child_try(spawn, MOLO_SPAWN_SIGNAL_HANDLERS,
			  raw_syscall5(SYS_rt_sigaction, number, (long)DEFAULT_ACTION, 0,
				       KERNEL_SIGSET_SIZE, 0));
	}
}

static void child_main(void *argument)
{
	struct spawn *spawn = argument;
	const struct molo_spawn_request *request = spawn->request;

	/* Out of the daemon's session: a ^C at its terminal is not for its children. */
	child_try(spawn, MOLO_SPAWN_SETSID, raw_syscall5(SYS_setsid, 0, 0, 0, 0, 0));
	if (request->working_directory >= 0)
		child_try(spawn, MOLO_SPAWN_CHDIR,
			  raw_syscall5(SYS_fchdir, request->working_directory, 0, 0, 0, 0));
	int executable = child_descriptors(spawn);
	child_signal_handlers(spawn);
	child_try(spawn, MOLO_SPAWN_SIGNAL_MASK,
		  raw_syscall5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&EMPTY_SET, 0,
			       KERNEL_SIGSET_SIZE, 0));
	long result = raw_syscall5(SYS_execveat, executable, (long)"", (long)request->argv,
				   (long)request->envp, AT_EMPTY_PATH);
	child_fail(spawn, MOLO_SPAWN_EXEC, result);
}

/* ---- the parent ---- */

static int check_request(const struct molo_spawn_request *request)
{
	if (request->size != sizeof(*request) || request->argv == NULL || request->envp == NULL)
		return -EINVAL;
	if (request->argv[0] == NULL || (request->namespaces & ~(uint64_t)NAMESPACES) != 0)
		return -EINVAL;
	if (request->fd_count > MOLO_SPAWN_MAX_FDS)
		return -E2BIG;
	if (request->executable < 0)
		return -EBADF;
	for (uint32_t i = 0; i < request->fd_count; i++)
		if (request->fds[i].source < 0 || request->fds[i].target < 0)
			return -EBADF;
	return 0;
}

/* A failed child is ours to reap; nobody else knows of it. */
static void reap(int pidfd)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	close(pidfd);
}

/*
 * With signals blocked a handler of the parent's cannot run in the child, on the shared memory,
 * between clone and the reset of its handlers. CLONE_VFORK keeps this thread asleep until the child
 * execs or exits, so its stack and the request stay valid; other threads run on.
 */
static long clone_child(struct spawn *spawn, char *stack, int *pidfd)
{
	const struct molo_spawn_request *request = spawn->request;
	struct clone_args args = {
	    .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | request->namespaces,
	    .pidfd = (uint64_t)(uintptr_t)pidfd,
	    .exit_signal = SIGCHLD,
	    .stack = (uint64_t)(uintptr_t)stack,
	    .stack_size = STACK_SIZE,
	};
	if (request->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint32_t)request->cgroup;
	}
	uint64_t every = ~(uint64_t)0;
	uint64_t before = 0;
	/* The raw call: libc would leave out the two signals that it keeps for itself. */
	raw_syscall5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&every, (long)&before,
		     KERNEL_SIGSET_SIZE, 0);
	long result = raw_clone3(&args, sizeof(args), child_main, spawn);
	raw_syscall5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, KERNEL_SIGSET_SIZE, 0);
	return result;
}

static int spawn_on_stack(struct molo_spawn_request *request, char *stack)
{
	struct spawn spawn = {.request = request};
	int pidfd = -1;
	long pid = clone_child(&spawn, stack, &pidfd);

	if (pid < 0) {
		request->failed_step = MOLO_SPAWN_CLONE;
		return (int)pid;
	}
	if (spawn.error != 0) {
		reap(pidfd);
		request->failed_step = (uint32_t)spawn.failed_step;
		return -spawn.error;
	}
	request->pid = (int32_t)pid;
	request->pidfd = pidfd;
	return 0;
}

int molo_spawn(struct molo_spawn_request *request)
{
	int wrong = check_request(request);
	if (wrong != 0) {
		request->failed_step = MOLO_SPAWN_REQUEST;
		return wrong;
	}
	int saved_errno = errno;
	/* A mapping of its own, with a guard below, so that concurrent spawns share nothing. */
	char *mapping = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED ||
	    mprotect(mapping + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE) != 0) {
		int error = errno;
		if (mapping != MAP_FAILED)
			munmap(mapping, GUARD_SIZE + STACK_SIZE);
		request->failed_step = MOLO_SPAWN_STACK;
		errno = saved_errno;
		return -error;
	}
	int result = spawn_on_stack(request, mapping + GUARD_SIZE);
	munmap(mapping, GUARD_SIZE + STACK_SIZE);
	errno = saved_errno;
	return result;
}
