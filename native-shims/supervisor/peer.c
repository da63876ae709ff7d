/* The conversation with the daemon. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "supervisor.h"

/* STATE is cut into packets of about this size. */
enum { STATE_BYTES = 48 * 1024, GROUP_BYTES = 512 };

static uint8_t incoming[MOLO_PACKET_MAX];
static uint8_t outgoing[MOLO_PACKET_MAX];

struct request {
	struct molo_received received;
	struct molo_packet reply;
	struct failure failure;
	bool later; /* somebody else answers */
	int fds[MOLO_FDS_MAX];
	size_t count;
	bool give; /* fds are closed once they are sent */
};

static void hang_up(void)
{
	watch_end(&self.peer);
	self.version = 0;
}

void answer_to(uint64_t connection, struct molo_packet *packet, const int *fds, size_t count)
{
	int bad;

	if (connection != self.connection || self.peer.fd < 0)
		return;
	bad = molo_send(self.peer.fd, packet, fds, count);
	if (!bad)
		return;
	/* A daemon that does not read would have to be waited for. It can come again and ask. */
	complain("answer the daemon, which is hung up on", "", -bad);
	hang_up();
}

void tell(struct molo_packet *packet)
{
	if (self.version)
		answer_to(self.connection, packet, NULL, 0);
}

static int field_u32(struct request *request, uint16_t tag, uint32_t *value)
{
	struct molo_item item;
	int found = molo_find(request->received.fields, tag, &item);

	if (found <= 0)
		return found ? found : -EINVAL;
	return molo_take_u32(&item.bytes, value);
}

/* 0, -EINVAL: not there or not a name */
static int field_name(struct request *request, uint16_t tag, char name[MOLO_NAME_MAX + 1])
{
	struct molo_item item;
	int found = molo_find(request->received.fields, tag, &item);

	if (found <= 0)
		return found ? found : -EINVAL;
	return molo_take_name(item.bytes, name);
}

static struct task *named(struct request *request, uint16_t tag)
{
	char name[MOLO_NAME_MAX + 1];

	return field_name(request, tag, name) ? NULL : task_find(name, tag == MOLO_F_EXEC);
}

/* EXEC where there is one, else CONTAINER */
static struct task *target(struct request *request)
{
	struct molo_item item;

	if (molo_find(request->received.fields, MOLO_F_EXEC, &item) == 1)
		return named(request, MOLO_F_EXEC);
	return named(request, MOLO_F_CONTAINER);
}

static int map_plan(struct request *request, uint32_t index, struct plan *plan)
{
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
	struct stat status;
	int fd, seals;

	if (index >= request->received.count)
		return -EBADF;
	fd = request->received.fds[index];
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & needed) != needed)
		return -EPERM;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size <= 0 || status.st_size > MOLO_PLAN_MAX)
		return -EFBIG;
	plan->mapped_length = (size_t)status.st_size;
	plan->mapped = mmap(NULL, plan->mapped_length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (plan->mapped == MAP_FAILED) {
		plan->mapped = NULL;
		return -errno;
	}
	plan->operations.at = plan->mapped;
	plan->operations.left = plan->mapped_length;
	return 0;
}

static int find_plan(struct request *request, struct task *container, struct plan *plan)
{
	struct molo_item item;
	uint32_t index;
	int found;

	*plan = (struct plan){
	    .fds = request->received.fds, .count = request->received.count, .container = container};
	if (field_u32(request, MOLO_F_PLAN_FD, &index) == 0)
		return map_plan(request, index, plan);
	found = molo_find(request->received.fields, MOLO_F_PLAN, &item);
	if (found <= 0)
		return found ? found : -EINVAL;
	plan->operations = item.bytes;
	return 0;
}

static void end_plan(struct plan *plan)
{
	if (plan->mapped)
		munmap(plan->mapped, plan->mapped_length);
}

static int do_hello(struct request *request)
{
	uint32_t oldest, newest;

	if (field_u32(request, MOLO_F_VERSION_MIN, &oldest) ||
	    field_u32(request, MOLO_F_VERSION_MAX, &newest))
		return -EINVAL;
	if (oldest > MOLO_VERSION || newest < MOLO_VERSION_OLDEST)
		return -EPROTONOSUPPORT;
	self.version = newest < MOLO_VERSION ? newest : MOLO_VERSION;
	molo_put_u32(&request->reply, MOLO_F_VERSION, self.version);
	molo_put_string(&request->reply, MOLO_F_POD, self.pod);
	molo_put_u32(&request->reply, MOLO_F_PID, (uint32_t)getpid());
	return 0;
}

static int do_state(struct request *request)
{
	const uint16_t more = MOLO_MORE;

	for (struct task *task = self.tasks; task; task = task->next) {
		task_put_facts(&request->reply, task);
		if (request->reply.length + GROUP_BYTES < STATE_BYTES || !task->next)
			continue;
		memcpy(request->reply.bytes + offsetof(struct molo_header, flags), &more,
		       sizeof(more));
		answer_to(self.connection, &request->reply, NULL, 0);
		molo_begin(&request->reply, outgoing, sizeof(outgoing), MOLO_STATE | MOLO_REPLY,
			   request->received.header.sequence);
	}
	return 0;
}

static int do_setup(struct request *request)
{
	struct plan plan;
	int bad = find_plan(request, NULL, &plan);

	if (bad)
		return bad;
	bad = setup_run(&plan, &request->failure, request->fds, &request->count);
	request->give = true;
	end_plan(&plan);
	return bad;
}

static int do_hold(struct request *request)
{
	struct molo_received *received = &request->received;
	struct molo_item item;
	struct held **list = &self.held;
	uint32_t key;

	if (field_u32(request, MOLO_F_KEY, &key) || key > 0xffff - MOLO_FDS_MAX)
		return -EINVAL;
	if (molo_find(received->fields, MOLO_F_CONTAINER, &item) != 1)
		return -EINVAL;
	if (item.bytes.left) {
		char name[MOLO_NAME_MAX + 1];
		struct task *task;

		if (molo_take_name(item.bytes, name))
			return -EINVAL;
		task = task_find(name, false);
		if (!task)
			task = task_new(name, NULL);
		if (!task)
			return -ENFILE;
		if (task->phase != MOLO_PHASE_HELD)
			return -EBUSY;
		list = &task->held;
	}
	for (size_t i = 0; i < received->count; i++) {
		int bad = held_put(list, key + (uint32_t)i, received->fds[i]);

		if (bad)
			return bad;
		received->fds[i] = -1;
	}
	return 0;
}

static int do_release(struct request *request)
{
	struct task *task = named(request, MOLO_F_CONTAINER);

	if (!task)
		return 0;
	if (task->pidfd >= 0)
		return -EBUSY;
	for (struct task *other = self.tasks; other; other = other->next)
		if (other->owner == task)
			return -EBUSY;
	record_remove(task);
	task_forget(task);
	return 0;
}

static int launch_task(struct request *request, struct task *task, struct task *container)
{
	struct plan plan;
	int bad = find_plan(request, container, &plan);

	if (!bad) {
		task->sequence = request->received.header.sequence;
		task->connection = self.connection;
		bad = spawn(task, &plan, &request->failure);
	}
	end_plan(&plan);
	request->later = !bad;
	return bad;
}

static int do_start(struct request *request)
{
	char name[MOLO_NAME_MAX + 1];
	struct task *task;

	if (field_name(request, MOLO_F_CONTAINER, name))
		return -EINVAL;
	if (self.leaving)
		return -ESHUTDOWN;
	task = task_find(name, false);
	if (!task)
		task = task_new(name, NULL);
	if (!task)
		return -ENFILE;
	if (task->phase != MOLO_PHASE_HELD)
		return -EBUSY;
	return launch_task(request, task, task);
}

static int do_exec(struct request *request)
{
	char name[MOLO_NAME_MAX + 1];
	struct task *container = named(request, MOLO_F_CONTAINER);
	struct task *task;
	int bad;

	if (field_name(request, MOLO_F_EXEC, name))
		return -EINVAL;
	if (!container || container->phase != MOLO_PHASE_RUNNING)
		return -ESRCH;
	if (task_find(name, true))
		return -EEXIST;
	task = task_new(name, container);
	if (!task)
		return -EAGAIN;
	bad = launch_task(request, task, container);
	if (bad)
		task_forget(task);
	return bad;
}

static int do_signal(struct request *request)
{
	struct task *task = target(request);
	uint32_t signal;

	if (field_u32(request, MOLO_F_SIGNAL, &signal) || signal > 64)
		return -EINVAL;
	return task ? task_signal(task, (int)signal) : -ESRCH;
}

static int do_kill(struct request *request)
{
	struct task *task = target(request);

	return task ? task_kill(task) : -ESRCH;
}

static int do_reopen(struct request *request)
{
	struct task *task = named(request, MOLO_F_CONTAINER);
	struct molo_received *received = &request->received;

	if (!task || task->phase != MOLO_PHASE_RUNNING)
		return -ESRCH;
	if (!task->log)
		return 0; /* nothing of it is written anywhere */
	if (task->reopening)
		return -EALREADY;
	task->reopening = true;
	task->reopen_sequence = received->header.sequence;
	task->reopen_connection = self.connection;
	log_reopen(task->log, received->count ? received->fds[0] : -1);
	if (received->count)
		received->fds[0] = -1;
	request->later = true;
	return 0;
}

static int do_resize(struct request *request)
{
	struct molo_item item;
	struct molo_size size;
	struct winsize window = {0};
	struct task *task;
	int fd;

	if (molo_find(request->received.fields, MOLO_F_SIZE, &item) != 1 ||
	    item.bytes.left < sizeof(size))
		return -EINVAL;
	memcpy(&size, item.bytes.at, sizeof(size));
	window.ws_row = size.rows;
	window.ws_col = size.columns;
	task = named(request, MOLO_F_CONTAINER);
	fd = request->received.count ? request->received.fds[0] : task ? task->master : -1;
	if (fd < 0)
		return -ENOTTY;
	return ioctl(fd, TIOCSWINSZ, &window) < 0 ? -errno : 0;
}

static int do_attach(struct request *request)
{
	struct molo_received *received = &request->received;
	struct task *task = named(request, MOLO_F_CONTAINER);
	uint32_t sinks = 0;
	size_t taken = 0;

	if (!task || task->phase != MOLO_PHASE_RUNNING)
		return -ESRCH;
	(void)field_u32(request, MOLO_F_SINKS, &sinks);
	for (uint32_t stream = MOLO_SINK_STDOUT; stream <= MOLO_SINK_STDERR; stream <<= 1) {
		int bad;

		if (!(sinks & stream))
			continue;
		if (taken >= received->count)
			return -EINVAL;
		if (!task->log)
			return -ENODEV; /* its output goes nowhere that could be copied */
		bad = log_attach(task->log, received->fds[taken], stream);
		received->fds[taken++] = -1;
		if (bad)
			return bad;
	}
	if (task->master >= 0)
		request->fds[request->count++] = task->master;
	else if (task->stdin_end >= 0)
		request->fds[request->count++] = task->stdin_end;
	return 0;
}

static int do_close_stdin(struct request *request)
{
	struct task *task = named(request, MOLO_F_CONTAINER);

	if (!task)
		return -ESRCH;
	if (task->stdin_end >= 0)
		close(task->stdin_end);
	task->stdin_end = -1;
	return 0;
}

static int do_stats(struct request *request)
{
	struct task *task = named(request, MOLO_F_CONTAINER);

	if (!task)
		return -ESRCH;
	/* What was told about dropping stays with task_log_news. */
	struct molo_log_stats stats = task->stats;

	if (task->log)
		log_stats(task->log, &stats);
	molo_put(&request->reply, MOLO_F_LOG_STATS, &stats, sizeof(stats));
	return 0;
}

static int do_shutdown(struct request *request)
{
	self.leaving = true;
	self.leave_sequence = request->received.header.sequence;
	self.leave_connection = self.connection;
	request->later = true;
	for (struct task *task = self.tasks; task; task = task->next)
		if (task->pidfd >= 0)
			task_kill(task);
	leave_if_done();
	return 0;
}

static int (*handler_of(uint16_t type))(struct request *)
{
	switch (type) {
	case MOLO_HELLO:
		return do_hello;
	case MOLO_STATE:
		return do_state;
	case MOLO_SETUP:
		return do_setup;
	case MOLO_HOLD:
		return do_hold;
	case MOLO_RELEASE:
		return do_release;
	case MOLO_START:
		return do_start;
	case MOLO_SIGNAL:
		return do_signal;
	case MOLO_KILL:
		return do_kill;
	case MOLO_EXEC:
		return do_exec;
	case MOLO_REOPEN_LOG:
		return do_reopen;
	case MOLO_RESIZE:
		return do_resize;
	case MOLO_ATTACH:
		return do_attach;
	case MOLO_CLOSE_STDIN:
		return do_close_stdin;
	case MOLO_STATS:
		return do_stats;
	case MOLO_SHUTDOWN:
		return do_shutdown;
	default:
		return NULL;
	}
}

static int handle(struct request *request, int received)
{
	int (*handler)(struct request *) = handler_of(request->received.header.type);

	if (received < 0)
		return received;
	if (!handler)
		return -ENOSYS;
	if (!self.version && handler != do_hello)
		return -EPROTO;
	return handler(request);
}

static void reply(struct request *request, int bad)
{
	if (bad) {
		molo_begin(&request->reply, outgoing, sizeof(outgoing),
			   request->received.header.type | MOLO_REPLY,
			   request->received.header.sequence);
		if (!request->failure.error)
			request->failure = (struct failure){.error = -bad, .index = -1};
		put_failure(&request->reply, &request->failure);
		answer_to(self.connection, &request->reply, NULL, 0);
	} else if (!request->later) {
		answer_to(self.connection, &request->reply, request->fds, request->count);
	}
	for (size_t i = 0; request->give && i < request->count; i++)
		close(request->fds[i]);
}

static void peer_ready(struct watch *watch, uint32_t events)
{
	static struct request request; /* too big for comfort on the stack */
	int length;

	(void)events;
	request.failure.error = 0;
	request.failure.detail[0] = 0;
	request.later = false;
	request.give = false;
	request.count = 0;
	length = molo_receive(watch->fd, incoming, sizeof(incoming), &request.received);
	if (length == -EAGAIN)
		return;
	if (length == 0 || (length < 0 && length != -EBADMSG)) {
		hang_up();
		return;
	}
	molo_begin(&request.reply, outgoing, sizeof(outgoing),
		   request.received.header.type | MOLO_REPLY, request.received.header.sequence);
	reply(&request, handle(&request, length));
	molo_close_received(&request.received);
}

static bool trusted(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       peer.uid == geteuid();
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (!trusted(fd)) {
		complain("refused a connection of another user", "", 0);
		close(fd);
		return;
	}
	hang_up();
	self.connection++;
	self.peer.fd = fd;
	watch_add(&self.peer, EPOLLIN);
}

void peer_listen(void)
{
	self.peer = (struct watch){.ready = peer_ready, .fd = -1};
	self.listener = (struct watch){.ready = listener_ready, .fd = FD_LISTENER};
	fcntl(FD_LISTENER, F_SETFL, O_RDWR | O_NONBLOCK);
	watch_add(&self.listener, EPOLLIN);
}
