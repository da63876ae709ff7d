/*
 * Any bytes as a packet and as a plan: read as the supervisor reads them before it clones. Nothing
 * is started here: whatever would act is replaced below.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../spawn.c"

struct supervisor self = {.reaper_pidfd = 77};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct task *task_find(const char *name, bool exec)
{
	static struct task task = {.pidfd = 78};

	return strlen(name) && !exec ? &task : NULL;
}

int held_find(const struct held *list, uint32_t key)
{
	return list || key > 3 ? -EBADF : 79;
}

int watch_add(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	abort();
}

void complain(const char *what, const char *on, int error)
{
	(void)what;
	(void)on;
	(void)error;
	abort();
}

_Noreturn void child_run(const struct birth *birth)
{
	(void)birth;
	abort();
}

const char *operation_name(uint32_t code)
{
	(void)code;
	return "an operation";
}

struct log *log_start(int out, int err, int file, int news)
{
	(void)out;
	(void)err;
	(void)file;
	(void)news;
	abort();
}

void log_finish(struct log *log, uint64_t deadline_ns)
{
	(void)log;
	(void)deadline_ns;
	abort();
}

void log_abandon(struct log *log)
{
	(void)log;
	abort();
}

static void as_fields(struct molo_slice fields)
{
	struct molo_item item;

	while (molo_next(&fields, &item) == 1) {
		struct molo_slice rest = item.bytes;
		char name[MOLO_NAME_MAX + 1];
		const char *string;
		uint32_t number;
		uint64_t large;

		(void)molo_take_name(rest, name);
		(void)molo_take_u32(&rest, &number);
		(void)molo_take_u64(&rest, &large);
		while (molo_take_string(&rest, &string) == 0)
			if (strlen(string) >= item.bytes.left)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const int fds[] = {3, 4, 5};
	struct task container = {.pidfd = 80};
	struct wish wish = {.cgroup = -1, .pid_of = -1, .in = -1, .out = -1, .err = -1, .log = -1};
	struct failure failure = {0};
	struct plan plan = {
	    .operations = {bytes, length}, .fds = fds, .count = 3, .container = &container};

	as_fields(plan.operations);
	if (read_wish(&wish, &plan, &failure) == 0 && wrong_for(&container, &wish) == 0 &&
	    (wish.cgroup < -1 || wish.log < -1))
		abort();
	return 0;
}
