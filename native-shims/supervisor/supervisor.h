/*
 * The pod supervisor: one process per pod, parent of all of the pod's processes.
 *
 * Threads: the main thread owns everything here and never waits for a disk, a mount or a peer. Each
 * container that logs has one thread of its own (log.c), which owns its pipes and its file.
 */
#ifndef MOLO_SUPERVISOR_H
#define MOLO_SUPERVISOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel.h"
#include "log.h"
#include "wire.h"

/* Descriptors that the daemon hands over at these numbers. */
enum {
	FD_LISTENER = 3,
	FD_DIRECTORY = 4, /* RUN/pods/ID */
};

/* Something in the epoll set. */
struct watch {
	void (*ready)(struct watch *watch, uint32_t events);
	int fd;
};

struct failure {
	int error; /* positive; 0: none */
	int index; /* of the operation, -1: none */
	uint32_t code;
	char detail[MOLO_DETAIL_MAX];
};

struct held {
	struct held *next;
	uint32_t key;
	int fd;
};

/* A container's init or an exec'd process. */
struct task {
	struct task *next;
	struct task *owner; /* an exec's container; NULL: this is a container */
	char name[MOLO_NAME_MAX + 1];
	enum molo_phase phase;
	pid_t pid;
	int pidfd;
	int cgroup;
	uint64_t started_ns;
	struct molo_exit exit;

	/* While STARTING: the child's reports, and who waits for the answer. */
	struct watch report;
	bool executing; /* the child is about to exec, or has */
	bool failed;
	bool reaped;
	uint32_t sequence;
	uint64_t connection;
	struct molo_packet answer; /* the warnings so far; its memory is freed with the answer */
	struct failure *failure;   /* what the child reported */
	int terminal;              /* an exec's master, until it is handed over */

	/* A container's own. */
	struct held *held;
	struct log *log;
	struct molo_log_stats stats; /* as told last */
	int file;                    /* log file for a terminal whose master has not come yet */
	bool logs_terminal;
	int stdin_end;
	int master;
	bool reopening;
	uint32_t reopen_sequence;
	uint64_t reopen_connection;
	uint64_t drain_deadline_ns;
	bool overdue; /* the deadline has passed once */
};

struct supervisor {
	const char *pod;
	int epoll;
	struct watch listener;
	struct watch peer;   /* the daemon, fd -1 while it is away */
	uint64_t connection; /* counts connections, so that an answer never goes to a later one */
	uint32_t version;    /* agreed on this connection; 0 before HELLO */
	struct watch signals;
	struct watch log_news; /* eventfd that log threads tick */
	struct watch timer;
	int directory;
	int proc; /* the host's /proc */
	int pid_namespace;
	int null;
	pid_t reaper;
	int reaper_pidfd;
	int oom_score_adj;
	struct held *held;
	struct task *tasks;
	bool leaving;
	uint32_t leave_sequence;
	uint64_t leave_connection;
};

/* main.c */
extern struct supervisor self;
int watch_add(struct watch *watch, uint32_t events);
void watch_end(struct watch *watch);
uint64_t now_ns(void);
uint64_t now_monotonic_ns(void);
void complain(const char *what, const char *on, int error);
void arm_timer(void);

/* peer.c: the conversation with the daemon */
void peer_listen(void);
void answer_to(uint64_t connection, struct molo_packet *packet, const int *fds, size_t count);
void tell(struct molo_packet *packet);

/* held.c */
int held_find(const struct held *list, uint32_t key);
int held_put(struct held **list, uint32_t key, int fd);
void held_close(struct held **list);

/* task.c: the tasks and their ends */
void task_started_or_not(struct task *task);
struct task *task_find(const char *name, bool exec);
struct task *task_new(const char *name, struct task *owner);
void task_forget(struct task *task);
int task_kill(struct task *task);
int task_signal(struct task *task, int signal);
void task_reap_all(void);
void task_check_deadlines(void);
void task_log_news(void);
uint64_t task_next_deadline(void);
void task_put_facts(struct molo_packet *packet, const struct task *task);
void leave_if_done(void);

/* spawn.c: from a plan to a process */
struct plan {
	struct molo_slice operations;
	const int *fds;
	size_t count;
	struct task *container; /* whose held descriptors count */
	void *mapped;
	size_t mapped_length;
};
int plan_fd(const struct plan *plan, uint32_t ref);
/* Starts the task; the answer comes when the child has exec'd, unless *failure says otherwise. */
int spawn(struct task *task, struct plan *plan, struct failure *failure);
__attribute__((format(printf, 4, 5))) int fail(struct failure *failure, int error, int index,
					       const char *format, ...);
void put_failure(struct molo_packet *packet, const struct failure *failure);

/* child.c: between clone and exec */
enum report_kind {
	REPORT_FAILED = 1,
	REPORT_WARNING = 2,
	REPORT_TERMINAL = 3,
	REPORT_EXECUTING = 4,
};
struct report {
	uint32_t kind;
	int32_t error;
	int32_t index;
	uint32_t code;
	char detail[MOLO_DETAIL_MAX];
};
struct birth {
	const struct plan *plan;
	const struct task *task;
	int report;
	int stdio[3];
	bool oom_score_reset;
};
_Noreturn void child_run(const struct birth *birth);
const char *operation_name(uint32_t code);
int write_sysctl(int proc, const char *name, const char *value);

/* setup.c: what the supervisor does to its own namespaces; fds returned grow *count */
int setup_run(struct plan *plan, struct failure *failure, int fds[MOLO_FDS_MAX], size_t *count);

/* reaper.c: a shared pid namespace's pid 1; its pid or -errno */
int reaper_start(int *pidfd, struct failure *failure);

/* record.c: exits/NAME */
int record_write(const struct task *task);
void record_remove(const struct task *task);

#endif
