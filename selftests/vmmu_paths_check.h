/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a VM is in the state of the model, see trapping_paths.c. */
#ifndef VMMU_PATHS_CHECK_H
#define VMMU_PATHS_CHECK_H

#include "vmmu_paths.h"

#define ASKED		32	/* addresses of each space, at a time */
#define RUNS		1024	/* mappings that are compared */

/*
 * @is_table: by the model
 * @flags: of each page's entry in the real map table; ~0: it has no frame
 * @access: what is asked of translate
 * @runs: mappings of a part of one space
 */
struct state {
	bool is_table[PAGES];
	__u32 flags[PAGES];
	struct model_access access[SPACES][ASKED];
	int mapper;
	__u64 first;
	struct vmmu_mapping runs[RUNS];
	__u32 nr_runs;
};

/* The flags of all pages. */
static inline bool read_real_map(struct vm *v, __u32 flags[PAGES])
{
	static struct vmmu_real_map_entry entries[PAGES];
	struct vmmu_real_map m;

	memset(flags, 0xff, PAGES * sizeof(*flags));
	if (_real_map(v->fd, 0, ~0ULL, PAGES, entries, &m) || m.ra != REAL)
		return false;
	for (__u32 i = 0; i < m.done; i++)
		flags[entries[i].ra / PAGE] = entries[i].flags &
			(VMMU_REAL_TABLE | VMMU_REAL_WRITABLE);
	return true;
}

/* Tables, and which pages have frames: @first is the state of the first VM. */
static inline void check_pages(struct vm *v, const struct state *first)
{
	__u32 flags[PAGES];

	VM_CHECK(v, read_real_map(v, flags));
	for (int i = 0; i < PAGES && !v->broken; i++) {
		bool has = flags[i] != ~0U, first_has = first->flags[i] != ~0U;

		if (has && flags[i] != (first->is_table[i] && !v->path->lazy ?
					CLOSED : DATA))
			VM_CHECK(v, !"a table's state");
		if (v->path->lazy && has)
			VM_CHECK(v, first_has);
		if (!v->path->lazy && !v->path->parts &&
		    (v->settles || !v->path->late))
			VM_CHECK(v, has == first_has);
		if (v->broken)
			printf("# page %#x: flags %x, the first VM's %x, table %d\n",
			       i, flags[i], first->flags[i], first->is_table[i]);
	}
}

/* What is in memory; that of pages without a frame is left alone. */
static inline void check_memory(struct world *w, struct vm *v)
{
	__u32 flags[PAGES];

	VM_CHECK(v, read_real_map(v, flags));
	for (int i = 0; i < PAGES && !v->broken; i++) {
		unsigned char *is = w->mem + i * PAGE;

		if (flags[i] == ~0U)
			VM_CHECK(v, all_bytes(is, 0, PAGE));
		else if (memcmp(v->mem + i * PAGE, is, PAGE))
			VM_CHECK(v, !"what is in a page");
		for (int k = 0; v->broken && k < 512; k++)
			if (flags[i] == ~0U || *word_of(v, i * PAGE + k * 8) !=
			    *model_word(w, i * PAGE + k * 8))
				printf("# ra %#llx: %#llx, not %#llx\n",
				       i * PAGE + k * 8, flags[i] == ~0U ? 0 :
				       *word_of(v, i * PAGE + k * 8),
				       *model_word(w, i * PAGE + k * 8));
	}
}

static inline bool same_answer(const struct vmmu_translation *t,
			       const struct model_result *r)
{
	int reason = t->reason == VMMU_REASON_NOT_BACKED ? VMMU_REASON_NONE :
							   t->reason;

	if (reason != r->reason || t->level != r->level ||
	    t->error_code != r->error_code)
		return false;
	if (r->end == MODEL_OK || r->end == MODEL_NO_PAGE)
		return t->ra == r->ra && t->page_shift == r->page_shift &&
		       t->rights == r->rights;
	return true;
}

static inline void check_answers(struct world *w, struct vm *v,
				 const struct state *state)
{
	for (int i = 0; i < SPACES * ASKED && !v->broken; i++) {
		const struct model *space = &w->spaces[i / ASKED];
		struct model_access a = state->access[i / ASKED][i % ASKED];
		struct vmmu_translation t;
		struct model_result r;

		model_translate(space, &a, &r);
		VM_CHECK(v, !_translate(v->spaces[i / ASKED], a.user ? USER : 0,
					a.access, a.va, &t));
		if (!same_answer(&t, &r))
			VM_CHECK(v, !"an answer");
		if (r.end == MODEL_OK)
			VM_CHECK(v, !(t.flags & VMMU_TRANSLATED_BACKED) ==
				 (real_flags(v->fd, r.ra) == ~0U));
		if (v->broken)
			printf("# space %d, va %#llx: reason %d at level %d, not %d at %d\n",
			       i / ASKED, a.va, t.reason, t.level, r.reason,
			       r.level);
	}
}

/* The mappings of a GiB of one space; they may be more. */
static inline __u32 read_mappings(struct vm *v, const struct state *state,
				  struct vmmu_mapping *runs)
{
	struct vmmu_mappings m;
	__u64 va = state->first;
	__u32 nr = 0;

	do {
		VM_CHECK(v, !_mappings(v->spaces[state->mapper], va,
				       state->first + GIB - 1, RUNS - nr,
				       runs + nr, &m));
		nr += m.done;
		va = m.va;
	} while (!v->broken && m.more && nr < RUNS);
	return nr;
}

static inline void check_mappings(struct vm *v, const struct state *state)
{
	static struct vmmu_mapping runs[RUNS];
	__u32 nr = read_mappings(v, state, runs);

	VM_CHECK(v, nr == state->nr_runs);
	VM_CHECK(v, !memcmp(runs, state->runs, nr * sizeof(*runs)));
}

/* How many VMs are not what they should be. */
static inline int check_all(struct test *t)
{
	static struct state state;
	struct world *w = &t->w;
	int wrong = 0;

	memset(state.is_table, 0, sizeof(state.is_table));
	for (int i = 0; i <= SPACES; i++)
		find_tables(w, &w->spaces[i], state.is_table);
	for (int i = 0; i < SPACES * ASKED; i++)
		state.access[i / ASKED][i % ASKED] =
			random_access(w, &w->spaces[i / ASKED]);
	state.mapper = dice(w, SPACES);
	state.first = likely_va(w, &w->spaces[state.mapper]) & ~(GIB - 1);
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		struct vm *v = &t->vms[i];
		struct vmmu_audit a;

		/* Asking settles what was late. */
		check_answers(w, v, &state);
		if (!i) {
			VM_CHECK(v, read_real_map(v, state.flags));
			state.nr_runs = read_mappings(v, &state, state.runs);
		}
		check_pages(v, &state);
		check_memory(w, v);
		check_mappings(v, &state);
		VM_CHECK(v, !_audit(v->fd, &a) && !a.wrong && !a.tables_wrong);
		wrong += !!v->broken;
	}
	return wrong;
}

/* After the others: nothing is a table any more, and nothing is charged for it. */
static inline void check_rest(struct vm *v)
{
	struct vmmu_vm_info i;
	__u32 flags[PAGES];

	VM_CHECK(v, read_real_map(v, flags));
	for (int k = 0; k < PAGES; k++)
		VM_CHECK(v, flags[k] == ~0U || flags[k] == DATA);
	VM_CHECK(v, !_vm_info(v->fd, &i));
	VM_CHECK(v, i.charged_bytes == (i.frames + i.tables) * PAGE);
}

#endif /* VMMU_PATHS_CHECK_H */
