#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t padded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

int molo_next(struct molo_slice *fields, struct molo_item *item)
{
	struct molo_field field;

	if (fields->left == 0)
		return 0;
	if (fields->left < sizeof(field))
		return -EBADMSG;
	memcpy(&field, fields->at, sizeof(field));
	if (field.length > fields->left - sizeof(field) ||
	    padded(field.length) > fields->left - sizeof(field))
		return -EBADMSG;
	item->tag = field.tag;
	item->bytes.at = fields->at + sizeof(field);
	item->bytes.left = field.length;
	fields->at += sizeof(field) + padded(field.length);
	fields->left -= sizeof(field) + padded(field.length);
	return 1;
}

int molo_find(struct molo_slice fields, uint16_t tag, struct molo_item *item)
{
	int more;

	while ((more = molo_next(&fields, item)) == 1)
		if (item->tag == tag)
			return 1;
	return more;
}

static int take(struct molo_slice *bytes, void *into, size_t length)
{
	if (bytes->left < length)
		return -EBADMSG;
	memcpy(into, bytes->at, length);
	bytes->at += length;
	bytes->left -= length;
	return 0;
}

int molo_take_u32(struct molo_slice *bytes, uint32_t *value)
{
	return take(bytes, value, sizeof(*value));
}

int molo_take_u64(struct molo_slice *bytes, uint64_t *value)
{
	return take(bytes, value, sizeof(*value));
}

int molo_take_string(struct molo_slice *bytes, const char **string)
{
	const uint8_t *end = bytes->left ? memchr(bytes->at, 0, bytes->left) : NULL;

	if (!end)
		return -EBADMSG;
	*string = (const char *)bytes->at;
	bytes->left -= (size_t)(end - bytes->at) + 1;
	bytes->at = end + 1;
	return 0;
}

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

int molo_take_name(struct molo_slice bytes, char name[MOLO_NAME_MAX + 1])
{
	if (bytes.left == 0 || bytes.left > MOLO_NAME_MAX || bytes.at[0] == '.')
		return -EINVAL;
	for (size_t i = 0; i < bytes.left; i++)
		if (!plain(bytes.at[i]))
			return -EINVAL;
	memcpy(name, bytes.at, bytes.left);
	name[bytes.left] = 0;
	return 0;
}

void molo_begin(struct molo_packet *packet, void *memory, size_t room, uint16_t type,
		uint32_t sequence)
{
	struct molo_header header = {.magic = MOLO_MAGIC, .type = type, .sequence = sequence};

	packet->bytes = memory;
	packet->room = room;
	packet->length = sizeof(header);
	packet->overflow = false;
	memcpy(packet->bytes, &header, sizeof(header));
}

void molo_put(struct molo_packet *packet, uint16_t tag, const void *bytes, size_t length)
{
	struct molo_field field = {.tag = tag, .length = (uint32_t)length};
	uint8_t *at = packet->bytes + packet->length;

	if (length > packet->room ||
	    packet->length + sizeof(field) + padded(length) > packet->room) {
		packet->overflow = true;
		return;
	}
	memcpy(at, &field, sizeof(field));
	if (length)
		memcpy(at + sizeof(field), bytes, length);
	memset(at + sizeof(field) + length, 0, padded(length) - length);
	packet->length += sizeof(field) + padded(length);
}

void molo_put_u32(struct molo_packet *packet, uint16_t tag, uint32_t value)
{
	molo_put(packet, tag, &value, sizeof(value));
}

void molo_put_u64(struct molo_packet *packet, uint16_t tag, uint64_t value)
{
	molo_put(packet, tag, &value, sizeof(value));
}

void molo_put_string(struct molo_packet *packet, uint16_t tag, const char *string)
{
	molo_put(packet, tag, string, strlen(string));
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * MOLO_FDS_MAX)];
};

int molo_send(int socket, struct molo_packet *packet, const int *fds, size_t count)
{
	union control control;
	struct iovec part = {.iov_base = packet->bytes, .iov_len = packet->length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	uint32_t length = (uint32_t)packet->length;

	memcpy(packet->bytes + offsetof(struct molo_header, length), &length, sizeof(length));
	if (count > MOLO_FDS_MAX)
		return -EINVAL;
	if (count) {
		memset(&control, 0, CMSG_SPACE(sizeof(int) * count));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
		message.msg_control = &control;
		message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * count);
	}
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void take_fds(struct msghdr *message, struct molo_received *received)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (count > MOLO_FDS_MAX - received->count)
			count = MOLO_FDS_MAX - received->count;
		memcpy(received->fds + received->count, CMSG_DATA(c), count * sizeof(int));
		received->count += count;
	}
}

static int check(const uint8_t *memory, size_t length, int flags, struct molo_received *received)
{
	struct molo_header *header = &received->header;

	if (length < sizeof(*header))
		return -EBADMSG;
	memcpy(header, memory, sizeof(*header));
	if (header->magic != MOLO_MAGIC) {
		memset(header, 0, sizeof(*header));
		return -EBADMSG;
	}
	if (header->length != length || (flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EBADMSG;
	received->fields.at = memory + sizeof(*header);
	received->fields.left = length - sizeof(*header);
	struct molo_slice fields = received->fields;
	struct molo_item item;
	int more;

	while ((more = molo_next(&fields, &item)) == 1)
		;
	return more;
}

int molo_receive(int socket, void *memory, size_t room, struct molo_received *received)
{
	union control control;
	struct iovec part = {.iov_base = memory, .iov_len = room};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t length;
	int bad;

	memset(&received->header, 0, sizeof(received->header));
	received->count = 0;
	do
		length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	take_fds(&message, received);
	if (length == 0)
		return 0;
	bad = check(memory, (size_t)length, message.msg_flags, received);
	return bad ? bad : (int)length;
}

void molo_close_received(struct molo_received *received)
{
	for (size_t i = 0; i < received->count; i++)
		if (received->fds[i] >= 0)
			close(received->fds[i]);
	received->count = 0;
}
