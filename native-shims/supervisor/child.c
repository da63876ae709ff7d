/*
 * Between clone and exec: works off a plan's operations one by one. Runs in a copy of the
 * supervisor's memory whose other threads do not exist: it allocates nothing and takes no lock, and
 * calls the kernel directly where musl would signal threads that are not there (set*id).
 */
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "root.h"
#include "supervisor.h"
#include "world.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

enum {
	GROUPS_MAX = 65536,
	WORDS_MAX = 256 * 1024, /* arguments and environment together */
};

struct child {
	const struct birth *birth;
	int root; /* -1 before ROOT or JOIN */
	bool pivoted;
	bool umask_set;
	const char **words; /* arguments from the front, environment from the back */
	size_t arguments;
	size_t environment;
	size_t words_room;
	int index;
	uint32_t code;
	struct molo_slice bytes; /* of the operation at hand */
	char detail[MOLO_DETAIL_MAX];
};

static void report(const struct child *child, enum report_kind kind, int error)
{
	struct report message = {
	    .kind = kind, .error = error, .index = child->index, .code = child->code};

	memcpy(message.detail, child->detail, sizeof(message.detail));
	/* write, because a seccomp filter that is already there may not allow send. */
	while (write(child->birth->report, &message, sizeof(message)) < 0)
		if (errno != EINTR)
			return;
}

__attribute__((format(printf, 2, 3))) static void say(struct child *child, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(child->detail, sizeof(child->detail), format, arguments);
	va_end(arguments);
}

static void warn(struct child *child, int error)
{
	report(child, REPORT_WARNING, error);
}

static int u32(struct child *child, uint32_t *value)
{
	return molo_take_u32(&child->bytes, value);
}

static int string(struct child *child, const char **value)
{
	return molo_take_string(&child->bytes, value);
}

static int descriptor(struct child *child, int *fd)
{
	uint32_t ref;
	int bad = u32(child, &ref);

	if (bad)
		return bad;
	*fd = plan_fd(child->birth->plan, ref);
	return *fd < 0 ? *fd : 0;
}

/* The root that paths are relative to. */
static int need_root(struct child *child)
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
	int bad = u32(child, &flags);

	if (bad || (bad = string(child, &name)))
		return bad;
	say(child, "join the namespaces of %s", *name ? name : "the container");
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
	int fd, bad = u32(child, &flags);

	if (bad || (bad = descriptor(child, &fd)))
		return bad;
	say(child, "join a namespace (0x%x)", flags);
	return k_setns(fd, flags);
}

static int do_unshare(struct child *child)
{
	uint32_t flags;
	int bad = u32(child, &flags);

	say(child, "unshare namespaces (0x%x)", flags);
	return bad ? bad : k_unshare(flags);
}

static int do_propagation(struct child *child)
{
	uint32_t flags;
	int bad = u32(child, &flags);

	say(child, "set the propagation of the old root");
	return bad ? bad : k_mount(NULL, "/", NULL, flags | 0x4000 /* MS_REC */, NULL);
}

/*
 * The new root is attached on top of "/", of all directories the only one that is there on every
 * host. Absolute paths still lead to the old tree, because this process's root has not changed.
 */
static int do_root(struct child *child)
{
	struct mount_attr private = {.propagation = 1UL << 18 /* MS_PRIVATE */};
	int slash AUTO_CLOSE = k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	int fd, bad = descriptor(child, &fd);

	say(child, "attach the root file system");
	if (bad)
		return bad;
	if (slash < 0)
		return slash;
	/* A copy of a shared mount is shared too, and pivot_root refuses that. */
	bad = k_mount_setattr(fd, 0, &private);
	if (bad)
		return bad;
	child->root = fd;
	return k_move_mount(fd, slash);
}

static int do_mkdir(struct child *child)
{
	struct root_new new = {.what = ROOT_CREATE_DIRECTORY};
	const char *path;
	uint32_t mode;
	int bad = u32(child, &mode);

	if (bad || (bad = u32(child, &new.uid)) || (bad = u32(child, &new.gid)) ||
	    (bad = string(child, &path)))
		return bad;
	say(child, "make directory %s", path);
	new.mode = mode;
	int fd AUTO_CLOSE = root_make(need_root(child), path, &new);

	return fd < 0 ? fd : 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The directory of path, with whatever was at its last component removed. */
static int clear_place(struct child *child, const char *path, char *buffer, const char **name)
{
	int parent = root_parent(need_root(child), path, buffer, name);
	long gone;

	if (parent < 0)
		return parent;
	gone = KERNEL_CALL(SYS_unlinkat, parent, *name, 0);
	if (gone && gone != -ENOENT) {
		close(parent);
		return (int)gone;
	}
	return parent;
}

static int do_mkfile(struct child *child)
{
	char buffer[PATH_MAX];
	const char *path, *name;
	uint32_t mode, uid, gid;
	int bad = u32(child, &mode);

	if (bad || (bad = u32(child, &uid)) || (bad = u32(child, &gid)) ||
	    (bad = string(child, &path)))
		return bad;
	say(child, "make file %s", path);
	int parent AUTO_CLOSE = clear_place(child, path, buffer, &name);

	if (parent < 0)
		return parent;
	int fd AUTO_CLOSE =
	    k_openat2(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 07777, 0);

	if (fd < 0)
		return fd;
	if ((uid || gid) && fchown(fd, uid, gid) < 0)
		return -errno;
	return write_all(fd, child->bytes.at, child->bytes.left);
}

static enum root_create what_to_make(uint32_t flags, int source)
{
	struct stat status;

	if (flags & MOLO_AT_CREATE_DIR)
		return ROOT_CREATE_DIRECTORY;
	if (flags & MOLO_AT_CREATE_FILE)
		return ROOT_CREATE_FILE;
	if (!(flags & MOLO_AT_CREATE_LIKE))
		return ROOT_CREATE_NOTHING;
	if (fstat(source, &status) == 0 && S_ISDIR(status.st_mode))
		return ROOT_CREATE_DIRECTORY;
	return ROOT_CREATE_FILE;
}

static int attach(struct child *child, int mount, const char *path, uint32_t flags)
{
	struct root_new new = {.what = what_to_make(flags, mount)};

	new.mode = new.what == ROOT_CREATE_FILE ? 0644 : 0755;
	int target AUTO_CLOSE = root_make(need_root(child), path, &new);

	return target < 0 ? target : k_move_mount(mount, target);
}

static int do_attach(struct child *child)
{
	const char *path;
	uint32_t ref, flags;
	int fd, bad = u32(child, &ref);

	if (bad || (bad = u32(child, &flags)) || (bad = string(child, &path)))
		return bad;
	say(child, "attach mount at %s", path);
	if ((ref & 0xffff0000U) == MOLO_FD_POD && !child->pivoted) {
		int shared AUTO_CLOSE = world_clone_shm(ref & 0xffff);

		if (shared != -ENOENT)
			return shared < 0 ? shared : attach(child, shared, path, flags);
	}
	fd = plan_fd(child->birth->plan, ref);
	return fd < 0 ? fd : attach(child, fd, path, flags);
}

/* What a file system says to its context ends up behind the errno. */
static void add_fs_message(struct child *child, int context)
{
	size_t used = strlen(child->detail);
	char line[256];
	ssize_t n = read(context, line, sizeof(line) - 1);

	if (n <= 0)
		return;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	snprintf(child->detail + used, sizeof(child->detail) - used, " (%s)", line);
}

static int set_option(int context, char *option)
{
	char *equals = strchr(option, '=');
	int bad;

	if (!equals)
		return k_fsconfig(context, FSCONFIG_SET_FLAG, option, NULL);
	*equals = 0;
	bad = k_fsconfig(context, FSCONFIG_SET_STRING, option, equals + 1);
	*equals = '=';
	return bad;
}

static int configure(struct child *child, int context)
{
	while (child->bytes.left) {
		const char *option;
		int bad = string(child, &option);

		if (!bad)
			bad = set_option(context, (char *)(uintptr_t)option);
		if (bad)
			return bad;
	}
	return k_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
}

static int make_mount(struct child *child, const char *type, uint32_t attributes)
{
	int context AUTO_CLOSE = k_fsopen(type);
	int made;

	if (context < 0)
		return context;
	made = configure(child, context);
	if (!made)
		made = k_fsmount(context, attributes);
	if (made < 0)
		add_fs_message(child, context);
	return made;
}

static int do_mount(struct child *child)
{
	const char *type, *path;
	uint32_t flags, attributes;
	int bad = u32(child, &flags);

	if (bad || (bad = u32(child, &attributes)) || (bad = string(child, &type)) ||
	    (bad = string(child, &path)))
		return bad;
	say(child, "mount %s at %s", type, path);
	int mount AUTO_CLOSE = make_mount(child, type, attributes);

	if (mount == -ENODEV && (flags & MOLO_AT_OPTIONAL)) {
		warn(child, ENODEV);
		return 0;
	}
	return mount < 0 ? mount : attach(child, mount, path, flags);
}

static int do_mknod(struct child *child)
{
	char buffer[PATH_MAX];
	const char *path, *name;
	uint32_t mode, major_number, minor_number, uid, gid;
	int bad = u32(child, &mode);
	long made;

	if (bad || (bad = u32(child, &major_number)) || (bad = u32(child, &minor_number)) ||
	    (bad = u32(child, &uid)) || (bad = u32(child, &gid)) || (bad = string(child, &path)))
		return bad;
	say(child, "make device %s (%u:%u)", path, major_number, minor_number);
	int parent AUTO_CLOSE = clear_place(child, path, buffer, &name);

	if (parent < 0)
		return parent;
	made = KERNEL_CALL(SYS_mknodat, parent, name, mode, makedev(major_number, minor_number));
	if (!made && (uid || gid))
		made = KERNEL_CALL(SYS_fchownat, parent, name, uid, gid, AT_SYMLINK_NOFOLLOW);
	return (int)made;
}

static int do_symlink(struct child *child)
{
	char buffer[PATH_MAX];
	const char *target, *path, *name;
	int bad = string(child, &target);
	long made;

	if (bad || (bad = string(child, &path)))
		return bad;
	say(child, "make symbolic link %s", path);
	int parent AUTO_CLOSE = root_parent(need_root(child), path, buffer, &name);

	if (parent < 0)
		return parent;
	made = KERNEL_CALL(SYS_symlinkat, target, parent, name);
	return made == -EEXIST ? 0 : (int)made;
}

static int clone_tree(int fd, bool recursive)
{
	return k_open_tree(fd, "",
			   (unsigned)OPEN_TREE_CLONE | (unsigned)AT_EMPTY_PATH |
			       (recursive ? MOLO_AT_RECURSIVE_TREE : 0U));
}

static int do_bind(struct child *child)
{
	const char *from, *path;
	uint32_t flags;
	int bad = u32(child, &flags);

	if (bad || (bad = string(child, &from)) || (bad = string(child, &path)))
		return bad;
	say(child, "bind %s at %s", from, path);
	int source AUTO_CLOSE = root_find(need_root(child), from);

	if (source < 0)
		return source;
	int mount AUTO_CLOSE = clone_tree(source, flags & MOLO_AT_RECURSIVE);

	return mount < 0 ? mount : attach(child, mount, path, flags);
}

/* The host's /dev/null, checked to be the null device: what masks a file must not be a stranger's.
 */
static int null_mount(const struct child *child)
{
	int fd AUTO_CLOSE = k_openat2(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0, 0);
	struct stat status;

	if (child->pivoted)
		return -EXDEV;
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENXIO;
	return clone_tree(fd, false);
}

static int empty_mount(void)
{
	int context AUTO_CLOSE = k_fsopen("tmpfs");
	int bad;

	if (context < 0)
		return context;
	(void)k_fsconfig(context, FSCONFIG_SET_STRING, "size", "0k"); /* read-only: for looks */
	bad = k_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (bad)
		return bad;
	return k_fsmount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				      MOUNT_ATTR_NOEXEC);
}

static int do_mask(struct child *child)
{
	struct stat status;
	const char *path;
	int bad = string(child, &path);

	if (bad)
		return bad;
	say(child, "mask %s", path);
	int target AUTO_CLOSE = root_find(need_root(child), path);

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	if (fstat(target, &status) < 0)
		return -errno;
	int mount AUTO_CLOSE = S_ISDIR(status.st_mode) ? empty_mount() : null_mount(child);

	return mount < 0 ? mount : k_move_mount(mount, target);
}

static int do_readonly(struct child *child)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	const char *path;
	int bad = string(child, &path);

	if (bad)
		return bad;
	say(child, "make %s read-only", path);
	int target AUTO_CLOSE = root_find(need_root(child), path);

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	int mount AUTO_CLOSE = clone_tree(target, true);

	if (mount < 0)
		return mount;
	bad = k_mount_setattr(mount, MOLO_AT_RECURSIVE_TREE, &readonly);
	return bad ? bad : k_move_mount(mount, target);
}

static int do_setattr(struct child *child)
{
	uint32_t set, clear, propagation, recursive;
	const char *path;
	int bad = u32(child, &set);

	if (bad || (bad = u32(child, &clear)) || (bad = u32(child, &propagation)) ||
	    (bad = u32(child, &recursive)) || (bad = string(child, &path)))
		return bad;
	say(child, "set mount attributes of %s", path);
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	int target AUTO_CLOSE = root_find(need_root(child), path);

	if (target < 0)
		return target;
	return k_mount_setattr(target, recursive ? MOLO_AT_RECURSIVE_TREE : 0, &attr);
}

static int do_pivot(struct child *child)
{
	int bad;

	say(child, "pivot into the root");
	if (child->root < 0)
		return -EINVAL;
	if (fchdir(child->root) < 0)
		return -errno;
	/* The old root lands on top of the new one's "."; that is what the umount takes away. */
	bad = k_pivot_root(".", ".");
	if (!bad)
		bad = k_umount2(".", 2 /* MNT_DETACH */);
	if (!bad && chdir("/") < 0)
		bad = -errno;
	child->pivoted = true;
	return bad;
}

static int do_hostname(struct child *child)
{
	const char *name;
	int bad = string(child, &name);

	if (bad)
		return bad;
	say(child, "set the host name to %s", name);
	return (int)KERNEL_CALL(child->code == MOLO_OP_HOSTNAME ? SYS_sethostname
								: SYS_setdomainname,
				name, strlen(name));
}

static int write_proc(int proc, const char *path, const char *value)
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
	return write_proc(proc, path, value);
}

static int do_sysctl(struct child *child)
{
	const char *name, *value;
	int bad = string(child, &name);

	if (bad || (bad = string(child, &value)))
		return bad;
	say(child, "set sysctl %s to %s", name, value);
	return write_sysctl(self.proc, name, value);
}

static int do_rlimit(struct child *child)
{
	uint32_t resource, unused;
	struct {
		uint64_t soft, hard;
	} limit;
	int bad = u32(child, &resource);

	if (bad || (bad = u32(child, &unused)) ||
	    (bad = molo_take_u64(&child->bytes, &limit.soft)) ||
	    (bad = molo_take_u64(&child->bytes, &limit.hard)))
		return bad;
	say(child, "set limit %u to %llu:%llu", resource, (unsigned long long)limit.soft,
	    (unsigned long long)limit.hard);
	return (int)KERNEL_CALL(SYS_prlimit64, 0, resource, &limit, NULL);
}

static int set_oom_score(int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	return write_proc(self.proc, "self/oom_score_adj", text);
}

static int do_oom_score(struct child *child)
{
	uint32_t raw;
	int value, bad = u32(child, &raw);

	if (bad)
		return bad;
	value = (int)raw;
	say(child, "set oom_score_adj to %d", value);
	bad = set_oom_score(value);
	if (bad != -EACCES && bad != -EPERM)
		return bad;
	/* Lowering needs CAP_SYS_RESOURCE. What the supervisor has is as low as it goes. */
	say(child, "oom_score_adj %d is not permitted here and became %d", value,
	    self.oom_score_adj);
	warn(child, -bad);
	return set_oom_score(self.oom_score_adj);
}

static int do_umask(struct child *child)
{
	uint32_t mask;
	int bad = u32(child, &mask);

	if (bad)
		return bad;
	umask((mode_t)mask & 0777);
	child->umask_set = true;
	return 0;
}

static int do_ids(struct child *child)
{
	uint32_t uid, gid;
	size_t groups;
	int bad = u32(child, &uid);

	if (bad || (bad = u32(child, &gid)))
		return bad;
	groups = child->bytes.left / sizeof(uint32_t);
	say(child, "become user %u, group %u with %zu more", uid, gid, groups);
	if (groups > GROUPS_MAX)
		return -EINVAL;
	bad = (int)KERNEL_CALL(SYS_setgroups, groups, child->bytes.at);
	if (!bad)
		bad = (int)KERNEL_CALL(SYS_setresgid, gid, gid, gid);
	if (!bad)
		bad = (int)KERNEL_CALL(SYS_setresuid, uid, uid, uid);
	return bad;
}

static int do_bounding(struct child *child)
{
	uint64_t kept;
	int bad = molo_take_u64(&child->bytes, &kept);

	say(child, "drop capabilities from the bounding set");
	for (unsigned capability = 0; !bad && capability < 64; capability++) {
		if (kept & (1ULL << capability))
			continue;
		bad = k_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
		if (bad == -EINVAL)
			return 0; /* past the kernel's last one */
	}
	return bad;
}

static int cap_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)KERNEL_CALL(SYS_capget, &header, data);
}

static int cap_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	    {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
	    {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
	     (uint32_t)(inheritable >> 32)},
	};

	return (int)KERNEL_CALL(SYS_capset, &header, data);
}

static int raise_ambient(uint64_t ambient)
{
	int bad = k_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	for (unsigned capability = 0; !bad && capability < 64; capability++)
		if (ambient & (1ULL << capability))
			bad = k_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
	return bad;
}

static int do_caps(struct child *child)
{
	struct __user_cap_data_struct have_data[2];
	uint64_t effective, permitted, inheritable, ambient, have;
	int bad = molo_take_u64(&child->bytes, &effective);

	if (bad || (bad = molo_take_u64(&child->bytes, &permitted)) ||
	    (bad = molo_take_u64(&child->bytes, &inheritable)) ||
	    (bad = molo_take_u64(&child->bytes, &ambient)))
		return bad;
	say(child, "set capabilities");
	bad = cap_get(have_data);
	if (bad)
		return bad;
	have = have_data[0].permitted | (uint64_t)have_data[1].permitted << 32;
	if (permitted & ~have) {
		say(child, "capabilities 0x%llx are not there to be given on this host",
		    (unsigned long long)(permitted & ~have));
		warn(child, EPERM);
		say(child, "set capabilities");
	}
	bad = cap_set(effective & have, permitted & have, inheritable & have);
	return bad ? bad : raise_ambient(ambient & have & inheritable);
}

static int do_prctl_u32(struct child *child)
{
	uint32_t value;
	int bad = u32(child, &value);

	say(child, "set %s to 0x%x", operation_name(child->code), value);
	if (bad)
		return bad;
	return k_prctl(child->code == MOLO_OP_SECUREBITS ? PR_SET_SECUREBITS : PR_SET_KEEPCAPS,
		       value, 0, 0, 0);
}

static int do_no_new_privs(struct child *child)
{
	say(child, "set no_new_privs");
	return k_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int do_seccomp(struct child *child)
{
	struct sock_fprog program;
	uint32_t flags;
	int bad = u32(child, &flags);

	if (bad)
		return bad;
	program.len = (unsigned short)(child->bytes.left / sizeof(struct sock_filter));
	program.filter = (struct sock_filter *)(uintptr_t)child->bytes.at;
	say(child, "load a seccomp filter of %u instructions", program.len);
	if (child->bytes.left / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	return (int)KERNEL_CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int do_lsm(struct child *child)
{
	char text[1024];
	const char *label;
	uint32_t module;
	int bad = u32(child, &module);

	if (bad || (bad = string(child, &label)))
		return bad;
	say(child, "set the exec label to %s", label);
	if (module == MOLO_LSM_SELINUX)
		return write_proc(self.proc, "self/attr/exec", label);
	if (module != MOLO_LSM_APPARMOR || strlen(label) > sizeof(text) - 8)
		return -EINVAL;
	snprintf(text, sizeof(text), "exec %s", label);
	bad = write_proc(self.proc, "self/attr/apparmor/exec", text);
	return bad == -ENOENT ? write_proc(self.proc, "self/attr/exec", text) : bad;
}

static int send_terminal(const struct child *child, int master)
{
	struct report message = {
	    .kind = REPORT_TERMINAL, .index = child->index, .code = child->code};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr packet = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &master, sizeof(int));
	return sendmsg(child->birth->report, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The multiplexer of a real devpts, reached without a link that could lead elsewhere. */
static int open_master(struct child *child)
{
	struct statfs system;
	int unlock = 0;
	int master = k_openat2(need_root(child), "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0,
			       RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);

	if (master < 0)
		return master;
	if (fstatfs(master, &system) == 0 && system.f_type == DEVPTS_SUPER_MAGIC &&
	    ioctl(master, TIOCSPTLCK, &unlock) == 0)
		return master;
	close(master);
	return -ENOTTY;
}

static int bind_console(struct child *child, int slave)
{
	int mount AUTO_CLOSE = clone_tree(slave, false);

	say(child, "bind the terminal at /dev/console");
	return mount < 0 ? mount : attach(child, mount, "dev/console", MOLO_AT_CREATE_FILE);
}

static int do_terminal(struct child *child)
{
	struct winsize size = {0};
	uint32_t rows, columns, flags;
	int bad = u32(child, &rows);

	if (bad || (bad = u32(child, &columns)) || (bad = u32(child, &flags)))
		return bad;
	say(child, "open a terminal");
	size.ws_row = (unsigned short)rows;
	size.ws_col = (unsigned short)columns;
	int master AUTO_CLOSE = open_master(child);

	if (master < 0)
		return master;
	int slave AUTO_CLOSE = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0)
		return -errno;
	/* The session is this process's own already: see child_run. */
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		if (dup3(slave, i, 0) < 0)
			return -errno;
	bad = flags & MOLO_TTY_CONSOLE ? bind_console(child, slave) : 0;
	return bad ? bad : send_terminal(child, master);
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
	say(child, "working directory %s is outside the root", path);
	return -EXDEV;
}

static int do_cwd(struct child *child)
{
	const char *path;
	int bad = string(child, &path);

	if (bad)
		return bad;
	say(child, "enter working directory %s", path);
	int fd AUTO_CLOSE = root_find(need_root(child), path);

	return enter_directory(child, fd, path);
}

static int do_mkcwd(struct child *child)
{
	struct root_new new = {.what = ROOT_CREATE_DIRECTORY, .mode = 0755};
	const char *path;
	int bad = u32(child, &new.uid);

	if (bad || (bad = u32(child, &new.gid)) || (bad = string(child, &path)))
		return bad;
	say(child, "make working directory %s", path);
	int fd AUTO_CLOSE = root_make(need_root(child), path, &new);

	return fd < 0 ? fd : 0;
}

static int do_env(struct child *child)
{
	const char *text;
	int bad = string(child, &text);

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
	int bad = string(child, &text);

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
	report(child, REPORT_EXECUTING, 0);
	say(child, "execute %s", file);
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

static int do_chown_stdio(struct child *child)
{
	uint32_t uid, gid;
	int bad = u32(child, &uid);

	if (bad || (bad = u32(child, &gid)))
		return bad;
	say(child, "give the standard streams to user %u", uid);
	for (int fd = 0; fd < 3; fd++) {
		struct stat status;

		/* Not /dev/null, which is everybody's. */
		if (fstat(fd, &status) < 0 || (!S_ISFIFO(status.st_mode) && !isatty(fd)))
			continue;
		if (fchown(fd, uid, gid) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
			return -errno;
	}
	return 0;
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
		say(child, "operation 0x%x is not known here", item->tag);
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
	say(child, "the plan ends without exec");
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
	say(child, "connect the standard streams");
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
	report(&child, REPORT_FAILED, -bad);
	_exit(127);
}
