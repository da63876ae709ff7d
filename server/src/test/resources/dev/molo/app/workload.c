/* What test containers run, static: "wait" ends with 0 on SIGTERM, "stay" ignores it, "exit N" ends. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	signal(SIGTERM, argc > 1 && !strcmp(argv[1], "stay") ? SIG_IGN : leave);
	if (write(1, "up\n", 3) != 3)
		return 1;
	for (;;)
		pause();
}
