/* A very small test harness: CHECK names the place, the program's exit code is the verdict. */
#ifndef MOLO_TEST_H
#define MOLO_TEST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks;

#define CHECK(claim)                                                                               \
	do {                                                                                       \
		checks++;                                                                          \
		if (!(claim)) {                                                                    \
			fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__,      \
				#claim, errno);                                                    \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static inline int passed(const char *what)
{
	printf("%s: %d checks\n", what, checks);
	return 0;
}

#endif
