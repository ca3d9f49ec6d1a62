// SPDX-License-Identifier: GPL-2.0
/*
 * Work for the page tables, by which the ways to change their entries are
 * compared: touch as many pages as the argument says, become two, and write half
 * of them once more. Who finds something else than what was written exits with 1.
 */
#include "os.h"

#define PAGE	4096
#define MOST	256UL

static char room[(MOST + 1) * PAGE];

static volatile char *page(unsigned long i)
{
	return (char *)(((unsigned long)room + PAGE - 1) & -(long)PAGE) +
	       i * PAGE;
}

static void write_pages(unsigned long nr, char value)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		*page(i) = value;
}

static int differ(unsigned long from, unsigned long to, char value)
{
	unsigned long i;

	for (i = from; i < to; i++)
		if (*page(i) != value)
			return 1;
	return 0;
}

int main(unsigned long nr)
{
	if (nr > MOST)
		return 1;
	write_pages(nr, 'p');
	if (os_fork()) {
		/* So that the pages are shared while the child writes. */
		os_wait();
		return differ(0, nr, 'p');
	}
	write_pages(nr / 2, 'c');
	return differ(0, nr / 2, 'c') || differ(nr / 2, nr, 'p');
}
