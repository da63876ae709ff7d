#include "root.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"

enum { LINKS_MAX = 40 };

int root_find(int root, const char *path)
{
	while (*path == '/')
		path++;
	return k_openat2(root, *path ? path : ".", O_PATH, 0,
			 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/*
 * The walk keeps two strings: done, which has no symbolic links, and rest. done is opened anew at
 * each step with RESOLVE_NO_SYMLINKS, so that whoever exchanges a directory for a link meanwhile
 * causes an error and no escape.
 */
struct walk {
	int root;
	const struct root_new *new;
	char done[PATH_MAX];
	char rest[PATH_MAX];
	int links;
};

static int open_done(const struct walk *walk)
{
	return k_openat2(walk->root, walk->done[0] ? walk->done : ".", O_PATH | O_DIRECTORY, 0,
			 RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

/* Takes the first component off rest; false when there is none. */
static bool next_component(struct walk *walk, char component[NAME_MAX + 1], int *bad)
{
	const char *from = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(from, "/");

	*bad = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (!length || *bad)
		return false;
	memcpy(component, from, length);
	component[length] = 0;
	memmove(walk->rest, from + length, strlen(from + length) + 1);
	return true;
}

static int append(char path[PATH_MAX], const char *component)
{
	size_t length = strlen(path);
	size_t more = strlen(component);

	if (length + more + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	if (length)
		path[length++] = '/';
	memcpy(path + length, component, more + 1);
	return 0;
}

static void ascend(char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = 0;
	else
		path[0] = 0;
}

static int splice_link(struct walk *walk, int dir, const char *component)
{
	char target[PATH_MAX];
	long length = KERNEL_CALL(SYS_readlinkat, dir, component, target, sizeof(target) - 1);

	if (length < 0)
		return (int)length;
	target[length] = 0;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (target[0] == '/')
		walk->done[0] = 0;
	if ((size_t)length + strlen(walk->rest) + 2 > sizeof(target))
		return -ENAMETOOLONG;
	strcat(target, "/");
	strcat(target, walk->rest);
	strcpy(walk->rest, target);
	return 0;
}

static int own(int dir, const char *component, const struct root_new *new)
{
	if (new->uid == 0 && new->gid == 0)
		return 0;
	return (int)KERNEL_CALL(SYS_fchownat, dir, component, new->uid, new->gid,
				AT_SYMLINK_NOFOLLOW);
}

static int make_one(const struct walk *walk, int dir, const char *component, bool last)
{
	int made;

	if (last && walk->new->what == ROOT_CREATE_FILE) {
		int fd AUTO_CLOSE = k_openat2(
		    dir, component, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, walk->new->mode, 0);
		made = fd < 0 ? fd : 0;
	} else {
		made = (int)KERNEL_CALL(SYS_mkdirat, dir, component, last ? walk->new->mode : 0755);
	}
	if (made == -EEXIST)
		return 0;
	return made || !last ? made : own(dir, component, walk->new);
}

static int step(struct walk *walk, const char *component)
{
	int dir AUTO_CLOSE = open_done(walk);
	bool last = walk->rest[strspn(walk->rest, "/")] == 0;
	struct stat status;
	int bad;

	if (dir < 0)
		return dir;
	if (fstatat(dir, component, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return -errno;
		bad = make_one(walk, dir, component, last);
		return bad ? bad : append(walk->done, component);
	}
	if (S_ISLNK(status.st_mode))
		return splice_link(walk, dir, component);
	return append(walk->done, component);
}

static int walk_all(struct walk *walk)
{
	char component[NAME_MAX + 1];
	int bad = 0;

	while (!bad && next_component(walk, component, &bad)) {
		if (strcmp(component, ".") == 0)
			continue;
		if (strcmp(component, "..") == 0)
			ascend(walk->done);
		else
			bad = step(walk, component);
	}
	return bad;
}

int root_make(int root, const char *path, const struct root_new *new)
{
	struct walk walk;
	int fd = root_find(root, path);

	if (fd != -ENOENT || new->what == ROOT_CREATE_NOTHING)
		return fd;
	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	walk.root = root;
	walk.new = new;
	walk.done[0] = 0;
	walk.links = 0;
	strcpy(walk.rest, path);
	fd = walk_all(&walk);
	if (fd < 0)
		return fd;
	return k_openat2(root, walk.done[0] ? walk.done : ".", O_PATH, 0,
			 RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

int root_parent(int root, const char *path, char *buffer, const char **name)
{
	static const struct root_new parent = {.what = ROOT_CREATE_DIRECTORY, .mode = 0755};
	size_t length = strlen(path);
	char *slash;

	while (length && path[length - 1] == '/')
		length--;
	if (length == 0)
		return -EINVAL;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(buffer, path, length);
	buffer[length] = 0;
	slash = strrchr(buffer, '/');
	if (slash)
		*slash = 0;
	*name = slash ? slash + 1 : buffer;
	if (strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return -EINVAL;
	return root_make(root, slash ? buffer : ".", &parent);
}
