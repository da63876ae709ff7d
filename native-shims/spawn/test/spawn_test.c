/* Spawns for real and looks at what the child found. Prints one line a claim; exits 1 when one does
 * not hold. */
#include "../molo_spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

static void claim(bool holds, const char *what)
{
	printf("%s  %s\n", holds ? "ok  " : "FAIL", what);
	failures += holds ? 0 : 1;
}

static char *NO_ENVIRONMENT[] = {NULL};

static struct molo_spawn_request request_for(int executable, char **argv)
{
	return (struct molo_spawn_request){
	    .size = sizeof(struct molo_spawn_request),
	    .executable = executable,
	    .cgroup = -1,
	    .working_directory = -1,
	    .argv = argv,
	    .envp = NO_ENVIRONMENT,
	};
}

static int open_program(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static int wait_for(const struct molo_spawn_request *request)
{
	siginfo_t info = {0};
	waitid(P_PIDFD, (id_t)request->pidfd, &info, WEXITED);
	close(request->pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : 1000 + info.si_status;
}

/* Runs a shell command with stdout as fd 1 and returns what it printed. */
static const char *output_of(char *command, struct molo_spawn_fd *fds, uint32_t count)
{
	static char text[8192];
	int ends[2];
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, command, NULL};
	int shell = open_program("/bin/sh");

	if (pipe2(ends, O_CLOEXEC) != 0)
		exit(2);
	struct molo_spawn_fd all[16];
	for (uint32_t i = 0; i < count; i++)
		all[i] = fds[i];
	all[count] = (struct molo_spawn_fd){ends[1], 1};
	struct molo_spawn_request request = request_for(shell, argv);
	request.fds = all;
	request.fd_count = count + 1;
	int result = molo_spawn(&request);
	close(ends[1]);
	close(shell);
	size_t length = 0;
	if (result == 0) {
		ssize_t got;
		while ((got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
			length += (size_t)got;
		wait_for(&request);
	} else {
		length = (size_t)snprintf(text, sizeof(text), "spawn: %s at step %u",
					  strerror(-result), request.failed_step);
	}
	close(ends[0]);
	text[length] = '\0';
	return text;
}

static int open_fds(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void exit_code_comes_back(void)
{
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 42"}, NULL};
	int shell = open_program("/bin/sh");
	struct molo_spawn_request request = request_for(shell, argv);

	claim(molo_spawn(&request) == 0, "a shell starts");
	claim(request.pid > 0 && (fcntl(request.pidfd, F_GETFD) & FD_CLOEXEC) != 0,
	      "pid is set and the pidfd is close-on-exec");
	claim(wait_for(&request) == 42, "its exit code comes back");
	close(shell);
}

static void only_listed_descriptors_arrive(void)
{
	int extra = open("/dev/null", O_RDONLY); /* on purpose without O_CLOEXEC */
	/* by stat and not by listing, which would open a descriptor itself */
	const char *seen =
	    output_of((char[]){"i=0; while [ $i -lt 1000 ]; do "
			       "[ -e /proc/$$/fd/$i ] && printf '%s ' $i; i=$((i+1)); done"},
		      NULL, 0);

	claim(strcmp(seen, "1 ") == 0, "nothing but the listed descriptor arrives");
	if (strcmp(seen, "1 ") != 0)
		printf("      saw: %s\n", seen);
	char number[32];
	snprintf(number, sizeof(number), " %d ", extra);
	claim(extra < 3 || strstr(seen, number) == NULL,
	      "a descriptor without O_CLOEXEC stays away");
	close(extra);
}

static void swapped_numbers_do_not_clobber(void)
{
	int a = memfd_create("a", MFD_CLOEXEC);
	int b = memfd_create("b", MFD_CLOEXEC);

	claim(write(a, "first", 5) == 5 && write(b, "second", 6) == 6, "two memfds are written");
	lseek(a, 0, SEEK_SET);
	lseek(b, 0, SEEK_SET);
	/* each one's target is the other's own number, and both also go to 7 and 8 */
	struct molo_spawn_fd fds[] = {{a, b}, {b, a}, {a, 7}, {b, 8}};
	char command[128];
	snprintf(command, sizeof(command), "cat /proc/self/fd/%d; printf ,; cat /proc/self/fd/%d",
		 b, a);
	const char *seen = output_of(command, fds, 4);
	claim(strcmp(seen, "first,second") == 0, "descriptors swap their numbers");
	if (strcmp(seen, "first,second") != 0)
		printf("      saw: %s\n", seen);
	close(a);
	close(b);
}

static void signals_are_reset(void)
{
	sigset_t usr1;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	const char *seen =
	    output_of((char[]){"grep -E '^Sig(Blk|Ign)' /proc/self/status"}, NULL, 0);
	claim(strcmp(seen, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n") == 0,
	      "no signal is blocked or ignored in the child");
	sigset_t now;
	sigprocmask(SIG_SETMASK, NULL, &now);
	claim(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGTERM) == 0,
	      "the parent's signal mask is as before");
	struct sigaction action;
	sigaction(SIGHUP, NULL, &action);
	claim(action.sa_handler == SIG_IGN, "the parent's handlers are as before");
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static void session_is_its_own(void)
{
	int mine = (int)getsid(0);
	const char *seen = output_of((char[]){"cut -d' ' -f1,6 /proc/$$/stat"}, NULL, 0);
	int pid = 0;
	int session = 0;
	bool parsed = sscanf(seen, "%d %d", &pid, &session) == 2;
	claim(parsed && session == pid && session != mine, "the child leads a session of its own");
}

static void working_directory_is_set(void)
{
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"},
			(char[]){"test $(readlink /proc/$$/cwd) = /usr"}, NULL};
	int shell = open_program("/bin/sh");
	int usr = open("/usr", O_PATH | O_CLOEXEC);
	char *path[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
	struct molo_spawn_request request = request_for(shell, argv);
	request.working_directory = usr;
	request.envp = path;
	claim(molo_spawn(&request) == 0 && wait_for(&request) == 0, "the working directory is set");
	close(usr);
	close(shell);
}

static void failures_are_told_and_leave_nothing(void)
{
	int before = open_fds();
	char *argv[] = {(char[]){"x"}, NULL};
	int text = memfd_create("not a program", MFD_CLOEXEC);
	struct molo_spawn_request request = request_for(text, argv);

	claim(write(text, "hello", 5) == 5, "a file that is no program is written");
	fchmod(text, 0755);
	int writable = open("/proc/self/fd/0", O_PATH | O_CLOEXEC);
	close(writable);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", text);
	int readable = open(path, O_RDONLY | O_CLOEXEC);
	close(text); /* or exec says ETXTBSY */
	request.executable = readable;
	claim(molo_spawn(&request) == -ENOEXEC && request.failed_step == MOLO_SPAWN_EXEC,
	      "a failed exec is told with its errno");
	close(readable);

	request = request_for(999, argv);
	claim(molo_spawn(&request) == -EBADF && request.failed_step == MOLO_SPAWN_MOVE,
	      "a bad executable descriptor is told");
	int shell = open_program("/bin/sh");
	struct molo_spawn_fd bad = {998, 5};
	request = request_for(shell, argv);
	request.fds = &bad;
	request.fd_count = 1;
	claim(molo_spawn(&request) == -EBADF && request.failed_step == MOLO_SPAWN_MOVE,
	      "a bad source descriptor is told");
	request = request_for(shell, argv);
	request.cgroup = shell;
	claim(molo_spawn(&request) == -EBADF && request.failed_step == MOLO_SPAWN_CLONE,
	      "a cgroup that is none is told by clone3");
	request = request_for(shell, argv);
	request.namespaces = CLONE_NEWUSER;
	claim(molo_spawn(&request) == -EINVAL && request.failed_step == MOLO_SPAWN_REQUEST,
	      "CLONE_NEWUSER is refused");
	request = request_for(shell, argv);
	request.size = 8;
	claim(molo_spawn(&request) == -EINVAL, "a request of another size is refused");
	request = request_for(shell, argv);
	request.fd_count = MOLO_SPAWN_MAX_FDS + 1;
	claim(molo_spawn(&request) == -E2BIG, "too many descriptors are refused");
	close(shell);
	claim(open_fds() == before, "failures leave no descriptor");
	claim(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "failures leave no child");
}

static void namespaces_are_new(void)
{
	if (geteuid() != 0) {
		printf("skip  namespaces: needs root\n");
		return;
	}
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exec sleep 1000"}, NULL};
	char *path[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
	int shell = open_program("/bin/sh");
	struct molo_spawn_request request = request_for(shell, argv);
	request.envp = path;
	request.namespaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	int result = molo_spawn(&request);
	claim(result == 0, "a child is born into new net, ipc and uts namespaces");
	if (result != 0)
		return;
	static const char *const kinds[] = {"net", "ipc", "uts"};
	for (int i = 0; i < 3; i++) {
		char mine[64];
		char theirs[64];
		struct stat here;
		struct stat there;
		snprintf(mine, sizeof(mine), "/proc/self/ns/%s", kinds[i]);
		snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", request.pid, kinds[i]);
		claim(stat(mine, &here) == 0 && stat(theirs, &there) == 0 &&
			  here.st_ino != there.st_ino,
		      kinds[i]);
	}
	kill(request.pid, SIGKILL);
	claim(wait_for(&request) == 1000 + SIGKILL, "and ends by SIGKILL");
	close(shell);
}

static void *spawn_many(void *argument)
{
	int *shell = argument;
	char *argv[] = {(char[]){"true"}, NULL};
	long bad = 0;

	for (int i = 0; i < 100; i++) {
		struct molo_spawn_request request = request_for(*shell, argv);
		if (molo_spawn(&request) != 0 || wait_for(&request) != 0)
			bad++;
	}
	return (void *)bad;
}

static void threads_spawn_at_once(void)
{
	int before = open_fds();
	int program = open_program("/bin/true");
	pthread_t threads[8];
	long bad = 0;
	struct timespec start;
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, spawn_many, &program);
	for (int i = 0; i < 8; i++) {
		void *result;
		pthread_join(threads[i], &result);
		bad += (long)result;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	claim(bad == 0, "eight threads spawn a hundred programs each");
	double ms =
	    (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
	printf("      %.3f ms for a spawn with its exit\n", ms / 800);
	close(program);
	claim(open_fds() == before, "no descriptor is left");
}

int main(void)
{
	exit_code_comes_back();
	only_listed_descriptors_arrive();
	swapped_numbers_do_not_clobber();
	signals_are_reset();
	session_is_its_own();
	working_directory_is_set();
	failures_are_told_and_leave_nothing();
	namespaces_are_new();
	threads_spawn_at_once();
	printf("%s\n", failures == 0 ? "all claims hold" : "some claims do not hold");
	return failures == 0 ? 0 : 1;
}
