#include "world.h"

#include <stdio.h>

#include "kernel.h"

#define MS_REC_FLAG 0x4000UL
#define MS_PRIVATE_FLAG (1UL << 18)
#define MS_SLAVE_FLAG (1UL << 19)
#define MNT_DETACH_FLAG 2

enum { SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

static int make_tmpfs(const char *mode, const char *size, unsigned attributes)
{
	int context AUTO_CLOSE = k_fsopen("tmpfs");
	int bad;

	if (context < 0)
		return context;
	bad = k_fsconfig(context, FSCONFIG_SET_STRING, "mode", mode);
	if (!bad && size)
		bad = k_fsconfig(context, FSCONFIG_SET_STRING, "size", size);
	if (!bad)
		bad = k_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	return bad ? bad : k_fsmount(context, attributes);
}

int world_empty_root(unsigned attributes, int *root)
{
	int slash AUTO_CLOSE = k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	int bad = k_mount(NULL, "/", NULL, MS_REC_FLAG | MS_PRIVATE_FLAG, NULL);

	if (bad || slash < 0)
		return bad ? bad : slash;
	*root = make_tmpfs("0755", NULL, attributes);
	if (*root < 0)
		return *root;
	bad = k_move_mount(*root, slash);
	if (!bad && fchdir(*root) < 0)
		bad = -errno;
	if (!bad)
		bad = k_pivot_root(".", ".");
	return bad ? bad : k_umount2(".", MNT_DETACH_FLAG);
}

static int take_over(int mount, int root, const char *name)
{
	int target AUTO_CLOSE = k_openat2(root, name, O_PATH, 0, RESOLVE_NO_SYMLINKS);

	return target < 0 ? target : k_move_mount(mount, target);
}

static int copy_of(const char *path)
{
	return k_open_tree(AT_FDCWD, path, (unsigned)OPEN_TREE_CLONE);
}

static int make_places(int root)
{
	static const char *const directories[] = {"proc", "sys", "dev", "pod"};
	int null;

	for (unsigned i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		int bad = (int)KERNEL_CALL(SYS_mkdirat, root, directories[i], 0755);

		if (bad)
			return bad;
	}
	null = k_openat2(root, "dev/null", O_WRONLY | O_CREAT | O_EXCL, 0644, 0);
	if (null >= 0)
		close(null);
	return null < 0 ? null : 0;
}

int world_enter(const char **what)
{
	int root = -1, bad;

	*what = "make a mount namespace";
	bad = k_unshare(CLONE_NEWNS);
	if (bad)
		return bad;
	*what = "copy /proc, /sys and /dev/null";
	int proc AUTO_CLOSE = copy_of("/proc");
	int sys AUTO_CLOSE = copy_of("/sys");
	int null AUTO_CLOSE = copy_of("/dev/null");

	if (proc < 0 || sys < 0 || null < 0)
		return proc < 0 ? proc : sys < 0 ? sys : null;
	*what = "move into an empty root";
	bad = world_empty_root(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &root);
	int closing AUTO_CLOSE = root;

	if (!bad)
		bad = make_places(closing);
	if (!bad)
		bad = take_over(proc, root, "proc");
	if (!bad)
		bad = take_over(sys, root, "sys");
	if (!bad)
		bad = take_over(null, root, "dev/null");
	/* What the host unmounts goes here too; nothing that happens here is seen there. */
	return bad ? bad : k_mount(NULL, "/", NULL, MS_REC_FLAG | MS_SLAVE_FLAG, NULL);
}

static void shm_path(char path[32], uint32_t key)
{
	snprintf(path, 32, "/pod/%u", key);
}

int world_make_shm(uint32_t key, uint64_t bytes)
{
	char path[32], size[32];
	int bad;

	shm_path(path, key);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	bad = (int)KERNEL_CALL(SYS_mkdirat, AT_FDCWD, path, 0755);
	if (bad)
		return bad == -EEXIST ? 0 : bad;
	int mount AUTO_CLOSE = make_tmpfs("1777", size, SAFE);

	bad = mount < 0 ? mount : take_over(mount, AT_FDCWD, path);
	if (bad)
		(void)KERNEL_CALL(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	return bad;
}

int world_clone_shm(uint32_t key)
{
	char path[32];

	shm_path(path, key);
	return copy_of(path);
}
