/*
 * Operations that make the child who it is to be. The kernel is called directly where musl would
 * signal threads that are not there (set*id).
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "child.h"

enum { GROUPS_MAX = 65536 };

int do_umask(struct child *child)
{
	uint32_t mask;
	int bad = child_u32(child, &mask);

	if (bad)
		return bad;
	umask((mode_t)mask & 0777);
	child->umask_set = true;
	return 0;
}

int do_ids(struct child *child)
{
	uint32_t uid, gid;
	size_t groups;
	int bad = child_u32(child, &uid);

	if (bad || (bad = child_u32(child, &gid)))
		return bad;
	groups = child->bytes.left / sizeof(uint32_t);
	child_say(child, "become user %u, group %u with %zu more", uid, gid, groups);
	if (groups > GROUPS_MAX)
		return -EINVAL;
	bad = (int)KERNEL_CALL(SYS_setgroups, groups, child->bytes.at);
	if (!bad)
		bad = (int)KERNEL_CALL(SYS_setresgid, gid, gid, gid);
	if (!bad)
		bad = (int)KERNEL_CALL(SYS_setresuid, uid, uid, uid);
	return bad;
}

int do_bounding(struct child *child)
{
	uint64_t kept;
	int bad = molo_take_u64(&child->bytes, &kept);

	child_say(child, "drop capabilities from the bounding set");
	for (unsigned capability = 0; !bad && capability < 64; capability++) {
		if (kept & (1ULL << capability))
			continue;
		bad = k_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
		if (bad == -EINVAL)
			return 0; /* past the kernel's last one */
	}
	return bad;
}

static int cap_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)KERNEL_CALL(SYS_capget, &header, data);
}

static int cap_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	    {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
	    {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
	     (uint32_t)(inheritable >> 32)},
	};

	return (int)KERNEL_CALL(SYS_capset, &header, data);
}

static int raise_ambient(uint64_t ambient)
{
	int bad = k_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	for (unsigned capability = 0; !bad && capability < 64; capability++)
		if (ambient & (1ULL << capability))
			bad = k_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
	return bad;
}

int do_caps(struct child *child)
{
	struct __user_cap_data_struct have_data[2];
	uint64_t effective, permitted, inheritable, ambient, have;
	int bad = molo_take_u64(&child->bytes, &effective);

	if (bad || (bad = molo_take_u64(&child->bytes, &permitted)) ||
	    (bad = molo_take_u64(&child->bytes, &inheritable)) ||
	    (bad = molo_take_u64(&child->bytes, &ambient)))
		return bad;
	child_say(child, "set capabilities");
	bad = cap_get(have_data);
	if (bad)
		return bad;
	have = have_data[0].permitted | (uint64_t)have_data[1].permitted << 32;
	if (permitted & ~have) {
		child_say(child, "capabilities 0x%llx are not there to be given on this host",
			  (unsigned long long)(permitted & ~have));
		child_warn(child, EPERM);
		child_say(child, "set capabilities");
	}
	bad = cap_set(effective & have, permitted & have, inheritable & have);
	return bad ? bad : raise_ambient(ambient & have & inheritable);
}

int do_prctl_u32(struct child *child)
{
	uint32_t value;
	int bad = child_u32(child, &value);

	child_say(child, "set %s to 0x%x", operation_name(child->code), value);
	if (bad)
		return bad;
	return k_prctl(child->code == MOLO_OP_SECUREBITS ? PR_SET_SECUREBITS : PR_SET_KEEPCAPS,
		       value, 0, 0, 0);
}

int do_no_new_privs(struct child *child)
{
	child_say(child, "set no_new_privs");
	return k_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int do_seccomp(struct child *child)
{
	struct sock_fprog program;
	uint32_t flags;
	int bad = child_u32(child, &flags);

	if (bad)
		return bad;
	program.len = (unsigned short)(child->bytes.left / sizeof(struct sock_filter));
	program.filter = (struct sock_filter *)(uintptr_t)child->bytes.at;
	child_say(child, "load a seccomp filter of %u instructions", program.len);
	if (child->bytes.left / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	return (int)KERNEL_CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int do_lsm(struct child *child)
{
	char text[1024];
	const char *label;
	uint32_t module;
	int bad = child_u32(child, &module);

	if (bad || (bad = child_string(child, &label)))
		return bad;
	child_say(child, "set the exec label to %s", label);
	if (module == MOLO_LSM_SELINUX)
		return child_write_proc(self.proc, "self/attr/exec", label);
	if (module != MOLO_LSM_APPARMOR || strlen(label) > sizeof(text) - 8)
		return -EINVAL;
	snprintf(text, sizeof(text), "exec %s", label);
	bad = child_write_proc(self.proc, "self/attr/apparmor/exec", text);
	return bad == -ENOENT ? child_write_proc(self.proc, "self/attr/exec", text) : bad;
}
