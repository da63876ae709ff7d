/*
 * Between clone and exec: works off a plan's operations one by one. Runs in a copy of the
 * supervisor's memory whose other threads do not exist: it allocates nothing and takes no lock, and
 * calls the kernel directly where musl would signal threads that are not there (set*id).
 */
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "child.h"
#include "root.h"

enum { WORDS_MAX = 256 * 1024 }; /* arguments and environment together */

void child_report(const struct child *child, enum report_kind kind, int error)
{
	struct report message = {
	    .kind = kind, .error = error, .index = child->index, .code = child->code};

	memcpy(message.detail, child->detail, sizeof(message.detail));
	/* write, because a seccomp filter that is already there may not allow send. */
	while (write(child->birth->report, &message, sizeof(message)) < 0)
		if (errno != EINTR)
			return;
}

void child_say(struct child *child, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(child->detail, sizeof(child->detail), format, arguments);
	va_end(arguments);
}

void child_warn(struct child *child, int error)
{
	child_report(child, REPORT_WARNING, error);
}

int child_u32(struct child *child, uint32_t *value)
{
	return molo_take_u32(&child->bytes, value);
}

int child_string(struct child *child, const char **value)
{
	return molo_take_string(&child->bytes, value);
}

int child_descriptor(struct child *child, int *fd)
{
	uint32_t ref;
	int bad = child_u32(child, &ref);

	if (bad)
		return bad;
	*fd = plan_fd(child->birth->plan, ref);
	return *fd < 0 ? *fd : 0;
}

/* The root that paths are relative to. */
int child_root(struct child *child)
{
	if (child->root < 0)
		child->root = k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	return child->root;
}

static int do_join(struct child *child)
{
	const struct task *target = child->birth->task->owner;
	const char *name;
	uint32_t flags;
	int bad = child_u32(child, &flags);

	if (bad || (bad = child_string(child, &name)))
		return bad;
	child_say(child, "join the namespaces of %s", *name ? name : "the container");
	if (*name)
		target = task_find(name, false);
	if (!target || target->pidfd < 0)
		return -ESRCH;
	child->root = -1;
	return k_setns(target->pidfd, flags);
}

static int do_join_fd(struct child *child)
{
	uint32_t flags;
	int fd, bad = child_u32(child, &flags);

	if (bad || (bad = child_descriptor(child, &fd)))
		return bad;
	child_say(child, "join a namespace (0x%x)", flags);
	return k_setns(fd, flags);
}

static int do_unshare(struct child *child)
{
	uint32_t flags;
	int bad = child_u32(child, &flags);

	child_say(child, "unshare namespaces (0x%x)", flags);
	return bad ? bad : k_unshare(flags);
}

static int do_hostname(struct child *child)
{
	const char *name;
	int bad = child_string(child, &name);

	if (bad)
		return bad;
	child_say(child, "set the host name to %s", name);
	return (int)KERNEL_CALL(child->code == MOLO_OP_HOSTNAME ? SYS_sethostname
								: SYS_setdomainname,
				name, strlen(name));
}

int child_write_proc(int proc, const char *path, const char *value)
{
	int fd AUTO_CLOSE = k_openat2(proc, path, O_WRONLY, 0,
				      RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int write_sysctl(int proc, const char *name, const char *value)
{
	char path[PATH_MAX] = "sys/";

	if (strlen(name) > sizeof(path) - 8 || strstr(name, "..") || *name == '/')
		return -EINVAL;
	strcat(path, name);
	return child_write_proc(proc, path, value);
}

static int do_sysctl(struct child *child)
{
	const char *name, *value;
	int bad = child_string(child, &name);

	if (bad || (bad = child_string(child, &value)))
		return bad;
	child_say(child, "set sysctl %s to %s", name, value);
	return write_sysctl(self.proc, name, value);
}

static int do_rlimit(struct child *child)
{
	uint32_t resource, unused;
	struct {
		uint64_t soft, hard;
	} limit;
	int bad = child_u32(child, &resource);

	if (bad || (bad = child_u32(child, &unused)) ||
	    (bad = molo_take_u64(&child->bytes, &limit.soft)) ||
	    (bad = molo_take_u64(&child->bytes, &limit.hard)))
		return bad;
	child_say(child, "set limit %u to %llu:%llu", resource, (unsigned long long)limit.soft,
		  (unsigned long long)limit.hard);
	return (int)KERNEL_CALL(SYS_prlimit64, 0, resource, &limit, NULL);
}

static int set_oom_score(int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	return child_write_proc(self.proc, "self/oom_score_adj", text);
}

static int do_oom_score(struct child *child)
{
	uint32_t raw;
	int value, bad = child_u32(child, &raw);

	if (bad)
		return bad;
	value = (int)raw;
	child_say(child, "set oom_score_adj to %d", value);
	bad = set_oom_score(value);
	if (bad != -EACCES && bad != -EPERM)
		return bad;
	/* Lowering needs CAP_SYS_RESOURCE. What the supervisor has is as low as it goes. */
	child_say(child, "oom_score_adj %d is not permitted here and became %d", value,
		  self.oom_score_adj);
	child_warn(child, -bad);
	return set_oom_score(self.oom_score_adj);
}

static int enter_directory(struct child *child, int fd, const char *path)
{
	char where[PATH_MAX];
	long length;

	if (fd < 0)
		return fd;
	if (fchdir(fd) < 0)
		return -errno;
	length = KERNEL_CALL(SYS_getcwd, where, sizeof(where));
	if (length < 0)
		return (int)length;
	if (where[0] == '/')
		return 0;
	child_say(child, "working directory %s is outside the root", path);
	return -EXDEV;
}

static int do_cwd(struct child *child)
{
	const char *path;
	int bad = child_string(child, &path);

	if (bad)
		return bad;
	child_say(child, "enter working directory %s", path);
	int fd AUTO_CLOSE = root_find(child_root(child), path);

	return enter_directory(child, fd, path);
}

static int do_mkcwd(struct child *child)
{
	struct root_new new = {.what = ROOT_CREATE_DIRECTORY, .mode = 0755};
	const char *path;
	int bad = child_u32(child, &new.uid);

	if (bad || (bad = child_u32(child, &new.gid)) || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "make working directory %s", path);
	int fd AUTO_CLOSE = root_make(child_root(child), path, &new);

	return fd < 0 ? fd : 0;
}

static int do_env(struct child *child)
{
	const char *text;
	int bad = child_string(child, &text);

	if (bad)
		return bad;
	if (child->arguments + child->environment + 4 > child->words_room)
		return -E2BIG;
	child->environment++;
	child->words[child->words_room - 1 - child->environment] = text;
	return 0;
}

static int do_arg(struct child *child)
{
	const char *text;
	int bad = child_string(child, &text);

	if (bad)
		return bad;
	if (child->arguments + child->environment + 4 > child->words_room)
		return -E2BIG;
	child->words[child->arguments++] = text;
	return 0;
}

static const char *search_path(char *const *environment)
{
	for (; *environment; environment++)
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static int exec_by_path(const char *file, char *const *arguments, char *const *environment)
{
	const char *from = search_path(environment);
	bool denied = false;

	for (;;) {
		size_t length = strcspn(from, ":");
		char candidate[PATH_MAX];

		/* An empty element is the working directory; a shell looks there, so do we. */
		if (length + strlen(file) + 2 <= sizeof(candidate)) {
			snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)length, from,
				 length ? "/" : "", file);
			execve(candidate, arguments, environment);
			if (errno == EACCES)
				denied = true;
			else if (errno != ENOENT && errno != ENOTDIR)
				return -errno;
		}
		if (!from[length])
			return denied ? -EACCES : -ENOENT;
		from += length + 1;
	}
}

static int do_exec(struct child *child)
{
	char *const *arguments = (char *const *)(uintptr_t)child->words;
	/* The environment was put in from the back: turn it round, so that the last word wins. */
	size_t first = child->words_room - 1 - child->environment;
	char *const *environment = (char *const *)(uintptr_t)(child->words + first);
	const char *file = child->words[0];

	if (child->arguments == 0 || *file == 0)
		return -ENOENT;
	for (size_t i = 0; i < child->environment / 2; i++) {
		const char *word = child->words[first + i];

		child->words[first + i] = child->words[first + child->environment - 1 - i];
		child->words[first + child->environment - 1 - i] = word;
	}
	if (!child->umask_set)
		umask(0022);
	child_report(child, REPORT_EXECUTING, 0);
	child_say(child, "execute %s", file);
	if (!strchr(file, '/'))
		return exec_by_path(file, arguments, environment);
	execve(file, arguments, environment);
	return -errno;
}

static int do_setsid(struct child *child)
{
	(void)child;
	return 0; /* every child has a session of its own: see child_run */
}

static const struct operation {
	uint32_t code;
	const char *name;
	int (*run)(struct child *child); /* NULL: the supervisor's own */
} operations[] = {
    {MOLO_OP_CGROUP, "cgroup", NULL},
    {MOLO_OP_CLONE, "clone", NULL},
    {MOLO_OP_PID_POD, "pid namespace of the pod", NULL},
    {MOLO_OP_PID_OF, "pid namespace of a container", NULL},
    {MOLO_OP_STDIN, "stdin", NULL},
    {MOLO_OP_OUTPUT, "output", NULL},
    {MOLO_OP_LOG, "log", NULL},
    {MOLO_OP_USER_NS, "user namespace", NULL},
    {MOLO_OP_JOIN, "setns", do_join},
    {MOLO_OP_JOIN_FD, "setns", do_join_fd},
    {MOLO_OP_UNSHARE, "unshare", do_unshare},
    {MOLO_OP_PROPAGATION, "mount", do_propagation},
    {MOLO_OP_ROOT, "move_mount", do_root},
    {MOLO_OP_MKDIR, "mkdir", do_mkdir},
    {MOLO_OP_MKFILE, "mkfile", do_mkfile},
    {MOLO_OP_ATTACH, "move_mount", do_attach},
    {MOLO_OP_MOUNT, "fsmount", do_mount},
    {MOLO_OP_MKNOD, "mknod", do_mknod},
    {MOLO_OP_SYMLINK, "symlink", do_symlink},
    {MOLO_OP_BIND, "open_tree", do_bind},
    {MOLO_OP_MASK, "mask", do_mask},
    {MOLO_OP_READONLY, "readonly", do_readonly},
    {MOLO_OP_SETATTR, "mount_setattr", do_setattr},
    {MOLO_OP_PIVOT, "pivot_root", do_pivot},
    {MOLO_OP_HOSTNAME, "sethostname", do_hostname},
    {MOLO_OP_DOMAINNAME, "setdomainname", do_hostname},
    {MOLO_OP_SYSCTL, "sysctl", do_sysctl},
    {MOLO_OP_RLIMIT, "prlimit", do_rlimit},
    {MOLO_OP_OOM_SCORE, "oom_score_adj", do_oom_score},
    {MOLO_OP_UMASK, "umask", do_umask},
    {MOLO_OP_IDS, "setresuid", do_ids},
    {MOLO_OP_BOUNDING, "PR_CAPBSET_DROP", do_bounding},
    {MOLO_OP_CAPS, "capset", do_caps},
    {MOLO_OP_SECUREBITS, "PR_SET_SECUREBITS", do_prctl_u32},
    {MOLO_OP_KEEP_CAPS, "PR_SET_KEEPCAPS", do_prctl_u32},
    {MOLO_OP_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", do_no_new_privs},
    {MOLO_OP_SECCOMP, "seccomp", do_seccomp},
    {MOLO_OP_LSM_EXEC, "exec label", do_lsm},
    {MOLO_OP_TERMINAL, "terminal", do_terminal},
    {MOLO_OP_CWD, "chdir", do_cwd},
    {MOLO_OP_MKCWD, "mkdir", do_mkcwd},
    {MOLO_OP_ENV, "env", do_env},
    {MOLO_OP_ARG, "arg", do_arg},
    {MOLO_OP_EXEC, "execve", do_exec},
    {MOLO_OP_SETSID, "setsid", do_setsid},
    {MOLO_OP_CHOWN_STDIO, "fchown", do_chown_stdio},
    {MOLO_OP_LOOPBACK_UP, "loopback", NULL},
    {MOLO_OP_PID_REAPER, "reaper", NULL},
    {MOLO_OP_NETLINK, "socket", NULL},
    {MOLO_OP_NS_FD, "namespace", NULL},
    {MOLO_OP_POD_SHM, "shared memory", NULL},
    {MOLO_OP_POD_USER_NS, "user namespace", NULL},
};

static const struct operation *operation_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (operations[i].code == code)
			return &operations[i];
	return NULL;
}

const char *operation_name(uint32_t code)
{
	const struct operation *operation = operation_of(code);

	return operation ? operation->name : "plan";
}

static int run_one(struct child *child, const struct molo_item *item)
{
	const struct operation *operation = operation_of(item->tag);

	child->code = item->tag;
	child->bytes = item->bytes;
	child->detail[0] = 0;
	if (item->tag < MOLO_OP_JOIN)
		return 0; /* done before the clone */
	if (!operation || !operation->run) {
		child_say(child, "operation 0x%x is not known here", item->tag);
		return -ENOSYS;
	}
	return operation->run(child);
}

static int run_plan(struct child *child)
{
	struct molo_slice rest = child->birth->plan->operations;
	struct molo_item item;
	int more, bad;

	for (child->index = 0; (more = molo_next(&rest, &item)) == 1; child->index++) {
		bad = run_one(child, &item);
		if (bad)
			return bad;
	}
	child_say(child, "the plan ends without exec");
	return more ? more : -EINVAL;
}

static int prepare(struct child *child)
{
	size_t length = WORDS_MAX * sizeof(char *);
	void *memory =
	    mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigset_t none;
	int bad;

	if (memory == MAP_FAILED)
		return -errno;
	child->words = memory;
	child->words_room = WORDS_MAX;
	child_say(child, "connect the standard streams");
	for (int i = 0; i < 3; i++)
		if (dup3(child->birth->stdio[i], i, 0) < 0)
			return -errno;
	/*
	 * Here and not at the end: between a seccomp filter and execve only write is called. What
	 * is opened from now on is close-on-exec too.
	 */
	bad = k_close_range(3, ~0U, MOLO_CLOSE_RANGE_CLOEXEC);
	if (bad)
		return bad;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A group of its own: a signal to the supervisor's group must not reach it, nor the
	 * reverse. */
	KERNEL_CALL(SYS_setsid);
	umask(0);
	/* What shields the supervisor from the kernel's memory killer is not the container's. */
	return child->birth->oom_score_reset ? set_oom_score(0) : 0;
}

_Noreturn void child_run(const struct birth *birth)
{
	struct child child = {.birth = birth, .root = -1, .index = -1};
	int bad = prepare(&child);

	if (!bad)
		bad = run_plan(&child);
	child_report(&child, REPORT_FAILED, -bad);
	_exit(127);
}
