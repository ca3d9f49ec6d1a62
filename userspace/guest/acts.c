// SPDX-License-Identifier: GPL-2.0
/*
 * What happens in the demo: an act each. Programs wait at the end of an act,
 * until one of the next wakes them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

#define REAL_BYTES	(256 * PAGE_BYTES)
#define WILD_VA		0xdead000UL

/* The programs must have come to where they wait. */
static int all_wait(const struct cast *cast)
{
	unsigned int i;

	for (i = 0; i < NR_PROGRAMS; i++) {
		if (cast->programs[i]->state == PROGRAM_WAITING)
			continue;
		fflush(stdout);
		fprintf(stderr, "program %u did not get through: %s\n", i + 1,
			cast->programs[i]->obituary);
		return -ECANCELED;
	}
	return 0;
}

static int boot_guest(struct demo *demo, int dev, enum vmmu_delivery delivery)
{
	struct cast *cast = &demo->cast;
	struct guest *guest = &cast->guests[cast->nr_guests];
	struct guest_plan plan = {
		.number = cast->nr_guests + 1,
		.real_bytes = REAL_BYTES,
		.format = demo->format,
		.delivery = delivery,
		.way = demo->way,
	};
	int err = guest_boot(guest, dev, &plan);

	if (err)
		return err;
	cast->nr_guests++;
	guest->watcher = &demo->steps.watcher;
	return 0;
}

/* Boot both VMs, and create the programs. Nothing runs yet. */
int act_boot(struct demo *demo, int dev)
{
	static const struct {
		unsigned int guest;
		const char *file;
	} scripts[NR_PROGRAMS] = { { 0, "fork" }, { 0, "wild" }, { 1, "stack" } };
	struct cast *cast = &demo->cast;
	unsigned int i;
	int err;

	err = boot_guest(demo, dev, VMMU_DELIVER_RECORD);
	if (!err)
		err = boot_guest(demo, dev, VMMU_DELIVER_SIGNAL);
	for (i = 0; i < NR_PROGRAMS && !err; i++) {
		struct guest *guest = &cast->guests[scripts[i].guest];
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", demo->programs,
			 scripts[i].file);
		guest->next_number = i + 1;
		err = program_create(guest, path, 0, &cast->programs[i]);
		if (err)
			fprintf(stderr, "%s: not started\n", path);
	}
	return err ? err : checks_init(&demo->checks, &cast->guests[0]);
}

/* Run the programs until all of them wait; steps.c shows the page faults. */
int act_run(struct demo *demo)
{
	const char *title = "One page fault in slow motion: program 1 of VM 1 starts";
	unsigned int i;
	int err;

	if (demo->verbose)
		title = "The page faults in slow motion";
	if (!demo->quiet)
		draw_title(title);
	/* A turn ahead: so the next thing to be seen is how this one goes on. */
	err = program_step(demo->cast.programs[0]);
	for (i = 0; i < NR_GUESTS && !err; i++)
		err = guest_run(&demo->cast.guests[i]);
	if (!err)
		err = demo->steps.err;
	return err ? err : all_wait(&demo->cast);
}

/* The first VM's tables are enough for a figure. */
static bool is_drawn(const struct demo *demo, const struct guest *guest)
{
	return demo->verbose || guest == &demo->cast.guests[0];
}

/* The tables of a VM, as they are now. */
static int show_tables(struct demo *demo, const struct guest *guest)
{
	unsigned int nr;
	char title[96];
	int err;

	err = count_real_map(guest, &nr);
	if (err)
		return err;
	snprintf(title, sizeof(title),
		 "The tables of VM %u: %u of its %lu real pages have a frame%s",
		 guest->number, nr, guest->pages.nr,
		 is_drawn(demo, guest) ? "" : " (--verbose draws them, too)");
	draw_title(title);
	if (is_drawn(demo, guest))
		err = draw_guest(guest);
	if (!err && demo->verbose)
		err = draw_trees(guest);
	return err;
}

int act_figure(struct demo *demo)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_GUESTS && !err; i++) {
		const struct guest *guest = &demo->cast.guests[i];

		if (!demo->quiet)
			err = show_tables(demo, guest);
		if (!err)
			err = check_real_map(&demo->checks, guest);
	}
	return err;
}

/* How many pages two programs share, none of which either may write. */
static int check_shared(struct demo *demo, const struct program *a,
			const struct program *b, unsigned int *nr)
{
	static const uint64_t vas[] = { TEXT_START, NOTE_VA, STACK_VA };
	struct vmmu_translation of_a, of_b;
	unsigned int i;
	int err = 0;

	*nr = 0;
	for (i = 0; i < ARRAY_SIZE(vas) && !err; i++) {
		err = vmmu_translate(a->space, vas[i], VMMU_ACCESS_READ,
				     VMMU_TRANSLATE_USER, &of_a);
		if (!err)
			err = vmmu_translate(b->space, vas[i], VMMU_ACCESS_READ,
					     VMMU_TRANSLATE_USER, &of_b);
		if (!err && of_a.ra == of_b.ra &&
		    !((of_a.rights | of_b.rights) & VMMU_RIGHT_WRITE))
			++*nr;
	}
	check(&demo->checks, *nr == ARRAY_SIZE(vas),
	      "after a fork parent and child share all pages, read-only");
	return err;
}

static int show_fork(struct demo *demo, const struct program *parent,
		     const struct program *child)
{
	struct end ends[2];
	int err;

	err = show_note(&demo->checks, parent, &ends[0]);
	if (!err)
		err = show_note(&demo->checks, child, &ends[1]);
	if (!err)
		check(&demo->checks, ends[0].ra != ends[1].ra,
		      "parent and child have a page each once one has written");
	return err;
}

/* Program 1 forks; the child writes. */
int act_fork(struct demo *demo)
{
	struct program *parent = demo->cast.programs[0];
	struct guest *guest = parent->guest;
	struct program *child = &guest->programs[guest->nr_programs];
	unsigned int shared;
	int err;

	guest->next_number = NR_PROGRAMS + 1;
	program_wake(parent);
	err = guest_run(guest);
	if (err)
		return err;
	if (!check(&demo->checks, child->state == PROGRAM_WAITING &&
		   child->space >= 0, "the child runs up to where it waits"))
		return -ECANCELED;
	err = check_shared(demo, parent, child, &shared);
	if (err)
		return err;
	draw_title("A program forks: two see the same real pages, until one of them writes");
	if (!demo->quiet) {
		printf("  program %u   calls fork. Program %u gets a process, and a page table ",
		       parent->number, child->number);
		printf("that maps\n              the same %u real pages; ", shared);
		printf("nobody may write them now. Then program %u writes:\n",
		       child->number);
	}
	program_wake(child);
	err = guest_run(guest);
	if (!err)
		err = show_fork(demo, parent, child);
	return err ? err : check_windows(&demo->checks, guest);
}

/* How many pages a program's stack has. */
static unsigned int stack_pages(const struct program *program)
{
	uint64_t va, ra, nr = 0;

	for (va = STACK_FLOOR; va < STACK_END; va += PAGE_BYTES)
		nr += !table_look(program, va, &ra);
	return nr;
}

/* Program 3 needs more stack than the page that it has. */
int act_stack(struct demo *demo)
{
	struct program *program = demo->cast.programs[2];
	unsigned int before = stack_pages(program), after;
	int err;

	demo->steps.quiet = true;
	program_wake(program);
	err = guest_run(program->guest);
	if (err)
		return err;
	after = stack_pages(program);
	check(&demo->checks, program->state == PROGRAM_WAITING &&
	      after > before &&
	      !strcmp(program->said, "deep down and up again"),
	      "a stack grows as far as it is used");
	if (!demo->quiet) {
		draw_title("A stack grows where it is used");
		printf("  program %u   calls itself 16 times, with 2 KiB of variables each. ",
		       program->number);
		printf("%u page faults\n              later its stack has %u pages; it had %u. ",
		       after - before, after, before);
		printf("It prints: \"%s\"\n", program->said);
	}
	return check_windows(&demo->checks, program->guest);
}

static void show_wild(const struct program *good, const struct program *bad,
		      unsigned int before, unsigned int after)
{
	/* The obituary is long: break it at its first colon. */
	const char *details = strstr(bad->obituary, ": ");
	int headline;

	details = details ? details + 1 : bad->obituary + strlen(bad->obituary);
	headline = details - bad->obituary;
	draw_title("A wild access kills its program, and no other");
	printf("  program 2   stores to va ");
	paint(VIRTUAL, "0x%lx\n", WILD_VA);
	printf("  guest OS    kills it: %.*s\n", headline, bad->obituary);
	printf("             %s\n", details);
	printf("  guest OS    frees its real pages: the real map table of VM 1 ");
	printf("had %u entries and has %u\n", before, after);
	printf("  program 1   prints what it has at va ");
	paint(VIRTUAL, "0x%x", NOTE_VA);
	printf(": \"%s\"\n", good->said);
}

/* Program 2 goes wrong; program 1, in the same VM, goes on. */
int act_wild(struct demo *demo)
{
	struct program *good = demo->cast.programs[0];
	struct program *bad = demo->cast.programs[1];
	unsigned int before, after;
	bool killed, unharmed;
	int err;

	err = count_real_map(bad->guest, &before);
	if (err)
		return err;
	program_wake(good);
	program_wake(bad);
	err = guest_run(bad->guest);
	if (!err)
		err = count_real_map(bad->guest, &after);
	if (!err)
		err = check_windows(&demo->checks, bad->guest);
	if (err)
		return err;
	killed = check(&demo->checks,
		       bad->state == PROGRAM_KILLED && after < before,
		       "the program that goes wrong is killed and its frames go back");
	unharmed = check(&demo->checks, good->state == PROGRAM_WAITING &&
			 !strcmp(good->said, "program 1 was here"),
			 "the other program goes on and finds its note again");
	if (killed && unharmed && !demo->quiet)
		show_wild(good, bad, before, after);
	return 0;
}

/* Whether every record was read, and every one but the wild access's answered. */
static int check_records(struct demo *demo, struct vmmu_trap_info *info)
{
	int err = vmmu_trap_info(demo->cast.guests[0].trap, info);

	if (!err)
		check(&demo->checks, info->made == info->read &&
		      info->answered + 1 == info->made && !info->waiting,
		      "every record was read, and answered but for the wild access's");
	return err;
}

/* Let one VM's programs come to their ends. */
static int run_out(struct demo *demo, struct guest *guest, unsigned int *frames)
{
	bool all = true;
	unsigned int i;
	int err = 0;

	for (i = 0; i < 3 && !err; i++) {
		guest_wake(guest);
		err = guest_run(guest);
	}
	for (i = 0; i < guest->nr_programs; i++)
		all &= guest->programs[i].space < 0;
	if (!err)
		err = count_real_map(guest, frames);
	check(&demo->checks, !err && all && !*frames &&
	      guest->pages.nr_free == guest->pages.nr - 1,
	      "what exits gives back all its pages and frames");
	return err;
}

int act_exit(struct demo *demo)
{
	struct vmmu_trap_info info;
	unsigned int i, frames[NR_GUESTS];
	int err = 0;

	demo->steps.quiet = true;
	for (i = 0; i < NR_GUESTS && !err; i++)
		err = run_out(demo, &demo->cast.guests[i], &frames[i]);
	if (!err)
		err = check_records(demo, &info);
	if (err || demo->quiet)
		return err;
	draw_title("The other programs exit");
	printf("  guest OS    frees their real pages: the real map tables have %u and %u entries.\n"
	       "              VM 1 had %llu page faults as records, and answered %llu; one was wild\n",
	       frames[0], frames[1], (unsigned long long)info.made,
	       (unsigned long long)info.answered);
	return 0;
}
