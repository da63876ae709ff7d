/* One container's log: a thread that reads its output and writes it in CRI format. */
#ifndef MOLO_LOG_H
#define MOLO_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "molo_wire.h"

struct log;

/*
 * Takes over the descriptors. err is -1 for a terminal; file is -1 to read and discard. news is an
 * eventfd that is ticked when anything that the log_* questions below tell has changed. NULL:
 * errno.
 */
struct log *log_start(int out, int err, int file, int news);

/* Switches to another file (taken over; -1: discard); log_reopened tells when that is done. */
void log_reopen(struct log *log, int file);
bool log_reopened(struct log *log);

/* Ends when everything is read, or at the deadline (monotonic ns); log_finished tells. */
void log_finish(struct log *log, uint64_t deadline_ns);
bool log_finished(struct log *log);

/* Copies the streams (MOLO_SINK_*) into fd (taken over, made non-blocking). 0 or -errno. */
int log_attach(struct log *log, int fd, uint32_t streams);

void log_stats(struct log *log, struct molo_log_stats *stats);

/* Frees it; only when log_finished. Otherwise log_abandon: it frees itself when it can. */
void log_free(struct log *log);
void log_abandon(struct log *log);

#endif
