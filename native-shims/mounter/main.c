/*
 * molo-mounter: makes detached overlay mounts in a mount namespace of its own. See README.md.
 *
 * Each request is served by a child of its own, which shares the mount namespace: a disk that hangs
 * holds up the mounts on it and no others.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel.h"
#include "overlay.h"

/* Descriptors that the daemon hands over at these numbers. */
enum {
	FD_SOCKET = 3,
	FD_LAYERS = 4,
	FD_PODS = 5,
};

/* "/m/" and a request's number. */
#define PLACE_MAX 32

#define MS_REC_FLAG 0x4000UL
#define MS_PRIVATE_FLAG (1UL << 18)
#define MS_SLAVE_FLAG (1UL << 19)
#define MNT_DETACH_FLAG 2

static uint8_t incoming[MOLO_PACKET_MAX];

static _Noreturn void give_up(const char *what, long error)
{
	fprintf(stderr, "molo-mounter: %s: %s\n", what, strerror((int)-error));
	_exit(1);
}

static int clone_of(int dir, const char *path)
{
	return k_open_tree(dir, path, (unsigned)OPEN_TREE_CLONE | (unsigned)AT_EMPTY_PATH);
}

static int empty_tmpfs(void)
{
	int context AUTO_CLOSE = k_fsopen("tmpfs");
	int bad;

	if (context < 0)
		return context;
	bad = k_fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700");
	if (!bad)
		bad = k_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	return bad ? bad
		   : k_fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void attach_at(int mount, int root, const char *name)
{
	int bad = (int)KERNEL_CALL(SYS_mkdirat, root, name, 0700);
	int target AUTO_CLOSE = bad ? bad : k_openat2(root, name, O_PATH | O_DIRECTORY, 0, 0);

	if (target < 0)
		give_up(name, target);
	bad = k_move_mount(mount, target);
	if (bad)
		give_up("attach a directory of the daemon's", bad);
	close(mount);
}

/* From here on there is /l (the layers), /p (the pods), /m (where mounts are made), nothing else.
 */
static void move_into_own_world(void)
{
	/* Copied while they can be: in the new namespace these descriptors are foreign. */
	int layers = clone_of(FD_LAYERS, "");
	int pods = clone_of(FD_PODS, "");
	int bad, root;

	if (layers < 0 || pods < 0)
		give_up("copy the mounts of the layers at 4 and the pods at 5",
			layers < 0 ? layers : pods);
	bad = k_unshare(CLONE_NEWNS);
	if (!bad)
		bad = k_mount(NULL, "/", NULL, MS_REC_FLAG | MS_PRIVATE_FLAG, NULL);
	if (bad)
		give_up("make a mount namespace", bad);
	root = empty_tmpfs();
	if (root < 0)
		give_up("make a tmpfs", root);
	int slash AUTO_CLOSE = k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);

	bad = k_move_mount(root, slash);
	if (!bad && fchdir(root) < 0)
		bad = -errno;
	if (!bad)
		bad = k_pivot_root(".", ".");
	if (!bad)
		bad = k_umount2(".", MNT_DETACH_FLAG);
	if (bad)
		give_up("move into an empty root", bad);
	attach_at(layers, root, "l");
	attach_at(pods, root, "p");
	/* What the host unmounts or mounts there is so here too, and not the other way round. */
	bad = k_mount(NULL, "/", NULL, MS_REC_FLAG | MS_SLAVE_FLAG, NULL);
	if (!bad)
		bad = (int)KERNEL_CALL(SYS_mkdirat, root, "m", 0700);
	if (bad || chdir("/l") < 0)
		give_up("enter the layers' directory", bad ? bad : -errno);
	close(root);
	close(FD_LAYERS);
	close(FD_PODS);
}

static void path_of(struct molo_slice slice, char path[OVERLAY_OPTIONS_MAX])
{
	size_t length = slice.left < OVERLAY_OPTIONS_MAX - 1 ? slice.left : OVERLAY_OPTIONS_MAX - 1;

	memcpy(path, slice.at, length);
	path[length] = 0;
}

/* Says which directory is missing: the kernel's errno alone helps nobody, and differs by version.
 */
static void explain(const struct overlay *overlay, char detail[MOLO_DETAIL_MAX])
{
	char path[OVERLAY_OPTIONS_MAX];

	snprintf(detail, MOLO_DETAIL_MAX, "mount an overlay of %u layers", overlay->count);
	for (uint32_t i = 0; i < overlay->count; i++) {
		path_of(overlay->lowers[i], path);
		if (access(path, F_OK) == 0)
			continue;
		snprintf(detail, MOLO_DETAIL_MAX, "mount an overlay: its layer %.200s is missing",
			 path);
		return;
	}
	if (!overlay->upper.left)
		return;
	path_of(overlay->upper, path);
	snprintf(detail, MOLO_DETAIL_MAX, "mount an overlay of %u layers with upper %.200s",
		 overlay->count, path);
}

static int bind_readonly(const struct overlay *overlay)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	char path[OVERLAY_OPTIONS_MAX];
	int mount, bad;

	path_of(overlay->lowers[0], path);
	mount = clone_of(AT_FDCWD, path);
	bad = mount < 0 ? mount : k_mount_setattr(mount, 0, &readonly);
	return bad ? bad : mount;
}

/* place: where it was attached meanwhile, for take_away(); stays empty when there is none. */
static int mount_overlay(const struct overlay *overlay, uint32_t sequence, char place[PLACE_MAX])
{
	char options[OVERLAY_OPTIONS_MAX];
	int bad;

	if ((overlay->flags & MOLO_OVERLAY_READONLY) && overlay->count == 1)
		return bind_readonly(overlay);
	bad = overlay_options(overlay, options);
	if (bad)
		return bad;
	snprintf(place, PLACE_MAX, "/m/%u", sequence);
	bad = (int)KERNEL_CALL(SYS_mkdirat, AT_FDCWD, place, 0700);
	if (bad)
		return bad;
	bad = k_mount("overlay", place, "overlay", 0, options);
	return bad ? bad : clone_of(AT_FDCWD, place);
}

/* The clone lives on. Detaching waits for the kernel's readers (RCU), so the daemon has its answer
 * before. */
static void take_away(const char *place)
{
	if (!*place)
		return;
	k_umount2(place, MNT_DETACH_FLAG);
	(void)KERNEL_CALL(SYS_unlinkat, AT_FDCWD, place, AT_REMOVEDIR);
}

static void answer(const struct molo_header *header, int mount, const char *detail)
{
	uint8_t memory[MOLO_DETAIL_MAX + 128];
	struct molo_packet packet;
	int bad;

	molo_begin(&packet, memory, sizeof(memory), header->type | MOLO_REPLY, header->sequence);
	if (mount < 0) {
		molo_put_u32(&packet, MOLO_F_ERRNO, (uint32_t)-mount);
		molo_put_string(&packet, MOLO_F_DETAIL, detail);
	}
	bad = molo_send(FD_SOCKET, &packet, &mount, mount >= 0);
	if (bad)
		fprintf(stderr, "molo-mounter: answer the daemon: %s\n", strerror(-bad));
}

static void serve(const struct molo_received *received)
{
	static struct overlay overlay;
	char detail[MOLO_DETAIL_MAX] = "read the request for an overlay";
	char place[PLACE_MAX] = "";
	int mount;

	if (received->header.type != MOLO_MOUNT_OVERLAY) {
		answer(&received->header, -ENOSYS, "read the request");
		return;
	}
	mount = overlay_read(received->fields, &overlay);
	if (!mount) {
		mount = mount_overlay(&overlay, received->header.sequence, place);
		if (mount < 0)
			explain(&overlay, detail);
	}
	answer(&received->header, mount, detail);
	take_away(place);
}

static void serve_in_child(const struct molo_received *received)
{
	pid_t child = fork();

	if (child == 0) {
		serve(received);
		_exit(0);
	}
	if (child < 0)
		answer(&received->header, -errno, "start a child for a mount");
}

static void prepare(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT};
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &ignore, NULL); /* the kernel reaps */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "molo-mounter", 0, 0, 0);
	setsid();
	umask(0);
	for (int fd = FD_SOCKET; fd <= FD_PODS; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			give_up("find the socket at 3, the layers at 4, the pods at 5", -errno);
}

int main(void)
{
	static struct molo_received received;

	prepare();
	move_into_own_world();
	for (;;) {
		int length = molo_receive(FD_SOCKET, incoming, sizeof(incoming), &received);

		if (length == 0)
			return 0; /* the daemon is gone; what it mounted lives on */
		if (length == -EBADMSG)
			answer(&received.header, -EBADMSG, "read the request");
		else if (length < 0)
			give_up("receive a request", length);
		else
			serve_in_child(&received);
		molo_close_received(&received);
	}
}
