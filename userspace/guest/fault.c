// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when an access does not translate.
 *
 * A program starts with an empty page table. Its first instruction faults, and
 * so does the first access to every other page: memory is handed out when it
 * is asked for, not before. The CPU reports where the program wanted to go and
 * an error code that says what was wrong; whether it had the right to go there
 * is for the guest OS to decide. It knows more than the page table does,
 * namely the regions of the program: text to read and execute, data to read
 * and write, and a stack that grows downwards into a range of its own.
 *
 * If a region allows the access, the fault is served in four steps:
 *
 *  1. take a real page that is free;
 *  2. plan the page-table entries that put it at the faulting address;
 *  3. put them in force: the module hears of it, and gives the real page a
 *     physical frame;
 *  4. fill the page, if the program's file has something to put there.
 *
 * Then the access is made again. Step 4 can come last because nobody but the
 * faulting program uses this page table, and it is waiting for us.
 *
 * A write to a page that is present, in a region that may be written, is a
 * fork's: the page is read-only because two programs see it (calls.c). The
 * same four steps give the one that writes a copy; if the other one has gone
 * meanwhile, or has its own copy already, the page becomes writable as it is.
 *
 * If no region allows the access, the program is wrong. It is killed, and
 * nothing else is: not the other programs, let alone another VM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"

/* Spell an error code out: what was tried, and what was in the way. */
char *fault_words(uint32_t error_code, char *text, size_t bytes)
{
	const char *access = "a read from";
	const char *problem = "a page that is not present";

	if (error_code & VMMU_PF_W)
		access = "a write to";
	else if (error_code & VMMU_PF_I)
		access = "a fetch from";
	if (error_code & VMMU_PF_RSVD)
		problem = "a page whose entry is malformed";
	else if (error_code & VMMU_PF_P)
		problem = "a page that is present but forbids it";
	snprintf(text, bytes, "%s %s, by %s", access, problem,
		 error_code & VMMU_PF_U ? "a user program" : "the kernel");
	return text;
}

/* The right that an access needs. */
static uint32_t right_for(uint32_t access)
{
	switch (access) {
	case VMMU_ACCESS_WRITE:
		return VMMU_RIGHT_WRITE;
	case VMMU_ACCESS_FETCH:
		return VMMU_RIGHT_EXEC;
	default:
		return VMMU_RIGHT_READ;
	}
}

/* The region that @va belongs to, or that may grow to it; NULL for none. */
static struct region *find_region(struct program *program, uint64_t va)
{
	struct region *region;

	for (region = program->regions;
	     region < program->regions + program->nr_regions; region++)
		if (va >= region->floor && va < region->end)
			return region;
	return NULL;
}

/* Copy into the page what the program's file has for it. */
static void load_page(struct fault *fault)
{
	const struct region *region = fault->region;
	size_t offset = page_of(fault->trap->va) - region->start;
	size_t bytes = PAGE_BYTES;

	if (!region->image || offset >= region->image_bytes)
		return;
	if (bytes > region->image_bytes - offset)
		bytes = region->image_bytes - offset;
	memcpy(fault->program->guest->memory + fault->ra,
	       (const char *)region->image + offset, bytes);
}

/* Fill the page: from the one that was shared, or from the file. */
static int fill_page(struct fault *fault)
{
	struct guest *guest = fault->program->guest;

	if (!fault->shared_ra) {
		load_page(fault);
		return 0;
	}
	if (fault->shared_ra == fault->ra)
		return 0;
	memcpy(guest->memory + fault->ra, guest->memory + fault->shared_ra,
	       PAGE_BYTES);
	return pages_free(&guest->pages, fault->shared_ra);
}

static void tell_watcher(const struct fault *fault, enum fault_stage stage)
{
	struct watcher *watcher = fault->program->guest->watcher;

	if (watcher && watcher->fault)
		watcher->fault(watcher, stage, fault);
}

/* Take the page: a new one, or the one that is there and no more shared. */
static int take_page(struct fault *fault)
{
	struct pages *pages = &fault->program->guest->pages;
	struct page use = {
		.use = PAGE_MEMORY,
		.va = page_of(fault->trap->va),
		.region = fault->region->name,
	};

	if (fault->trap->why.error_code & VMMU_PF_P) {
		int err = table_look(fault->program, fault->trap->va,
				     &fault->shared_ra);

		if (err)
			return err;
		if (pages_look(pages, fault->shared_ra)->users == 1) {
			fault->ra = fault->shared_ra;
			return 0;
		}
	}
	return pages_alloc(pages, &use, &fault->ra);
}

/* Give the program the page that it asks for: the four steps. */
static int serve(struct fault *fault)
{
	struct program *program = fault->program;
	int err;

	err = take_page(fault);
	if (err)
		return err;
	err = table_plan(program, page_of(fault->trap->va), fault->ra,
			 fault->region->rights, &fault->change);
	if (err)
		goto free_page;
	tell_watcher(fault, FAULT_PLANNED);
	err = table_install(program, &fault->change);
	if (err)
		goto free_page;
	tell_watcher(fault, FAULT_INSTALLED);
	err = fill_page(fault);
	tell_watcher(fault, FAULT_SERVED);
	return err;

free_page:
	if (fault->ra != fault->shared_ra)
		pages_free(&program->guest->pages, fault->ra);
	return err;
}

/*
 * Whether the region, which allows the access, is no help: a page that is there
 * (P) can only be served if it was to be written, since it may be shared.
 */
static bool is_wrong(const struct trap *trap)
{
	const uint32_t code = trap->why.error_code;

	return !(trap->why.flags & VMMU_PAGE_FAULT) || code & VMMU_PF_RSVD ||
	       (code & (VMMU_PF_P | VMMU_PF_W)) == VMMU_PF_P;
}

/*
 * Serve an access that did not translate, of the program or on its behalf. 0: it
 * is to be made again. -EFAULT: the program has no right to it.
 */
int fault_serve(struct program *program, const struct trap *trap)
{
	struct region *region = find_region(program, trap->va);
	struct fault fault = {
		.program = program,
		.trap = trap,
		.region = region,
	};

	if (!region || !(region->rights & right_for(trap->access)) ||
	    is_wrong(trap))
		return -EFAULT;
	if (trap->va < region->start)
		region->start = page_of(trap->va);
	return serve(&fault);
}

/* Kill for a page fault that nothing excuses. */
static int refuse(struct program *program, const struct trap *trap)
{
	const struct region *region = find_region(program, trap->va);
	char names[VMMU_TEXT_BYTES], words[VMMU_TEXT_BYTES], rights[8];
	char where[64] = "it has no region there";

	if (region)
		snprintf(where, sizeof(where), "its region \"%s\" is %.3s",
			 region->name,
			 vmmu_rights_text(region->rights, rights,
					  sizeof(rights)));
	return program_kill(program,
			    "page fault at va 0x%llx, error code 0x%x (%s): %s; %s",
			    (unsigned long long)trap->va, trap->why.error_code,
			    vmmu_error_code_text(trap->why.error_code, names,
						 sizeof(names)),
			    fault_words(trap->why.error_code, words,
					sizeof(words)), where);
}

/*
 * Serve the program's access, or kill it; its state tells. An error means that
 * the guest OS itself cannot go on.
 */
int fault_handle(struct program *program, const struct trap *trap)
{
	int err = fault_serve(program, trap);

	if (err == -ENOMEM)
		return program_kill(program,
				    "no memory for virtual page 0x%llx",
				    (unsigned long long)(trap->va / PAGE_BYTES));
	return err == -EFAULT ? refuse(program, trap) : err;
}
