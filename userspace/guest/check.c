// SPDX-License-Identifier: GPL-2.0
/*
 * The module's word against the host kernel's.
 *
 * Real memory is mapped into this process, so the host's own page tables know
 * the frame behind each real page, too, and /proc/self/pagemap tells it. What
 * the module says about an address is believed only if
 *
 *     va -> ra      is what the guest's page table in real memory says, read
 *                   here without asking the module;
 *     ra -> frame   is what the real map table says; and
 *     the frame     is the one that the host has mapped at that place of real
 *                   memory.
 *
 * Frame numbers are shown only to those who have CAP_SYS_ADMIN. Without them
 * the last check is left out, and the demo says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define PAGEMAP_PRESENT	(1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

int checks_init(struct checks *checks, const struct guest *guest)
{
	struct vmmu_vm_info info;
	int err;

	err = vmmu_vm_info(guest->vm, &info);
	if (err)
		return err;
	*checks = (struct checks){
		.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
	checks->frames_shown = info.state & VMMU_VM_FRAMES_SHOWN &&
			       checks->pagemap >= 0;
	return 0;
}

void checks_exit(struct checks *checks)
{
	if (checks->pagemap >= 0)
		close(checks->pagemap);
}

/* Count a check. One that does not hold is reported, and fails the demo. */
bool check(struct checks *checks, bool holds, const char *what)
{
	if (holds) {
		checks->passed++;
		return true;
	}
	checks->failed++;
	fflush(stdout);
	fprintf(stderr, "MISMATCH: it does not hold that %s\n", what);
	return false;
}

/* Read the real map entry of one real page. */
int look_real(const struct guest *guest, uint64_t ra, struct real_entry *entry)
{
	struct vmmu_real_map_entry found;
	uint64_t from = page_of(ra);
	int nr;

	nr = vmmu_real_map(guest->vm, &from, from + PAGE_BYTES - 1, &found, 1);
	if (nr < 0)
		return nr;
	*entry = (struct real_entry){ .present = nr };
	if (nr) {
		entry->hidden = found.flags & VMMU_REAL_FRAME_HIDDEN;
		entry->protected = (found.flags & (VMMU_REAL_TABLE |
						   VMMU_REAL_WRITABLE)) ==
				   VMMU_REAL_TABLE;
		entry->frame = found.frame;
	}
	return 0;
}

const char *frame_text(const struct real_entry *entry, char text[24])
{
	if (!entry->present)
		return "none";
	if (entry->hidden)
		return "frame hidden";
	snprintf(text, 24, "frame %lx", entry->frame);
	return text;
}

/* The frame that the host has mapped where this process sees @ra, or 0. */
int host_frame(const struct checks *checks, const struct guest *guest,
	       uint64_t ra, uint64_t *frame)
{
	const volatile char *memory = guest->memory + page_of(ra);
	uint64_t entry;
	ssize_t got;

	(void)*memory;	/* make the host map it here */
	got = pread(checks->pagemap, &entry, sizeof(entry),
		    (uintptr_t)memory / PAGE_BYTES * sizeof(entry));
	if (got != sizeof(entry))
		return got < 0 ? -errno : -EIO;
	*frame = entry & PAGEMAP_PRESENT ? entry & PAGEMAP_FRAME : 0;
	return 0;
}

/* What the guest's page table says about @va, read where it lies. */
static bool table_says(const struct program *program, uint64_t va, uint64_t ra)
{
	uint64_t found;

	return !table_look(program, va, &found) && found == page_of(ra);
}

/* A page that was mapped lazily, and not touched yet, has no frame. */
static int check_unbacked(struct checks *checks, const struct program *program,
			  uint64_t va, struct end *end)
{
	int err = look_real(program->guest, end->ra, &end->real);

	if (err)
		return err;
	check(checks, table_says(program, va, end->ra),
	      "the guest's page table says what the module says");
	check(checks, !end->real.present,
	      "a page without a frame has no real map entry");
	return 0;
}

/* Ask the module where @va ends, and check each part of the answer. */
int check_end(struct checks *checks, const struct program *program,
	      uint64_t va, struct end *end)
{
	struct vmmu_translation result;
	uint64_t frame;
	int err;

	memset(end, 0, sizeof(*end));
	err = vmmu_translate(program->space, va, VMMU_ACCESS_READ,
			     VMMU_TRANSLATE_USER, &result);
	if (err)
		return err;
	end->ra = result.ra;
	if (program->guest->way == WAY_LAZY &&
	    result.reason == VMMU_REASON_NOT_BACKED)
		return check_unbacked(checks, program, va, end);
	if (!check(checks, result.flags & VMMU_TRANSLATED_BACKED,
		   "the address translates to a real page with a frame"))
		return 0;
	check(checks, table_says(program, va, end->ra),
	      "the guest's page table says what the module says");
	err = look_real(program->guest, end->ra, &end->real);
	if (err || !checks->frames_shown)
		return err;
	check(checks, end->real.present && result.frame == end->real.frame,
	      "the real map table has the frame that the translation gave");
	err = host_frame(checks, program->guest, end->ra, &frame);
	if (err)
		return err;
	check(checks, result.frame == frame,
	      "/proc/self/pagemap has the frame that the translation gave");
	return 0;
}

/* Read the whole real map table: the number of entries, or -errno. */
static int read_real_map(const struct guest *guest,
			 struct vmmu_real_map_entry **entries)
{
	uint64_t ra = 0;
	int nr;

	*entries = calloc(guest->pages.nr, sizeof(**entries));
	if (!*entries)
		return -ENOMEM;
	nr = vmmu_real_map(guest->vm, &ra, UINT64_MAX, *entries,
			   guest->pages.nr);
	if (nr < 0) {
		free(*entries);
		*entries = NULL;
	}
	return nr;
}

/* Check every entry of the real map table against /proc/self/pagemap. */
int check_real_map(struct checks *checks, const struct guest *guest)
{
	struct vmmu_real_map_entry *entries;
	int nr, i, err = 0;

	if (!checks->frames_shown)
		return 0;
	nr = read_real_map(guest, &entries);
	if (nr < 0)
		return nr;
	for (i = 0; i < nr && !err; i++) {
		uint64_t frame = 0;

		err = host_frame(checks, guest, entries[i].ra, &frame);
		check(checks, !err && frame == entries[i].frame,
		      "/proc/self/pagemap has the frame of the real map table");
	}
	free(entries);
	return err;
}

int count_real_map(const struct guest *guest, unsigned int *nr)
{
	struct vmmu_real_map_entry *entries;
	int found = read_real_map(guest, &entries);

	if (found < 0)
		return found;
	free(entries);
	*nr = found;
	return 0;
}

/*
 * Have the module check all that the host's MMU grants in windows now, against
 * both levels, and what it knows of page tables; note how much that was.
 */
int check_windows(struct checks *checks, const struct guest *guest)
{
	struct vmmu_audit audit;
	int err = vmmu_audit(guest->vm, &audit);

	if (err)
		return err;
	checks->windows += audit.windows;
	checks->host_entries += audit.checked;
	check(checks, !audit.wrong,
	      "no window grants more than both levels do");
	check(checks, !audit.tables_wrong,
	      "each page table is known, and protected");
	return 0;
}
