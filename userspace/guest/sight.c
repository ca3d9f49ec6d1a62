// SPDX-License-Identifier: GPL-2.0
/*
 * What is seen of page-table entries that change, by somebody who stands outside
 * of the guest OS: its memory, before and after; the real map table and the VM's
 * ledger, before and after; and what the module tells a monitor of it.
 *
 * A monitor is who reads a trap file to which records of installs go. Nobody
 * waits for this one (VMMU_DELIVER_NOTIFY).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

static const uint32_t kinds[] = { VMMU_TRAP_STORE, VMMU_TRAP_HYPERCALL };

static void note(struct sights *sights, int err)
{
	if (err && !sights->err)
		sights->err = err;
}

/* Look at what becomes of @program's page table, until sights_end(). */
void sights_begin(struct sights *sights, const struct program *program)
{
	unsigned int i;
	int trap = vmmu_trap_create(program->guest->vm);

	sights->monitor = trap;
	sights->nr = 0;
	if (trap < 0) {
		note(sights, trap);
		return;
	}
	if (fcntl(trap, F_SETFL, O_NONBLOCK))
		note(sights, -errno);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		note(sights, vmmu_set_delivery_of(program->space, kinds[i],
						  VMMU_DELIVER_NOTIFY, trap));
}

/* With the trap file goes the wish for records. */
void sights_end(struct sights *sights)
{
	if (sights->monitor >= 0)
		close(sights->monitor);
	sights->monitor = -1;
}

static uint64_t load(const struct program *program, uint64_t ra)
{
	return *(volatile uint64_t *)(program->guest->memory + ra);
}

/* Whether somebody looks, and what follows has a place. */
static bool open_for(const struct sights *sights, unsigned int nr)
{
	return sights->monitor >= 0 && sights->nr + nr <= ARRAY_SIZE(sights->of);
}

/*
 * These are about to change. Where an entry lies is known only once the tables
 * above it are in force: sights_after(); a table that is not was empty before.
 */
void sights_before(struct sights *sights, const struct program *program,
		   const struct vmmu_install_op *ops, unsigned int nr)
{
	struct vmmu_ledger ledger;
	unsigned int i;
	int err;

	if (!open_for(sights, nr))
		return;
	err = vmmu_ledger(program->guest->vm, &ledger);
	for (i = 0; i < nr && !err; i++) {
		struct sight *sight = &sights->of[sights->nr + i];

		*sight = (struct sight){
			.op = ops[i],
			.ra = table_entry_ra(program, &ops[i]),
			.ledger_before = ledger,
		};
		if (!entry_find(program, &ops[i], &sight->entry_ra))
			sight->old = load(program, sight->entry_ra);
		err = look_real(program->guest, sight->ra, &sight->before);
	}
	note(sights, err);
}

/* They have changed. */
void sights_after(struct sights *sights, const struct program *program,
		  unsigned int nr)
{
	struct vmmu_ledger ledger;
	unsigned int i;
	int err;

	if (!open_for(sights, nr))
		return;
	err = vmmu_ledger(program->guest->vm, &ledger);
	for (i = 0; i < nr && !err; i++) {
		struct sight *sight = &sights->of[sights->nr + i];

		sight->ledger_after = ledger;
		err = look_real(program->guest, sight->ra, &sight->after);
		if (!err)
			err = entry_find(program, &sight->op, &sight->entry_ra);
		if (!err)
			err = look_real(program->guest, sight->entry_ra,
					&sight->table);
		if (err)
			break;
		sight->now = load(program, sight->entry_ra);
		sight->told = vmmu_trap_read(sights->monitor, &sight->record,
					     1) == 1;
	}
	sights->nr += i;
	note(sights, err);
}

/* Entries that the module has changed, or seen to change. */
uint64_t nr_installs(const struct vmmu_ledger *ledger)
{
	return ledger->by_hypercall + ledger->by_store + ledger->by_reread +
	       ledger->by_rollback + ledger->by_discard;
}

/* Whether the record says what happened, to whom it happened. */
static bool is_told_rightly(const struct sight *sight,
			    const struct program *program)
{
	const struct vmmu_trap_record *record = &sight->record;
	unsigned int shift = vmmu_table_level_shift(program->table.format,
						    sight->op.level);
	uint32_t kind = program->guest->way == WAY_STORES ?
			VMMU_TRAP_STORE : VMMU_TRAP_HYPERCALL;

	return sight->told && record->kind == kind &&
	       record->level == sight->op.level &&
	       record->va >> shift == sight->op.va >> shift &&
	       record->entry == sight->entry_ra && record->ra == sight->ra &&
	       record->old == sight->old && record->new == sight->op.value &&
	       record->tid == getpid();
}

/* What each way has to do to the ledger, which counts a batch as a whole. */
static bool is_counted_rightly(const struct sight *sight, enum way way,
			       unsigned int nr)
{
	const struct vmmu_ledger *before = &sight->ledger_before;
	const struct vmmu_ledger *after = &sight->ledger_after;
	uint64_t traps = after->traps - before->traps;
	uint64_t by_store = after->by_store - before->by_store;
	uint64_t by_call = after->by_hypercall - before->by_hypercall;
	bool other = nr_installs(after) - nr_installs(before) !=
		     by_store + by_call || after->opens != before->opens;

	switch (way) {
	case WAY_STORES:
		return !other && traps == 1 && by_store == 1 && !by_call;
	case WAY_HYPERCALLS:
		return !other && !traps && !by_store && by_call == 1;
	case WAY_BATCHES:
		return !other && !traps && !by_store && by_call == nr;
	default:
		return !other && !traps && !by_store && !by_call;
	}
}

/* The record's frame is the one that the real map table has. */
static bool has_its_frame(const struct sight *sight)
{
	return sight->after.present &&
	       (sight->record.flags & VMMU_TRAP_FRAME_HIDDEN ?
		sight->after.hidden :
		sight->record.frame == sight->after.frame);
}

void check_sights(struct checks *checks, const struct sights *sights,
		  const struct program *program)
{
	enum way way = program->guest->way;
	unsigned int i;

	for (i = 0; i < sights->nr; i++) {
		const struct sight *sight = &sights->of[i];

		check(checks, sight->now == sight->op.value,
		      "an entry that was changed is what it was to become");
		check(checks, is_counted_rightly(sight, way, sights->nr),
		      "the ledger counts an entry as the way of changing it is");
		check(checks, sight->table.protected == (way == WAY_STORES),
		      "a page table is write-protected where stores trap");
		if (way == WAY_LAZY) {
			check(checks, !sight->told,
			      "nobody hears of an entry that is stored lazily");
			continue;
		}
		check(checks, is_told_rightly(sight, program),
		      "a monitor is told of each entry that changes");
		check(checks, has_its_frame(sight),
		      "what an entry refers to has its frame, and the monitor is told it");
	}
}
