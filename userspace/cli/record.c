// SPDX-License-Identifier: GPL-2.0
/*
 * Records of installs in words: who stored what where, and what it established.
 */
#include <inttypes.h>

#include "record.h"

static bool establishes(const struct vmmu_trap_record *record)
{
	return record->outcome == VMMU_OUTCOME_TABLE ||
		record->outcome == VMMU_OUTCOME_PAGE;
}

/* Whether @va is one: a table may serve nowhere that is known. */
static bool has_va(const struct vmmu_trap_record *record)
{
	return record->va || !(record->flags & VMMU_TRAP_SHARED);
}

static void print_place(const struct vmmu_trap_record *record, uint32_t format)
{
	if (record->tid)
		printf("thread %-6d ", record->tid);
	else
		printf("%-13s ", "some thread");
	printf("space %-3" PRIu64 "  %s", (uint64_t)record->space,
	       vmmu_level_name(format, record->level));
	if (has_va(record))
		printf(" of va 0x%016" PRIx64 "%s", (uint64_t)record->va,
		       record->flags & VMMU_TRAP_SHARED ? " and others" : "");
	else
		printf(" of several addresses");
	printf(" at ra 0x%" PRIx64, (uint64_t)record->entry);
}

static void print_outcome(const struct vmmu_trap_record *record)
{
	if (record->outcome == VMMU_OUTCOME_RESERVED)
		printf(" -> nothing: a reserved bit is set");
	else if (record->outcome == VMMU_OUTCOME_BEYOND_REAL)
		printf(" -> nothing: 0x%" PRIx64 " is beyond real memory",
		       (uint64_t)record->ra);
	if (!establishes(record))
		return;
	printf(" -> %s 0x%" PRIx64,
	       record->outcome == VMMU_OUTCOME_TABLE ? "table" : "page",
	       (uint64_t)record->ra);
	if (record->flags & VMMU_TRAP_FRAME_HIDDEN)
		printf(", frame hidden");
	else if (record->frame)
		printf(", frame 0x%" PRIx64, (uint64_t)record->frame);
	else
		printf(", no frame");
}

void record_print(const struct vmmu_trap_record *record, uint32_t format)
{
	char flags[VMMU_TEXT_BYTES];

	printf("%-9s  ", vmmu_trap_kind_name(record->kind));
	print_place(record, format);
	printf("  0x%" PRIx64 " => 0x%" PRIx64 "  %s", (uint64_t)record->old,
	       (uint64_t)record->new,
	       vmmu_table_entry_text(format, record->level, record->new, flags,
				     sizeof(flags)));
	print_outcome(record);
	puts(record->flags & VMMU_TRAP_ROLLBACK ? "  (put back)" : "");
}

struct json_object *record_json(const struct vmmu_trap_record *record,
				uint32_t format)
{
	struct json_object *o = json_object_new_object();
	char flags[VMMU_TEXT_BYTES];

	json_add_text(o, "kind", vmmu_trap_kind_name(record->kind));
	json_add_number(o, "cookie", record->cookie);
	json_add(o, "tid", record->tid ? json_object_new_int(record->tid) :
		 NULL);
	json_add_number(o, "space", record->space);
	json_add(o, "va", has_va(record) ? json_hex(record->va) : NULL);
	json_add_bool(o, "shared", record->flags & VMMU_TRAP_SHARED);
	json_add_bool(o, "put_back", record->flags & VMMU_TRAP_ROLLBACK);
	json_add_number(o, "level", record->level);
	json_add_text(o, "name", vmmu_level_name(format, record->level));
	json_add_hex(o, "entry", record->entry);
	json_add_hex(o, "old", record->old);
	json_add_hex(o, "new", record->new);
	json_add_text(o, "flags", vmmu_table_entry_text(format, record->level,
							record->new, flags,
							sizeof(flags)));
	json_add_text(o, "outcome", vmmu_outcome_name(record->outcome));
	json_add(o, "ra", establishes(record) ||
		 record->outcome == VMMU_OUTCOME_BEYOND_REAL ?
		 json_hex(record->ra) : NULL);
	json_add(o, "frame", record->frame ? json_hex(record->frame) : NULL);
	return o;
}
