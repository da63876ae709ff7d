/*
 * What the files of the child share: child.c (the plan, words, exec), child_mounts.c (its root),
 * child_identity.c (who it is and what it may do), child_terminal.c.
 *
 * All of it runs in a copy of the supervisor's memory whose other threads do not exist: it
 * allocates nothing and takes no lock. Every do_* works off one operation (its bytes are
 * child->bytes) and returns 0 or -errno; what it was about is in child->detail by then.
 */
#ifndef MOLO_CHILD_H
#define MOLO_CHILD_H

#include "supervisor.h"

struct child {
	const struct birth *birth;
	int root; /* -1 before ROOT or JOIN */
	bool pivoted;
	bool umask_set;
	const char **words; /* arguments from the front, environment from the back */
	size_t arguments;
	size_t environment;
	size_t words_room;
	int index;
	uint32_t code;
	struct molo_slice bytes; /* of the operation at hand */
	char detail[MOLO_DETAIL_MAX];
};

void child_report(const struct child *child, enum report_kind kind, int error);
__attribute__((format(printf, 2, 3))) void child_say(struct child *child, const char *format, ...);
void child_warn(struct child *child, int error);
int child_u32(struct child *child, uint32_t *value);
int child_string(struct child *child, const char **value);
int child_descriptor(struct child *child, int *fd);
/* The root that paths are relative to. */
int child_root(struct child *child);
/* Below /proc, never across a mount or a magic link. */
int child_write_proc(int proc, const char *path, const char *value);

int child_attach(struct child *child, int mount, const char *path, uint32_t flags);
int child_clone_tree(int fd, bool recursive);
int do_propagation(struct child *child);
int do_root(struct child *child);
int do_mkdir(struct child *child);
int do_mkfile(struct child *child);
int do_attach(struct child *child);
int do_mount(struct child *child);
int do_mknod(struct child *child);
int do_symlink(struct child *child);
int do_bind(struct child *child);
int do_mask(struct child *child);
int do_readonly(struct child *child);
int do_setattr(struct child *child);
int do_pivot(struct child *child);

int do_umask(struct child *child);
int do_ids(struct child *child);
int do_bounding(struct child *child);
int do_caps(struct child *child);
int do_prctl_u32(struct child *child);
int do_no_new_privs(struct child *child);
int do_seccomp(struct child *child);
int do_lsm(struct child *child);

int do_terminal(struct child *child);
int do_chown_stdio(struct child *child);

#endif
