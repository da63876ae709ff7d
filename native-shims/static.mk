# The static programs (supervisor, mounter): built with musl (Debian: musl-tools), because they live
# as long as a pod and every page of them counts. Their tests use the ordinary compiler.

MUSL_CC ?= musl-gcc
MACHINE := $(shell uname -m)

CFLAGS_CODE := $(CFLAGS_COMMON) -I$(SHIMS)/wire -Wno-sign-conversion -Wno-null-dereference
# The kernel's headers, behind musl's own.
CFLAGS_STATIC := $(CFLAGS_CODE) -idirafter /usr/include -idirafter /usr/include/$(MACHINE)-linux-gnu \
	-Os -g0 -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections
LDFLAGS_STATIC := -static -s -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,norelro \
	-Wl,-z,noseparate-code -Wl,--build-id=none

WIRE := $(SHIMS)/wire/wire.c
HEADERS := $(wildcard *.h $(SHIMS)/wire/*.h $(SHIMS)/include/*.h)
SOURCES_TO_FORMAT = $(wildcard *.c *.h test/*.c test/*.h fuzz/*.c $(SHIMS)/wire/*.[ch] $(SHIMS)/include/*.h)
