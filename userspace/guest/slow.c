// SPDX-License-Identifier: GPL-2.0
/*
 * Slow motion: what happens at a page fault, who does it, and what can be seen of
 * it. Whatever is a number here was read from where it is kept (sight.c), also
 * where everybody knows what it must be.
 */
#include <stdio.h>

#include "demo.h"

const char *rights_of(const struct region *region)
{
	static char text[8];

	vmmu_rights_text(region->rights, text, sizeof(text));
	text[3] = '\0';
	return text;
}

/* "none -> frame 1234", the first padded to @width. */
void show_change(const struct real_entry *before,
		 const struct real_entry *after, int width)
{
	char text[24];

	paint(FRAME, "%-*s", width, frame_text(before, text));
	printf(" -> ");
	paint(FRAME, "%s\n", frame_text(after, text));
}

/* What the CPU says to an access. */
static void slow_access(const struct fault *fault)
{
	static const char * const verbs[] = {
		[VMMU_ACCESS_READ] = "loads from",
		[VMMU_ACCESS_WRITE] = "stores to",
		[VMMU_ACCESS_FETCH] = "fetches an instruction at",
	};
	const struct program *program = fault->program;
	const struct trap *trap = fault->trap;
	uint32_t error_code = trap->why.error_code;
	char text[VMMU_TEXT_BYTES];

	printf("  program %u   %s va ", program->number, verbs[trap->access]);
	paint(VIRTUAL, "0x%lx", (uint64_t)trap->va);
	printf(", in virtual page ");
	paint(VIRTUAL, "%lx\n", trap->va / PAGE_BYTES);
	printf("  host's MMU  does not allow it. The module walks program %u's page table, ",
	       program->number);
	printf("which does not either:\n              page fault, error code %s. ",
	       vmmu_error_code_text(error_code, text, sizeof(text)));
	printf("%s\n              (It was %s)\n",
	       program->guest->trap >= 0 ?
	       "The guest OS gets a record of it; the program sleeps" :
	       "The program gets SIGSEGV, which the guest OS catches",
	       fault_words(error_code, text, sizeof(text)));
}

/* How the module hears of the entries; of a store, see slow_store(). */
static void slow_module(enum way way)
{
	if (way == WAY_STORES)
		return;
	printf("  module      ");
	if (way == WAY_LAZY)
		puts("hears nothing of it: it will find the entries when the program tries again");
	else if (way == WAY_BATCHES)
		puts("the call traps to it: it stores the entries and gives the page a frame");
	else
		puts("each call traps to it: it stores the entry and gives the page a frame");
}

/* How the guest OS goes about it. */
static void slow_way(const struct fault *fault)
{
	static const char * const ways[NR_WAYS] = {
		[WAY_STORES] = "stores the page's entry",
		[WAY_HYPERCALLS] = "makes a hypercall for the page's entry",
		[WAY_BATCHES] = "makes one hypercall for the page's entry",
		[WAY_LAZY] = "stores the page's entry",
	};
	enum way way = fault->program->guest->way;
	unsigned int nr_tables = fault->change.nr - 1;

	printf("  guest OS    %s", ways[way]);
	if (nr_tables)
		printf(", %s those of the %u missing %s above it",
		       way == WAY_BATCHES ? "and" : "after", nr_tables,
		       nr_tables > 1 ? "tables" : "table");
	putchar('\n');
	slow_module(way);
	putchar('\n');
}

/* What the guest OS makes of it. */
void slow_before(const struct fault *fault)
{
	uint64_t ra = fault->ra / PAGE_BYTES;

	slow_access(fault);
	printf("  guest OS    the page lies in the region \"%s\" (%s): allowed. ",
	       fault->region->name, rights_of(fault->region));
	if (fault->shared_ra && fault->shared_ra != fault->ra)
		printf("But it is shared\n              since a fork. ");
	if (fault->shared_ra == fault->ra)
		printf("It was shared, but is not\n              any more\n");
	else
		printf("Real page %s%lx%s is free and will do\n",
		       ink(REAL), ra, ink(PLAIN));
	slow_way(fault);
}

/* What the ledger has to do with this way. */
static uint64_t counter(const struct vmmu_ledger *ledger, enum way way)
{
	return way == WAY_STORES ? ledger->traps : nr_installs(ledger);
}

/* One entry: what it refers to, and what the real map table says of that. */
static void slow_entry(const struct sight *sight, const struct fault *fault)
{
	uint32_t format = fault->program->table.format;
	enum way way = fault->program->guest->way;
	const struct vmmu_install_op *op = &sight->op;
	char name[16], counts[24];

	snprintf(name, sizeof(name), "%s[%u]",
		 vmmu_level_name(format, op->level),
		 vmmu_table_index(format, op->va, op->level));
	snprintf(counts, sizeof(counts), "%lu -> %lu",
		 counter(&sight->ledger_before, way),
		 counter(&sight->ledger_after, way));
	printf("              level %u  %-9s = real page ", op->level, name);
	paint(REAL, "%-3lx", sight->ra / PAGE_BYTES);
	printf(" %-8s %-10s  ", op->level > 1 ? "a table" :
	       rights_of(fault->region), counts);
	show_change(&sight->before, &sight->after, 12);
}

/* The record of the entry, in words. */
static void slow_record(const struct sight *sight)
{
	const struct vmmu_trap_record *record = &sight->record;

	if (!sight->told) {
		printf("no record\n");
		return;
	}
	printf("%s, va ", vmmu_trap_kind_name(record->kind));
	paint(VIRTUAL, "0x%lx", (uint64_t)record->va);
	printf(", level %u, 0x%lx -> 0x%lx, real page ", record->level,
	       (uint64_t)record->old, (uint64_t)record->new);
	paint(REAL, "%lx", (uint64_t)record->ra / PAGE_BYTES);
	putchar('\n');
}

/* The frame, before the guest OS fills it; and what the host says of it. */
static void slow_frame(const struct steps *steps, const struct guest *guest,
		       const struct sight *sight)
{
	const char *memory = guest->memory + sight->ra;
	bool zero = true;
	uint64_t frame;
	unsigned int i;

	for (i = 0; i < PAGE_BYTES; i++)
		zero &= !memory[i];
	printf("  frame       reads as %s", zero ? "zeroes" : "what is in it");
	if (steps->checks->frames_shown &&
	    !host_frame(steps->checks, guest, sight->ra, &frame)) {
		printf("; at this place of real memory the host has mapped ");
		paint(FRAME, "frame %lx", frame);
	}
	putchar('\n');
}

/* What the module has made of the instruction. */
static const char *decode_words(const struct vmmu_ledger *before,
				const struct vmmu_ledger *after)
{
	if (after->by_store > before->by_store)
		return "the module knows the instruction";
	if (after->opens > before->opens)
		return "the module does not know the instruction, and opens the page";
	return "nothing has trapped";
}

/* One store to a page table, from the guest OS's instruction to the next one. */
static void slow_store(const struct steps *steps, const struct fault *fault,
		       const struct sight *sight)
{
	const struct guest *guest = fault->program->guest;
	const struct vmmu_ledger *before = &sight->ledger_before;
	const struct vmmu_ledger *after = &sight->ledger_after;

	printf("\n  %s, step by step:\n", steps->sights.nr > 1 ?
	       "The last of these stores" : "This store");
	printf("  store       *entry = 0x%lx; the entry is at %p for the guest OS: ra ",
	       (uint64_t)sight->op.value, guest->memory + sight->entry_ra);
	paint(REAL, "0x%lx\n", sight->entry_ra);
	printf("  trap        real page %s%lx%s is a page table, %s: ",
	       ink(REAL), sight->entry_ra / PAGE_BYTES, ink(PLAIN),
	       sight->table.protected ? "write-protected" : "but open");
	printf("stores that trapped %lu -> %lu\n", (uint64_t)before->traps,
	       (uint64_t)after->traps);
	printf("  decode      %s: installs by stores %lu -> %lu, ",
	       decode_words(before, after),
	       (uint64_t)before->by_store, (uint64_t)after->by_store);
	printf("tables opened %lu -> %lu\n", (uint64_t)before->opens,
	       (uint64_t)after->opens);
	printf("  monitor     gets a record of it: ");
	slow_record(sight);
	printf("  real map    real page %s%lx%s: ", ink(REAL),
	       sight->ra / PAGE_BYTES, ink(PLAIN));
	show_change(&sight->before, &sight->after, 0);
	slow_frame(steps, guest, sight);
	printf("  continue    the guest OS goes on behind the store, ");
	printf("and finds 0x%lx in the entry\n", sight->now);
}

void slow_after(const struct steps *steps, const struct fault *fault)
{
	const struct sights *sights = &steps->sights;
	enum way way = fault->program->guest->way;
	unsigned int i;

	printf("              %-43s%-10s  real map table, before -> after\n",
	       "entry in the page table", way == WAY_STORES ? "traps" :
	       "installs");
	for (i = 0; i < sights->nr; i++)
		slow_entry(&sights->of[i], fault);
	if (!steps->nr && sights->nr > 1 && sights->of[0].before.present)
		printf("%14s(The new tables have theirs already: %s.)\n", "",
		       "the guest OS has just zeroed them");
	if (sights->nr && way == WAY_STORES)
		slow_store(steps, fault, &sights->of[sights->nr - 1]);
	putchar('\n');
}

void slow_served(const struct fault *fault, const struct end *end)
{
	if (fault->shared_ra && fault->shared_ra != fault->ra)
		printf("  guest OS    copies real page %s%lx%s into real page %s%lx%s\n",
		       ink(REAL), fault->shared_ra / PAGE_BYTES, ink(PLAIN),
		       ink(REAL), fault->ra / PAGE_BYTES, ink(PLAIN));
	else if (fault->region->image && !fault->shared_ra)
		printf("  guest OS    copies the program's file into real page %s%lx%s\n",
		       ink(REAL), fault->ra / PAGE_BYTES, ink(PLAIN));
	printf("  program %u   tries again: va ", fault->program->number);
	paint(VIRTUAL, "0x%lx", (uint64_t)fault->trap->va);
	printf(" is now ra ");
	paint(REAL, "0x%lx\n", end->ra);
}

/* The program has come further: what its access left behind in the entry. */
void slow_goes_on(const struct steps *steps, uint64_t entry)
{
	const struct sight *sight = &steps->first;
	uint32_t format = steps->first_program->table.format;
	char before[VMMU_TEXT_BYTES], after[VMMU_TEXT_BYTES];

	printf("              and goes on. The entry was 0x%lx (%s), and is 0x%lx (%s)\n",
	       sight->now,
	       vmmu_table_entry_text(format, sight->op.level, sight->now,
				     before, sizeof(before)), entry,
	       vmmu_table_entry_text(format, sight->op.level, entry, after,
				     sizeof(after)));
}
