#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "wire.h"

static uint8_t memory[MOLO_PACKET_MAX];
static uint8_t other[MOLO_PACKET_MAX];

static void fields_come_back_as_they_were_put(void)
{
	struct molo_packet packet;
	struct molo_slice fields;
	struct molo_item item;
	uint32_t number;
	uint64_t large;

	molo_begin(&packet, memory, sizeof(memory), MOLO_HELLO, 7);
	molo_put_u32(&packet, MOLO_F_VERSION, 42);
	molo_put_string(&packet, MOLO_F_POD, "abcde");
	molo_put_u64(&packet, MOLO_F_STARTED, 1ULL << 40);
	molo_put(&packet, MOLO_F_PLAN, NULL, 0);
	CHECK(!packet.overflow && packet.length % 4 == 0);
	fields.at = packet.bytes + sizeof(struct molo_header);
	fields.left = packet.length - sizeof(struct molo_header);
	CHECK(molo_find(fields, MOLO_F_STARTED, &item) == 1);
	CHECK(molo_take_u64(&item.bytes, &large) == 0 && large == 1ULL << 40);
	CHECK(molo_find(fields, MOLO_F_VERSION, &item) == 1);
	CHECK(molo_take_u32(&item.bytes, &number) == 0 && number == 42);
	CHECK(molo_take_u32(&item.bytes, &number) == -EBADMSG);
	CHECK(molo_find(fields, MOLO_F_POD, &item) == 1 && item.bytes.left == 5);
	CHECK(memcmp(item.bytes.at, "abcde", 5) == 0);
	CHECK(molo_find(fields, MOLO_F_PLAN, &item) == 1 && item.bytes.left == 0);
	CHECK(molo_find(fields, MOLO_F_KEY, &item) == 0);
}

/* Every cut of a good list is an end or an error, and never read past. */
static void cut_fields_are_refused(void)
{
	struct molo_packet packet;
	size_t ends = 0;

	molo_begin(&packet, memory, sizeof(memory), MOLO_HELLO, 7);
	molo_put_string(&packet, MOLO_F_POD, "abc");
	molo_put_string(&packet, MOLO_F_POD, "abcd");
	for (size_t cut = 0; cut <= packet.length - sizeof(struct molo_header); cut++) {
		uint8_t *copy =
		    malloc(cut ? cut : 1); /* of this very size: ASan sees every step over */
		struct molo_slice fields = {copy, cut};
		struct molo_item item;
		int more;

		CHECK(copy != NULL);
		memcpy(copy, packet.bytes + sizeof(struct molo_header), cut);
		while ((more = molo_next(&fields, &item)) == 1)
			;
		CHECK(more == 0 || more == -EBADMSG);
		ends += more == 0;
		free(copy);
	}
	CHECK(ends == 3);
}

static void lengths_near_the_limit_do_not_wrap(void)
{
	static const uint32_t lengths[] = {0xffffffffU, 0xfffffffcU, 0x80000000U, 9, 8};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct molo_field field = {.tag = 1, .length = lengths[i]};
		uint8_t bytes[sizeof(field) + 4] = {0};
		struct molo_slice fields = {bytes, sizeof(bytes)};
		struct molo_item item;

		memcpy(bytes, &field, sizeof(field));
		CHECK(molo_next(&fields, &item) == -EBADMSG);
	}
}

static int name_of(const char *text, char name[MOLO_NAME_MAX + 1])
{
	struct molo_slice slice = {(const uint8_t *)text, strlen(text)};

	return molo_take_name(slice, name);
}

static void names_are_plain(void)
{
	char name[MOLO_NAME_MAX + 1];
	char longest[MOLO_NAME_MAX + 2];

	CHECK(name_of("a-b_c.9", name) == 0 && strcmp(name, "a-b_c.9") == 0);
	CHECK(name_of("", name) == -EINVAL);
	CHECK(name_of(".", name) == -EINVAL);
	CHECK(name_of("..", name) == -EINVAL);
	CHECK(name_of(".hidden", name) == -EINVAL);
	CHECK(name_of("a/b", name) == -EINVAL);
	CHECK(name_of("a\nb", name) == -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[MOLO_NAME_MAX] = 0;
	CHECK(name_of(longest, name) == 0);
	longest[MOLO_NAME_MAX] = 'x';
	longest[MOLO_NAME_MAX + 1] = 0;
	CHECK(name_of(longest, name) == -EINVAL);
}

static void strings_need_their_nul(void)
{
	struct molo_slice slice = {(const uint8_t *)"ab\0cd", 5};
	const char *string;

	CHECK(molo_take_string(&slice, &string) == 0 && strcmp(string, "ab") == 0);
	CHECK(molo_take_string(&slice, &string) == -EBADMSG);
	slice.left = 0;
	CHECK(molo_take_string(&slice, &string) == -EBADMSG);
}

static void what_does_not_fit_is_told(void)
{
	struct molo_packet packet;
	uint8_t small[64];

	molo_begin(&packet, small, sizeof(small), MOLO_HELLO, 1);
	molo_put(&packet, 1, memory, 30);
	CHECK(!packet.overflow);
	molo_put(&packet, 1, memory, 30);
	CHECK(packet.overflow && packet.length == 16 + 8 + 32);
}

static void packets_carry_descriptors(void)
{
	static struct molo_received received;
	struct molo_packet packet;
	int ends[2], fds[MOLO_FDS_MAX];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	for (int i = 0; i < MOLO_FDS_MAX; i++)
		fds[i] = ends[0];
	molo_begin(&packet, memory, sizeof(memory), MOLO_HOLD, 99);
	molo_put_u32(&packet, MOLO_F_KEY, 5);
	CHECK(molo_send(ends[0], &packet, fds, MOLO_FDS_MAX) == 0);
	CHECK(molo_send(ends[0], &packet, fds, MOLO_FDS_MAX + 1) == -EINVAL);
	CHECK(molo_receive(ends[1], other, sizeof(other), &received) == (int)packet.length);
	CHECK(received.header.type == MOLO_HOLD && received.header.sequence == 99);
	CHECK(received.count == MOLO_FDS_MAX);
	for (size_t i = 0; i < received.count; i++)
		CHECK(fcntl(received.fds[i], F_GETFD) == FD_CLOEXEC);
	molo_close_received(&received);
	close(ends[0]);
	CHECK(molo_receive(ends[1], other, sizeof(other), &received) == 0);
	close(ends[1]);
}

static void malformed_packets_are_refused(void)
{
	static struct molo_received received;
	struct molo_header header = {.magic = MOLO_MAGIC, .type = 3, .sequence = 8, .length = 17};
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	CHECK(send(ends[0], &header, 5, 0) == 5);
	CHECK(molo_receive(ends[1], other, sizeof(other), &received) == -EBADMSG);
	CHECK(received.header.sequence == 0);
	CHECK(send(ends[0], &header, sizeof(header), 0) == sizeof(header));
	CHECK(molo_receive(ends[1], other, sizeof(other), &received) == -EBADMSG);
	CHECK(received.header.sequence == 8); /* so it can be answered */
	header.magic = 1;
	CHECK(send(ends[0], &header, sizeof(header), 0) == sizeof(header));
	CHECK(molo_receive(ends[1], other, sizeof(other), &received) == -EBADMSG);
	CHECK(received.header.sequence == 0);
	CHECK(send(ends[0], memory, 1000, 0) == 1000);
	CHECK(molo_receive(ends[1], other, 100, &received) == -EBADMSG);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	fields_come_back_as_they_were_put();
	cut_fields_are_refused();
	lengths_near_the_limit_do_not_wrap();
	names_are_plain();
	strings_need_their_nul();
	what_does_not_fit_is_told();
	packets_carry_descriptors();
	malformed_packets_are_refused();
	return passed("wire");
}
