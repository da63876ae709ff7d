/* Operations on the standard streams. */
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <termios.h>

#include "child.h"
#include "root.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

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
	int master = k_openat2(child_root(child), "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0,
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
	int mount AUTO_CLOSE = child_clone_tree(slave, false);

	child_say(child, "bind the terminal at /dev/console");
	return mount < 0 ? mount : child_attach(child, mount, "dev/console", MOLO_AT_CREATE_FILE);
}

int do_terminal(struct child *child)
{
	struct winsize size = {0};
	uint32_t rows, columns, flags;
	int bad = child_u32(child, &rows);

	if (bad || (bad = child_u32(child, &columns)) || (bad = child_u32(child, &flags)))
		return bad;
	child_say(child, "open a terminal");
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

int do_chown_stdio(struct child *child)
{
	uint32_t uid, gid;
	int bad = child_u32(child, &uid);

	if (bad || (bad = child_u32(child, &gid)))
		return bad;
	child_say(child, "give the standard streams to user %u", uid);
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
