// SPDX-License-Identifier: GPL-2.0
/*
 * Where the addresses end: a line for each, from virtual to real to physical.
 *
 * The same virtual address stands in the lines of several programs, and the
 * same real page belongs to both VMs; each time the frame is another one. That
 * is the whole point of two levels of translation, so it is checked, too.
 */
#include <stdio.h>
#include <string.h>

#include "demo.h"

/* One line, without its end. It says "checked" if all of it was, and holds. */
static int show_end(struct checks *checks, const struct program *program,
		    uint64_t va, struct end *end)
{
	unsigned int failed = checks->failed;
	char text[24];
	int err;

	err = check_end(checks, program, va, end);
	if (err)
		return err;
	printf("  VM %u  program %u  va ", program->guest->number,
	       program->number);
	paint(VIRTUAL, "0x%-6lx", va);
	printf(" -> ra ");
	paint(REAL, "0x%-5lx", end->ra);
	printf(" -> ");
	paint(FRAME, "%-11s", frame_text(&end->real, text));
	printf(" byte %03lx", va % PAGE_BYTES);
	if (checks->failed != failed)
		paint(BAD, "  MISMATCH");
	else if (checks->frames_shown)
		paint(GOOD, "  checked");
	return 0;
}

/* A program's note must be its own, at an address that all programs use. */
int show_note(struct checks *checks, const struct program *program,
	      struct end *end)
{
	char note[NOTE_BYTES];
	const char *found;
	int err;

	err = show_end(checks, program, NOTE_VA, end);
	if (err)
		return err;
	found = program->guest->memory + end->ra;
	snprintf(note, sizeof(note), "program %u was here", program->number);
	check(checks, !strncmp(found, note, sizeof(note)),
	      "real memory holds the note that the program left in its window");
	printf(" \"%.*s\"\n", NOTE_BYTES, found);
	return 0;
}

/* The other pages of each program. */
static int check_others(struct checks *checks, const struct cast *cast)
{
	static const uint64_t others[] = { TEXT_START, STACK_VA };
	unsigned int failed = checks->failed, i, n;
	struct end end;
	int err;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		for (n = 0; n < NR_PROGRAMS; n++) {
			err = check_end(checks, cast->programs[n], others[i],
					&end);
			if (err)
				return err;
		}
	}
	if (checks->failed == failed && checks->frames_shown) {
		printf("  The programs' pages of text and stack likewise, at va 0x%x and 0x%lx. ",
		       TEXT_START, page_of(STACK_VA));
		paint(GOOD, "Checked.\n");
	}
	return 0;
}

/* One virtual address, three programs: three frames. */
static void compare_programs(struct checks *checks, const struct end *ends)
{
	uint64_t a = ends[0].real.frame, b = ends[1].real.frame;
	uint64_t c = ends[2].real.frame;

	if (!check(checks, a != b && b != c && a != c,
		   "one virtual address of three programs ends at three frames"))
		return;
	printf("  One virtual address, three programs: three frames, three notes. ");
	paint(GOOD, "Checked.\n");
}

/* One real page, two VMs: two frames; for every page that both use. */
static int compare_guests(struct checks *checks, const struct cast *cast)
{
	const struct guest *guests = cast->guests;
	uint64_t first = 0, last = 0, ra;
	unsigned int nr = 0;
	bool differ = true;

	for (ra = 0; ra < guests[0].real_bytes; ra += PAGE_BYTES) {
		struct real_entry a, b;
		int err;

		err = look_real(&guests[0], ra, &a);
		if (!err)
			err = look_real(&guests[1], ra, &b);
		if (err)
			return err;
		if (!a.present || !b.present)
			continue;
		first = nr++ ? first : ra;
		last = ra;
		differ &= check(checks, a.frame != b.frame,
				"a real page of two VMs has two frames");
	}
	if (differ) {
		printf("  %u real pages, ", nr);
		paint(REAL, "%lx to %lx", first / PAGE_BYTES,
		      last / PAGE_BYTES);
		printf(", are used by both VMs: two frames for each. ");
		paint(GOOD, "Checked.\n");
	}
	return 0;
}

int show_ends(struct checks *checks, const struct cast *cast)
{
	struct end ends[NR_PROGRAMS];
	unsigned int i;
	int err = 0;

	draw_title("Where the addresses end: page table first, real map table second");
	for (i = 0; i < NR_PROGRAMS && !err; i++)
		err = show_note(checks, cast->programs[i], &ends[i]);
	if (!err)
		err = check_others(checks, cast);
	for (i = 0; i < NR_GUESTS && !err; i++)
		err = check_windows(checks, &cast->guests[i]);
	if (err)
		return err;
	printf("  %u host page-table entries in %u windows grant no more than both levels do. ",
	       checks->host_entries, checks->windows);
	paint(GOOD, "Checked.\n");
	if (!checks->frames_shown) {
		puts("  Frames are shown only to those with CAP_SYS_ADMIN: not checked.");
		return 0;
	}
	printf("  \"checked\": the host maps the same frame at that place of real memory %s\n",
	       "(/proc/self/pagemap).");
	compare_programs(checks, ends);
	return compare_guests(checks, cast);
}
