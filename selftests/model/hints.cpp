// SPDX-License-Identifier: GPL-2.0
/*
 * The hints that save zaps: whoever takes something away from windows looks
 * whether a window may have it at all, and where. They are written and read
 * without a lock, within the protocol of sequence.cpp.
 */
#include "model.hpp"

/* Owners: the page at which the fault is, another one, more than one. */
#define OURS	1
#define OTHERS	2
#define MANY	3

enum {
	AS_IT_IS,
	NO_NOTE,
	NOTE_TOO_LATE,
	NOTE_BY_STORE,
	FIRST_OWNER_STAYS,
	LAST_OWNER_STAYS,
	NO_FAULT_BARRIER,
	NO_REMOVAL_BARRIER,
	NO_SECOND_LOOK,
	HINT_READ_EARLY,
	FORGET_LATE,
};

enum {
	FILLED,
	WENT_AGAIN,
	NOTED,
	NOTED_ALREADY,
	NOTED_MANY,
	PROVIDED,
	SPARED,
	ZAPPED,
	ZAPPED_OTHERS,
	ZAP_MET_NO_PTE,
};

static const char stale[] = "a PTE maps what was taken away";

/* How an execution begins. */
struct scenario {
	const char *name;
	int attempts;		/* that the fault makes */
	bool region;		/* the hint is regions' bits, not an owner */
	u64 hint;		/* its first value; if set, the PTE is there */
	u64 other;		/* what the other fault notes */
	bool provides;		/* the fault gives the real page its frame */
	bool forgets;		/* all is zapped and forgotten first */
};

static struct scenario scenario;

/*
 * A CPU that faults: window_fault(), the walk, vmmu_shadow_note_walk() with
 * vmmu_frame_note_owner(), vmmu_shadow_insert(). CPUs that fault in another
 * page table, of which the note is all that matters here. And one that takes
 * away: vmmu_install() or vmmu_realmap_clear(), vmmu_realmap_invalidate(), and
 * vmmu_zap_entry() or vmmu_zap_frame() with vmmu_zap_flush().
 */
template<int others>
struct hints_model : rl::test_suite<hints_model<others>, 2 + others> {
	word sequence;
	word entry;		/* whether the guest and the VM grant anything */
	word slot;		/* whether the real page has a frame */
	word hint;
	rl::mutex pte_lock;
	rl::var<u64> pte;	/* under pte_lock */
	bool gone;

	void before()
	{
		sequence.init(0);
		entry.init(1);
		slot.init(!scenario.provides);
		hint.init(scenario.hint);
		pte($) = scenario.hint;
		gone = false;
	}

	void invariant()
	{
		rule(!gone || !pte($), stale);
	}

	void thread(unsigned int cpu)
	{
		if (cpu == 0)
			window_fault();
		else if (cpu == 1)
			remove();
		else
			note(scenario.other);
	}

	void window_fault()
	{
		for (int i = 0; i < scenario.attempts; i++) {
			u64 seq = smp_load_acquire(sequence);

			if (!READ_ONCE(entry))
				return;
			if (scenario.provides && !READ_ONCE(slot) &&
			    !cmpxchg_relaxed(slot, 0, 1))
				saw(PROVIDED);
			if (changed != NO_NOTE && changed != NOTE_TOO_LATE)
				note(OURS);
			if (vmmu_shadow_insert(seq))
				return;
			saw(WENT_AGAIN);
		}
	}

	/* The module's compare-and-exchange orders more than is needed. */
	void vmmu_frame_note_owner(u64 owner)
	{
		u64 old = READ_ONCE(hint);

		while (old != owner && old != MANY) {
			u64 found, value = old ? MANY : owner;

			if (old && changed == FIRST_OWNER_STAYS)
				return;
			if (old && changed == LAST_OWNER_STAYS)
				value = owner;
			if (changed == NOTE_BY_STORE) {
				WRITE_ONCE(hint, value);
				return;
			}
			found = cmpxchg_relaxed(hint, old, value);
			if (found == old) {
				saw(old ? NOTED_MANY : NOTED);
				return;
			}
			old = found;
		}
		saw(NOTED_ALREADY);
	}

	void note_bit(u64 bit)
	{
		u64 old = READ_ONCE(hint);

		if (old & bit) {
			saw(NOTED_ALREADY);
			return;
		}
		saw(NOTED);
		if (changed == NOTE_BY_STORE)
			WRITE_ONCE(hint, old | bit);
		else
			set_bit(bit, hint);
	}

	void note(u64 what)
	{
		if (scenario.region)
			note_bit(what);
		else
			vmmu_frame_note_owner(what);
	}

	bool vmmu_shadow_insert(u64 seq)
	{
		{
			step one;

			spin_lock(pte_lock);
			if (changed != NO_FAULT_BARRIER)
				smp_mb__after_spinlock();
		}
		step one;

		if (changed != NO_SECOND_LOOK && READ_ONCE(sequence) != seq) {
			spin_unlock(pte_lock);
			return false;
		}
		if (changed == NOTE_TOO_LATE)
			note(OURS);
		saw(FILLED);
		pte($) = 1;
		spin_unlock(pte_lock);
		return true;
	}

	void remove()
	{
		u64 found = 0;

		if (scenario.forgets)
			vmmu_zap_space();
		if (changed == HINT_READ_EARLY)
			found = read_hint();
		WRITE_ONCE(entry, 0);
		vmmu_realmap_invalidate();
		if (changed != HINT_READ_EARLY)
			found = read_hint();
		if (scenario.region ? found & OURS : found)
			unmap_mapping_pages(found);
		else
			saw(SPARED);
		gone = true;
	}

	/* The owner is where the frame is. */
	u64 read_hint()
	{
		if (scenario.provides && !READ_ONCE(slot))
			return 0;
		return READ_ONCE(hint);
	}

	void vmmu_zap_space()
	{
		if (changed != FORGET_LATE)
			WRITE_ONCE(hint, 0);
		vmmu_realmap_invalidate();
		if (changed == FORGET_LATE)
			WRITE_ONCE(hint, 0);
		unmap_mapping_pages(MANY);
	}

	void vmmu_realmap_invalidate()
	{
		inc_return_release(sequence);
		if (changed != NO_REMOVAL_BARRIER)
			smp_mb();
	}

	/* Of the whole region, or at the owner's page. */
	void unmap_mapping_pages(u64 where)
	{
		step one;

		spin_lock(pte_lock);
		if (where == OTHERS) {
			saw(ZAPPED_OTHERS);
		} else {
			saw(pte($) ? ZAPPED : ZAP_MET_NO_PTE);
			pte($) = 0;
		}
		spin_unlock(pte_lock);
	}
};

static const change order[] = {
	{ NO_NOTE, "nothing is noted", stale },
	{ NOTE_TOO_LATE, "the note comes after the second look", stale },
	{ NO_FAULT_BARRIER, "no barrier in the fault", stale },
	{ NO_SECOND_LOOK, "no second look at the sequence", stale },
	{ HINT_READ_EARLY, "the hint is read before the bump", stale },
	{ NO_REMOVAL_BARRIER, "no barrier before the hint is read", stale },
	{}
};

static const change barriers[] = {
	{ NO_FAULT_BARRIER, "no barrier in the fault", stale },
	{ NO_REMOVAL_BARRIER, "no barrier before the hint is read", stale },
	{}
};

static const change owner_changes[] = {
	{ NOTE_BY_STORE, "the owner is noted by a plain store", stale },
	{ FIRST_OWNER_STAYS, "the first owner stays the only one", stale },
	{ LAST_OWNER_STAYS, "the last owner becomes the only one", stale },
	{}
};

static const change bit_changes[] = {
	{ NOTE_BY_STORE, "the bit is set by a plain store", stale },
	{}
};

static const change forget_changes[] = {
	{ FORGET_LATE, "the bits are cleared after the bump", stale },
	{}
};

static const event noted_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "went again" },
	{ NOTED, "noted" },
	{ ZAPPED, "zapped" },
	{ SPARED, "spared" },
	{}
};

static const event provided_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "went again" },
	{ PROVIDED, "provided" },
	{ ZAPPED, "zapped" },
	{ SPARED, "spared" },
	{}
};

static const event twice_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "gave up" },
	{ NOTED_ALREADY, "noted already" },
	{ ZAPPED, "zapped" },
	{ SPARED, "spared" },
	{}
};

static const event owners_events[] = {
	{ FILLED, "filled" },
	{ WENT_AGAIN, "gave up" },
	{ NOTED_MANY, "noted many" },
	{ ZAPPED, "zapped" },
	{ ZAPPED_OTHERS, "zapped the other" },
	{ SPARED, "spared" },
	{}
};

static const struct scenario
	owner = {
		.name = "an owner",
		.attempts = 2,
	},
	new_frame = {
		.name = "a new frame's owner",
		.attempts = 2,
		.provides = true,
	},
	owner_twice = {
		.name = "an owner noted twice",
		.attempts = 1,
		.other = OURS,
	},
	owners = {
		.name = "two owners",
		.attempts = 1,
		.other = OTHERS,
	},
	region = {
		.name = "a region",
		.attempts = 2,
		.region = true,
	},
	region_twice = {
		.name = "a region noted twice",
		.attempts = 1,
		.region = true,
		.other = OURS,
	},
	regions = {
		.name = "two regions in a word",
		.attempts = 1,
		.region = true,
		.other = OTHERS,
	},
	forgotten = {
		.name = "a region forgotten",
		.attempts = 1,
		.region = true,
		.hint = OURS,
		.forgets = true,
	};

int main(int argc, char **argv)
{
	suite suite("hints", argc, argv);

	scenario = owner;
	suite.holds<hints_model<0> >(scenario.name, noted_events);
	suite.breaks<hints_model<0> >(scenario.name, order);
	scenario = new_frame;
	suite.holds<hints_model<0> >(scenario.name, provided_events);
	suite.breaks<hints_model<0> >(scenario.name, barriers);
	scenario = owner_twice;
	suite.holds<hints_model<1> >(scenario.name, twice_events);
	suite.breaks<hints_model<1> >(scenario.name, barriers);
	scenario = owners;
	suite.holds<hints_model<1> >(scenario.name, owners_events);
	suite.breaks<hints_model<1> >(scenario.name, owner_changes);
	scenario = region;
	suite.holds<hints_model<0> >(scenario.name, noted_events);
	suite.breaks<hints_model<0> >(scenario.name, order);
	scenario = region_twice;
	suite.holds<hints_model<1> >(scenario.name, twice_events);
	suite.breaks<hints_model<1> >(scenario.name, barriers);
	scenario = regions;
	suite.holds<hints_model<1> >(scenario.name, noted_events);
	suite.breaks<hints_model<1> >(scenario.name, bit_changes);
	scenario = forgotten;
	suite.holds<hints_model<0> >(scenario.name, noted_events);
	suite.breaks<hints_model<0> >(scenario.name, forget_changes);
	return suite.end();
}
