/* What an overlay is asked to be, and the options that mount(2) takes for it. */
#ifndef MOLO_OVERLAY_H
#define MOLO_OVERLAY_H

#include <stdint.h>

#include "wire.h"

enum { OVERLAY_OPTIONS_MAX = 4096 }; /* one page, its NUL included: what mount(2) copies */

struct overlay {
	struct molo_slice lowers[MOLO_LAYERS_MAX];
	uint32_t count;
	struct molo_slice upper;
	struct molo_slice work;
	uint32_t flags;
};

/* 0, -EINVAL (what is missing or not a plain relative path), -E2BIG, -EBADMSG, -ENOSYS */
int overlay_read(struct molo_slice fields, struct overlay *overlay);

/* The option string, for a process whose working directory is the layers'. 0 or -E2BIG. */
int overlay_options(const struct overlay *overlay, char options[OVERLAY_OPTIONS_MAX]);

#endif
