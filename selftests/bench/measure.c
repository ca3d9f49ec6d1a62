// SPDX-License-Identifier: GPL-2.0
/* How a row is measured: in a process of its own, by the least of its repeats. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

uint64_t rdtsc_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t start = rdtsc(), ticks = rdtsc() - start;

		if (ticks < least)
			least = ticks;
	}
	return least;
}

void settle(void)
{
	usleep(50000);
}

int allow_files(unsigned int nr)
{
	/* Some more for what the process has anyway. */
	const struct rlimit limit = { nr + 64, nr + 64 };

	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

/* The least ticks of all repeats: what no interrupt came into. */
static int least_ticks(int (*prepare)(void), int (*run)(void), int (*check)(void),
		       unsigned int repeats, uint64_t *least)
{
	uint64_t cost = rdtsc_cost();

	*least = UINT64_MAX;
	/* The first run warms up what the kernel caches. */
	for (unsigned int i = 0; i <= repeats; i++) {
		int ret = prepare ? prepare() : 0;
		uint64_t start, ticks;

		if (ret)
			return ret;
		start = rdtsc();
		ret = run();
		ticks = rdtsc() - start - cost;
		if (!ret && check)
			ret = check();
		if (ret)
			return ret;
		if (i && ticks < *least)
			*least = ticks;
	}
	return 0;
}

static int measure(const struct row *row, unsigned int repeats, double *value)
{
	uint64_t ticks, around = 0;
	int ret = row->begin ? row->begin() : 0;

	if (ret)
		return ret;
	if (row->measure)
		return row->measure(value);
	ret = least_ticks(row->prepare, row->run, row->check, repeats, &ticks);
	if (!ret && row->around)
		ret = least_ticks(NULL, row->around, NULL, repeats, &around);
	*value = ((double)ticks - around) / row->nr;
	return ret;
}

/* The child takes what it made with it. */
struct outcome measure_row(const struct row *row, unsigned int repeats)
{
	struct outcome outcome = { .ret = -EPIPE };
	int pipes[2], status;
	pid_t pid;

	if (pipe(pipes)) {
		outcome.ret = -errno;
		return outcome;
	}
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		outcome.ret = measure(row, repeats, &outcome.value);
		if (write(pipes[1], &outcome, sizeof(outcome)) != sizeof(outcome))
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	if (pid < 0)
		outcome.ret = -errno;
	else if (read(pipes[0], &outcome, sizeof(outcome)) != sizeof(outcome))
		outcome.ret = -EPIPE;	/* it died */
	close(pipes[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return outcome;
}

const char *outcome_reason(const struct outcome *outcome)
{
	if (outcome->ret == SKIP)
		return "not in this kernel";
	return outcome->ret == -EPIPE ? "the process died" :
					strerror(-outcome->ret);
}
