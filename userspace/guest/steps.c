// SPDX-License-Identifier: GPL-2.0
/*
 * Each install as it happens.
 *
 * Page faults of the programs pass by here three times: when the guest OS has
 * planned its page-table entries, when the hypercall has returned, and when
 * the page is ready. The real map table is read before and after the call, so
 * that what is printed is what happened and not what should have happened.
 *
 * The first faults are shown in slow motion, the others on one line each.
 */
#include <stdio.h>

#include "demo.h"

/* Note the real map entry of every page that the planned entries refer to. */
static void look_before(struct steps *steps, const struct fault *fault)
{
	const struct table_change *change = &fault->change;
	unsigned int i;
	int err = 0;

	for (i = 0; i < change->nr && !err; i++)
		err = look_real(fault->program->guest,
				table_entry_ra(fault->program, &change->ops[i]),
				&steps->before[i]);
	if (err && !steps->err)
		steps->err = err;
}

/* What a page fault's entry number @i refers to has after the call. */
static void look_after(struct steps *steps, const struct fault *fault,
		       unsigned int i, struct real_entry *after)
{
	uint64_t ra = table_entry_ra(fault->program, &fault->change.ops[i]);
	int err;

	*after = (struct real_entry){ 0 };
	err = look_real(fault->program->guest, ra, after);
	if (err && !steps->err)
		steps->err = err;
}

static const char *rights_of(const struct region *region)
{
	static char text[8];

	vmmu_rights_text(region->rights, text, sizeof(text));
	text[3] = '\0';
	return text;
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

/* What the guest OS makes of it. */
static void slow_before(const struct fault *fault)
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
	printf("  guest OS    makes a hypercall: install the page");
	if (fault->change.nr > 1)
		printf(", and first the %u tables missing above it",
		       fault->change.nr - 1);
	printf("\n  module      the call traps to it: it stores the entries %s",
	       "and gives the page a frame\n\n");
}

/* "none -> frame 1234", the first padded to @width. */
static void show_change(const struct real_entry *before,
			const struct real_entry *after, int width)
{
	char text[24];

	paint(FRAME, "%-*s", width, frame_text(before, text));
	printf(" -> ");
	paint(FRAME, "%s\n", frame_text(after, text));
}

/* One entry: what it refers to, and what the real map table says of that. */
static void slow_entry(struct steps *steps, const struct fault *fault,
		       unsigned int i)
{
	const struct vmmu_install_op *op = &fault->change.ops[i];
	uint32_t format = fault->program->table.format;
	uint64_t ra = table_entry_ra(fault->program, op);
	const char *what = "a table";
	char name[16];
	struct real_entry entry;

	look_after(steps, fault, i, &entry);
	if (fault->change.outcomes[i] == VMMU_OUTCOME_PAGE)
		what = rights_of(fault->region);
	snprintf(name, sizeof(name), "%s[%u]",
		 vmmu_level_name(format, op->level),
		 vmmu_table_index(format, op->va, op->level));
	printf("              level %u  %-9s = real page ", op->level, name);
	paint(REAL, "%-3lx", ra / PAGE_BYTES);
	printf(" %-8s  ", what);
	show_change(&steps->before[i], &entry, 12);
}

static void slow_after(struct steps *steps, const struct fault *fault)
{
	unsigned int i;

	printf("              %-41s real map table, before -> after\n",
	       "entry in the page table");
	for (i = 0; i < fault->change.nr; i++)
		slow_entry(steps, fault, i);
	if (!steps->nr && steps->before[0].present)
		printf("%14s(The new tables have theirs already: %s.)\n", "",
		       "the guest OS has just zeroed them");
	putchar('\n');
}

static void slow_served(const struct fault *fault, const struct end *end)
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

static void line_title(void)
{
	draw_title("The other page faults (U: by a user, I: a fetch, W: a write, if known)");
	printf("  VM program access          error comes as region    %-25s%s\n",
	       "install", "real map: old -> new");
}

static void line(const struct fault *fault, const struct real_entry *before,
		 const struct real_entry *after)
{
	const struct program *program = fault->program;
	const struct trap *trap = fault->trap;
	char text[VMMU_TEXT_BYTES], more[24] = "";

	if (fault->shared_ra)
		snprintf(more, sizeof(more), "copy of %lx",
			 fault->shared_ra / PAGE_BYTES);
	else if (fault->change.nr > 1)
		snprintf(more, sizeof(more), "+ %u tables",
			 fault->change.nr - 1);
	printf("  %-2u %-7u %-5s ", program->guest->number, program->number,
	       vmmu_access_name(trap->access));
	paint(VIRTUAL, "0x%-8lx", (uint64_t)trap->va);
	printf("%-5s %-8s %-5s %s ",
	       vmmu_error_code_text(trap->why.error_code, text, sizeof(text)),
	       program->guest->trap >= 0 ? "record" : "signal",
	       fault->region->name, rights_of(fault->region));
	paint(VIRTUAL, "%3lx", trap->va / PAGE_BYTES);
	printf(" -> real ");
	paint(REAL, "%-2lx", fault->ra / PAGE_BYTES);
	printf(" %-11s ", more);
	show_change(before, after, 0);
}

/* The call has returned: the page must have its frame now. */
static void after_install(struct steps *steps, const struct fault *fault,
			  bool slow)
{
	unsigned int leaf = fault->change.nr - 1;
	struct real_entry after;

	look_after(steps, fault, leaf, &after);
	check(steps->checks, after.present,
	      "a real page that was installed has a real map entry");
	if (steps->quiet)
		return;
	if (slow)
		slow_after(steps, fault);
	else
		line(fault, &steps->before[leaf], &after);
}

/* The page is ready: the address must end where the guest OS put it. */
static void after_serve(struct steps *steps, const struct fault *fault, bool slow)
{
	struct end end;
	int err = check_end(steps->checks, fault->program, fault->trap->va,
			    &end);

	if (err && !steps->err)
		steps->err = err;
	check(steps->checks, !err && page_of(end.ra) == fault->ra,
	      "the address ends in the real page that the guest OS chose");
	if (slow && !steps->quiet)
		slow_served(fault, &end);
	steps->nr++;
}

static void watch(struct watcher *watcher, enum fault_stage stage,
		  const struct fault *fault)
{
	struct steps *steps = (struct steps *)watcher;
	bool slow = steps->nr < steps->slow;

	switch (stage) {
	case FAULT_PLANNED:
		if (slow && steps->nr && !steps->quiet)
			putchar('\n');
		if (slow && !steps->quiet)
			slow_before(fault);
		else if (steps->nr == steps->slow && !steps->quiet)
			line_title();
		look_before(steps, fault);
		break;
	case FAULT_INSTALLED:
		after_install(steps, fault, slow);
		break;
	case FAULT_SERVED:
		after_serve(steps, fault, slow);
		break;
	}
}

void steps_init(struct steps *steps, struct checks *checks, unsigned int slow,
		bool quiet)
{
	*steps = (struct steps){
		.watcher = { .fault = watch },
		.checks = checks,
		.slow = slow,
		.quiet = quiet,
	};
}
