/* What the supervisor does to the pod's namespaces, which are its own. */
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "supervisor.h"
#include "world.h"

struct setup {
	struct failure *failure;
	int *fds;
	size_t *count;
};

static int give(struct setup *setup, int fd)
{
	if (fd < 0)
		return fd;
	if (*setup->count == MOLO_FDS_MAX) {
		close(fd);
		return -EMFILE;
	}
	setup->fds[(*setup->count)++] = fd;
	return 0;
}

static int loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd AUTO_CLOSE = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int netlink_socket(uint32_t protocol)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;

	close(fd);
	return -error;
}

static const char *namespace_path(uint32_t flag)
{
	switch (flag) {
	case CLONE_NEWNET:
		return "self/ns/net";
	case CLONE_NEWIPC:
		return "self/ns/ipc";
	case CLONE_NEWUTS:
		return "self/ns/uts";
	default:
		return NULL;
	}
}

static int namespace_fd(uint32_t flag)
{
	const char *path = namespace_path(flag);

	if (flag == CLONE_NEWPID && self.reaper_pidfd >= 0) {
		char of_reaper[32];

		snprintf(of_reaper, sizeof(of_reaper), "%d/ns/pid", (int)self.reaper);
		return k_openat2(self.proc, of_reaper, O_RDONLY, 0, 0);
	}
	return path ? k_openat2(self.proc, path, O_RDONLY, 0, 0) : -EINVAL;
}

static int start_reaper(struct setup *setup)
{
	int pidfd = -1, pid;

	if (self.reaper_pidfd >= 0)
		return 0; /* a daemon that asks twice gets one */
	pid = reaper_start(&pidfd, setup->failure);
	if (pid < 0)
		return pid;
	self.reaper = pid;
	self.reaper_pidfd = pidfd;
	return 0;
}

static int set_name(struct molo_slice *bytes, bool host)
{
	const char *name;
	int bad = molo_take_string(bytes, &name);

	if (bad)
		return bad;
	return (int)KERNEL_CALL(host ? SYS_sethostname : SYS_setdomainname, name, strlen(name));
}

static int set_sysctl(struct setup *setup, struct molo_slice *bytes)
{
	const char *name, *value;
	int bad = molo_take_string(bytes, &name);

	if (bad || (bad = molo_take_string(bytes, &value)))
		return bad;
	bad = write_sysctl(self.proc, name, value);
	if (bad)
		fail(setup->failure, -bad, -1, "set sysctl %s to %s", name, value);
	return bad;
}

static int make_shm(struct molo_slice *bytes)
{
	uint32_t ref, unused;
	uint64_t size;
	int bad = molo_take_u32(bytes, &ref);

	if (bad || (bad = molo_take_u32(bytes, &unused)) || (bad = molo_take_u64(bytes, &size)))
		return bad;
	if ((ref & 0xffff0000U) != MOLO_FD_POD)
		return -EINVAL;
	return world_make_shm(ref & 0xffff, size);
}

static int run_one(struct setup *setup, struct molo_item *item)
{
	uint32_t number;
	int bad;

	switch (item->tag) {
	case MOLO_OP_HOSTNAME:
	case MOLO_OP_DOMAINNAME:
		return set_name(&item->bytes, item->tag == MOLO_OP_HOSTNAME);
	case MOLO_OP_SYSCTL:
		return set_sysctl(setup, &item->bytes);
	case MOLO_OP_LOOPBACK_UP:
		return loopback_up();
	case MOLO_OP_PID_REAPER:
		return start_reaper(setup);
	case MOLO_OP_NETLINK:
		bad = molo_take_u32(&item->bytes, &number);
		return bad ? bad : give(setup, netlink_socket(number));
	case MOLO_OP_NS_FD:
		bad = molo_take_u32(&item->bytes, &number);
		return bad ? bad : give(setup, namespace_fd(number));
	case MOLO_OP_POD_SHM:
		return make_shm(&item->bytes);
	default:
		return -ENOSYS;
	}
}

int setup_run(struct plan *plan, struct failure *failure, int fds[MOLO_FDS_MAX], size_t *count)
{
	struct setup setup = {.failure = failure, .fds = fds, .count = count};
	struct molo_slice rest = plan->operations;
	struct molo_item item;
	int more, bad;

	for (int index = 0; (more = molo_next(&rest, &item)) == 1; index++) {
		bad = run_one(&setup, &item);
		if (!bad)
			continue;
		if (!failure->error)
			fail(failure, -bad, index, "%s", operation_name(item.tag));
		failure->index = index;
		failure->code = item.tag;
		return bad;
	}
	return more ? fail(failure, -more, -1, "read the plan") : 0;
}
