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
 *  3. install them: this is the hypercall, and the real page has a physical
 *     frame when it returns;
 *  4. fill the page, if the program's file has something to put there.
 *
 * Then the instruction is executed again. Step 4 can come last because nobody
 * but the faulting program uses this page table, and it is waiting for us.
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
	     region < program->regions + NR_REGIONS; region++)
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

static void tell_watcher(const struct fault *fault, enum fault_stage stage)
{
	struct watcher *watcher = fault->program->guest->watcher;

	if (watcher)
		watcher->fault(watcher, stage, fault);
}

/* Give the program the page that it asks for: the four steps. */
static int serve(struct fault *fault)
{
	struct program *program = fault->program;
	struct pages *pages = &program->guest->pages;
	uint64_t va = page_of(fault->trap->va);
	struct page use = {
		.use = PAGE_MEMORY,
		.va = va,
		.region = fault->region->name,
		.owner = program,
	};
	int err;

	err = pages_alloc(pages, &use, &fault->ra);
	if (err)
		return err;
	err = table_plan(program, va, fault->ra, fault->region->rights,
			 &fault->change);
	if (err)
		goto free_page;
	tell_watcher(fault, FAULT_PLANNED);
	err = table_install(program, &fault->change);
	if (err)
		goto forget_change;
	tell_watcher(fault, FAULT_INSTALLED);
	load_page(fault);
	tell_watcher(fault, FAULT_SERVED);
	return 0;

forget_change:
	table_forget(program, &fault->change);
free_page:
	pages_free(pages, fault->ra);
	return err;
}

/* Kill for a page fault that nothing excuses. */
static int refuse(struct program *program, const struct trap *trap,
		  const struct region *region)
{
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
 * Serve the access, or kill the program; its state tells. An error means that
 * the guest OS itself cannot go on.
 */
int fault_handle(struct program *program, const struct trap *trap)
{
	struct region *region = find_region(program, trap->va);
	struct fault fault = {
		.program = program,
		.trap = trap,
		.region = region,
	};
	int err;

	if (!(trap->why.flags & VMMU_PAGE_FAULT))
		return program_kill(program, "access to va 0x%llx: %s",
				    (unsigned long long)trap->va,
				    vmmu_reason_text(trap->why.reason));
	/* P says that a page is there: then its rights are what is wrong. */
	if (!region || trap->why.error_code & VMMU_PF_P ||
	    !(region->rights & right_for(trap->access)))
		return refuse(program, trap, region);
	if (trap->va < region->start)
		region->start = page_of(trap->va);
	err = serve(&fault);
	if (err == -ENOMEM)
		return program_kill(program,
				    "no memory for virtual page 0x%llx",
				    (unsigned long long)(trap->va / PAGE_BYTES));
	return err;
}
