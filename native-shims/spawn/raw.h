/*
 * System calls without libc, for the child of a CLONE_VM clone: it shares its parent's memory, so
 * it must not touch errno, locks, or anything else that libc keeps. Each returns what the kernel
 * returned.
 */
#ifndef MOLO_SPAWN_RAW_H
#define MOLO_SPAWN_RAW_H

#if defined(__x86_64__)

static inline long raw_syscall5(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

/* clone3, whose child runs enter(argument) on the stack that args names and never comes back. */
static inline long raw_clone3(void *args, unsigned long size, void (*enter)(void *), void *argument)
{
	long result;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t" /* the outermost frame */
			 "mov %[argument], %%rdi\n\t"
			 "call *%[enter]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "0"(435L), "D"(args),
			   "S"(size), [enter] "r"(enter), [argument] "r"(argument)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

#elif defined(__aarch64__)

static inline long raw_syscall5(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory", "cc");
	return x0;
}

/* clone3, whose child runs enter(argument) on the stack that args names and never comes back. */
static inline long raw_clone3(void *args, unsigned long size, void (*enter)(void *), void *argument)
{
	register long x8 __asm__("x8") = 435;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = (long)size;
	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t" /* the outermost frame */
			 "mov x0, %[argument]\n\t"
			 "blr %[enter]\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), [enter] "r"(enter), [argument] "r"(argument)
			 : "memory", "cc");
	return x0;
}

#else
#error "molo runs on x86_64 and aarch64"
#endif

#endif
