#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 16 * 1024, /* then the line goes on in another record (P) */
	READ_BYTES = 64 * 1024,
	OUT_BYTES = 128 * 1024,
	PREFIX_MAX = 64,
	MARKER_MAX = 256,
	SINKS_MAX = 8,
	STACK_BYTES = 32 * 1024,
	IDLE_MILLISECONDS = 1000,
	NO_NEXT = -2,
};

struct stream {
	int fd;
	const char *name;
	uint32_t sink;
	size_t carried; /* bytes of a line that has not ended, at the start of buffer */
	char *buffer;   /* LINE_MAX_BYTES + READ_BYTES */
};

struct sink {
	int fd; /* -1: free */
	uint32_t streams;
};

struct log {
	struct stream streams[2];
	int file;
	int wake;
	int news;
	char *out;
	size_t out_used;
	uint32_t out_lines;
	char *memory;
	bool warm; /* buffers hold pages that an idle log gives back */

	/* What could not be written since the last write that worked. */
	uint64_t lost_bytes;
	uint64_t lost_lines;

	time_t second; /* stamp holds its text */
	char stamp[32];

	atomic_int next_file;
	atomic_bool switched;
	atomic_bool finishing;
	atomic_int life; /* whoever comes second, the thread or log_abandon, frees */
	atomic_uint_fast64_t deadline_ns;
	atomic_uint_fast64_t read_bytes, written_bytes, dropped_bytes, dropped_lines;
	atomic_uint last_errno, dropping;

	pthread_mutex_t sinks_lock; /* never held over anything that waits */
	struct sink sinks[SINKS_MAX];
};

enum { LIFE_RUNNING, LIFE_FINISHED, LIFE_ABANDONED };

enum { MEMORY_BYTES = 2 * (LINE_MAX_BYTES + READ_BYTES) + OUT_BYTES };

static void tick(int eventfd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the reader has enough to see already. */
	if (write(eventfd, &one, sizeof(one)) < 0)
		return;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static char *digits(char *to, unsigned long value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return to + count;
}

/* "2026-01-02T03:04:05." of log->second. The calendar is Gregorian: 400 years have 146097 days. */
static void stamp_second(struct log *log)
{
	struct tm tm;
	char *to = log->stamp;

	gmtime_r(&log->second, &tm);
	to = digits(to, (unsigned long)tm.tm_year + 1900, 4);
	*to++ = '-';
	to = digits(to, (unsigned long)tm.tm_mon + 1, 2);
	*to++ = '-';
	to = digits(to, (unsigned long)tm.tm_mday, 2);
	*to++ = 'T';
	to = digits(to, (unsigned long)tm.tm_hour, 2);
	*to++ = ':';
	to = digits(to, (unsigned long)tm.tm_min, 2);
	*to++ = ':';
	to = digits(to, (unsigned long)tm.tm_sec, 2);
	*to++ = '.';
	*to = 0;
}

/* "TIME stream F " into to, which has PREFIX_MAX bytes; its length. */
static size_t prefix(struct log *log, const struct timespec *now, const char *name, char tag,
		     char *to)
{
	char *start = to;

	if (log->second != now->tv_sec) {
		log->second = now->tv_sec;
		stamp_second(log);
	}
	to = stpcpy(to, log->stamp);
	to = digits(to, (unsigned long)now->tv_nsec, 9);
	*to++ = 'Z';
	*to++ = ' ';
	to = stpcpy(to, name);
	*to++ = ' ';
	*to++ = tag;
	*to++ = ' ';
	return (size_t)(to - start);
}

static void count_lost(struct log *log, int error)
{
	bool news = !atomic_exchange(&log->dropping, 1);

	log->lost_bytes += log->out_used;
	log->lost_lines += log->out_lines;
	/* The reason first: who sees the counts grow asks for it. */
	atomic_store(&log->last_errno, (unsigned)error);
	atomic_fetch_add(&log->dropped_bytes, log->out_used);
	atomic_fetch_add(&log->dropped_lines, log->out_lines);
	if (news)
		tick(log->news);
}

/* Writes all, or cuts off what it wrote of it: a reader never sees half a line. 0 or errno. */
static int write_whole(struct log *log, const char *bytes, size_t length)
{
	size_t written = 0;

	while (written < length) {
		ssize_t n = write(log->file, bytes + written, length - written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int error = n < 0 ? errno : ENOSPC;
			struct stat status;

			if (written && fstat(log->file, &status) == 0 &&
			    ftruncate(log->file, status.st_size - (off_t)written) < 0)
				atomic_store(&log->last_errno, (unsigned)errno);
			return error;
		}
		written += (size_t)n;
	}
	atomic_fetch_add(&log->written_bytes, length);
	return 0;
}

static char *put(char *to, const char *text)
{
	return stpcpy(to, text);
}

static char *put_number(char *to, uint64_t value)
{
	char reversed[20];
	int n = 0;

	do
		reversed[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n)
		*to++ = reversed[--n];
	return to;
}

/* The line that tells a reader of the log what is missing here. */
static int write_marker(struct log *log)
{
	char line[MARKER_MAX];
	struct timespec now;
	char *to = line;

	clock_gettime(CLOCK_REALTIME, &now);
	to += prefix(log, &now, "stderr", 'F', to);
	to = put(to, "molo: ");
	to = put_number(to, log->lost_lines);
	to = put(to, " lines (");
	to = put_number(to, log->lost_bytes);
	to = put(to, " bytes) are missing here: the log could not be written, errno ");
	to = put_number(to, atomic_load(&log->last_errno));
	*to++ = '\n';
	return write_whole(log, line, (size_t)(to - line));
}

static void flush(struct log *log)
{
	int error = 0;

	if (log->out_used == 0)
		return;
	if (log->file >= 0) {
		if (log->lost_lines)
			error = write_marker(log);
		if (!error && log->lost_lines) {
			log->lost_lines = 0;
			log->lost_bytes = 0;
		}
		if (!error)
			error = write_whole(log, log->out, log->out_used);
		if (error)
			count_lost(log, error);
		else if (atomic_exchange(&log->dropping, 0))
			tick(log->news);
	}
	log->out_used = 0;
	log->out_lines = 0;
}

static void emit(struct log *log, const struct timespec *now, const struct stream *stream, char tag,
		 const char *text, size_t length)
{
	if (log->out_used + PREFIX_MAX + length + 1 > OUT_BYTES)
		flush(log);
	log->out_used += prefix(log, now, stream->name, tag, log->out + log->out_used);
	memcpy(log->out + log->out_used, text, length);
	log->out_used += length;
	log->out[log->out_used++] = '\n';
	log->out_lines++;
}

/* Cuts what the buffer has into lines; keeps the rest of an unfinished one at its start. */
static void cut(struct log *log, struct stream *stream, size_t length, bool end)
{
	const char *at = stream->buffer;
	size_t left = length;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	while (left) {
		size_t look = left < LINE_MAX_BYTES + 1 ? left : LINE_MAX_BYTES + 1;
		const char *newline = memchr(at, '\n', look);

		if (newline) {
			size_t line = (size_t)(newline - at);

			emit(log, &now, stream, 'F', at, line);
			at += line + 1;
			left -= line + 1;
		} else if (left > LINE_MAX_BYTES) {
			emit(log, &now, stream, 'P', at, LINE_MAX_BYTES);
			at += LINE_MAX_BYTES;
			left -= LINE_MAX_BYTES;
		} else {
			break;
		}
	}
	if (left && end) {
		emit(log, &now, stream, 'F', at, left);
		left = 0;
	}
	memmove(stream->buffer, at, left);
	stream->carried = left;
}

static void feed_sinks(struct log *log, const struct stream *stream, const char *bytes,
		       size_t length)
{
	pthread_mutex_lock(&log->sinks_lock);
	for (int i = 0; i < SINKS_MAX; i++) {
		struct sink *sink = &log->sinks[i];

		if (sink->fd < 0 || !(sink->streams & stream->sink))
			continue;
		/* Who reads too slowly misses something, the container never waits for it. */
		if (write(sink->fd, bytes, length) < 0 && errno != EAGAIN && errno != EINTR) {
			close(sink->fd);
			sink->fd = -1;
		}
	}
	pthread_mutex_unlock(&log->sinks_lock);
}

static void end_stream(struct log *log, struct stream *stream)
{
	cut(log, stream, stream->carried, true);
	close(stream->fd);
	stream->fd = -1;
}

/* false when there is nothing to read right now */
static bool read_stream(struct log *log, struct stream *stream)
{
	ssize_t n = read(stream->fd, stream->buffer + stream->carried, READ_BYTES);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* A terminal says EIO when nobody has its other side open any more. */
	if (n <= 0) {
		end_stream(log, stream);
		return false;
	}
	atomic_fetch_add(&log->read_bytes, (uint64_t)n);
	feed_sinks(log, stream, stream->buffer + stream->carried, (size_t)n);
	if (log->file < 0)
		stream->carried = 0;
	else
		cut(log, stream, stream->carried + (size_t)n, false);
	return n == READ_BYTES;
}

static void change_file(struct log *log)
{
	int next = atomic_exchange(&log->next_file, NO_NEXT);

	if (next == NO_NEXT)
		return;
	if (log->file >= 0)
		close(log->file);
	log->file = next;
	atomic_store(&log->switched, true);
	tick(log->news);
}

static int patience(const struct log *log)
{
	uint64_t now, deadline;

	if (!atomic_load(&log->finishing))
		return log->warm ? IDLE_MILLISECONDS : -1;
	now = monotonic_ns();
	deadline = atomic_load(&log->deadline_ns);
	return deadline <= now ? 0 : (int)((deadline - now) / 1000000) + 1;
}

static void cool_down(struct log *log)
{
	if (log->streams[0].carried || log->streams[1].carried)
		return;
	madvise(log->memory, MEMORY_BYTES, MADV_DONTNEED);
	log->warm = false;
}

/* What lies in the pipe now, and no more: who holds it may go on writing. */
static void read_what_is_there(struct log *log, struct stream *stream)
{
	uint64_t before = atomic_load(&log->read_bytes);
	int there = 0;

	if (ioctl(stream->fd, FIONREAD, &there) < 0)
		return;
	while (stream->fd >= 0 && atomic_load(&log->read_bytes) - before < (uint64_t)there) {
		uint64_t so_far = atomic_load(&log->read_bytes);

		read_stream(log, stream);
		if (atomic_load(&log->read_bytes) == so_far)
			return;
	}
}

static void close_all(struct log *log)
{
	/* A deadline passes for a thread that had no turn, too: what was said before counts. */
	for (int i = 0; i < 2; i++)
		if (log->streams[i].fd >= 0)
			read_what_is_there(log, &log->streams[i]);
	for (int i = 0; i < 2; i++)
		if (log->streams[i].fd >= 0)
			end_stream(log, &log->streams[i]);
	flush(log);
	if (log->file >= 0)
		close(log->file);
	log->file = -1;
	pthread_mutex_lock(&log->sinks_lock);
	for (int i = 0; i < SINKS_MAX; i++) {
		if (log->sinks[i].fd >= 0)
			close(log->sinks[i].fd);
		log->sinks[i].fd = -1;
	}
	pthread_mutex_unlock(&log->sinks_lock);
}

static void *run(void *argument)
{
	struct log *log = argument;

	for (;;) {
		struct pollfd set[3] = {
		    {.fd = log->wake, .events = POLLIN},
		    {.fd = log->streams[0].fd, .events = POLLIN},
		    {.fd = log->streams[1].fd, .events = POLLIN},
		};
		bool finishing = atomic_load(&log->finishing);
		bool open = log->streams[0].fd >= 0 || log->streams[1].fd >= 0;
		int ready;
		uint64_t count;

		change_file(log);
		if (finishing && (!open || monotonic_ns() >= atomic_load(&log->deadline_ns)))
			break;
		ready = poll(set, 3, patience(log));
		if (ready == 0 && !finishing)
			cool_down(log);
		if (set[0].revents && read(log->wake, &count, sizeof(count)) > 0)
			change_file(log);
		for (int i = 0; i < 2; i++) {
			if (!set[i + 1].revents)
				continue;
			log->warm = true;
			read_stream(log, &log->streams[i]);
		}
		flush(log);
	}
	close_all(log);
	/* A reopen that came too late is answered all the same. */
	change_file(log);
	if (log->file >= 0)
		close(log->file);
	log->file = -1;
	int news = log->news;

	if (atomic_exchange(&log->life, LIFE_FINISHED) == LIFE_ABANDONED)
		log_free(log);
	tick(news);
	return NULL;
}

static struct log *fill(struct log *log, int out, int err, int file, int news)
{
	log->streams[0] = (struct stream){.fd = out, .name = "stdout", .sink = MOLO_SINK_STDOUT};
	log->streams[1] = (struct stream){.fd = err, .name = "stderr", .sink = MOLO_SINK_STDERR};
	log->streams[0].buffer = log->memory;
	log->streams[1].buffer = log->memory + LINE_MAX_BYTES + READ_BYTES;
	log->out = log->memory + (size_t)2 * (LINE_MAX_BYTES + READ_BYTES);
	log->file = file;
	log->news = news;
	log->second = -1;
	atomic_store(&log->next_file, NO_NEXT);
	for (int i = 0; i < SINKS_MAX; i++)
		log->sinks[i].fd = -1;
	pthread_mutex_init(&log->sinks_lock, NULL);
	for (int i = 0; i < 2; i++)
		if (log->streams[i].fd >= 0)
			fcntl(log->streams[i].fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return log;
}

static int start_thread(struct log *log)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, run, log);
	pthread_attr_destroy(&attributes);
	return error;
}

struct log *log_start(int out, int err, int file, int news)
{
	struct log *log = calloc(1, sizeof(*log));
	int error = ENOMEM;

	if (!log)
		return NULL;
	log->memory =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	log->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (log->memory != MAP_FAILED && log->wake >= 0) {
		error = start_thread(fill(log, out, err, file, news));
		if (!error)
			return log;
	}
	if (log->memory != MAP_FAILED)
		munmap(log->memory, MEMORY_BYTES);
	if (log->wake >= 0)
		close(log->wake);
	free(log);
	errno = error;
	return NULL;
}

void log_reopen(struct log *log, int file)
{
	int former = atomic_exchange(&log->next_file, file);

	if (former >= 0)
		close(former);
	tick(log->wake);
}

bool log_reopened(struct log *log)
{
	return atomic_exchange(&log->switched, false);
}

void log_finish(struct log *log, uint64_t deadline_ns)
{
	atomic_store(&log->deadline_ns, deadline_ns);
	atomic_store(&log->finishing, true);
	tick(log->wake);
}

bool log_finished(struct log *log)
{
	return atomic_load(&log->life) == LIFE_FINISHED;
}

int log_attach(struct log *log, int fd, uint32_t streams)
{
	int error = -EBUSY;

	pthread_mutex_lock(&log->sinks_lock);
	for (int i = 0; i < SINKS_MAX && error; i++) {
		if (log->sinks[i].fd >= 0)
			continue;
		fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK);
		log->sinks[i] = (struct sink){.fd = fd, .streams = streams};
		error = 0;
	}
	pthread_mutex_unlock(&log->sinks_lock);
	if (error)
		close(fd);
	return error;
}

void log_stats(struct log *log, struct molo_log_stats *stats)
{
	/* Counts first: who sees them grow finds the reason, which was stored before them. */
	stats->dropped_lines = atomic_load(&log->dropped_lines);
	stats->dropped_bytes = atomic_load(&log->dropped_bytes);
	stats->written_bytes = atomic_load(&log->written_bytes);
	stats->read_bytes = atomic_load(&log->read_bytes);
	stats->last_errno = atomic_load(&log->last_errno);
	stats->dropping = atomic_load(&log->dropping);
}

void log_free(struct log *log)
{
	close(log->wake);
	munmap(log->memory, MEMORY_BYTES);
	pthread_mutex_destroy(&log->sinks_lock);
	free(log);
}

void log_abandon(struct log *log)
{
	if (atomic_exchange(&log->life, LIFE_ABANDONED) == LIFE_FINISHED)
		log_free(log);
}
