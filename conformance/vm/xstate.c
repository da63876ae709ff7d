/*
 * ptrace(2) for the guest's kernel on a processor that has more register state than that kernel
 * knows.
 *
 * User Mode Linux 6.1 keeps 2696 bytes of a process's extended registers, which is what AVX-512
 * needs. Linux on a processor with AMX has 11 KiB of them, and PTRACE_SETREGSET takes all or
 * nothing: EFAULT, and the guest's init dies of it. Preloaded by ./run, this gives the kernel the
 * missing rest: as the process had it when first asked, which is its initial state, for the header
 * that the guest wrote says that the rest is not in use.
 *
 * Not for several threads: the guest's kernel has one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

#define PTRACE_GETREGSET 0x4204
#define PTRACE_SETREGSET 0x4205
#define NT_X86_XSTATE 0x202

typedef long ptrace_function(int request, pid_t pid, void *address, void *data);

static ptrace_function *next;

/* static, as the guest's stacks are small */
static unsigned char whole[64 * 1024];
static size_t whole_size;

ptrace_function ptrace;

long ptrace(int request, pid_t pid, void *address, void *data)
{
	if (next == NULL)
		next = (ptrace_function *)dlsym(RTLD_NEXT, "ptrace");
	if (request != PTRACE_SETREGSET || address != (void *)NT_X86_XSTATE)
		return next(request, pid, address, data);

	const struct iovec *given = data;
	if (whole_size == 0) {
		struct iovec all = {whole, sizeof(whole)};
		if (next(PTRACE_GETREGSET, pid, address, &all) < 0)
			return -1;
		whole_size = all.iov_len;
	}
	if (given->iov_len >= whole_size)
		return next(request, pid, address, data);
	memcpy(whole, given->iov_base, given->iov_len);
	struct iovec all = {whole, whole_size};
	return next(request, pid, address, &all);
}
