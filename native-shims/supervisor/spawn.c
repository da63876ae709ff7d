/* From a plan to a process: what has to be known before the clone, and the clone. */
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "supervisor.h"

enum { ANSWER_BYTES = 8 * 1024 };

struct wish {
	int cgroup;
	uint32_t flags;
	int pid_of; /* pidfd whose pid namespace is joined */
	uint32_t in_mode, out_mode;
	int in, out, err;
	int log;
	bool oom_score;
};

/* Both ends of what the task gets as its standard streams. */
struct streams {
	int child[3];
	int ours[3];
};

int fail(struct failure *failure, int error, int index, const char *format, ...)
{
	va_list arguments;

	failure->error = error;
	failure->index = index;
	va_start(arguments, format);
	vsnprintf(failure->detail, sizeof(failure->detail), format, arguments);
	va_end(arguments);
	return -error;
}

void put_failure(struct molo_packet *packet, const struct failure *failure)
{
	molo_put_u32(packet, MOLO_F_ERRNO, (uint32_t)failure->error);
	if (failure->index >= 0) {
		molo_put_u32(packet, MOLO_F_FAILED_OP, (uint32_t)failure->index);
		molo_put_u32(packet, MOLO_F_FAILED_CODE, failure->code);
	}
	molo_put_string(packet, MOLO_F_DETAIL, failure->detail);
}

int plan_fd(const struct plan *plan, uint32_t ref)
{
	if (ref < plan->count)
		return plan->fds[ref];
	if ((ref & 0xffff0000U) == MOLO_FD_HELD)
		return held_find(plan->container->held, ref & 0xffff);
	if ((ref & 0xffff0000U) == MOLO_FD_POD)
		return held_find(self.held, ref & 0xffff);
	return -EBADF;
}

static int take_fd(const struct plan *plan, struct molo_slice *bytes, int *fd, bool optional)
{
	uint32_t ref;
	int bad = molo_take_u32(bytes, &ref);

	if (bad)
		return bad;
	*fd = -1;
	if (optional && ref == MOLO_FD_NONE)
		return 0;
	*fd = plan_fd(plan, ref);
	return *fd < 0 ? -EBADF : 0;
}

static int wish_pid_of(struct wish *wish, struct molo_slice *bytes)
{
	const char *name;
	const struct task *target;
	int bad = molo_take_string(bytes, &name);

	if (bad)
		return bad;
	target = task_find(name, false);
	if (!target || target->pidfd < 0)
		return -ESRCH;
	wish->pid_of = target->pidfd;
	return 0;
}

static int wish_one(struct wish *wish, const struct plan *plan, struct molo_item *item)
{
	struct molo_slice *bytes = &item->bytes;
	int bad;

	switch (item->tag) {
	case MOLO_OP_CGROUP:
		return take_fd(plan, bytes, &wish->cgroup, false);
	case MOLO_OP_CLONE:
		return molo_take_u32(bytes, &wish->flags);
	case MOLO_OP_PID_POD:
		wish->pid_of = self.reaper_pidfd;
		return self.reaper_pidfd < 0 ? -ESRCH : 0;
	case MOLO_OP_PID_OF:
		return wish_pid_of(wish, bytes);
	case MOLO_OP_STDIN:
		bad = molo_take_u32(bytes, &wish->in_mode);
		return bad ? bad : take_fd(plan, bytes, &wish->in, true);
	case MOLO_OP_OUTPUT:
		bad = molo_take_u32(bytes, &wish->out_mode);
		if (!bad)
			bad = take_fd(plan, bytes, &wish->out, true);
		return bad ? bad : take_fd(plan, bytes, &wish->err, true);
	case MOLO_OP_LOG:
		return take_fd(plan, bytes, &wish->log, true);
	case MOLO_OP_OOM_SCORE:
		wish->oom_score = true;
		return 0;
	default:
		return item->tag < MOLO_OP_JOIN ? -ENOSYS : 0;
	}
}

static int read_wish(struct wish *wish, const struct plan *plan, struct failure *failure)
{
	struct molo_slice rest = plan->operations;
	struct molo_item item;
	int more, bad;

	for (int index = 0; (more = molo_next(&rest, &item)) == 1; index++) {
		bad = wish_one(wish, plan, &item);
		if (!bad)
			continue;
		failure->code = item.tag;
		return fail(failure, -bad, index, "%s", operation_name(item.tag));
	}
	return more ? fail(failure, -more, -1, "read the plan") : 0;
}

static int make_pipe(struct streams *streams, int which, bool child_reads)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	streams->child[which] = ends[child_reads ? 0 : 1];
	streams->ours[which] = ends[child_reads ? 1 : 0];
	return 0;
}

static int make_streams(struct streams *streams, const struct wish *wish)
{
	int bad = 0;

	*streams = (struct streams){{self.null, self.null, self.null}, {-1, -1, -1}};
	if (wish->in_mode == MOLO_STDIN_PIPE)
		bad = make_pipe(streams, 0, true);
	else if (wish->in_mode == MOLO_STDIN_FD && wish->in >= 0)
		streams->child[0] = wish->in;
	if (wish->out_mode == MOLO_OUTPUT_FD) {
		streams->child[1] = wish->out >= 0 ? wish->out : self.null;
		streams->child[2] = wish->err >= 0 ? wish->err : self.null;
	}
	if (wish->out_mode == MOLO_OUTPUT_LOG) {
		if (!bad)
			bad = make_pipe(streams, 1, false);
		if (!bad)
			bad = make_pipe(streams, 2, false);
	}
	return bad;
}

static int duplicate(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Clones in the wanted pid namespace; ours is the supervisor's child wherever it is born. */
static int clone_task(struct task *task, const struct wish *wish, const struct birth *birth)
{
	struct k_clone args = {
	    .flags = wish->flags | CLONE_PIDFD | MOLO_CLONE_CLEAR_SIGHAND,
	    .pidfd = (uint64_t)(uintptr_t)&task->pidfd,
	    .exit_signal = SIGCHLD,
	};
	int pid, back;

	if (wish->cgroup >= 0) {
		args.flags |= MOLO_CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)wish->cgroup;
	}
	if (wish->pid_of >= 0) {
		int bad = k_setns(wish->pid_of, CLONE_NEWPID);

		if (bad)
			return bad;
	}
	pid = k_clone3(&args);
	if (pid == 0)
		child_run(birth);
	back = wish->pid_of >= 0 ? k_setns(self.pid_namespace, CLONE_NEWPID) : 0;
	if (back)
		complain("return to the own pid namespace", "", -back);
	return pid;
}

static int start_log(struct task *task, const struct wish *wish, struct streams *streams)
{
	int file = duplicate(wish->log);

	if (wish->log >= 0 && file < 0)
		return -errno;
	if (wish->out_mode == MOLO_OUTPUT_TERMINAL) {
		task->logs_terminal = true;
		task->file = file;
		return 0;
	}
	if (wish->out_mode != MOLO_OUTPUT_LOG) {
		if (file >= 0)
			close(file);
		return 0;
	}
	task->log = log_start(streams->ours[1], streams->ours[2], file, self.log_news.fd);
	if (!task->log) {
		int error = errno;

		if (file >= 0)
			close(file);
		return -error;
	}
	return 0;
}

static void close_child_ends(const struct streams *streams)
{
	for (int i = 0; i < 3; i++)
		if (streams->ours[i] >= 0)
			close(streams->child[i]);
}

static int wrong_for(const struct task *task, const struct wish *wish)
{
	if (wish->in_mode > MOLO_STDIN_TERMINAL || wish->out_mode > MOLO_OUTPUT_TERMINAL)
		return EINVAL;
	/* An exec's streams are the daemon's: nobody here would read them. */
	if (task->owner && (wish->in_mode == MOLO_STDIN_PIPE || wish->out_mode == MOLO_OUTPUT_LOG))
		return EINVAL;
	return 0;
}

static int prepare_answer(struct task *task, struct failure *failure)
{
	void *memory = malloc(ANSWER_BYTES);

	task->failure = calloc(1, sizeof(*task->failure));
	if (!memory || !task->failure) {
		free(memory);
		free(task->failure);
		task->failure = NULL;
		return fail(failure, ENOMEM, -1, "prepare the answer");
	}
	molo_begin(&task->answer, memory, ANSWER_BYTES,
		   (task->owner ? MOLO_EXEC : MOLO_START) | MOLO_REPLY, task->sequence);
	return 0;
}

static int launch(struct task *task, const struct plan *plan, const struct wish *wish,
		  struct streams *streams, struct failure *failure)
{
	int ends[2], pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(failure, errno, -1, "make a socket pair for the child's reports");
	struct birth birth = {
	    .plan = plan,
	    .task = task,
	    .report = ends[1],
	    .stdio = {streams->child[0], streams->child[1], streams->child[2]},
	    .oom_score_reset = !wish->oom_score && self.oom_score_adj != 0,
	};

	pid = clone_task(task, wish, &birth);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return fail(failure, -pid, -1, "clone the process into its namespaces and cgroup");
	}
	task->pid = pid;
	task->report.fd = ends[0];
	fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK);
	watch_add(&task->report, EPOLLIN);
	return 0;
}

static void undo(struct task *task, struct streams *streams)
{
	if (task->log) {
		/* It owns our ends of the output by now. */
		streams->ours[1] = -1;
		streams->ours[2] = -1;
		log_finish(task->log, 0);
		log_abandon(task->log);
		task->log = NULL;
	}
	if (task->file >= 0)
		close(task->file);
	task->file = -1;
	task->logs_terminal = false;
	for (int i = 0; i < 3; i++)
		if (streams->ours[i] >= 0)
			close(streams->ours[i]);
	if (task->cgroup >= 0)
		close(task->cgroup);
	task->cgroup = -1;
	free(task->answer.bytes);
	task->answer.bytes = NULL;
	free(task->failure);
	task->failure = NULL;
}

int spawn(struct task *task, struct plan *plan, struct failure *failure)
{
	struct wish wish = {.cgroup = -1, .pid_of = -1, .in = -1, .out = -1, .err = -1, .log = -1};
	struct streams streams;
	int bad;

	if (task->owner)
		wish.pid_of = task->owner->pidfd;
	bad = read_wish(&wish, plan, failure);
	if (bad)
		return bad;
	if (wrong_for(task, &wish))
		return fail(failure, EINVAL, -1, "connect the standard streams");
	if (prepare_answer(task, failure))
		return -ENOMEM;
	bad = make_streams(&streams, &wish);
	if (!bad && wish.cgroup >= 0 && (task->cgroup = duplicate(wish.cgroup)) < 0)
		bad = -errno;
	if (!bad && !task->owner)
		bad = start_log(task, &wish, &streams);
	if (bad)
		fail(failure, -bad, -1, "make the standard streams");
	else
		bad = launch(task, plan, &wish, &streams, failure);
	close_child_ends(&streams);
	if (bad) {
		undo(task, &streams);
		return bad;
	}
	task->stdin_end = streams.ours[0];
	task->phase = MOLO_PHASE_STARTING;
	return 0;
}
