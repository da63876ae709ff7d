/*
 * The supervisor's own mount namespace: an empty tmpfs with the host's /proc and /sys, /dev/null
 * and /pod, and nothing else. It pins no mount of the host, and what a container's clone copies is
 * small.
 */
#ifndef MOLO_WORLD_H
#define MOLO_WORLD_H

#include <stdint.h>

/* Moves this process there. 0 or -errno, *what says what was tried. */
int world_enter(const char **what);

/* Makes the tmpfs /pod/KEY of so many bytes. 0 (also when it is there) or -errno. */
int world_make_shm(uint32_t key, uint64_t bytes);

/*
 * A detached mount of /pod/KEY, made in the caller's own copy of that world (that is why it takes a
 * path: a mount of another namespace cannot be copied before Linux 6.15). -ENOENT when there is
 * none.
 */
int world_clone_shm(uint32_t key);

/* An empty tmpfs in place of "/", which goes: for this process, in a namespace that it owns. */
int world_empty_root(unsigned attributes, int *root);

#endif
