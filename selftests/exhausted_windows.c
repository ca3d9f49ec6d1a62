// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out under accesses through windows: a SIGBUS of the very page,
 * never a guest page fault, or a system call that goes as far as there was
 * memory. When there is some again the same access works.
 */
#include "vmmu_exhaust.h"
#include "vmmu_trap_calls.h"
#include "vmmu_window.h"

#define HERE	((void *)(96ULL << 40))	/* NR pages under one page table */

static unsigned char *at;

static void map_all(void)
{
	int i;

	for (i = 0; i < NR; i++)
		guest_map(x.g, AT + i * PAGE, 1,
			  (x.g->data + i * PAGE) | PTE_ALL);
}

/* The host's page table is there; the page that it is there for goes again. */
static void open_window(void)
{
	at = mmap(HERE, NR * PAGE, RWX, MAP_SHARED | MAP_FIXED, x.g->space, AT);
	CHILD_CHECK(at == HERE);
	map_all();
	CHILD_CHECK(!access_read(at));
}

/* See exhausted_access.c: @i is the first refusal. */
static void access_verb(__u32 kind)
{
	struct vmmu_fault f;
	int i;

	map_all();
	for (i = 0; i < NR; i++)
		if (access_kind(at + i * PAGE, kind))
			break;
	CHILD_CHECK(i < NR && access_address == at + i * PAGE);
	CHILD_CHECK(backed_up_to(i));
	/* The guest's table grants it. */
	CHILD_CHECK(!_fault(x.g->space, at + i * PAGE, kind, &f));
	CHILD_CHECK(!f.recorded && f.result.reason == VMMU_REASON_NOT_BACKED);
	CHILD_CHECK(!(*guest_slot(x.g, AT + i * PAGE, 1) & (PTE_A | PTE_D)));
	relieve();
	for (; i < NR; i++)
		CHILD_CHECK(!access_kind(at + i * PAGE, kind));
	CHILD_CHECK(backed_up_to(NR));
	for (i = 0; kind == WRITE && i < NR; i++)
		CHILD_CHECK(x.g->mem[x.g->data + i * PAGE] == 0xc3);
}

static void read_access_verb(void)
{
	access_verb(READ);
}

static void write_access_verb(void)
{
	access_verb(WRITE);
}

static void read_verb(void)
{
	map_all();
	copy_until_exhausted(at, true);
}

static void write_verb(void)
{
	map_all();
	copy_until_exhausted(at, false);
}

/* Not even who would be asked about guest page faults is. */
static void asked_verb(void)
{
	struct vmmu_trap_info i;
	struct vmmu_trap_create c;
	int n;

	map_all();
	for (n = 0; n < NR; n++)
		if (access_write(at + n * PAGE, 1))
			break;
	CHILD_CHECK(n < NR);
	relieve();
	CHILD_CHECK(!_trap_create(x.g->vm, &c));
	CHILD_CHECK(!_set_delivery(x.g->space, VMMU_DELIVER_RECORD, c.fd));
	exhaust();
	for (; n < NR; n++)
		if (access_write(at + n * PAGE, 1))
			break;
	CHILD_CHECK(n < NR && !_trap_info(c.fd, &i) && !i.made);
	relieve();
	for (; n < NR; n++)
		CHILD_CHECK(!access_write(at + n * PAGE, 1));
	CHILD_CHECK(!_trap_info(c.fd, &i) && !i.made);
	close(c.fd);
}

/* Trap files cost the cgroup, not the user. */
static void trap_verb(void)
{
	int ret = 0, nr, made[MOST_FILES], most = x.m ? MOST_FILES : 10;
	struct vmmu_trap_create c;

	for (nr = 0; nr < most && !ret; nr += !ret) {
		ret = _trap_create(x.g->vm, &c);
		made[nr] = c.fd;
	}
	if (x.m) {
		CHILD_CHECK(gives(ENOMEM, ret) && (__u32)c.fd == POISON32);
		relieve();
		CHILD_CHECK(!_trap_create(x.g->vm, &c));
		close(c.fd);
	}
	while (nr--)
		close(made[nr]);
}

TEST_F(exhausted, window_read_access)
{
	short_of_memory_after(open_window, read_access_verb);
}

TEST_F(exhausted, window_write_access)
{
	short_of_memory_after(open_window, write_access_verb);
}

TEST_F(exhausted, window_read)
{
	short_of_memory_after(open_window, read_verb);
}

TEST_F(exhausted, window_write)
{
	short_of_memory_after(open_window, write_verb);
}

TEST_F(exhausted, window_with_a_monitor)
{
	if (variant->memcg)
		SKIP(return, "the memory of the trap is the group's, too");
	short_of_memory_after(open_window, asked_verb);
}

TEST_F(exhausted, trap)
{
	short_of_memory(trap_verb);
}

TEST_HARNESS_MAIN
