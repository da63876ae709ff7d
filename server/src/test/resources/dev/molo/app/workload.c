/*
 * What test containers run, static:
 *
 *   wait      "up", then nothing; SIGTERM: ends with 0; SIGUSR1: says "bye" and ends with 42
 *   stay      the same, but ignores SIGTERM
 *   count     "up", then numbers, a line each, about a thousand a second; signals as with wait
 *   echo      "up", then what it reads; ends with 9 when there is no more
 *   exit N    ends
 *   euid      prints the effective user id and ends
 *   mount P   mounts a tmpfs at P, then as wait
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void leave(int signal)
{
	told = signal;
}

static void say(const char *text, size_t length)
{
	if (write(1, text, length) != (ssize_t)length)
		_exit(1);
}

static int echo(void)
{
	char block[256];
	ssize_t n;

	while ((n = read(0, block, sizeof(block))) > 0)
		say(block, (size_t)n);
	return 9;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "wait";
	struct sigaction action = {.sa_handler = leave};
	sigset_t both, before;
	char line[16];

	if (argc > 2 && !strcmp(mode, "exit"))
		return atoi(argv[2]);
	if (!strcmp(mode, "euid"))
		return printf("%u\n", (unsigned)geteuid()) < 0;
	if (argc > 2 && !strcmp(mode, "mount") && mount("made-by-a-pod", argv[2], "tmpfs", 0, "")) {
		perror(argv[2]);
		return 1;
	}
	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGUSR1);
	sigprocmask(SIG_BLOCK, &both, &before); /* they come while we wait, and only then */
	sigaction(SIGUSR1, &action, NULL);
	if (!strcmp(mode, "stay"))
		action.sa_handler = SIG_IGN;
	sigaction(SIGTERM, &action, NULL);
	say("up\n", 3);
	if (!strcmp(mode, "echo"))
		return echo();
	for (unsigned i = 0; !told; i++) {
		if (!strcmp(mode, "count")) {
			say(line, (size_t)snprintf(line, sizeof(line), "%u\n", i));
			sigprocmask(SIG_SETMASK, &before, NULL);
			usleep(1000);
			sigprocmask(SIG_BLOCK, &both, NULL);
		} else {
			sigsuspend(&before);
		}
	}
	if (told == SIGTERM)
		return 0;
	say("bye\n", 4);
	return 42;
}
