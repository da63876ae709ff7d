/* The pod's tasks: how they come to run, and how they end. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "supervisor.h"

/* How long a stray process that holds a log pipe can delay the news of a container's end. */
#define DRAIN_NS 2000000000ULL
/*
 * Beyond that the log thread itself hangs in a write: the end is told without it. Only a second
 * look believes that: after the first, a machine that stood still may not have let the thread run.
 */
#define GRACE_NS 500000000ULL

static void report_ready(struct watch *watch, uint32_t events);

struct task *task_find(const char *name, bool exec)
{
	for (struct task *task = self.tasks; task; task = task->next)
		if ((task->owner != NULL) == exec && strcmp(task->name, name) == 0)
			return task;
	return NULL;
}

static struct task *task_of_pid(pid_t pid)
{
	for (struct task *task = self.tasks; task; task = task->next)
		if (task->pid == pid && task->pidfd >= 0)
			return task;
	return NULL;
}

struct task *task_new(const char *name, struct task *owner)
{
	struct task **last = &self.tasks;
	unsigned count = 0;
	struct task *task;

	for (; *last; last = &(*last)->next)
		count += ((*last)->owner != NULL) == (owner != NULL);
	if (count >= (owner ? (unsigned)MOLO_EXECS_MAX : (unsigned)MOLO_CONTAINERS_MAX))
		return NULL;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	strcpy(task->name, name);
	task->owner = owner;
	task->phase = MOLO_PHASE_HELD;
	task->report.ready = report_ready;
	task->report.fd = -1;
	task->pidfd = task->cgroup = task->terminal = task->file = task->stdin_end = task->master =
	    -1;
	*last = task;
	return task;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void task_forget(struct task *task)
{
	struct task **at = &self.tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	held_close(&task->held);
	watch_end(&task->report);
	close_fd(&task->pidfd);
	close_fd(&task->cgroup);
	close_fd(&task->terminal);
	close_fd(&task->file);
	close_fd(&task->stdin_end);
	close_fd(&task->master);
	if (task->log)
		log_abandon(task->log);
	free(task->answer.bytes);
	free(task->failure);
	free(task);
}

int task_signal(struct task *task, int signal)
{
	if (task->pidfd < 0 || task->phase == MOLO_PHASE_ENDING)
		return -ESRCH;
	return k_pidfd_send_signal(task->pidfd, signal);
}

int task_kill(struct task *task)
{
	if (task->pidfd < 0)
		return -ESRCH;
	if (task->cgroup >= 0) {
		int fd AUTO_CLOSE = k_openat2(task->cgroup, "cgroup.kill", O_WRONLY, 0, 0);

		if (fd >= 0 && write(fd, "1", 1) == 1)
			return 0;
		complain("kill the cgroup of", task->name, errno);
	}
	return task->phase == MOLO_PHASE_ENDING ? 0 : k_pidfd_send_signal(task->pidfd, SIGKILL);
}

/* ---- starting ---- */

static void end_answer(struct task *task)
{
	free(task->answer.bytes);
	free(task->failure);
	task->answer.bytes = NULL;
	task->failure = NULL;
	watch_end(&task->report);
}

static void answer_started(struct task *task)
{
	int fds[2] = {task->pidfd, task->terminal};

	task->phase = MOLO_PHASE_RUNNING;
	/* It may have ended before we came to read that it has begun. */
	task->started_ns = task->reaped ? task->exit.time_ns : now_ns();
	held_close(&task->held);
	molo_put_u32(&task->answer, MOLO_F_PID, (uint32_t)task->pid);
	molo_put_u64(&task->answer, MOLO_F_STARTED, task->started_ns);
	answer_to(task->connection, &task->answer, fds, task->terminal >= 0 ? 2 : 1);
	close_fd(&task->terminal);
	end_answer(task);
}

static void answer_not_started(struct task *task)
{
	struct failure *failure = task->failure;

	if (!failure->error)
		fail(failure, ECANCELED, -1, "killed by signal %u before its program was executed",
		     task->exit.signal);
	put_failure(&task->answer, failure);
	answer_to(task->connection, &task->answer, NULL, 0);
	end_answer(task);
	if (task->owner) {
		task_forget(task);
		return;
	}
	close_fd(&task->pidfd);
	close_fd(&task->cgroup);
	close_fd(&task->stdin_end);
	close_fd(&task->master);
	close_fd(&task->file);
	if (task->log) {
		log_finish(task->log, 0);
		log_abandon(task->log);
		task->log = NULL;
	}
	task->pid = 0;
	task->executing = task->failed = task->reaped = task->logs_terminal = false;
	task->phase = MOLO_PHASE_HELD;
}

/* The container's terminal has come: it is logged from now on. */
static void take_terminal(struct task *task, int master)
{
	int copy;

	if (task->owner) {
		close_fd(&task->terminal);
		task->terminal = master;
		return;
	}
	close_fd(&task->master);
	task->master = master;
	if (!task->logs_terminal || task->log)
		return;
	copy = fcntl(master, F_DUPFD_CLOEXEC, 3);
	if (copy >= 0)
		task->log = log_start(copy, -1, task->file, self.log_news.fd);
	if (!task->log) {
		complain("log the terminal of", task->name, errno);
		close_fd(&copy);
		close_fd(&task->file);
	}
	task->file = -1;
}

static void take_report(struct task *task, struct report *report, int fd)
{
	char text[MOLO_DETAIL_MAX + 64];

	report->detail[sizeof(report->detail) - 1] = 0;
	switch (report->kind) {
	case REPORT_FAILED:
		task->failed = true;
		task->failure->code = report->code;
		fail(task->failure, report->error, report->index, "%s", report->detail);
		break;
	case REPORT_WARNING:
		strcpy(text, report->detail);
		strcat(text, ": ");
		strcat(text, strerror(report->error));
		molo_put_string(&task->answer, MOLO_F_WARNING, text);
		break;
	case REPORT_TERMINAL:
		if (fd >= 0)
			take_terminal(task, fd);
		fd = -1;
		break;
	case REPORT_EXECUTING:
		task->executing = true;
		break;
	default:
		break;
	}
	close_fd(&fd);
}

/* 1: a report; 0: the other end is gone; -EAGAIN: nothing yet. */
static int next_report(struct task *task, struct report *report, int *fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = report, .iov_len = sizeof(*report)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(task->report.fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *header;

	*fd = -1;
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : 0;
	if (n != (ssize_t)sizeof(*report))
		return 0;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	return 1;
}

void task_started_or_not(struct task *task)
{
	struct report report;
	int fd, more;

	while ((more = next_report(task, &report, &fd)) == 1)
		take_report(task, &report, fd);
	if (more == -EAGAIN && !task->reaped)
		return;
	if (task->executing && !task->failed)
		answer_started(task);
	else if (task->reaped)
		answer_not_started(task);
	else
		watch_end(&task->report); /* it has said its last; its end is answered */
}

static void report_ready(struct watch *watch, uint32_t events)
{
	struct task *task = (struct task *)(void *)((char *)watch - offsetof(struct task, report));

	(void)events;
	task_started_or_not(task);
}

/* ---- ending ---- */

static uint64_t count_oom_kills(const struct task *task)
{
	char text[512];
	const char *at;
	ssize_t n;
	int fd AUTO_CLOSE =
	    task->cgroup < 0 ? -1 : k_openat2(task->cgroup, "memory.events", O_RDONLY, 0, 0);

	if (fd < 0)
		return 0; /* no cgroup of its own, or a host without the memory controller */
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strstr(text, "oom_kill ");
	return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}

static void answer_reopen(struct task *task, int error)
{
	uint8_t memory[64];
	struct molo_packet packet;

	if (!task->reopening)
		return;
	task->reopening = false;
	molo_begin(&packet, memory, sizeof(memory), MOLO_REOPEN_LOG | MOLO_REPLY,
		   task->reopen_sequence);
	if (error)
		molo_put_u32(&packet, MOLO_F_ERRNO, (uint32_t)error);
	answer_to(task->reopen_connection, &packet, NULL, 0);
}

static void announce(struct task *task)
{
	uint8_t memory[512];
	struct molo_packet packet;

	molo_begin(&packet, memory, sizeof(memory), task->owner ? MOLO_EXEC_EXITED : MOLO_EXITED,
		   0);
	molo_put_string(&packet, MOLO_F_CONTAINER, task->owner ? task->owner->name : task->name);
	if (task->owner)
		molo_put_string(&packet, MOLO_F_EXEC, task->name);
	molo_put_u32(&packet, MOLO_F_PID, (uint32_t)task->pid);
	molo_put_u64(&packet, MOLO_F_STARTED, task->started_ns);
	molo_put(&packet, MOLO_F_EXIT, &task->exit, sizeof(task->exit));
	if (!task->owner)
		molo_put(&packet, MOLO_F_LOG_STATS, &task->stats, sizeof(task->stats));
	tell(&packet);
}

static void ended(struct task *task)
{
	int bad;

	if (task->log) {
		log_stats(task->log, &task->stats);
		if (log_reopened(task->log))
			answer_reopen(task, 0);
		log_abandon(task->log);
		task->log = NULL;
	}
	answer_reopen(task, ESRCH);
	task->exit.oom_kills = count_oom_kills(task);
	task->phase = MOLO_PHASE_EXITED;
	bad = record_write(task);
	if (bad)
		complain("write the exit record of", task->name, -bad);
	close_fd(&task->pidfd);
	close_fd(&task->cgroup);
	close_fd(&task->stdin_end);
	close_fd(&task->master);
	announce(task);
	leave_if_done();
}

static void begin_end(struct task *task)
{
	task->phase = MOLO_PHASE_ENDING;
	if (task->cgroup >= 0)
		task_kill(task);
	/* Our end of its terminal stays open until the log has read it empty. */
	if (!task->log) {
		ended(task);
		return;
	}
	task->drain_deadline_ns = now_monotonic_ns() + DRAIN_NS;
	log_finish(task->log, task->drain_deadline_ns);
	task->drain_deadline_ns += GRACE_NS;
	arm_timer();
}

static void reaped(struct task *task, const siginfo_t *info)
{
	task->reaped = true;
	task->exit.time_ns = now_ns();
	task->exit.signal = info->si_code == CLD_EXITED ? 0 : (uint32_t)info->si_status;
	task->exit.code = info->si_code == CLD_EXITED ? (uint32_t)info->si_status & 0xff
						      : 128 + task->exit.signal;
	if (task->phase == MOLO_PHASE_STARTING) {
		if (task->report.fd < 0) {
			answer_not_started(task);
			leave_if_done();
			return;
		}
		bool runs;

		task_started_or_not(task);
		runs = task_of_pid(info->si_pid) == task && task->phase == MOLO_PHASE_RUNNING;
		if (!runs) {
			leave_if_done();
			return;
		}
	}
	if (task->owner) {
		announce(task);
		task_forget(task);
		leave_if_done();
		return;
	}
	begin_end(task);
}

void task_reap_all(void)
{
	for (;;) {
		siginfo_t info = {0};
		struct task *task;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
			return;
		task = task_of_pid(info.si_pid);
		if (task)
			reaped(task, &info);
		else if (info.si_pid == self.reaper)
			complain("pid 1 of the shared pid namespace has ended", "", 0);
	}
}

static void tell_trouble(struct task *task)
{
	struct molo_log_stats now;
	uint8_t memory[256];
	struct molo_packet packet;

	log_stats(task->log, &now);
	if (now.dropping == task->stats.dropping)
		return;
	task->stats = now;
	molo_begin(&packet, memory, sizeof(memory), MOLO_LOG_TROUBLE, 0);
	molo_put_string(&packet, MOLO_F_CONTAINER, task->name);
	molo_put(&packet, MOLO_F_LOG_STATS, &now, sizeof(now));
	tell(&packet);
}

void task_log_news(void)
{
	struct task *next;

	for (struct task *task = self.tasks; task; task = next) {
		next = task->next;
		if (!task->log)
			continue;
		tell_trouble(task);
		if (log_reopened(task->log))
			answer_reopen(task, 0);
		if (task->phase == MOLO_PHASE_ENDING && log_finished(task->log))
			ended(task);
	}
}

uint64_t task_next_deadline(void)
{
	uint64_t first = 0;

	for (struct task *task = self.tasks; task; task = task->next)
		if (task->phase == MOLO_PHASE_ENDING && (!first || task->drain_deadline_ns < first))
			first = task->drain_deadline_ns;
	return first;
}

void task_check_deadlines(void)
{
	uint64_t now = now_monotonic_ns();
	struct task *next;

	for (struct task *task = self.tasks; task; task = next) {
		next = task->next;
		if (task->phase == MOLO_PHASE_ENDING && task->drain_deadline_ns <= now) {
			if (!task->overdue) {
				task->overdue = true;
				task->drain_deadline_ns = now + GRACE_NS;
				continue;
			}
			complain("the log thread hangs in a write; it is left behind for",
				 task->name, 0);
			ended(task);
		}
	}
	arm_timer();
}

void task_put_facts(struct molo_packet *packet, const struct task *task)
{
	if (task->owner) {
		molo_put_string(packet, MOLO_F_EXEC, task->name);
		molo_put_string(packet, MOLO_F_CONTAINER, task->owner->name);
	} else {
		molo_put_string(packet, MOLO_F_CONTAINER, task->name);
	}
	molo_put_u32(packet, MOLO_F_PHASE, task->phase);
	molo_put_u32(packet, MOLO_F_PID, (uint32_t)task->pid);
	molo_put_u64(packet, MOLO_F_STARTED, task->started_ns);
	if (task->phase == MOLO_PHASE_EXITED) {
		molo_put(packet, MOLO_F_EXIT, &task->exit, sizeof(task->exit));
		molo_put(packet, MOLO_F_LOG_STATS, &task->stats, sizeof(task->stats));
	}
}

void leave_if_done(void)
{
	uint8_t memory[64];
	struct molo_packet packet;

	if (!self.leaving)
		return;
	for (struct task *task = self.tasks; task; task = task->next)
		if (task->pidfd >= 0)
			return;
	molo_begin(&packet, memory, sizeof(memory), MOLO_SHUTDOWN | MOLO_REPLY,
		   self.leave_sequence);
	answer_to(self.leave_connection, &packet, NULL, 0);
	_exit(0);
}
