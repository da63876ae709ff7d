# Shared by every part below native-shims: compiler, warnings, where results go. Each part's Makefile includes this.
#
#   make            the part, into native-shims/target
#   make check      its unit tests
#   make sanitize   its unit tests under ASan and UBSan
#   make lint       clang-format, changes nothing
#   make format     clang-format, in place

CC ?= gcc
CLANG ?= clang
CLANG_FORMAT ?= clang-format

SHIMS := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
TARGET := $(SHIMS)/target
OBJ := $(TARGET)/obj/$(notdir $(CURDIR))

WARNINGS := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition \
	-Wcast-align -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wnull-dereference \
	-Wimplicit-fallthrough -Wswitch-enum -Wpointer-arith -Wredundant-decls -Wunused

CFLAGS_COMMON := -std=gnu17 -O2 -g -fno-strict-aliasing -fno-common -fvisibility=hidden \
	-D_GNU_SOURCE -I$(SHIMS)/include $(WARNINGS)
SANITIZE := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

SOURCES_TO_FORMAT = $(wildcard *.c *.h test/*.c test/*.h fuzz/*.c)

.PHONY: all check sanitize lint format clean
.DEFAULT_GOAL := all

$(TARGET) $(OBJ):
	mkdir -p $@

lint:
	$(CLANG_FORMAT) --dry-run -Werror $(SOURCES_TO_FORMAT)

format:
	$(CLANG_FORMAT) -i $(SOURCES_TO_FORMAT)
