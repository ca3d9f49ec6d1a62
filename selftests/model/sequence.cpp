// SPDX-License-Identifier: GPL-2.0
/*
 * The invalidation sequence, by which a fault in a window takes no lock that
 * removals take, and yet no host PTE outlives what it is based on.
 */
#include "model.hpp"

enum {
	AS_IT_IS,
	NO_FAULT_BARRIER,
	NO_PTE_LOCK,
	NO_SECOND_LOOK,
	NO_ACQUIRE,
	LOOK_AFTER_WALK,
	OVERWRITE,
	NO_REMOVAL_BARRIER,
	NO_RELEASE,
	BUMP_AFTER_ZAP,
	BUMP_BEFORE_CHANGE,
};

enum {
	FILLED,
	FILLED_ALREADY,
	LEFT_OLD_FRAME,
	WENT_AGAIN,
	GAVE_UP,
	MADE_TABLE,
	ZAPPED,
	ZAP_MET_NO_TABLE,
	ZAP_MET_NO_PTE,
};

static const char stale[] = "a PTE maps a frame that was reused";
static const char race[] = "DATA RACE";	/* in relacy's words */
static const char two_frames[] = "a PTE's frame changes without a flush";

/* How an execution begins. */
struct scenario {
	const char *name;
	bool table;		/* there is a page-table page */
	u64 mapped;		/* the frame that the PTE maps, or 0 */
	u64 becomes[2];		/* what each removal changes the entry to */
	int attempts;		/* that a fault makes */
};

static struct scenario scenario;

/*
 * CPUs that fault: window_fault(), vmmu_realmap_sequence(), the walk and
 * vmmu_realmap_lookup() as one entry that holds a frame, vmmu_shadow_insert()
 * and the kernel's __pte_alloc(). CPUs that remove: vmmu_install() or
 * vmmu_realmap_clear(), vmmu_realmap_invalidate(), and the kernel's
 * unmap_mapping_pages(). The frame that was taken out is reused then.
 */
template<int faults, int removals, int others = 0>
struct sequence_model
	: rl::test_suite<sequence_model<faults, removals, others>,
			 faults + removals + others> {
	word sequence;
	word entry;		/* the frame that guest and VM grant, or 0 */
	word pmd;		/* whether there is a page-table page */
	rl::mutex pmd_lock;
	rl::mutex pte_lock;
	rl::var<u64> pte;	/* the frame; under pte_lock */
	u64 cached;		/* the frame that TLBs may hold */
	bool reused[3];

	void before()
	{
		sequence.init(0);
		entry.init(1);
		pmd.init(scenario.table);
		pte($) = cached = scenario.mapped;
		memset(reused, 0, sizeof(reused));
	}

	void invariant()
	{
		rule(!reused[pte($)], stale);
	}

	void thread(unsigned int cpu)
	{
		if (cpu < faults)
			window_fault();
		else if (cpu < faults + removals)
			remove(scenario.becomes[cpu - faults]);
		else
			pte_alloc();
	}

	void window_fault()
	{
		for (int i = 0; i < scenario.attempts; i++) {
			u64 seq, frame = 0;

			if (changed == LOOK_AFTER_WALK)
				frame = READ_ONCE(entry);
			seq = changed == NO_ACQUIRE ?
				READ_ONCE(sequence) : smp_load_acquire(sequence);
			if (changed != LOOK_AFTER_WALK)
				frame = READ_ONCE(entry);
			if (!frame || vmmu_shadow_insert(frame, seq))
				return;
			saw(WENT_AGAIN);
		}
		saw(GAVE_UP);
	}

	bool vmmu_shadow_insert(u64 frame, u64 seq)
	{
		bool locks = changed != NO_PTE_LOCK;
		bool same;

		if (!scenario.table && !READ_ONCE(pmd))
			pte_alloc();
		{
			step one;

			if (locks)
				spin_lock(pte_lock);
			if (changed != NO_FAULT_BARRIER)
				smp_mb__after_spinlock();
		}
		step one;

		same = changed == NO_SECOND_LOOK || READ_ONCE(sequence) == seq;
		if (same)
			fill(frame);
		if (locks)
			spin_unlock(pte_lock);
		return same;
	}

	void fill(u64 frame)
	{
		u64 old = pte($);

		if (old && changed != OVERWRITE) {
			saw(old == frame ? FILLED_ALREADY : LEFT_OLD_FRAME);
			return;
		}
		saw(FILLED);
		rule(!cached || cached == frame, two_frames);
		pte($) = cached = frame;
	}

	void pte_alloc()
	{
		step one;

		spin_lock(pmd_lock);
		if (!READ_ONCE(pmd)) {
			saw(MADE_TABLE);
			WRITE_ONCE(pmd, 1);
		}
		spin_unlock(pmd_lock);
	}

	/* The change needs no order of its own: the sequence's release is it. */
	void remove(u64 becomes)
	{
		u64 old;

		if (changed == BUMP_BEFORE_CHANGE)
			vmmu_realmap_invalidate();
		old = xchg_relaxed(entry, becomes);
		if (changed != BUMP_BEFORE_CHANGE && changed != BUMP_AFTER_ZAP)
			vmmu_realmap_invalidate();
		unmap_mapping_pages();
		if (changed == BUMP_AFTER_ZAP)
			vmmu_realmap_invalidate();
		if (old)
			reused[old] = true;
	}

	void vmmu_realmap_invalidate()
	{
		if (changed == NO_RELEASE)
			inc_return_relaxed(sequence);
		else
			inc_return_release(sequence);
		if (changed != NO_REMOVAL_BARRIER)
			smp_mb();
	}

	void unmap_mapping_pages()
	{
		if (!scenario.table && !READ_ONCE(pmd)) {
			saw(ZAP_MET_NO_TABLE);
			return;
		}
		step one;

		spin_lock(pte_lock);
		saw(pte($) ? ZAPPED : ZAP_MET_NO_PTE);
		pte($) = cached = 0;
		spin_unlock(pte_lock);
	}
};

static const change order[] = {
	{ NO_SECOND_LOOK, "no second look at the sequence", stale },
	{ NO_ACQUIRE, "the sequence is read without acquire", stale },
	{ LOOK_AFTER_WALK, "the sequence is read after the walk", stale },
	{ NO_RELEASE, "the sequence is moved without release", stale },
	{ BUMP_AFTER_ZAP, "the sequence is moved after the zap", stale },
	{ BUMP_BEFORE_CHANGE, "the sequence is moved before the change", stale },
	{}
};

/* They are for the zap that meets no table, and so takes no lock. */
static const change barriers[] = {
	{ NO_FAULT_BARRIER, "no barrier in the fault", stale },
	{ NO_REMOVAL_BARRIER, "no barrier in the removal", stale },
	{}
};

static const change lock[] = {
	{ NO_PTE_LOCK, "no page-table lock in the fault", race },
	{}
};

static const change overwrite[] = {
	{ OVERWRITE, "a present PTE is overwritten", two_frames },
	{}
};

static const event table_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "went again" },
	{ ZAPPED, "zapped" },
	{ ZAP_MET_NO_PTE, "zap met no PTE" },
	{}
};

static const event made_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "went again" },
	{ MADE_TABLE, "made a table" },
	{ ZAPPED, "zapped" },
	{ ZAP_MET_NO_PTE, "zap met no PTE" },
	{ ZAP_MET_NO_TABLE, "zap met no table" },
	{}
};

static const event frame_events[] = {
	{ FILLED, "filled" },
	{ LEFT_OLD_FRAME, "left the old frame" },
	{ WENT_AGAIN, "went again" },
	{ ZAPPED, "zapped" },
	{}
};

static const event two_faults_events[] = {
	{ FILLED, "filled" },
	{ FILLED_ALREADY, "filled already" },
	{ GAVE_UP, "gave up" },
	{ ZAPPED, "zapped" },
	{ ZAP_MET_NO_PTE, "zap met no PTE" },
	{}
};

static const event two_removals_events[] = {
	{ FILLED, "filled" },
	{ GAVE_UP, "gave up" },
	{ ZAPPED, "zapped" },
	{ ZAP_MET_NO_PTE, "zap met no PTE" },
	{}
};

static const struct scenario
	table_there = {
		.name = "the table is there",
		.table = true,
		.attempts = 2,
	},
	table_made = {
		.name = "the fault makes the table",
		.attempts = 2,
	},
	other_makes = {
		.name = "another fault makes the table",
		.attempts = 1,
	},
	other_frame = {
		.name = "another frame comes",
		.table = true,
		.mapped = 1,
		.becomes = { 2 },
		.attempts = 2,
	},
	two_faults = {
		.name = "two faults",
		.table = true,
		.attempts = 1,
	},
	two_removals = {
		.name = "two removals",
		.table = true,
		.becomes = { 0, 2 },
		.attempts = 1,
	};

int main(int argc, char **argv)
{
	suite suite("sequence", argc, argv);

	scenario = table_there;
	suite.holds<sequence_model<1, 1> >(scenario.name, table_events);
	suite.breaks<sequence_model<1, 1> >(scenario.name, order);
	suite.breaks<sequence_model<1, 1> >(scenario.name, lock);
	scenario = table_made;
	suite.holds<sequence_model<1, 1> >(scenario.name, made_events);
	suite.breaks<sequence_model<1, 1> >(scenario.name, order);
	suite.breaks<sequence_model<1, 1> >(scenario.name, barriers);
	scenario = other_makes;
	suite.holds<sequence_model<1, 1, 1> >(scenario.name, made_events);
	suite.breaks<sequence_model<1, 1, 1> >(scenario.name, barriers);
	scenario = other_frame;
	suite.holds<sequence_model<1, 1> >(scenario.name, frame_events);
	suite.breaks<sequence_model<1, 1> >(scenario.name, overwrite);
	scenario = two_faults;
	suite.holds<sequence_model<2, 1> >(scenario.name, two_faults_events);
	suite.breaks<sequence_model<2, 1> >(scenario.name, order);
	scenario = two_removals;
	suite.holds<sequence_model<1, 2> >(scenario.name, two_removals_events);
	suite.breaks<sequence_model<1, 2> >(scenario.name, order);
	return suite.end();
}
