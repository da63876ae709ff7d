#include "overlay.h"

#include "test.h"

static uint8_t memory[MOLO_PACKET_MAX];
static struct molo_packet packet;
static struct overlay overlay;
static char options[OVERLAY_OPTIONS_MAX];

static void begin(void)
{
	molo_begin(&packet, memory, sizeof(memory), MOLO_MOUNT_OVERLAY, 1);
}

static int read_back(void)
{
	struct molo_slice fields = {packet.bytes + sizeof(struct molo_header),
				    packet.length - sizeof(struct molo_header)};

	return overlay_read(fields, &overlay);
}

static int reads_lower(const char *path)
{
	begin();
	molo_put_string(&packet, MOLO_F_LOWER, path);
	molo_put_u32(&packet, MOLO_F_MOUNT_FLAGS, MOLO_OVERLAY_READONLY);
	return read_back();
}

static void only_plain_paths_are_taken(void)
{
	CHECK(reads_lower("name/fs") == 0);
	CHECK(reads_lower("a.b-c_D9/fs") == 0);
	CHECK(reads_lower("") == -EINVAL);
	CHECK(reads_lower("/etc") == -EINVAL);
	CHECK(reads_lower("../etc") == -EINVAL);
	CHECK(reads_lower("a/../b") == -EINVAL);
	CHECK(reads_lower("a/.") == -EINVAL);
	CHECK(reads_lower("a//b") == -EINVAL);
	CHECK(reads_lower("a/") == -EINVAL);
	CHECK(reads_lower("a:b") == -EINVAL);
	CHECK(reads_lower("a,upperdir=b") == -EINVAL);
	CHECK(reads_lower("a\\b") == -EINVAL);
	CHECK(reads_lower("...") == 0);
}

static void options_are_those_of_overlayfs(void)
{
	begin();
	molo_put_string(&packet, MOLO_F_LOWER, "top/fs");
	molo_put_string(&packet, MOLO_F_LOWER, "base/fs");
	molo_put_string(&packet, MOLO_F_UPPER, "p/c/upper");
	molo_put_string(&packet, MOLO_F_WORK, "p/c/work");
	molo_put_u32(&packet, MOLO_F_MOUNT_FLAGS, MOLO_OVERLAY_VOLATILE);
	CHECK(read_back() == 0);
	CHECK(overlay_options(&overlay, options) == 0);
	CHECK(strcmp(options, "lowerdir=top/fs:base/fs,upperdir=../p/p/c/upper,"
			      "workdir=../p/p/c/work,volatile") == 0);
}

static void layers(unsigned count)
{
	char name[64];

	begin();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%020u/fs", i);
		molo_put_string(&packet, MOLO_F_LOWER, name);
	}
	memset(name, 'p', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s/upper", name, name);
	molo_put_string(&packet, MOLO_F_UPPER, path);
	snprintf(path, sizeof(path), "%s/%s/work", name, name);
	molo_put_string(&packet, MOLO_F_WORK, path);
	molo_put_u32(&packet, MOLO_F_MOUNT_FLAGS, MOLO_OVERLAY_VOLATILE);
}

static void what_fits_a_page_is_taken(void)
{
	layers(127);
	CHECK(read_back() == 0 && overlay.count == 127);
	CHECK(overlay_options(&overlay, options) == 0);
	CHECK(strlen(options) < OVERLAY_OPTIONS_MAX);
	layers(200);
	CHECK(read_back() == 0);
	CHECK(overlay_options(&overlay, options) == -E2BIG);
	layers(501);
	CHECK(read_back() == -E2BIG);
}

static void half_a_request_is_refused(void)
{
	begin();
	CHECK(read_back() == -EINVAL);
	molo_put_string(&packet, MOLO_F_LOWER, "a");
	CHECK(read_back() == -EINVAL); /* writable, and nothing to write to */
	molo_put_string(&packet, MOLO_F_UPPER, "u");
	CHECK(read_back() == -EINVAL);
	molo_put_string(&packet, MOLO_F_WORK, "w");
	CHECK(read_back() == 0);
	molo_put_u32(&packet, MOLO_F_MOUNT_FLAGS, MOLO_OVERLAY_READONLY);
	CHECK(read_back() == -EINVAL);
	CHECK(reads_lower("a") == 0);
	molo_put_u32(&packet, MOLO_F_USERNS, 0);
	CHECK(read_back() == -ENOSYS);
}

int main(void)
{
	only_plain_paths_are_taken();
	options_are_those_of_overlayfs();
	what_fits_a_page_is_taken();
	half_a_request_is_refused();
	return passed("overlay");
}
