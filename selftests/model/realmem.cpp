// SPDX-License-Identifier: GPL-2.0
/*
 * Real memory: a fault against a discard. What a discard took away is mapped
 * nowhere, though faults find their frame without a lock.
 */
#include "model.hpp"

/* Of a fault. The second one brings a new frame, if the first was taken away. */
#define MAX_ATTEMPTS	2

enum {
	AS_IT_IS,
	NO_RECHECK,
	NO_PAGE_LOCK,
	UNLOCK_EARLY,
	GET_ANYWAY,
	NO_LOCK_PAIR,
	ZAP_FIRST,
};

enum {
	MAPPED,
	MAPPED_ALREADY,
	LEFT_TABLE,
	GOT_NONE,
	PROVIDED,
	ZAPPED,
	ZAP_MET_NO_TABLE,
	ZAP_MET_NO_PTE,
	FREED,
};

static const char detached_mapped[] = "a PTE maps a frame that was discarded";
static const char freed_used[] = "a frame is used after its last reference went";

/* A frame's struct page. */
struct page {
	rl::mutex lock;
	word refcount;
	bool detached;		/* its mapping is NULL */
	bool freed;
};

/*
 * CPU 0 faults: realmem_fault(), vmmu_realmap_get(), vmmu_realmap_provide(),
 * still_frame(), and the kernel's finish_fault(). CPU 1 discards:
 * vmmu_realmem_discard(), with vmmu_realmap_clear() for take_frames(),
 * release_frames(), and the kernel's unmap_mapping_pages(). Frames are called
 * by their numbers, of which 0 is none.
 */
struct realmem_model : rl::test_suite<realmem_model, 2> {
	word entry;		/* the real map table's: the frame */
	word pmd;		/* whether there is a page-table page */
	rl::mutex pte_lock;
	rl::var<u64> pte;	/* the frame; under pte_lock */
	page pages[3];

	void before()
	{
		entry.init(1);
		pmd.init(0);
		pte($) = 0;
		for (int frame = 1; frame <= 2; frame++) {
			pages[frame].refcount.init(1);
			pages[frame].detached = false;
			pages[frame].freed = false;
		}
	}

	void invariant()
	{
		u64 frame = pte($);

		rule(!frame || !pages[frame].detached, detached_mapped);
		rule(!frame || !pages[frame].freed, freed_used);
	}

	void thread(unsigned int cpu)
	{
		if (cpu)
			vmmu_realmem_discard();
		else
			realmem_fault();
	}

	void realmem_fault()
	{
		for (int i = 0; i < MAX_ATTEMPTS; i++) {
			u64 frame = vmmu_realmap_get();

			if (!frame) {
				vmmu_realmap_provide();
			} else if (lock_frame(frame)) {
				finish_fault(frame);
				return;
			}
		}
	}

	u64 vmmu_realmap_get()
	{
		u64 frame = READ_ONCE(entry);

		if (frame && get_page_unless_zero(frame))
			return frame;
		saw(GOT_NONE);
		return 0;
	}

	void vmmu_realmap_provide()
	{
		if (!READ_ONCE(entry) && !cmpxchg(entry, 0, 2))
			saw(PROVIDED);
	}

	/* The fault's part between having the frame and VM_FAULT_LOCKED. */
	bool lock_frame(u64 frame)
	{
		{
			step one;

			if (changed != NO_PAGE_LOCK)
				spin_lock(pages[frame].lock);
			if (changed == NO_RECHECK || still_frame(frame)) {
				if (changed == UNLOCK_EARLY)
					spin_unlock(pages[frame].lock);
				return true;
			}
			if (changed != NO_PAGE_LOCK)
				spin_unlock(pages[frame].lock);
		}
		saw(LEFT_TABLE);
		put_page(frame);
		return false;
	}

	bool still_frame(u64 frame)
	{
		return READ_ONCE(entry) == frame;
	}

	/* The fault's reference becomes the PTE's. */
	void finish_fault(u64 frame)
	{
		bool mapped;

		if (!READ_ONCE(pmd))
			WRITE_ONCE(pmd, 1);
		{
			step one;

			spin_lock(pte_lock);
			mapped = !pte($);
			if (mapped)
				pte($) = frame;
			spin_unlock(pte_lock);
			if (changed != NO_PAGE_LOCK && changed != UNLOCK_EARLY)
				spin_unlock(pages[frame].lock);
		}
		saw(mapped ? MAPPED : MAPPED_ALREADY);
		if (!mapped)
			put_page(frame);
	}

	void vmmu_realmem_discard()
	{
		u64 frame;

		if (changed == ZAP_FIRST)
			unmap_mapping_pages();
		frame = xchg(entry, 0);
		release_frame(frame);
	}

	void release_frame(u64 frame)
	{
		if (changed != NO_LOCK_PAIR) {
			step one;

			spin_lock(pages[frame].lock);
			spin_unlock(pages[frame].lock);
		}
		if (changed != ZAP_FIRST)
			unmap_mapping_pages();
		{
			step one;

			spin_lock(pages[frame].lock);
			pages[frame].detached = true;
			spin_unlock(pages[frame].lock);
		}
		put_page(frame);
	}

	void unmap_mapping_pages()
	{
		u64 frame;

		if (!READ_ONCE(pmd)) {
			saw(ZAP_MET_NO_TABLE);
			return;
		}
		{
			step one;

			spin_lock(pte_lock);
			frame = pte($);
			pte($) = 0;
			spin_unlock(pte_lock);
		}
		saw(frame ? ZAPPED : ZAP_MET_NO_PTE);
		if (frame)
			put_page(frame);
	}

	/* References need no order here: locks give it. */
	bool get_page_unless_zero(u64 frame)
	{
		step one;

		if (!pages[frame].refcount.newest() && changed != GET_ANYWAY)
			return false;
		rule(!pages[frame].freed, freed_used);
		inc_return_relaxed(pages[frame].refcount);
		return true;
	}

	void put_page(u64 frame)
	{
		rule(!pages[frame].freed, freed_used);
		if (dec_return_relaxed(pages[frame].refcount))
			return;
		saw(FREED);
		pages[frame].freed = true;
	}
};

static const change changes[] = {
	{ NO_RECHECK, "the fault does not look again under the page lock", detached_mapped },
	{ NO_PAGE_LOCK, "the fault does not lock the page", detached_mapped },
	{ UNLOCK_EARLY, "the fault unlocks the page before it is mapped", detached_mapped },
	{ GET_ANYWAY, "the fault takes a reference where there is none left", freed_used },
	{ NO_LOCK_PAIR, "the discard does not wait for the page lock", detached_mapped },
	{ ZAP_FIRST, "the discard zaps before it clears the entry", detached_mapped },
	{}
};

static const event events[] = {
	{ MAPPED, "mapped" },
	{ LEFT_TABLE, "left the table" },
	{ GOT_NONE, "got none" },
	{ PROVIDED, "provided" },
	{ ZAPPED, "zapped" },
	{ ZAP_MET_NO_TABLE, "zap met no table" },
	{ ZAP_MET_NO_PTE, "zap met no PTE" },
	{ FREED, "freed" },
	{}
};

int main(int argc, char **argv)
{
	suite suite("realmem", argc, argv);

	suite.holds<realmem_model>("a fault and a discard", events);
	suite.breaks<realmem_model>("a fault and a discard", changes);
	return suite.end();
}
