// SPDX-License-Identifier: GPL-2.0
/*
 * How much more several threads do at once than one: the ratio of throughputs,
 * by wall-clock time. Each thread is bound to a CPU of its own.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cli.h"
#include "threads.h"

static const char about[] =
"Have one thread work, and as many as there are CPUs, each the same work, and\n"
"print a JSON object a line for each kind of work: how many times as much all do\n"
"in the same time: name, what, note, unit, threads, and value, the median of the\n"
"repeats, with the least and the most of them, and best, which is the ratio of\n"
"the shortest times; or skipped or failed with the reason.\n"
"\n"
"The time is that of the clock: the machine should do nothing else, and the VM be\n"
"one without --icount, without what finds bugs, and without CPUs that sleep, which\n"
"takes an emulated one long to end: selftests/vm/run --smp 2 --append\n"
"'idle=poll slub_debug=- page_poison=0 mitigations=off' -- build/bench/threads.\n"
"threads_plain tells what the machine itself gives.\n";

/* What the process that measures tells. */
struct spread {
	unsigned int repeats;
	double least, most, best;
};

/**
 * struct worker - a thread
 * @number: its own, and its CPU among those that there are.
 * @start: when its work began, in seconds.
 * @end: when it ended.
 * @ret: what the work returned.
 */
struct worker {
	unsigned int number;
	pthread_t thread;
	double start, end;
	int ret;
};

static unsigned int nr_threads;
static int cpus[MOST_THREADS];
static const struct load *current;
static struct spread *spread;

/* Threads that are not ready yet. */
static unsigned int missing;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void *work(void *data)
{
	struct worker *worker = data;

	__atomic_fetch_sub(&missing, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&missing, __ATOMIC_SEQ_CST))
		;
	worker->start = now();
	worker->ret = current->run(worker->number);
	worker->end = now();
	return NULL;
}

static int start(struct worker *worker)
{
	pthread_attr_t attributes;
	cpu_set_t set;
	int error;

	CPU_ZERO(&set);
	CPU_SET(cpus[worker->number], &set);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
	error = pthread_create(&worker->thread, &attributes, work, worker);
	pthread_attr_destroy(&attributes);
	return -error;
}

/* Seconds from the first thread's start to the last one's end; or -errno. */
static double run(unsigned int nr)
{
	struct worker workers[MOST_THREADS] = {};
	int ret = current->prepare ? current->prepare() : 0;
	double first, last;

	if (ret)
		return ret;
	settle();
	missing = nr;
	for (unsigned int i = 0; i < nr; i++) {
		workers[i].number = i;
		ret = start(&workers[i]);
		/* Those that wait for it do so for ever, but the process ends. */
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < nr; i++) {
		pthread_join(workers[i].thread, NULL);
		ret = ret ?: workers[i].ret;
	}
	first = workers[0].start;
	last = workers[0].end;
	for (unsigned int i = 1; i < nr; i++) {
		first = fmin(first, workers[i].start);
		last = fmax(last, workers[i].end);
	}
	return ret ?: last - first;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

/*
 * One thread and all, in turns, so that what else the machine does falls upon
 * both alike.
 */
static int measure(double *value)
{
	const unsigned int repeats = spread->repeats;
	double ratios[repeats], least_one = HUGE_VAL, least_all = HUGE_VAL;
	int ret = current->begin(nr_threads);

	for (unsigned int i = 0; !ret && i <= repeats; i++) {
		double one = run(1), all = one < 0 ? one : run(nr_threads);

		if (all < 0)
			ret = all;
		/* The first ones make what the kernel keeps. */
		if (ret || !i)
			continue;
		ratios[i - 1] = nr_threads * one / all;
		least_one = fmin(least_one, one);
		least_all = fmin(least_all, all);
	}
	if (ret)
		return ret;
	qsort(ratios, repeats, sizeof(*ratios), compare);
	*value = (ratios[(repeats - 1) / 2] + ratios[repeats / 2]) / 2;
	spread->least = ratios[0];
	spread->most = ratios[repeats - 1];
	spread->best = nr_threads * least_one / least_all;
	return 0;
}

static void find_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set) && nr_threads < MOST_THREADS)
			cpus[nr_threads++] = cpu;
	}
}

static const char *name(unsigned int i)
{
	return loads[i].name;
}

static const char *what(unsigned int i)
{
	return loads[i].what;
}

static void add(struct json_object *line, const char *key, const char *text)
{
	if (text)
		json_object_object_add(line, key, json_object_new_string(text));
}

static void add_number(struct json_object *line, const char *key, double value)
{
	json_object_object_add(line, key, json_object_new_double(value));
}

static bool report(unsigned int i, unsigned int repeats)
{
	static const struct row row = { .measure = measure };
	struct json_object *line = json_object_new_object();
	struct outcome outcome = { .ret = SKIP };

	current = &loads[i];
	spread->repeats = repeats;
	if (nr_threads > 1)
		outcome = measure_row(&row, repeats);
	add(line, "name", current->name);
	add(line, "what", current->what);
	add(line, "note", current->note);
	add(line, "unit", "ratio");
	json_object_object_add(line, "threads", json_object_new_int(nr_threads));
	if (!outcome.ret) {
		add_number(line, "value", outcome.value);
		add_number(line, "least", spread->least);
		add_number(line, "most", spread->most);
		add_number(line, "best", spread->best);
	} else if (nr_threads < 2) {
		add(line, "skipped", "needs two CPUs");
	} else {
		add(line, outcome.ret == SKIP ? "skipped" : "failed",
		    outcome_reason(&outcome));
	}
	puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(line);
	return !outcome.ret || outcome.ret == SKIP;
}

int main(int argc, char **argv)
{
	static const struct cli cli = {
		.program = "threads", .about = about, .repeats = 9,
		.name = name, .what = what, .act = report,
	};

	find_cpus();
	spread = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spread == MAP_FAILED) {
		perror("threads: mmap");
		return 1;
	}
	return cli_run(&cli, argc, argv);
}
