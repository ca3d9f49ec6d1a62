// SPDX-License-Identifier: GPL-2.0
/*
 * The real map table: tables and frames that two CPUs bring at once, and
 * entries that are cleared while they are marked accessed or dirty.
 */
#include "model.hpp"

enum {
	AS_IT_IS,
	TABLE_BY_STORE,
	TABLE_UNORDERED,
	OWN_TABLE,
	LOSER_KEEPS_TABLE,
	FRAME_BY_STORE,
	FRAME_UNORDERED,
	LOSER_KEEPS_FRAME,
	MARK_BY_STORE,
	MARK_ONCE,
	CLEAR_BY_STORE,
};

enum {
	SET,
	LOST_TABLE,
	LOST_FRAME,
	FOUND_TABLE,
	FOUND_FRAME,
	MARKED,
	MARKED_ALREADY,
	MARKED_AGAIN,
	MET_CLEARED,
	CLEARED,
	CLEARED_MARKED,
};

static const char no_frame[] = "a real page has no frame, though it was provided";
static const char leaked[] = "a page is neither in the tree nor freed";
static const char freed_used[] = "a page in the tree is freed";
static const char old_contents[] = "a page shows what was in it before";
static const char revived[] = "an entry that was cleared is back";
static const char lost_mark[] = "a mark is neither in the entry nor in what was cleared";
static const char two_owners[] = "two clears return one frame";

/* What a page has in it that was not zeroed. */
#define OLD_CONTENTS	99

/*
 * Two CPUs that need the same real page: vmmu_realmap_provide(), set() and
 * provide_table(), and then vmmu_realmap_lookup() and a load through what was
 * found. A tree of one table, whose slot at the page's index is what matters.
 * CPU n brings table and frame n + 1; 0 is none.
 */
struct provide_model : rl::test_suite<provide_model, 2> {
	word root;
	word slot[3];		/* in each table */
	word contents[3];	/* of each frame */
	bool table_made[3], table_freed[3];
	bool frame_made[3], frame_freed[3];

	void before()
	{
		root.init(0);
		for (int i = 0; i < 3; i++) {
			slot[i].init(OLD_CONTENTS);
			contents[i].init(OLD_CONTENTS);
			table_made[i] = table_freed[i] = false;
			frame_made[i] = frame_freed[i] = false;
		}
	}

	void thread(unsigned int cpu)
	{
		u64 frame;

		vmmu_realmap_provide(cpu + 1);
		frame = vmmu_realmap_lookup();
		rule(frame, no_frame);
		rule(!READ_ONCE(contents[frame]), old_contents);
	}

	void after()
	{
		u64 table = root.newest(), frame = slot[table].newest();

		rule(!table_freed[table] && !frame_freed[frame], freed_used);
		for (u64 i = 1; i < 3; i++) {
			rule(!table_made[i] || table_freed[i] || i == table,
			     leaked);
			rule(!frame_made[i] || frame_freed[i] || i == frame,
			     leaked);
		}
	}

	u64 vmmu_realmap_lookup()
	{
		u64 table = READ_ONCE_ADDRESS(root), frame;

		if (!table)
			return 0;
		frame = READ_ONCE_ADDRESS(slot[table]);
		rule(frame != OLD_CONTENTS, old_contents);
		return frame;
	}

	void vmmu_realmap_provide(u64 mine)
	{
		if (vmmu_realmap_lookup()) {
			saw(FOUND_FRAME);
			return;
		}
		frame_made[mine] = true;
		WRITE_ONCE(contents[mine], 0);
		if (set(mine)) {
			saw(SET);
			return;
		}
		saw(LOST_FRAME);
		frame_freed[mine] = changed != LOSER_KEEPS_FRAME;
	}

	/* False: there is a frame already. */
	bool set(u64 frame)
	{
		u64 table = provide_table(frame);

		if (changed == FRAME_BY_STORE) {
			if (READ_ONCE(slot[table]))
				return false;
			smp_mb();
			WRITE_ONCE(slot[table], frame);
			return true;
		}
		if (changed == FRAME_UNORDERED)
			return !cmpxchg_relaxed(slot[table], 0, frame);
		return !cmpxchg(slot[table], 0, frame);
	}

	u64 provide_table(u64 mine)
	{
		u64 table = READ_ONCE_ADDRESS(root);

		if (table) {
			saw(FOUND_TABLE);
			return table;
		}
		table_made[mine] = true;
		WRITE_ONCE(slot[mine], 0);
		if (changed == TABLE_BY_STORE) {
			smp_mb();
			WRITE_ONCE(root, mine);
			return mine;
		}
		if (changed == TABLE_UNORDERED)
			table = cmpxchg_relaxed(root, 0, mine);
		else
			table = cmpxchg(root, 0, mine);
		if (!table)
			return mine;
		saw(LOST_TABLE);
		table_freed[mine] = changed != LOSER_KEEPS_TABLE;
		return changed == OWN_TABLE ? mine : table;
	}
};

#define PRESENT		1UL
#define WRITABLE	2UL
#define ACCESSED	32UL
#define DIRTY		64UL
#define ENTRY(frame)	((u64)(frame) << 12 | PRESENT | WRITABLE)
#define FRAME(entry)	((entry) >> 12)

/* Whether a clear is followed by a new frame for the same page. */
static bool provides;

/*
 * CPUs that mark an entry, one as accessed and one as dirty:
 * vmmu_realmap_mark(). CPUs that clear it, and may provide a new frame:
 * vmmu_realmap_clear() and set().
 */
template<int marks, int clears>
struct mark_model : rl::test_suite<mark_model<marks, clears>, marks + clears> {
	word slot;
	bool met_cleared[marks];
	u64 returned[2];	/* by each clear */

	void before()
	{
		slot.init(ENTRY(1));
		memset(met_cleared, 0, sizeof(met_cleared));
		memset(returned, 0, sizeof(returned));
	}

	void invariant()
	{
		u64 frame = FRAME(slot.newest());

		rule(!frame || (frame != FRAME(returned[0]) &&
				frame != FRAME(returned[1])), revived);
		rule(!returned[0] || returned[0] != returned[1], two_owners);
	}

	void after()
	{
		u64 all = slot.newest() | returned[0] | returned[1];

		for (int cpu = 0; cpu < marks; cpu++)
			rule(met_cleared[cpu] || (all & bits_of(cpu)),
			     lost_mark);
	}

	void thread(unsigned int cpu)
	{
		if (cpu < marks)
			met_cleared[cpu] = !vmmu_realmap_mark(bits_of(cpu));
		else
			clear(&returned[cpu - marks]);
	}

	static u64 bits_of(int cpu)
	{
		return cpu ? DIRTY : ACCESSED;
	}

	/* False: there is no entry. */
	bool vmmu_realmap_mark(u64 bits)
	{
		u64 old = READ_ONCE(slot);

		while (old && (old & bits) != bits) {
			u64 found = old;

			if (changed == MARK_BY_STORE)
				WRITE_ONCE(slot, old | bits);
			else
				found = cmpxchg(slot, old, old | bits);
			if (found == old) {
				saw(MARKED);
				break;
			}
			saw(MARKED_AGAIN);
			old = found;
			if (changed == MARK_ONCE)
				break;
		}
		if (!old)
			saw(MET_CLEARED);
		return old;
	}

	void clear(u64 *entry)
	{
		*entry = vmmu_realmap_clear();
		if (*entry)
			saw(CLEARED);
		if (*entry & (ACCESSED | DIRTY))
			saw(CLEARED_MARKED);
		if (provides && !READ_ONCE(slot))
			cmpxchg(slot, 0, ENTRY(2));
	}

	u64 vmmu_realmap_clear()
	{
		u64 old = READ_ONCE(slot);

		if (!old)
			return 0;
		if (changed != CLEAR_BY_STORE)
			return xchg(slot, 0);
		WRITE_ONCE(slot, 0);
		return old;
	}
};

static void check_provide(suite &suite)
{
	static const char name[] = "two provide a page";
	static const change changes[] = {
		{ TABLE_BY_STORE, "the table is set by a plain store", leaked },
		{ TABLE_UNORDERED, "the table is set without order", old_contents },
		{ OWN_TABLE, "the loser goes on with its own table", leaked },
		{ LOSER_KEEPS_TABLE, "the loser does not free its table", leaked },
		{ FRAME_BY_STORE, "the frame is set by a plain store", leaked },
		{ FRAME_UNORDERED, "the frame is set without order", old_contents },
		{ LOSER_KEEPS_FRAME, "the loser does not free its frame", leaked },
		{}
	};
	static const event events[] = {
		{ SET, "set" },
		{ FOUND_FRAME, "found a frame" },
		{ LOST_FRAME, "lost a frame" },
		{ FOUND_TABLE, "found a table" },
		{ LOST_TABLE, "lost a table" },
		{}
	};

	suite.holds<provide_model>(name, events);
	suite.breaks<provide_model>(name, changes);
}

static void check_marks(suite &suite)
{
	static const change two_marks[] = {
		{ MARK_BY_STORE, "the mark is a plain store", revived },
		{ MARK_ONCE, "the mark is tried only once", lost_mark },
		{ CLEAR_BY_STORE, "the clear is a load and a store", lost_mark },
		{}
	};
	static const change two_clears[] = {
		{ CLEAR_BY_STORE, "the clear is a load and a store", two_owners },
		{}
	};
	static const event events[] = {
		{ MARKED, "marked" },
		{ MARKED_AGAIN, "tried again" },
		{ MET_CLEARED, "met a cleared entry" },
		{ CLEARED, "cleared" },
		{ CLEARED_MARKED, "cleared a marked one" },
		{}
	};

	suite.holds<mark_model<2, 1> >("two marks and a clear", events);
	suite.breaks<mark_model<2, 1> >("two marks and a clear", two_marks);
	suite.holds<mark_model<1, 2> >("a mark and two clears", events);
	suite.breaks<mark_model<1, 2> >("a mark and two clears", two_clears);
	provides = true;
	suite.holds<mark_model<1, 1> >("a mark, a clear, a new frame", events);
}

int main(int argc, char **argv)
{
	suite suite("realmap", argc, argv);

	check_provide(suite);
	check_marks(suite);
	return suite.end();
}
