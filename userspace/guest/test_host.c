// SPDX-License-Identifier: GPL-2.0
/* Tests of what keeps a program from the host: nothing there is to be reached. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void host_calls_are_none_of_the_guests(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_HOST_CALLS);
	expect(program->state == PROGRAM_EXITED);
	expect(program->status == 0);
	guest_halt(&guest);
}

static void host_call_of_32_bits_is_none_either(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_HOST_CALL_32);
	/* Linux can be built to know no such calls. */
	if (program->state == PROGRAM_KILLED)
		expect(strstr(program->obituary, "Segmentation fault"));
	else
		expect(program->status == 0);
	expect(program->space < 0);
	guest_halt(&guest);
}

static void nothing_is_mapped_but_the_window(void)
{
	unsigned long start, end;
	unsigned int windows = 0;
	struct program *program;
	char path[64], line[512];
	struct guest guest;
	FILE *maps;

	program = run_probe(&guest, 64, PROBE_WAIT);
	snprintf(path, sizeof(path), "/proc/%d/maps", program->cpu.pid);
	maps = fopen(path, "r");
	expect(maps);
	while (fgets(line, sizeof(line), maps)) {
		/* A page of Linux's own at a fixed address, in old style. */
		if (strstr(line, "[vsyscall]"))
			continue;
		expect(sscanf(line, "%lx-%lx", &start, &end) == 2);
		expect(strstr(line, "vmmu"));
		expect(start == TEXT_START && end == ENTER_VA);
		windows++;
	}
	expect(!ferror(maps));
	fclose(maps);
	expect(windows == 1);
	guest_halt(&guest);
}

static void no_file_is_open(void)
{
	struct program *program;
	struct dirent *entry;
	struct guest guest;
	char path[64];
	DIR *fds;

	program = run_probe(&guest, 64, PROBE_WAIT);
	snprintf(path, sizeof(path), "/proc/%d/fd", program->cpu.pid);
	fds = opendir(path);
	expect(fds);
	while ((entry = readdir(fds)))
		expect(entry->d_name[0] == '.');
	closedir(fds);
	guest_halt(&guest);
}

/* Were it not traced any more, the first system call would kill it. */
static void filter_is_the_second_lock(void)
{
	struct program *program;
	struct guest guest;
	int status;

	program = run_probe(&guest, 64, PROBE_WAIT);
	expect(!ptrace(PTRACE_DETACH, program->cpu.pid, NULL, NULL));
	expect(waitpid(program->cpu.pid, &status, 0) == program->cpu.pid);
	program->cpu.pid = 0;
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	guest_halt(&guest);
}

/* A signal that somebody sends is none of the program's business. */
static void signals_from_outside_are_ignored(void)
{
	static const int signals[] = { SIGINT, SIGSEGV, SIGTSTP, SIGUSR1 };
	struct program *program;
	struct guest guest;
	size_t i;

	program = run_probe(&guest, 64, PROBE_WAIT);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		expect(!kill(program->cpu.pid, signals[i]));
		program_wake(program);
		expect(!guest_run(&guest));
		expect(program->state == PROGRAM_WAITING);
	}
	guest_halt(&guest);
}

static void process_that_is_gone_is_noticed(void)
{
	struct program *program;
	struct guest guest;

	program = run_probe(&guest, 64, PROBE_WAIT);
	expect(!kill(program->cpu.pid, SIGKILL));
	program_wake(program);
	expect(!guest_run(&guest));
	expect(program->state == PROGRAM_KILLED);
	expect(strstr(program->obituary, "Killed"));
	expect(guest.pages.nr_free == 63);
	guest_halt(&guest);
}

/* Whether the process does not run any more: gone, or a zombie. */
static bool is_gone(pid_t pid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "r");
	if (!stat)
		return true;
	if (fscanf(stat, "%*d %*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(stat);
	return state == 'Z' || state == 'X';
}

static void programs_die_with_their_guest(void)
{
	struct program *program;
	struct guest guest;
	int pipes[2], i;
	pid_t os, pid = 0;

	expect(!pipe(pipes));
	os = fork();
	expect(os >= 0);
	if (!os) {
		program = run_probe(&guest, 64, PROBE_WAIT);
		if (write(pipes[1], &program->cpu.pid, sizeof(pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	expect(read(pipes[0], &pid, sizeof(pid)) == sizeof(pid));
	close(pipes[0]);
	close(pipes[1]);
	expect(!is_gone(pid));
	expect(!kill(os, SIGKILL));
	expect(waitpid(os, NULL, 0) == os);
	for (i = 0; i < 1000 && !is_gone(pid); i++)
		usleep(10000);
	expect(is_gone(pid));
}

const struct test host_tests[] = {
	TEST(host_calls_are_none_of_the_guests),
	TEST(host_call_of_32_bits_is_none_either),
	TEST(nothing_is_mapped_but_the_window),
	TEST(no_file_is_open),
	TEST(filter_is_the_second_lock),
	TEST(signals_from_outside_are_ignored),
	TEST(process_that_is_gone_is_noticed),
	TEST(programs_die_with_their_guest),
	{ }
};
