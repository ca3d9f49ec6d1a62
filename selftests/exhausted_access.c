// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out under accesses to real memory: a SIGBUS of the very page, or
 * a system call that goes as far as there was memory. When there is some again
 * the same access works.
 */
#include "vmmu_exhaust.h"

/*
 * An access. In a cgroup the kernel charges its own record of a signal, limit
 * or not, after which there may be a page more: so @i is the first refusal.
 */
static void access_verb(bool write)
{
	unsigned char *at = x.g->mem + x.g->data;
	int i;

	for (i = 0; i < NR; i++)
		if (write ? access_write(at + i * PAGE, i) :
			    access_read(at + i * PAGE))
			break;
	CHILD_CHECK(i < NR && access_address == at + i * PAGE);
	CHILD_CHECK(backed_up_to(i));
	relieve();
	for (; i < NR; i++)
		CHILD_CHECK(!(write ? access_write(at + i * PAGE, i) :
				      access_read(at + i * PAGE)));
	CHILD_CHECK(backed_up_to(NR));
	for (i = 0; write && i < NR; i++)
		CHILD_CHECK(at[i * PAGE] == (unsigned char)i);
}

static void write_access_verb(void)
{
	access_verb(true);
}

static void read_access_verb(void)
{
	access_verb(false);
}

static void read_verb(void)
{
	copy_until_exhausted(x.g->mem + x.g->data, true);
}

static void write_verb(void)
{
	copy_until_exhausted(x.g->mem + x.g->data, false);
}

TEST_F(exhausted, write_access)
{
	short_of_memory(write_access_verb);
}

TEST_F(exhausted, read_access)
{
	short_of_memory(read_access_verb);
}

TEST_F(exhausted, read)
{
	short_of_memory(read_verb);
}

TEST_F(exhausted, write)
{
	short_of_memory(write_verb);
}

TEST_HARNESS_MAIN
