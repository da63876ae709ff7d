/* Operations that make the container's root and what is mounted in it. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "child.h"
#include "root.h"
#include "world.h"

int do_propagation(struct child *child)
{
	uint32_t flags;
	int bad = child_u32(child, &flags);

	child_say(child, "set the propagation of the old root");
	return bad ? bad : k_mount(NULL, "/", NULL, flags | 0x4000 /* MS_REC */, NULL);
}

/*
 * The new root is attached on top of "/", of all directories the only one that is there on every
 * host. Absolute paths still lead to the old tree, because this process's root has not changed.
 */
int do_root(struct child *child)
{
	struct mount_attr private = {.propagation = 1UL << 18 /* MS_PRIVATE */};
	int slash AUTO_CLOSE = k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	int fd, bad = child_descriptor(child, &fd);

	child_say(child, "attach the root file system");
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

int do_mkdir(struct child *child)
{
	struct root_new new = {.what = ROOT_CREATE_DIRECTORY};
	const char *path;
	uint32_t mode;
	int bad = child_u32(child, &mode);

	if (bad || (bad = child_u32(child, &new.uid)) || (bad = child_u32(child, &new.gid)) ||
	    (bad = child_string(child, &path)))
		return bad;
	child_say(child, "make directory %s", path);
	new.mode = mode;
	int fd AUTO_CLOSE = root_make(child_root(child), path, &new);

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
	int parent = root_parent(child_root(child), path, buffer, name);
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

int do_mkfile(struct child *child)
{
	char buffer[PATH_MAX];
	const char *path, *name;
	uint32_t mode, uid, gid;
	int bad = child_u32(child, &mode);

	if (bad || (bad = child_u32(child, &uid)) || (bad = child_u32(child, &gid)) ||
	    (bad = child_string(child, &path)))
		return bad;
	child_say(child, "make file %s", path);
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

int child_attach(struct child *child, int mount, const char *path, uint32_t flags)
{
	struct root_new new = {.what = what_to_make(flags, mount)};

	new.mode = new.what == ROOT_CREATE_FILE ? 0644 : 0755;
	int target AUTO_CLOSE = root_make(child_root(child), path, &new);

	return target < 0 ? target : k_move_mount(mount, target);
}

int do_attach(struct child *child)
{
	const char *path;
	uint32_t ref, flags;
	int fd, bad = child_u32(child, &ref);

	if (bad || (bad = child_u32(child, &flags)) || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "attach mount at %s", path);
	if ((ref & 0xffff0000U) == MOLO_FD_POD && !child->pivoted) {
		int shared AUTO_CLOSE = world_clone_shm(ref & 0xffff);

		if (shared != -ENOENT)
			return shared < 0 ? shared : child_attach(child, shared, path, flags);
	}
	fd = plan_fd(child->birth->plan, ref);
	return fd < 0 ? fd : child_attach(child, fd, path, flags);
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
		int bad = child_string(child, &option);

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

int do_mount(struct child *child)
{
	const char *type, *path;
	uint32_t flags, attributes;
	int bad = child_u32(child, &flags);

	if (bad || (bad = child_u32(child, &attributes)) || (bad = child_string(child, &type)) ||
	    (bad = child_string(child, &path)))
		return bad;
	child_say(child, "mount %s at %s", type, path);
	int mount AUTO_CLOSE = make_mount(child, type, attributes);

	if (mount == -ENODEV && (flags & MOLO_AT_OPTIONAL)) {
		child_warn(child, ENODEV);
		return 0;
	}
	return mount < 0 ? mount : child_attach(child, mount, path, flags);
}

int do_mknod(struct child *child)
{
	char buffer[PATH_MAX];
	const char *path, *name;
	uint32_t mode, major_number, minor_number, uid, gid;
	int bad = child_u32(child, &mode);
	long made;

	if (bad || (bad = child_u32(child, &major_number)) ||
	    (bad = child_u32(child, &minor_number)) || (bad = child_u32(child, &uid)) ||
	    (bad = child_u32(child, &gid)) || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "make device %s (%u:%u)", path, major_number, minor_number);
	int parent AUTO_CLOSE = clear_place(child, path, buffer, &name);

	if (parent < 0)
		return parent;
	made = KERNEL_CALL(SYS_mknodat, parent, name, mode, makedev(major_number, minor_number));
	if (!made && (uid || gid))
		made = KERNEL_CALL(SYS_fchownat, parent, name, uid, gid, AT_SYMLINK_NOFOLLOW);
	return (int)made;
}

int do_symlink(struct child *child)
{
	char buffer[PATH_MAX];
	const char *target, *path, *name;
	int bad = child_string(child, &target);
	long made;

	if (bad || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "make symbolic link %s", path);
	int parent AUTO_CLOSE = root_parent(child_root(child), path, buffer, &name);

	if (parent < 0)
		return parent;
	made = KERNEL_CALL(SYS_symlinkat, target, parent, name);
	return made == -EEXIST ? 0 : (int)made;
}

int child_clone_tree(int fd, bool recursive)
{
	return k_open_tree(fd, "",
			   (unsigned)OPEN_TREE_CLONE | (unsigned)AT_EMPTY_PATH |
			       (recursive ? MOLO_AT_RECURSIVE_TREE : 0U));
}

int do_bind(struct child *child)
{
	const char *from, *path;
	uint32_t flags;
	int bad = child_u32(child, &flags);

	if (bad || (bad = child_string(child, &from)) || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "bind %s at %s", from, path);
	int source AUTO_CLOSE = root_find(child_root(child), from);

	if (source < 0)
		return source;
	int mount AUTO_CLOSE = child_clone_tree(source, flags & MOLO_AT_RECURSIVE);

	return mount < 0 ? mount : child_attach(child, mount, path, flags);
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
	return child_clone_tree(fd, false);
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

int do_mask(struct child *child)
{
	struct stat status;
	const char *path;
	int bad = child_string(child, &path);

	if (bad)
		return bad;
	child_say(child, "mask %s", path);
	int target AUTO_CLOSE = root_find(child_root(child), path);

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	if (fstat(target, &status) < 0)
		return -errno;
	int mount AUTO_CLOSE = S_ISDIR(status.st_mode) ? empty_mount() : null_mount(child);

	return mount < 0 ? mount : k_move_mount(mount, target);
}

int do_readonly(struct child *child)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	const char *path;
	int bad = child_string(child, &path);

	if (bad)
		return bad;
	child_say(child, "make %s read-only", path);
	int target AUTO_CLOSE = root_find(child_root(child), path);

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	int mount AUTO_CLOSE = child_clone_tree(target, true);

	if (mount < 0)
		return mount;
	bad = k_mount_setattr(mount, MOLO_AT_RECURSIVE_TREE, &readonly);
	return bad ? bad : k_move_mount(mount, target);
}

int do_setattr(struct child *child)
{
	uint32_t set, clear, propagation, recursive;
	const char *path;
	int bad = child_u32(child, &set);

	if (bad || (bad = child_u32(child, &clear)) || (bad = child_u32(child, &propagation)) ||
	    (bad = child_u32(child, &recursive)) || (bad = child_string(child, &path)))
		return bad;
	child_say(child, "set mount attributes of %s", path);
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	int target AUTO_CLOSE = root_find(child_root(child), path);

	if (target < 0)
		return target;
	return k_mount_setattr(target, recursive ? MOLO_AT_RECURSIVE_TREE : 0, &attr);
}

int do_pivot(struct child *child)
{
	int bad;

	child_say(child, "pivot into the root");
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
