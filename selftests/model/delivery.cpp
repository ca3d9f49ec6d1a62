// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery: a thread finds without a lock where its fault goes, and sleeps
 * there much later. Meanwhile the space may stop delivering there, begin again,
 * or the trap file may be closed: then the thread must not sleep, since nobody
 * would wake it.
 */
#include "model.hpp"

enum {
	AS_IT_IS,
	NO_SECOND_LOOK,
	NO_ACQUIRE,
	NO_RELEASE,
	NO_EPOCH_CHECK,
	NO_CLOSED_CHECK,
	BUMP_FIRST,
	WAKE_WITHOUT_BUMP,
};

enum {
	SIGNALLED,
	LOOKED_AGAIN,
	SLEPT,
	REFUSED,
	WOKEN,
};

static const char forgotten[] = "a thread sleeps where nobody delivers";

/* What happens beside the fault. */
struct scenario {
	const char *name;
	bool binds_again;
	bool closes;
};

static struct scenario scenario;

/*
 * CPU 0 faults: queue_of(), and enqueue() on its way back to user mode. CPU 1
 * runs set_delivery(), to signals and perhaps back to records, or closes the trap
 * file: put_queue(), vmmu_trapq_unbind(), vmmu_trapq_close(). There is one queue;
 * the space's pointer to it is 1, or 0 for signals.
 */
struct delivery_model : rl::test_suite<delivery_model, 2> {
	word trapq;
	word epoch;
	word closed;
	rl::mutex lock;
	bool sleeps;		/* under lock */
	bool bound_since;	/* the space delivers since the thread sleeps */

	void before()
	{
		trapq.init(1);
		epoch.init(0);
		closed.init(0);
		sleeps = false;
		bound_since = false;
	}

	void after()
	{
		rule(!sleeps || bound_since, forgotten);
	}

	void thread(unsigned int cpu)
	{
		u64 seen_epoch;

		if (cpu == 0 && queue_of(&seen_epoch))
			enqueue(seen_epoch);
		else if (cpu == 1 && scenario.closes)
			vmmu_trapq_close();
		else if (cpu == 1)
			set_delivery();
	}

	bool queue_of(u64 *seen_epoch)
	{
		u64 queue, again = READ_ONCE(trapq);

		do {
			queue = again;
			if (!queue)
				break;
			*seen_epoch = changed == NO_ACQUIRE ?
				READ_ONCE(epoch) : smp_load_acquire(epoch);
			if (changed == NO_SECOND_LOOK)
				break;
			again = READ_ONCE(trapq);
			if (again != queue)
				saw(LOOKED_AGAIN);
		} while (again != queue);
		if (queue && !READ_ONCE(closed))
			return true;
		saw(SIGNALLED);
		return false;
	}

	void enqueue(u64 seen_epoch)
	{
		step one;

		spin_lock(lock);
		if ((READ_ONCE(closed) && changed != NO_CLOSED_CHECK) ||
		    (READ_ONCE(epoch) != seen_epoch &&
		     changed != NO_EPOCH_CHECK)) {
			saw(REFUSED);
		} else {
			saw(SLEPT);
			sleeps = true;
			bound_since = trapq.newest() && !closed.newest();
		}
		spin_unlock(lock);
	}

	void set_delivery()
	{
		if (changed == BUMP_FIRST)
			vmmu_trapq_unbind();
		WRITE_ONCE(trapq, 0);
		bound_since = false;
		if (changed != BUMP_FIRST)
			vmmu_trapq_unbind();
		if (scenario.binds_again)
			smp_store_release(trapq, 1);
	}

	void vmmu_trapq_unbind()
	{
		step one;

		spin_lock(lock);
		if (changed == NO_RELEASE)
			WRITE_ONCE(epoch, 1);
		else if (changed != WAKE_WITHOUT_BUMP)
			smp_store_release(epoch, 1);
		wake();
		spin_unlock(lock);
	}

	void vmmu_trapq_close()
	{
		step one;

		spin_lock(lock);
		WRITE_ONCE(closed, 1);
		bound_since = false;
		wake();
		spin_unlock(lock);
	}

	void wake()
	{
		if (sleeps)
			saw(WOKEN);
		sleeps = false;
	}
};

static const change stop_changes[] = {
	{ NO_SECOND_LOOK, "no second look at the space", forgotten },
	{ NO_ACQUIRE, "the second look may come first", forgotten },
	{ NO_RELEASE, "the epoch may be seen to move first", forgotten },
	{ NO_EPOCH_CHECK, "no look at the epoch under the lock", forgotten },
	{ BUMP_FIRST, "the epoch moves first", forgotten },
	{ WAKE_WITHOUT_BUMP, "the epoch does not move", forgotten },
	{}
};

static const change close_changes[] = {
	{ NO_CLOSED_CHECK, "no look under the lock whether it is closed", forgotten },
	{}
};

static const event stop_events[] = {
	{ SIGNALLED, "signalled" },
	{ LOOKED_AGAIN, "looked again" },
	{ SLEPT, "slept" },
	{ REFUSED, "refused" },
	{ WOKEN, "woken" },
	{}
};

static const event close_events[] = {
	{ SIGNALLED, "signalled" },
	{ SLEPT, "slept" },
	{ REFUSED, "refused" },
	{ WOKEN, "woken" },
	{}
};

static const struct scenario
	stops = {
		.name = "a space that stops",
	},
	begins_again = {
		.name = "a space that stops and begins again",
		.binds_again = true,
	},
	closes = {
		.name = "a trap file that is closed",
		.closes = true,
	};

int main(int argc, char **argv)
{
	suite suite("delivery", argc, argv);

	scenario = stops;
	suite.holds<delivery_model>(scenario.name, stop_events);
	suite.breaks<delivery_model>(scenario.name, stop_changes);
	scenario = begins_again;
	suite.holds<delivery_model>(scenario.name, stop_events);
	scenario = closes;
	suite.holds<delivery_model>(scenario.name, close_events);
	suite.breaks<delivery_model>(scenario.name, close_changes);
	return suite.end();
}
