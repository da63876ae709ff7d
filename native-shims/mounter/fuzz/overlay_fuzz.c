/* Any bytes as a request for an overlay: what is taken must be harmless as an option string. */
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct overlay overlay;
	char options[OVERLAY_OPTIONS_MAX];

	if (overlay_read((struct molo_slice){bytes, length}, &overlay))
		return 0;
	if (overlay_options(&overlay, options) == 0 &&
	    (strlen(options) >= OVERLAY_OPTIONS_MAX || strchr(options, '\\')))
		abort();
	return 0;
}
