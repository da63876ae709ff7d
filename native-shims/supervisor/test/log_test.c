/* The log thread by itself: what goes into its pipes, what comes out in the file. */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "test.h"

static char path[] = "/tmp/molo-log-test-XXXXXX";
static int news, out, err, file;

static int fresh_file(void)
{
	strcpy(path, "/tmp/molo-log-test-XXXXXX");
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
	return fd;
}

static struct log *begin(int log_file)
{
	int a[2], b[2];
	struct log *log;

	CHECK(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0);
	file = log_file;
	out = a[1];
	err = b[1];
	log = log_start(a[0], b[0], file < 0 ? -1 : dup(file), news);
	CHECK(log != NULL);
	return log;
}

static void put(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);

		CHECK(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

static void wait_news(void)
{
	struct pollfd wait = {.fd = news, .events = POLLIN};
	uint64_t count;

	CHECK(poll(&wait, 1, 60000) == 1);
	CHECK(read(news, &count, sizeof(count)) == sizeof(count));
}

static char *end_by(struct log *log, uint64_t deadline_ns, size_t *length)
{
	static char text[4 << 20];
	ssize_t n;

	close(out);
	close(err);
	log_finish(log, deadline_ns);
	while (!log_finished(log))
		wait_news();
	log_free(log);
	if (file < 0)
		return NULL;
	n = pread(file, text, sizeof(text) - 1, 0);
	CHECK(n >= 0);
	text[n] = 0;
	*length = (size_t)n;
	close(file);
	unlink(path);
	return text;
}

static char *end(struct log *log, size_t *length)
{
	return end_by(log, ~0ULL, length);
}

static unsigned count(const char *text, const char *what)
{
	unsigned found = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		found++;
	return found;
}

static void lines_get_their_prefix(void)
{
	struct log *log = begin(fresh_file());
	size_t length;

	put(out, "one\n\ntwo\n", 9);
	put(err, "bad", 3);
	const char *text = end(log, &length);

	CHECK(text[4] == '-' && text[10] == 'T' && text[19] == '.' && text[29] == 'Z');
	CHECK(count(text, "stdout F one\n") == 1 && count(text, "stdout F two\n") == 1);
	CHECK(count(text, "stdout F \n") == 1 && count(text, "stderr F bad\n") == 1);
	CHECK(count(text, "\n") == 4);
}

static void line_of(size_t length, unsigned parts, size_t last)
{
	struct log *log = begin(fresh_file());
	char *line = malloc(length + 1);
	size_t got;

	CHECK(line != NULL);
	memset(line, 'x', length);
	line[length] = '\n';
	put(out, line, length + 1);
	free(line);
	const char *text = end(log, &got);

	CHECK(count(text, "stdout P x") == parts - 1 && count(text, "stdout F ") == 1);
	CHECK(got == length + parts * 41);
	CHECK(strlen(strstr(text, "stdout F ")) == last + 10);
}

static void long_lines_are_cut_at_16_kib(void)
{
	line_of(16383, 1, 16383);
	line_of(16384, 1, 16384);
	line_of(16385, 2, 1);
	line_of(32768, 2, 16384);
	line_of(200001, 13, 200001 - 12 * 16384);
}

/* Whatever pieces the bytes come in, the lines are the same. */
static void pieces_do_not_matter(void)
{
	struct log *log = begin(fresh_file());
	char line[64];
	size_t length;

	for (int i = 0; i < 2000; i++) {
		int n = snprintf(line, sizeof(line), "line %d of several\n", i);

		for (int at = 0; at < n; at += 1 + i % 7)
			put(out, line + at, (size_t)(at + 1 + i % 7 > n ? n - at : 1 + i % 7));
	}
	const char *text = end(log, &length);

	CHECK(count(text, "\n") == 2000);
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "stdout F line %d of several\n", i);
		CHECK(count(text, line) == 1);
	}
}

static void without_a_file_output_is_read_and_discarded(void)
{
	struct log *log = begin(-1);
	struct molo_log_stats stats;
	char block[4096] = {0};
	size_t length;

	for (int i = 0; i < 100; i++)
		put(out, block, sizeof(block));
	do
		log_stats(log, &stats);
	while (stats.read_bytes < 100 * sizeof(block));
	CHECK(stats.dropped_bytes == 0 && stats.written_bytes == 0);
	end(log, &length);
}

static void what_a_full_disk_refuses_is_counted_and_marked(void)
{
	struct log *log = begin(open("/dev/full", O_WRONLY | O_APPEND));
	struct molo_log_stats stats;
	size_t length;

	put(out, "lost\nlost too\n", 14);
	do
		log_stats(log, &stats);
	while (stats.dropped_lines < 2);
	CHECK(stats.dropping == 1 && stats.last_errno == ENOSPC);
	close(file);
	file = fresh_file();
	log_reopen(log, dup(file));
	while (!log_reopened(log))
		wait_news();
	put(out, "kept\n", 5);
	const char *text = end(log, &length);

	CHECK(count(text, "\n") == 2);
	CHECK(count(text, "stderr F molo: 2 lines (") == 1 && count(text, "stdout F kept\n") == 1);
}

/* A deadline long past, and somebody who holds the pipe: what was said before is there all the
 * same. */
static void stray_holder_does_not_delay_the_end(void)
{
	for (int i = 0; i < 100; i++) {
		struct log *log = begin(fresh_file());
		int held = dup(out);
		size_t length;

		for (int line = 0; line < 1000; line++)
			put(out, "said\n", 5);
		const char *text = end_by(log, 1, &length);

		CHECK(count(text, "stdout F said\n") == 1000);
		close(held);
	}
}

static int threads(void)
{
	struct stat tasks;

	CHECK(stat("/proc/self/task", &tasks) == 0);
	return (int)tasks.st_nlink - 2; /* a folder for each */
}

static void abandoned_log_frees_itself(void)
{
	for (int i = 0; i < 200; i++) {
		struct log *log = begin(-1);

		close(out);
		close(err);
		log_finish(log, 0);
		log_abandon(log);
	}
	/* the threads end; the sanitizer counts what is left */
	for (int tries = 0; threads() > 1 && tries < 10000; tries++)
		usleep(1000);
	CHECK(threads() == 1);
}

int main(void)
{
	news = eventfd(0, EFD_CLOEXEC);
	CHECK(news >= 0);
	lines_get_their_prefix();
	long_lines_are_cut_at_16_kib();
	pieces_do_not_matter();
	without_a_file_output_is_read_and_discarded();
	what_a_full_disk_refuses_is_counted_and_marked();
	stray_holder_does_not_delay_the_end();
	abandoned_log_frees_itself();
	return passed("log");
}
