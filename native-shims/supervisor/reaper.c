/*
 * Pid 1 of a pod's shared pid namespace. It has nothing worth stealing: an empty read-only root, no
 * descriptors, no capabilities, and a filter that lets it do nothing but wait. It ends with the
 * supervisor, and with it the namespace.
 */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "supervisor.h"
#include "world.h"

static int drop_all(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	int bad = 0;

	for (unsigned capability = 0; !bad && capability < 64; capability++)
		bad = k_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (bad != -EINVAL && bad)
		return bad;
	return (int)KERNEL_CALL(SYS_capset, &header, none);
}

static int keep_only(int fd)
{
	int bad = k_close_range(0, (unsigned)fd - 1, 0);

	return bad ? bad : k_close_range((unsigned)fd + 1, ~0U, 0);
}

/* Two calls more, to say that it is ready and to close what it said it by: then they are no use. */
static int only_wait(void)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigsuspend, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	return (int)KERNEL_CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static _Noreturn void reaper(int report)
{
	/* An ignored SIGCHLD makes the kernel reap, whether it is blocked or not. */
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	uint64_t all = ~0ULL;
	int root, bad = k_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	k_prctl(PR_SET_NAME, (unsigned long)"molo-reaper", 0, 0, 0);
	sigaction(SIGCHLD, &ignore, NULL);
	if (!bad)
		bad = world_empty_root(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					   MOUNT_ATTR_NOEXEC,
				       &root);
	KERNEL_CALL(SYS_setsid);
	if (!bad)
		bad = drop_all();
	if (!bad)
		bad = k_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!bad)
		bad = keep_only(report);
	if (!bad)
		bad = only_wait();
	bad = -bad;
	if (KERNEL_CALL(SYS_sendto, report, &bad, sizeof(bad), MSG_NOSIGNAL, NULL, 0) < 0 || bad)
		_exit(1);
	k_close_range((unsigned)report, (unsigned)report, 0);
	for (;;)
		KERNEL_CALL(SYS_rt_sigsuspend, &all, sizeof(all));
}

int reaper_start(int *pidfd, struct failure *failure)
{
	struct k_clone birth = {
	    .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD,
	    .pidfd = (uint64_t)(uintptr_t)pidfd,
	    .exit_signal = SIGCHLD,
	};
	int ends[2], pid, rest, bad = EIO;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(failure, errno, -1, "make a socket pair for the reaper");
	pid = k_clone3(&birth);
	if (pid == 0)
		reaper(ends[1]);
	close(ends[1]);
	if (pid > 0 && recv(ends[0], &bad, sizeof(bad), 0) != sizeof(bad))
		bad = EIO;
	/* The end comes with its last descriptor: no program meets it before it is shut in. */
	if (pid > 0 && !bad && recv(ends[0], &rest, sizeof(rest), 0) != 0)
		bad = EIO;
	close(ends[0]);
	if (pid < 0)
		return fail(failure, -pid, -1, "clone the pid namespace's reaper");
	if (bad) {
		close(*pidfd);
		return fail(failure, bad, -1, "shut the pid namespace's reaper in");
	}
	return pid;
}
