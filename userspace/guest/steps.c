// SPDX-License-Identifier: GPL-2.0
/*
 * Each install as it happens.
 *
 * Page faults of the programs pass by here three times: when the guest OS has
 * planned its page-table entries, when they have changed, and when the page is
 * ready; and so does each change of entries. All is looked at before and after
 * (sight.c), so that what is printed is what happened and not what should have
 * happened.
 *
 * The first faults are shown in slow motion, the others on one line each.
 */
#include <stdio.h>

#include "demo.h"

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

static void note(struct steps *steps, int err)
{
	if (err && !steps->err)
		steps->err = err;
}

/* The entries are in force: if they were installed, the page has its frame. */
static void after_install(struct steps *steps, const struct fault *fault,
			  bool slow)
{
	const struct sights *sights = &steps->sights;
	const struct sight *leaf = &sights->of[fault->change.nr - 1];

	note(steps, sights->err);
	if (sights->nr != fault->change.nr)
		return;
	check_sights(steps->checks, sights, fault->program);
	if (!steps->nr) {
		steps->first = *leaf;
		steps->first_program = fault->program;
	}
	if (steps->quiet)
		return;
	if (slow)
		slow_after(steps, fault);
	else
		line(fault, &leaf->before, &leaf->after);
}

/* The page is ready: the address must end where the guest OS put it. */
static void after_serve(struct steps *steps, const struct fault *fault, bool slow)
{
	struct end end;
	int err = check_end(steps->checks, fault->program, fault->trap->va,
			    &end);

	note(steps, err);
	check(steps->checks, !err && page_of(end.ra) == fault->ra,
	      "the address ends in the real page that the guest OS chose");
	if (slow && !steps->quiet)
		slow_served(fault, &end);
	steps->nr++;
}

/* The program of the first fault had its turn: the access has been made. */
static void goes_on(struct steps *steps)
{
	const struct program *program = steps->first_program;
	struct vmmu_table_entry entry = { 0 };
	uint64_t value = 0;

	if (!program)
		return;
	note(steps, vmmu_table_load(&program->table, steps->first.entry_ra,
				    &value));
	vmmu_table_decode(program->table.format, steps->first.op.level, value,
			  &entry);
	check(steps->checks, entry.flags & VMMU_TABLE_ACCESSED,
	      "a program goes on with the page that it was given");
	if (!steps->quiet)
		slow_goes_on(steps, value);
}

static void before_install(struct steps *steps, const struct fault *fault,
			   bool slow)
{
	if (steps->nr == 1)
		goes_on(steps);
	if (steps->quiet)
		return;
	if (slow && steps->nr)
		putchar('\n');
	if (slow)
		slow_before(fault);
	else if (steps->nr == steps->slow)
		line_title();
}

static void watch(struct watcher *watcher, enum fault_stage stage,
		  const struct fault *fault)
{
	struct steps *steps = (struct steps *)watcher;
	bool slow = steps->nr < steps->slow;

	switch (stage) {
	case FAULT_PLANNED:
		before_install(steps, fault, slow);
		sights_begin(&steps->sights, fault->program);
		break;
	case FAULT_INSTALLED:
		sights_end(&steps->sights);
		after_install(steps, fault, slow);
		break;
	case FAULT_SERVED:
		after_serve(steps, fault, slow);
		break;
	}
}

static void watch_entries(struct watcher *watcher, const struct program *program,
			  const struct vmmu_install_op *ops, unsigned int nr,
			  bool done)
{
	struct steps *steps = (struct steps *)watcher;

	if (done)
		sights_after(&steps->sights, program, nr);
	else
		sights_before(&steps->sights, program, ops, nr);
}

void steps_init(struct steps *steps, struct checks *checks, unsigned int slow,
		bool quiet)
{
	*steps = (struct steps){
		.watcher = { .fault = watch, .entries = watch_entries },
		.checks = checks,
		.slow = slow,
		.quiet = quiet,
		.sights = { .monitor = -1 },
	};
}
