// SPDX-License-Identifier: GPL-2.0
/*
 * Which real pages are free.
 *
 * Real memory is a row of pages, numbered from 0. The guest OS keeps one
 * struct page for each, which says what the page is used for and by whom; a
 * page that is wanted is found by looking for the first one that is free.
 * Grown-up kernels search faster, but what they know about a page is the same.
 *
 * A page of a program's memory may be used by several programs at once, after a
 * fork: it counts its users, and is free again when the last one has gone.
 *
 * Two rules make the rest of the guest OS simple:
 *
 * A free page reads as zeroes. Real memory begins that way, and a page that
 * comes back is discarded: the module takes its physical frame away, gives the
 * frame back to the host, and promises zeroes for the next use. So no program
 * ever sees what another one left behind, and a VM uses no more of the host's
 * memory than its guest OS has a use for.
 *
 * Real page 0 is never handed out. An address of 0 is what an entry holds that
 * somebody forgot to fill in, and such a mistake shall hit nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "guest.h"

int pages_init(struct pages *pages, int vm, uint64_t nr)
{
	struct page *map = calloc(nr, sizeof(*map));

	if (!map)
		return -ENOMEM;
	map[0].use = PAGE_RESERVED;
	*pages = (struct pages){
		.vm = vm,
		.nr = nr,
		.nr_free = nr - 1,
		.map = map,
	};
	return 0;
}

void pages_exit(struct pages *pages)
{
	free(pages->map);
	pages->map = NULL;
}

/* Take a free page for @use. -ENOMEM when there is none. */
int pages_alloc(struct pages *pages, const struct page *use, uint64_t *ra)
{
	uint64_t n;

	for (n = 0; n < pages->nr; n++) {
		if (pages->map[n].use != PAGE_FREE)
			continue;
		pages->map[n] = *use;
		pages->map[n].users = 1;
		pages->nr_free--;
		*ra = n * PAGE_BYTES;
		return 0;
	}
	return -ENOMEM;
}

/* The page, if it is one that was handed out; NULL otherwise. */
static struct page *used(struct pages *pages, uint64_t ra)
{
	uint64_t n = ra / PAGE_BYTES;

	if (ra % PAGE_BYTES || n >= pages->nr || !pages->map[n].users)
		return NULL;
	return &pages->map[n];
}

/* One more page table refers to a page. */
int pages_share(struct pages *pages, uint64_t ra)
{
	struct page *page = used(pages, ra);

	if (!page)
		return -EINVAL;
	page->users++;
	return 0;
}

/*
 * Give a page back. The caller has seen to it that its page table does not
 * refer to it any more. If the frame cannot be discarded the page stays in use,
 * for a free page reads as zeroes.
 */
int pages_free(struct pages *pages, uint64_t ra)
{
	struct page *page = used(pages, ra);
	int err;

	if (!page)
		return -EINVAL;
	if (page->users > 1) {
		page->users--;
		return 0;
	}
	err = vmmu_discard(pages->vm, ra, PAGE_BYTES, NULL);
	if (err)
		return err;
	*page = (struct page){ .use = PAGE_FREE };
	pages->nr_free++;
	return 0;
}

/* What is known about a page; NULL beyond real memory. */
const struct page *pages_look(const struct pages *pages, uint64_t ra)
{
	uint64_t n = ra / PAGE_BYTES;

	return n < pages->nr ? &pages->map[n] : NULL;
}
