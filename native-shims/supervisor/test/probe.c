/* A container's only program in the tests: says what a process in there sees, and misbehaves. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(int count, char **words)
{
	for (int i = 0; i < count; i++)
		printf("%s%s", i ? " " : "", words[i]);
	putchar('\n');
	return 0;
}

static int cat(const char *path)
{
	char buffer[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		if (write(1, buffer, (size_t)n) != n)
			return 1;
	return 0;
}

static int list(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			puts(entry->d_name);
	return 0;
}

/* Every descriptor but the standard ones. */
static int descriptors(void)
{
	int found = 0;

	for (int fd = 3; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		printf("%d\n", fd);
		found++;
	}
	printf("%d open\n", found);
	return found;
}

/* Numbered lines, so that one that is missing shows. */
static int flood(long lines, long pause)
{
	static char buffer[65536];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (long i = 0; i < lines; i++) {
		printf("line %09ld of many, long enough to look like something a program says\n",
		       i);
		if (pause && i % pause == 0) {
			fflush(stdout);
			usleep(1000);
		}
	}
	return 0;
}

static int stray(void)
{
	if (fork() == 0) {
		setsid();
		signal(SIGHUP, SIG_IGN);
		sleep(1000);
	}
	puts("left a child behind");
	return 3;
}

/* A tree of processes that ends only when all of it is killed. */
static int family(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() > 0)
			continue;
		setsid();
		sleep(1000);
		return 0;
	}
	puts("a family of four");
	fflush(stdout);
	sleep(1000);
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		perror(path);
		return 1;
	}
	return 0;
}

static int terminal(void)
{
	struct winsize size;
	char line[128];

	if (!isatty(0) || !isatty(1) || !isatty(2) || ioctl(0, TIOCGWINSZ, &size) < 0)
		return 9;
	printf("terminal %d x %d\n", size.ws_row, size.ws_col);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 8;
	printf("got %s", line);
	return 0;
}

static int where(void)
{
	char path[PATH_MAX];

	return getcwd(path, sizeof(path)) ? (puts(path), 0) : 1;
}

static int eat_memory(void)
{
	for (;;) {
		char *more = malloc(1 << 20);

		if (!more)
			return 7;
		memset(more, 1, 1 << 20);
		__asm__ volatile(""
				 :
				 : "r"(more)
				 : "memory"); /* or the compiler leaves all of it out */
	}
}

static int copy_input(void)
{
	char buffer[256];
	ssize_t n;

	while ((n = read(0, buffer, sizeof(buffer))) > 0)
		if (write(1, buffer, (size_t)n) != n)
			return 1;
	return 0;
}

static void on_term(int signal)
{
	(void)signal;
	_exit(7);
}

/* Takes its time to ask for SIGTERM, and ends by it. */
static int heed(unsigned late)
{
	usleep(late);
	signal(SIGTERM, on_term);
	return pause();
}

static int two(const char *what, const char *argument)
{
	if (!strcmp(what, "exit"))
		return atoi(argument);
	if (!strcmp(what, "cat"))
		return cat(argument);
	if (!strcmp(what, "ls"))
		return list(argument);
	if (!strcmp(what, "sleep"))
		return (int)sleep((unsigned)atoi(argument));
	if (!strcmp(what, "heed"))
		return heed((unsigned)atoi(argument));
	return 100;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "say"))
		return say(argc - 2, argv + 2);
	if (!strcmp(what, "fds"))
		return descriptors();
	if (!strcmp(what, "stray"))
		return stray();
	if (!strcmp(what, "family"))
		return family();
	if (!strcmp(what, "tty"))
		return terminal();
	if (!strcmp(what, "pwd"))
		return where();
	if (!strcmp(what, "eat"))
		return eat_memory();
	if (!strcmp(what, "copy"))
		return copy_input();
	if (argc == 4 && !strcmp(what, "flood"))
		return flood(atol(argv[2]), atol(argv[3]));
	if (argc == 4 && !strcmp(what, "write"))
		return write_file(argv[2], argv[3]);
	return argc == 3 ? two(what, argv[2]) : 101;
}
