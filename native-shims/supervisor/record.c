/* exits/NAME: how a container ended, for a daemon that was not there. */
#include <stdio.h>
#include <string.h>

#include "supervisor.h"

static int write_file(const char *path, const char *text, size_t length)
{
	int fd AUTO_CLOSE =
	    k_openat2(self.directory, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600,
		      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, text, length);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -ENOSPC;
}

int record_write(const struct task *task)
{
	char text[512], path[MOLO_NAME_MAX + 16], fresh[MOLO_NAME_MAX + 16];
	int bad;
	int length = snprintf(
	    text, sizeof(text),
	    "molo-exit 1\ncontainer %s\npid %d\nstarted %llu\nfinished %llu\ncode %u\nsignal %u\n"
	    "oom_kills %llu\n",
	    task->name, (int)task->pid, (unsigned long long)task->started_ns,
	    (unsigned long long)task->exit.time_ns, task->exit.code, task->exit.signal,
	    (unsigned long long)task->exit.oom_kills);

	snprintf(path, sizeof(path), "exits/%s", task->name);
	snprintf(fresh, sizeof(fresh), "exits/.%s", task->name);
	bad = write_file(fresh, text, (size_t)length);
	if (bad) {
		unlinkat(self.directory, fresh, 0);
		return bad;
	}
	return (int)KERNEL_CALL(SYS_renameat2, self.directory, fresh, self.directory, path, 0);
}

void record_remove(const struct task *task)
{
	char path[MOLO_NAME_MAX + 16];

	snprintf(path, sizeof(path), "exits/%s", task->name);
	if (unlinkat(self.directory, path, 0) < 0 && errno != ENOENT)
		complain("remove exit record", path, errno);
}
