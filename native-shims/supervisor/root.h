/*
 * Paths inside a container's root, which belongs to a stranger: nothing here follows a symbolic
 * link out of it, whoever renames what meanwhile. All results are O_PATH descriptors or -errno.
 */
#ifndef MOLO_ROOT_H
#define MOLO_ROOT_H

#include <stdint.h>
#include <sys/types.h>

enum root_create {
	ROOT_CREATE_NOTHING,
	ROOT_CREATE_DIRECTORY,
	ROOT_CREATE_FILE,
};

struct root_new {
	enum root_create what;
	mode_t mode; /* of what is made; parents get 0755 */
	uid_t uid;
	gid_t gid;
};

/* What is at path; symbolic links are followed inside the root. */
int root_find(int root, const char *path);

/* The same, making what is missing, parents too. */
int root_make(int root, const char *path, const struct root_new *new);

/*
 * The directory that path's last component is in, made where it is missing; *name points to that
 * component inside path's copy in buffer (PATH_MAX bytes).
 */
int root_parent(int root, const char *path, char *buffer, const char **name);

#endif
