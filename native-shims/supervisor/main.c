/*
 * molo-supervisor POD: see README.md for the descriptors it expects and docs/supervisor-protocol.md
 * for what it is told.
 */
#include <linux/magic.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <time.h>

#include "supervisor.h"
#include "world.h"

struct supervisor self = {.reaper_pidfd = -1, .proc = -1};

void complain(const char *what, const char *on, int error)
{
	fprintf(stderr, "molo-supervisor: %s%s%s%s%s\n", what, *on ? " " : "", on,
		error ? ": " : "", error ? strerror(error) : "");
}

static _Noreturn void give_up(const char *what)
{
	complain(what, "", errno);
	_exit(1);
}

int watch_add(struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(self.epoll, EPOLL_CTL_ADD, watch->fd, &event);
}

void watch_end(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	/* Explicitly: a clone that has not exec'd yet may share the description, and with it the
	 * watch. */
	epoll_ctl(self.epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	close(watch->fd);
	watch->fd = -1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t now_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void arm_timer(void)
{
	uint64_t deadline = task_next_deadline();
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(deadline / 1000000000U),
					       .tv_nsec = (long)(deadline % 1000000000U)}};

	timerfd_settime(self.timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void signals_ready(struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo infos[8];

	(void)events;
	/* Only SIGCHLD matters; the rest is swallowed: a pod's witness leaves when it is told to.
	 */
	if (read(watch->fd, infos, sizeof(infos)) < 0 && errno != EAGAIN && errno != EINTR)
		complain("read signals", "", errno);
	task_reap_all();
}

static void log_news_ready(struct watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) == sizeof(count))
		task_log_news();
}

static void timer_ready(struct watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) == sizeof(count))
		task_check_deadlines();
}

static void mask_signals(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t all;

	/* An ignored signal would stay ignored in every container. */
	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &usual, NULL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	self.signals = (struct watch){.ready = signals_ready,
				      .fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)};
	if (self.signals.fd < 0)
		give_up("make a signalfd");
}

static void open_proc(void)
{
	struct statfs system;

	self.proc = k_openat2(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0, 0);
	if (self.proc < 0 || fstatfs(self.proc, &system) < 0 || system.f_type != PROC_SUPER_MAGIC)
		give_up("open /proc, which must be a procfs");
	self.pid_namespace = k_openat2(self.proc, "self/ns/pid", O_RDONLY, 0, 0);
	if (self.pid_namespace < 0)
		give_up("open the own pid namespace");
}

static int write_oom_score(int value)
{
	char text[16];
	int fd AUTO_CLOSE = k_openat2(self.proc, "self/oom_score_adj", O_RDWR, 0, 0);

	if (fd < 0)
		return fd;
	snprintf(text, sizeof(text), "%d", value);
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static void shield_from_oom(void)
{
	char text[16] = "";
	int fd AUTO_CLOSE = k_openat2(self.proc, "self/oom_score_adj", O_RDONLY, 0, 0);
	int bad = write_oom_score(-999);

	if (bad)
		complain("set oom_score_adj to -999, which stays as it is", "", -bad);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		self.oom_score_adj = atoi(text);
}

static void enter_world(void)
{
	const char *what;
	int bad = world_enter(&what);

	errno = -bad;
	if (bad || chdir("/") < 0)
		give_up(what);
}

static void become_supervisor(void)
{
	k_prctl(PR_SET_NAME, (unsigned long)"molo-supervisor", 0, 0, 0);
	if (k_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || k_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		give_up("become a subreaper that cannot be traced");
	KERNEL_CALL(SYS_setsid);
	enter_world();
	open_proc();
	shield_from_oom();
}

static void open_all(void)
{
	self.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (self.null < 0)
		give_up("open /dev/null");
	for (int fd = FD_LISTENER; fd <= FD_DIRECTORY; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			give_up("find the listening socket at 3 and the pod's directory at 4");
	self.directory = FD_DIRECTORY;
	self.epoll = epoll_create1(EPOLL_CLOEXEC);
	self.log_news =
	    (struct watch){.ready = log_news_ready, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	self.timer =
	    (struct watch){.ready = timer_ready,
			   .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
	if (self.epoll < 0 || self.log_news.fd < 0 || self.timer.fd < 0)
		give_up("make the event loop");
}

/* 0 to 2 must be something, or a pipe could end up there. */
static void fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		give_up("open /dev/null");
	close(fd);
}

int main(int argc, char **argv)
{
	mask_signals();
	if (argc != 2) {
		fprintf(stderr, "usage: molo-supervisor POD\n");
		return 2;
	}
	self.pod = argv[1];
	fill_standard_streams();
	become_supervisor();
	open_all();
	watch_add(&self.signals, EPOLLIN);
	watch_add(&self.log_news, EPOLLIN);
	watch_add(&self.timer, EPOLLIN);
	peer_listen();
	/* One event at a time: a handler may end what another event of a batch points to. */
	for (;;) {
		struct epoll_event event;
		int ready = epoll_wait(self.epoll, &event, 1, -1);

		if (ready == 1) {
			struct watch *watch = event.data.ptr;

			watch->ready(watch, event.events);
		} else if (ready < 0 && errno != EINTR) {
			give_up("wait for events");
		}
	}
}
