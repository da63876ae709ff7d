/* Descriptors that the daemon left in our care, by key. */
#include <stdlib.h>

#include "supervisor.h"

static unsigned held_total;

int held_find(const struct held *list, uint32_t key)
{
	for (; list; list = list->next)
		if (list->key == key)
			return list->fd;
	return -EBADF;
}

int held_put(struct held **list, uint32_t key, int fd)
{
	struct held *held;

	for (held = *list; held; held = held->next) {
		if (held->key != key)
			continue;
		close(held->fd);
		held->fd = fd;
		return 0;
	}
	if (held_total >= MOLO_HELD_MAX)
		return -ENFILE;
	held = malloc(sizeof(*held));
	if (!held)
		return -ENOMEM;
	*held = (struct held){.next = *list, .key = key, .fd = fd};
	*list = held;
	held_total++;
	return 0;
}

void held_close(struct held **list)
{
	while (*list) {
		struct held *held = *list;

		*list = held->next;
		close(held->fd);
		free(held);
		held_total--;
	}
}
