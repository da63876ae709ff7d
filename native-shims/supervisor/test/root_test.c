/* Paths in a hostile root; needs no privilege. */
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "kernel.h"
#include "root.h"
#include "test.h"

static char base[] = "/tmp/molo-root-test-XXXXXX";
static const struct root_new a_directory = {.what = ROOT_CREATE_DIRECTORY, .mode = 0700};
static const struct root_new a_file = {.what = ROOT_CREATE_FILE, .mode = 0640};
static int root;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *level)
{
	(void)status;
	(void)type;
	(void)level;
	return remove(path);
}

static int made(const char *path, const struct root_new *new)
{
	int fd = root_make(root, path, new);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int exists(const char *below_base)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, below_base);
	return access(path, F_OK) == 0;
}

static mode_t mode_of(const char *below_base)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", base, below_base);
	return stat(path, &status) == 0 ? status.st_mode : 0;
}

static void parents_are_made(void)
{
	CHECK(made("/a/b/c", &a_directory) == 0);
	CHECK(mode_of("root/a") == (S_IFDIR | 0755));
	CHECK(mode_of("root/a/b/c") == (S_IFDIR | 0700));
	CHECK(made("a//./b/c/../f", &a_file) == 0);
	CHECK(mode_of("root/a/b/f") == (S_IFREG | 0640));
	CHECK(made("a/b/c", &a_directory) == 0);
	CHECK(made("/", &a_directory) == 0);
	CHECK(made("a/b/f/x", &a_directory) == -ENOTDIR);
}

static void links_stay_inside(void)
{
	CHECK(symlinkat("../../../outside", root, "up") == 0);
	CHECK(symlinkat("/outside", root, "absolute") == 0);
	CHECK(symlinkat("gone/deeper", root, "dangling") == 0);
	CHECK(made("up/x", &a_directory) == 0);
	CHECK(made("absolute/y", &a_file) == 0);
	CHECK(made("dangling/z", &a_directory) == 0);
	CHECK(exists("root/outside/x") && exists("root/outside/y") && exists("root/gone/deeper/z"));
	CHECK(!exists("outside/x") && !exists("outside/y"));
	CHECK(made("../../../../outside2", &a_directory) == 0);
	CHECK(exists("root/outside2") && !exists("outside2"));
}

static void loops_end(void)
{
	CHECK(symlinkat("two", root, "one") == 0);
	CHECK(symlinkat("one", root, "two") == 0);
	CHECK(made("one/x", &a_directory) == -ELOOP);
	CHECK(root_find(root, "one") == -ELOOP);
}

static void magic_links_are_refused(void)
{
	int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(host >= 0);
	CHECK(root_find(host, "/proc/self/fd/0") == -ELOOP);
	CHECK(root_find(host, "/proc/self/root/etc") == -ELOOP);
	close(host);
}

static void long_paths_are_refused(void)
{
	char path[PATH_MAX + 100];
	char name[NAME_MAX + 10];

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = 0;
	CHECK(made(path, &a_directory) == -ENAMETOOLONG);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	CHECK(made(name, &a_directory) == -ENAMETOOLONG);
	for (size_t i = 1; i < PATH_MAX - 2; i += 2)
		path[i] = '/';
	path[PATH_MAX - 1] = 0;
	CHECK(made(path, &a_directory) == 0 || made(path, &a_directory) == -ENAMETOOLONG);
}

static void parents_know_the_last_name(void)
{
	char buffer[PATH_MAX];
	const char *name;
	int fd = root_parent(root, "/p/q/r//", buffer, &name);

	CHECK(fd >= 0 && strcmp(name, "r") == 0);
	close(fd);
	CHECK(exists("root/p/q") && !exists("root/p/q/r"));
	CHECK(root_parent(root, "/", buffer, &name) == -EINVAL);
	CHECK(root_parent(root, "", buffer, &name) == -EINVAL);
	CHECK(root_parent(root, "a/..", buffer, &name) == -EINVAL);
	fd = root_parent(root, "top", buffer, &name);
	CHECK(fd >= 0 && strcmp(name, "top") == 0);
	close(fd);
}

int main(void)
{
	char path[PATH_MAX];

	umask(0);
	CHECK(mkdtemp(base) != NULL);
	snprintf(path, sizeof(path), "%s/outside", base);
	CHECK(mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/root", base);
	CHECK(mkdir(path, 0755) == 0);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(root >= 0);
	parents_are_made();
	links_stay_inside();
	loops_end();
	magic_links_are_refused();
	parents_know_the_last_name();
	long_paths_are_refused();
	/* From inside, or the longest path made above is too long for the kernel. */
	CHECK(fchdir(root) == 0);
	CHECK(nftw("a", remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	CHECK(chdir("/") == 0);
	close(root);
	CHECK(nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	return passed("root");
}
