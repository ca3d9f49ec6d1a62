// SPDX-License-Identifier: GPL-2.0
/*
 * Progress on a terminal, and the first Ctrl-C. The second one ends the
 * program at once, as the first does elsewhere.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

static volatile sig_atomic_t signalled;

static struct {
	bool terminal;
	bool shown;
	time_t next;
} line;

static void note(int signal)
{
	(void)signal;
	signalled = 1;
}

static time_t now(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

void progress_begin(void)
{
	struct sigaction action = {
		.sa_handler = note,
		.sa_flags = SA_RESETHAND | SA_RESTART,
	};
	struct sigaction before;

	/* Whoever has it ignored, as nohup may, wants it ignored. */
	if (!sigaction(SIGINT, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
	line.terminal = isatty(STDERR_FILENO);
	line.next = now() + 1;
}

bool interrupted(void)
{
	return signalled;
}

void progress_wait(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	sigset_t interrupt, before;

	/* Between the look at the flag and the sleep the signal has to wait. */
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &before);
	if (!signalled)
		ppoll(&wanted, 1, NULL, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void progress_show(const char *format, ...)
{
	va_list arguments;

	if (!line.terminal || now() < line.next)
		return;
	fflush(stdout);
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	line.shown = true;
	line.next = now() + 1;
}

void progress_clear(void)
{
	if (line.shown)
		fputs("\r\033[K", stderr);
	line.shown = false;
}

void progress_end(void)
{
	if (!signalled)
		return;
	fflush(stdout);
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
}
