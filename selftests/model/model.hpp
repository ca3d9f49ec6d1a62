/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the models of the module's lock-free protocols have in common: the
 * kernel's atomic accesses and barriers, and the search through executions.
 *
 * A model is a class whose thread() is what each of a few CPUs does, under the
 * names that the module's functions have. relacy takes the CPUs' steps in every
 * order, lets each load return every value that weak memory may have for it,
 * and asks for invariant() after each step. How far that goes:
 *
 * - smp_mb() is a seq_cst fence, cmpxchg() and xchg() have one on both sides
 *   where they succeed, and a lock acquires and releases and is no more.
 * - No store gets ahead of a load that the same CPU makes before it. The kernel
 *   allows that where the two are independent; in the protocols none is: the
 *   store is made or not by what was loaded, or a barrier is in between.
 * - relacy remembers the last three values of a word. A load that might return
 *   an older one ends the search, as a failure of the model itself.
 */
#ifndef MODEL_HPP
#define MODEL_HPP

#include <relacy/relacy.hpp>

typedef unsigned long u64;

/* What is out of order, or 0: the model is as it is. Fixed during a search. */
static int changed;

/* CPUs that a model has at most. */
#define MODEL_CPUS	4

/* How often each event was met in a search, and the rule that was broken. */
#define MODEL_EVENTS	16
static u64 seen[MODEL_EVENTS];
static const char *broken;

static inline void saw(int event)
{
	seen[event]++;
}

static inline void model_rule(bool holds, const char *text,
			      rl::debug_info_param info)
{
	if (holds)
		return;
	broken = text;
	rl::ctx().fail_test(text, rl::test_result_user_assert_failed, info);
}

#define rule(holds, text)	model_rule(holds, text, $)

/* A word of memory that CPUs share without a lock. */
class word {
public:
	word() : stores(0)
	{
		memset(own, 0, sizeof(own));
	}

	/* In before(), where the first values are set. */
	void init(u64 first)
	{
		value.store(first, rl::mo_relaxed, $);
	}

	/* The last value, for rules: no CPU can know it. */
	u64 newest() const
	{
		return value.debug_value();
	}

	u64 load(rl::memory_order order, rl::debug_info_param info)
	{
		model_rule(stores - own[rl::thread_index()] <
			   rl::atomic_history_size,
			   "a word of the model has too many values", info);
		return value.load(order, info);
	}

	void store(u64 entry, rl::memory_order order, rl::debug_info_param info)
	{
		value.store(entry, order, info);
		stored();
	}

	u64 exchange(u64 entry, rl::memory_order order,
		     rl::debug_info_param info)
	{
		u64 old = value.exchange(entry, order, info);

		stored();
		return old;
	}

	u64 fetch_or(u64 bits, rl::debug_info_param info)
	{
		u64 old = value.fetch_or(bits, rl::mo_relaxed, info);

		stored();
		return old;
	}

	u64 add_return(u64 add, rl::memory_order order,
		       rl::debug_info_param info)
	{
		u64 old = value.fetch_add(add, order, info);

		stored();
		return old + add;
	}

	u64 compare_exchange(u64 old, u64 entry, rl::debug_info_param info)
	{
		if (value.compare_exchange_strong(old, entry, rl::mo_relaxed,
						  info))
			stored();
		return old;
	}

private:
	rl::atomic<u64> value;
	unsigned int stores;
	unsigned int own[MODEL_CPUS];	/* each CPU's last one */

	void stored()
	{
		own[rl::thread_index()] = ++stores;
	}
};

/*
 * Accesses that are one step, which keeps the search small. Nobody can tell
 * whether other CPUs' steps come in between when it is a lock that is taken
 * with the first access under it, or accesses to what only the lock's holder
 * touches and its release. A barrier joins the exchange beside it: were it a
 * step earlier, others could only be made to see more.
 */
class step {
public:
	step()
	{
		rl::ctx().sched();
		rl::ctx().disable_preemption();
	}

	~step()
	{
		rl::ctx().enable_preemption();
	}
};

/* Macros, since relacy's record of an execution shows the caller's line. */
#define READ_ONCE(x)		((x).load(rl::mo_relaxed, $))
#define WRITE_ONCE(x, y)	((x).store(y, rl::mo_relaxed, $))
#define smp_load_acquire(x)	((x).load(rl::mo_acquire, $))
#define smp_store_release(x, y)	((x).store(y, rl::mo_release, $))
#define inc_return_release(x)	((x).add_return(1, rl::mo_release, $))
#define inc_return_relaxed(x)	((x).add_return(1, rl::mo_relaxed, $))
#define dec_return_relaxed(x)	((x).add_return(-1UL, rl::mo_relaxed, $))
#define set_bit(bits, x)	((void)(x).fetch_or(bits, $))
#define xchg(x, y)		model_xchg(x, y, $)
#define xchg_relaxed(x, y)	((x).exchange(y, rl::mo_relaxed, $))
#define cmpxchg(x, old, y)	model_cmpxchg(x, old, y, $)
#define cmpxchg_relaxed(x, old, y) ((x).compare_exchange(old, y, $))
#define smp_mb()		rl::atomic_thread_fence(rl::mo_seq_cst, $)
#define smp_mb__after_spinlock() smp_mb()
#define spin_lock(x)		((x).lock($))
#define spin_unlock(x)		((x).unlock($))

/*
 * The value is an address: accesses through it come after the load. relacy
 * takes that for an acquire, so nothing else may hang on such a load.
 */
#define READ_ONCE_ADDRESS(x)	((x).load(rl::mo_consume, $))

static inline u64 model_xchg(word &word, u64 entry, rl::debug_info_param info)
{
	step one;
	u64 old;

	rl::atomic_thread_fence(rl::mo_seq_cst, info);
	old = word.exchange(entry, rl::mo_relaxed, info);
	rl::atomic_thread_fence(rl::mo_seq_cst, info);
	return old;
}

/* One that fails orders nothing. */
static inline u64 model_cmpxchg(word &word, u64 old, u64 entry,
				rl::debug_info_param info)
{
	step one;
	bool succeeds = word.newest() == old;

	if (succeeds)
		rl::atomic_thread_fence(rl::mo_seq_cst, info);
	old = word.compare_exchange(old, entry, info);
	if (succeeds)
		rl::atomic_thread_fence(rl::mo_seq_cst, info);
	return old;
}

/* Something that a model leaves out or does otherwise, and must not. */
struct change {
	int what;
	const char *name;
	const char *breaks;	/* the rule */
};

/* Something that has to happen in some execution of the model as it is. */
struct event {
	int what;
	const char *name;
};

/* The tests of a program. */
class suite {
public:
	suite(const char *name, int argc, char **argv)
		: name(name), show(false), only(""), count(0), failed(0)
	{
		for (int i = 1; i < argc; i++)
			argument(argv[i]);
		printf("TAP version 13\n");
	}

	/*
	 * Search the model as it is: no execution may break a rule, and each
	 * of the events has to be met. The list ends with {}.
	 */
	template<class model>
	void holds(const char *title, const event *events)
	{
		const change nothing = { 0, "holds", 0 };

		examine<model>(title, nothing, events);
	}

	/*
	 * Search it with one change after the other: some execution has to
	 * break the change's rule. The list ends with {}.
	 */
	template<class model>
	void breaks(const char *title, const change *changes)
	{
		for (; changes->name; changes++)
			examine<model>(title, *changes, 0);
	}

	/* The program's exit status. */
	int end()
	{
		printf("1..%u\n", count);
		if (!count)
			fprintf(stderr, "%s: no test has \"%s\" in its name\n",
				name, only);
		return failed || !count;
	}

private:
	const char *name;
	bool show;
	const char *only;
	unsigned int count;
	unsigned int failed;

	void argument(const char *text)
	{
		bool help = !strcmp(text, "--help") || !strcmp(text, "-h");

		if (!strcmp(text, "--show")) {
			show = true;
		} else if (*text != '-' && !*only) {
			only = text;
		} else {
			usage(help ? stdout : stderr);
			exit(help ? 0 : 2);
		}
	}

	void usage(FILE *file)
	{
		fprintf(file, "usage: build/model/%s [--show] [NAME]\n", name);
		fputs("\n"
		      "Search all executions of a model, as it is and with one thing changed at a\n"
		      "time. Prints TAP.\n"
		      "\n"
		      "  --show  print the execution in which a change breaks a rule; where the model\n"
		      "          as it is breaks one, that is printed anyway\n"
		      "  NAME    only the tests that have this in their names\n"
		      "\n"
		      "Exit status: 0 the model holds, and every change breaks it; 1 it is not so, or\n"
		      "there is no such test; 2 wrong usage.\n", file);
	}

	/*
	 * Search until an execution breaks a rule. By itself relacy's full
	 * search remembers two values of a word; three does only its random one.
	 */
	template<class model>
	void search(rl::test_params &params)
	{
		rl::test_result_e result;
		rl::ostringstream state;
		std::ostream nowhere(0);

		params.search_type = rl::sched_random;
		params.progress_stream = &nowhere;
		if (!params.collect_history)
			params.output_stream = &nowhere;
		broken = 0;
		memset(seen, 0, sizeof(seen));
		result = rl::run_test<model, rl::full_search_scheduler<
			model::params::thread_count> >(params, state,
						       params.collect_history);
		/* Rules of relacy's own are broken, too: a data race, say. */
		if (result != rl::test_result_success && !broken)
			broken = rl::test_result_str(result);
		params.initial_state = state.str();
	}

	template<class model>
	void examine(const char *title, const change &change, const event *events)
	{
		std::string test = std::string(name) + ": " + title + ": " +
				   change.name;
		rl::test_params params;
		bool ok;

		if (test.find(only) == std::string::npos)
			return;
		changed = change.what;
		search<model>(params);
		if (change.breaks)
			ok = broken && !strcmp(broken, change.breaks);
		else
			ok = !broken && met(events);
		count++;
		failed += !ok;
		printf("%sok %u - %s\n", ok ? "" : "not ", count, test.c_str());
		report(params, events);
		if (broken && (show || !ok))
			show_execution<model>(params);
		fflush(stdout);
	}

	bool met(const event *events)
	{
		for (; events->name; events++)
			if (!seen[events->what])
				return false;
		return true;
	}

	void report(const rl::test_params &params, const event *events)
	{
		unsigned long executions = params.stop_iteration;

		if (broken)
			printf("# execution %lu: %s", executions, broken);
		else
			printf("# holds in %lu executions", executions);
		for (; events && events->name; events++)
			printf(", %s %lu", events->name, seen[events->what]);
		printf("\n");
	}

	/* The execution that ended the search, once more. */
	template<class model>
	void show_execution(rl::test_params &params)
	{
		rl::ostringstream record;
		std::string line;

		params.collect_history = true;
		params.output_stream = &record;
		search<model>(params);
		std::istringstream lines(record.str().c_str());
		/* What follows is the same for each CPU alone. */
		while (std::getline(lines, line) && line != "thread 0:")
			printf("# %s\n", line.c_str());
	}
};

#endif /* MODEL_HPP */
