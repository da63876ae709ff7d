#include "overlay.h"

#include <errno.h>
#include <string.h>

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

/*
 * Components of plain characters, none of them "." or "..": nothing that leads elsewhere, nothing
 * that overlayfs's own parser (colon, comma, backslash) would read differently.
 */
static bool plain_path(struct molo_slice path)
{
	size_t start = 0;

	if (path.left == 0)
		return false;
	for (size_t i = 0; i <= path.left; i++) {
		size_t length = i - start;

		if (i < path.left && path.at[i] != '/') {
			if (!plain(path.at[i]))
				return false;
			continue;
		}
		if (length == 0 || (length == 1 && path.at[start] == '.') ||
		    (length == 2 && path.at[start] == '.' && path.at[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

static int take_field(struct overlay *overlay, struct molo_item *item)
{
	switch (item->tag) {
	case MOLO_F_LOWER:
		if (overlay->count == MOLO_LAYERS_MAX)
			return -E2BIG;
		overlay->lowers[overlay->count++] = item->bytes;
		return plain_path(item->bytes) ? 0 : -EINVAL;
	case MOLO_F_UPPER:
		overlay->upper = item->bytes;
		return plain_path(item->bytes) ? 0 : -EINVAL;
	case MOLO_F_WORK:
		overlay->work = item->bytes;
		return plain_path(item->bytes) ? 0 : -EINVAL;
	case MOLO_F_MOUNT_FLAGS:
		return molo_take_u32(&item->bytes, &overlay->flags);
	case MOLO_F_USERNS:
		return -ENOSYS; /* leaving it out would give the layers to other users */
	default:
		return 0;
	}
}

int overlay_read(struct molo_slice fields, struct overlay *overlay)
{
	struct molo_item item;
	int more, bad;

	overlay->count = 0;
	overlay->upper.left = overlay->work.left = 0;
	overlay->flags = 0;
	while ((more = molo_next(&fields, &item)) == 1) {
		bad = take_field(overlay, &item);
		if (bad)
			return bad;
	}
	if (more)
		return more;
	if (overlay->count == 0)
		return -EINVAL;
	if (overlay->flags & MOLO_OVERLAY_READONLY)
		return overlay->upper.left || overlay->work.left ? -EINVAL : 0;
	return overlay->upper.left && overlay->work.left ? 0 : -EINVAL;
}

struct text {
	char *to;
	size_t used;
	bool full;
};

static void add(struct text *text, const void *bytes, size_t length)
{
	if (text->used + length >= OVERLAY_OPTIONS_MAX) {
		text->full = true;
		return;
	}
	memcpy(text->to + text->used, bytes, length);
	text->used += length;
}

static void add_string(struct text *text, const char *string)
{
	add(text, string, strlen(string));
}

int overlay_options(const struct overlay *overlay, char options[OVERLAY_OPTIONS_MAX])
{
	struct text text = {.to = options};

	add_string(&text, "lowerdir=");
	for (uint32_t i = 0; i < overlay->count; i++) {
		if (i)
			add_string(&text, ":");
		add(&text, overlay->lowers[i].at, overlay->lowers[i].left);
	}
	if (overlay->upper.left) {
		add_string(&text, ",upperdir=../p/");
		add(&text, overlay->upper.at, overlay->upper.left);
		add_string(&text, ",workdir=../p/");
		add(&text, overlay->work.at, overlay->work.left);
		if (overlay->flags & MOLO_OVERLAY_VOLATILE)
			add_string(&text, ",volatile");
	}
	options[text.used] = 0;
	return text.full ? -E2BIG : 0;
}
