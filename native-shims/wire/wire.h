/* Reading and writing packets and plans (molo_wire.h). Nothing here allocates or keeps state. */
#ifndef MOLO_WIRE_CODEC_H
#define MOLO_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "molo_wire.h"

/* What is left to read of a list of fields, or of one field's bytes. */
struct molo_slice {
	const uint8_t *at;
	size_t left;
};

struct molo_item {
	uint16_t tag;
	struct molo_slice bytes;
};

/* 1: *item is the next field; 0: the end; -EBADMSG: it overruns. */
int molo_next(struct molo_slice *fields, struct molo_item *item);

/* The first field with this tag. 1, 0 or -EBADMSG. */
int molo_find(struct molo_slice fields, uint16_t tag, struct molo_item *item);

/* Each takes its value off the slice's front, or returns -EBADMSG. */
int molo_take_u32(struct molo_slice *bytes, uint32_t *value);
int molo_take_u64(struct molo_slice *bytes, uint64_t *value);
int molo_take_string(struct molo_slice *bytes, const char **string);

/* Copies a name of 1..MOLO_NAME_MAX plain characters (no slash, not "." or ".."). 0 or -EINVAL. */
int molo_take_name(struct molo_slice bytes, char name[MOLO_NAME_MAX + 1]);

struct molo_packet {
	uint8_t *bytes;
	size_t length;
	size_t room;
	bool overflow; /* something did not fit and was left out */
};

void molo_begin(struct molo_packet *packet, void *memory, size_t room, uint16_t type,
		uint32_t sequence);
void molo_put(struct molo_packet *packet, uint16_t tag, const void *bytes, size_t length);
void molo_put_u32(struct molo_packet *packet, uint16_t tag, uint32_t value);
void molo_put_u64(struct molo_packet *packet, uint16_t tag, uint64_t value);
void molo_put_string(struct molo_packet *packet, uint16_t tag, const char *string);

/* 0 or -errno. The descriptors stay the caller's. */
int molo_send(int socket, struct molo_packet *packet, const int *fds, size_t count);

struct molo_received {
	struct molo_header header;
	struct molo_slice fields;
	int fds[MOLO_FDS_MAX];
	size_t count;
};

/*
 * Length of the packet, 0 at the end of the stream, or -errno; -EBADMSG for a malformed one, with
 * header.sequence and header.type set where they could be read. The caller closes the fds.
 */
int molo_receive(int socket, void *memory, size_t room, struct molo_received *received);

void molo_close_received(struct molo_received *received);

#endif
