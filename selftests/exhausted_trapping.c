// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out while page tables come to be known: nothing has changed then,
 * and when there is memory again the same works.
 */
#include <sys/uio.h>

#include "vmmu_debug.h"
#include "vmmu_exhaust.h"
#include "vmmu_trapping.h"

#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define PDS	4
#define LINK_VA	(512 * GIB)

/*
 * @pdpt: a table, not linked yet, of PDS tables with 512 tables each, which have
 *	no frames, and so are not in memory; and at the end of the last one two
 *	that do
 * @link: the entry that is to refer to it
 * @tables: how many are linked already, that have frames
 * @before: the VM, as it was
 */
static struct {
	__u64 pdpt, *link;
	unsigned int tables;
	struct vmmu_vm_info before;
} tree;

static unsigned int count_tables(void)
{
	static struct vmmu_real_map_entry e[REAL / PAGE];
	struct vmmu_real_map m;
	unsigned int nr = 0;

	CHILD_CHECK(!_real_map(x.g->vm, 0, ~0ULL, REAL / PAGE, e, &m));
	for (__u32 i = 0; i < m.done; i++)
		nr += e[i].flags & VMMU_REAL_TABLE;
	return nr / VMMU_REAL_TABLE;
}

static __u64 charged_for_tables(const struct vmmu_vm_info *i)
{
	return i->charged_bytes - (i->frames + i->tables) * PAGE;
}

static void make_tree(void)
{
	struct guest *g = x.g;

	tree.pdpt = guest_page(g);
	for (unsigned int i = 0; i < PDS; i++) {
		__u64 pd = guest_page(g);

		*guest_entry(g, tree.pdpt, i) = pd | PTE_ALL;
		for (unsigned int k = 0; k < 512; k++)
			*guest_entry(g, pd, k) =
				(g->data + (i * 512 + k) * PAGE) | PTE_ALL;
	}
}

/* With a TRAPPING space, or none. */
static void ready(bool space)
{
	struct vmmu_space_create c;

	make_tree();
	close(x.g->space);
	x.g->space = -1;
	tree.link = guest_slot(x.g, LINK_VA, 4);
	*tree.link = 0;
	if (!space)
		return;
	CHILD_CHECK(!_trapping_space(x.g->vm, FORMAT4, x.g->root, BITS, &c));
	x.g->space = c.fd;
}

static void ready_to_link(void)
{
	ready(true);
}

static void ready_to_register(void)
{
	ready(false);
	*tree.link = tree.pdpt | PTE_ALL;
}

/* Tables are small: what the hog gave back to the cgroup would do for them. */
static void remember(void)
{
	__u64 done;

	if (x.m)
		_range(x.hog, VMMU_IOC_POPULATE, 0, HOG, &done);
	tree.tables = count_tables();
	CHILD_CHECK(!_vm_info(x.g->vm, &tree.before));
}

static void check_nothing_linked(__u64 link)
{
	struct vmmu_vm_info now;

	CHILD_CHECK(*tree.link == link);
	CHILD_CHECK(count_tables() == tree.tables);
	CHILD_CHECK(!_vm_info(x.g->vm, &now));
	CHILD_CHECK(now.frames == tree.before.frames);
	CHILD_CHECK(charged_for_tables(&now) ==
		    charged_for_tables(&tree.before));
}

/* All of it is known; and let go of again. */
static void check_linked(void)
{
	__u64 done, table = x.g->data + 100 * PAGE;

	CHILD_CHECK(*tree.link == (tree.pdpt | PTE_ALL));
	CHILD_CHECK(count_tables() == tree.tables + 1 + PDS);
	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_POPULATE, table, PAGE, &done));
	CHILD_CHECK(real_flags(x.g->vm, table) == CLOSED);
	*tree.link = 0;
	CHILD_CHECK(count_tables() == tree.tables);
	CHILD_CHECK(real_flags(x.g->vm, table) == DATA);
}

static int store_link(void)
{
	return access_store(tree.link, tree.pdpt | PTE_ALL);
}

static void store_verb(void)
{
	remember();
	CHILD_CHECK(store_link() == SIGBUS);
	CHILD_CHECK(access_address == tree.link);
	check_nothing_linked(0);
	relieve();
	CHILD_CHECK(!store_link());
	check_linked();
}

static void hypercall(__u32 flags)
{
	struct vmmu_install_op both[2] = {
		{ .va = AT, .level = 1, .value = PTE_U },
		{ .va = LINK_VA, .level = 4, .value = tree.pdpt | PTE_ALL },
	};
	struct vmmu_install i;

	remember();
	CHILD_CHECK(gives(ENOMEM, _install(x.g->space, flags, both, 2, NULL,
					   &i)));
	CHILD_CHECK(i.done == (flags ? 0 : i.index) && i.index <= 1);
	/* What is to be put back needs memory, too; that fails without reason. */
	if (!flags || i.index || i.reason)
		CHILD_CHECK(i.reason == VMMU_REASON_NOFRAME && i.level == 4);
	CHILD_CHECK(*guest_slot(x.g, AT, 1) == (i.done ? PTE_U : 0));
	check_nothing_linked(0);
	relieve();
	CHILD_CHECK(!_install(x.g->space, flags, both, 2, NULL, &i));
	check_linked();
}

static void hypercall_verb(void)
{
	hypercall(0);
}

static void atomic_verb(void)
{
	hypercall(VMMU_INSTALL_ATOMIC);
}

static void space_verb(void)
{
	struct vmmu_space_create c;
	unsigned int nr;

	remember();
	CHILD_CHECK(gives(ENOMEM, _trapping_space(x.g->vm, FORMAT4, x.g->root,
						  BITS, &c)));
	CHILD_CHECK(c.fd == -1);
	CHILD_CHECK(!tree.tables);
	check_nothing_linked(tree.pdpt | PTE_ALL);
	relieve();
	CHILD_CHECK(!_trapping_space(x.g->vm, FORMAT4, x.g->root, BITS, &c));
	nr = count_tables();
	CHILD_CHECK(nr > 1 + PDS);
	*tree.link = 0;
	CHILD_CHECK(count_tables() == nr - 1 - PDS);
	close(c.fd);
	CHILD_CHECK(!count_tables());
}

static void root_verb(void)
{
	__u64 was = x.g->root;

	/* As a root it has one table more below it. */
	remember();
	CHILD_CHECK(gives(ENOMEM, _set_root(x.g->space, tree.pdpt)) ||
		    gives(ENOMEM, _set_root(x.g->space, tree.pdpt)));
	check_nothing_linked(0);
	relieve();
	CHILD_CHECK(!_set_root(x.g->space, tree.pdpt));
	CHILD_CHECK(!_set_root(x.g->space, was));
	check_nothing_linked(0);
}

/* What was stored while nobody looked stands, and is found in the end. */
static void settle_verb(void)
{
	volatile __u16 *part = (__u16 *)tree.link;
	__u64 link = tree.pdpt | PTE_ALL;
	struct vmmu_mapper mapper;
	struct vmmu_translation t;
	struct vmmu_mapping run;
	struct vmmu_mappings ms;
	struct vmmu_mappers rs;
	struct vmmu_memory m;
	struct vmmu_audit a;
	__u64 done, word;

	remember();
	/* What is remembered of the page takes one. */
	CHILD_CHECK(!_range(x.hog, VMMU_IOC_DISCARD, 0, 2 * PAGE, &done));
	for (int i = 3; i >= 0; i--)
		part[i] = link >> 16 * i;
	CHILD_CHECK(gives(ENOMEM, _translate(x.g->space, 0, READ, AT, &t)));
	CHILD_CHECK(t.reason == VMMU_REASON_NOFRAME && !t.flags);
	CHILD_CHECK(*tree.link == link);
	CHILD_CHECK(gives(ENOMEM, _invalidate(x.g->space, 0, 0, PAGE)));
	CHILD_CHECK(gives(ENOMEM, _memory(x.g->space, VMMU_IOC_READ, 0, AT,
					  &word, sizeof(word), &m)));
	CHILD_CHECK(!m.done && m.result.reason == VMMU_REASON_NOFRAME);
	CHILD_CHECK(gives(ENOMEM, _mappings(x.g->space, 0, 0, 1, &run, &ms)));
	CHILD_CHECK(gives(ENOMEM, _mappers(x.g->vm, 0, 0, 0, 1, &mapper, &rs)));
	CHILD_CHECK(!ms.done && !rs.done && rs.more);
	CHILD_CHECK(gives(ENOMEM, _audit(x.g->vm, &a)));
	relieve();
	CHILD_CHECK(!_translate(x.g->space, 0, READ, AT, &t));
	check_linked();
}

/* There is no page at all, for what is remembered of one that is opened. */
static void open_verb(void)
{
	unsigned char *byte = (unsigned char *)tree.link;
	struct vmmu_translation t;
	__u64 done;
	int p[2];

	remember();
	_range(x.hog, VMMU_IOC_POPULATE, 0, HOG, &done);
	CHILD_CHECK(access_write(byte + 1, 1) == SIGBUS);
	CHILD_CHECK(access_address == byte + 1);
	check_nothing_linked(0);
	CHILD_CHECK(!pipe(p));
	relieve();
	CHILD_CHECK(write(p[1], "xyz", 3) == 3);
	_range(x.hog, VMMU_IOC_POPULATE, 0, HOG, &done);
	CHILD_CHECK(read(p[0], byte + 1, 3) == -1 && errno == EFAULT);
	check_nothing_linked(0);
	relieve();
	CHILD_CHECK(!access_write(byte + 1, tree.pdpt >> 8));
	CHILD_CHECK(!access_write(byte + 2, tree.pdpt >> 16));
	CHILD_CHECK(!access_write(byte, PTE_ALL));
	CHILD_CHECK(!_translate(x.g->space, 0, READ, AT, &t));
	check_linked();
}

/* The root was held when it became a table, so that nothing below it is known. */
static void ready_to_look(void)
{
	struct vmmu_space_create c;
	struct iovec iov = { .iov_len = PAGE };
	int p[2];

	ready(false);
	*tree.link = tree.pdpt | PTE_ALL;
	iov.iov_base = (void *)((uintptr_t)tree.link & ~(PAGE - 1));
	CHILD_CHECK(!pipe(p));
	CHILD_CHECK(vmsplice(p[1], &iov, 1, 0) == PAGE);
	CHILD_CHECK(!_trapping_space(x.g->vm, FORMAT4, x.g->root, BITS, &c));
	x.g->space = c.fd;
	CHILD_CHECK(count_tables() == 1);
	close(p[0]);
	close(p[1]);
}

/* Discarded while half of what is below it is known. */
static void discard_verb(void)
{
	struct vmmu_translation t;
	__u64 done;

	remember();
	CHILD_CHECK(gives(ENOMEM, _translate(x.g->space, 0, READ, AT, &t)));
	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_DISCARD, x.g->root, PAGE, &done));
	CHILD_CHECK(!count_tables());
	relieve();
	CHILD_CHECK(!_range(x.g->vm, VMMU_IOC_POPULATE, x.g->root, PAGE, &done));
	CHILD_CHECK(count_tables() == 1);
	CHILD_CHECK(!*tree.link);
	tree.tables = 1;
	CHILD_CHECK(!store_link());
	check_linked();
}

TEST_F(exhausted, discard)
{
	short_of_memory_after(ready_to_look, discard_verb);
}

TEST_F(exhausted, store)
{
	short_of_memory_after(ready_to_link, store_verb);
}

TEST_F(exhausted, hypercall)
{
	short_of_memory_after(ready_to_link, hypercall_verb);
}

TEST_F(exhausted, atomic)
{
	short_of_memory_after(ready_to_link, atomic_verb);
}

TEST_F(exhausted, space)
{
	short_of_memory_after(ready_to_register, space_verb);
}

TEST_F(exhausted, set_root)
{
	short_of_memory_after(ready_to_link, root_verb);
}

TEST_F(exhausted, settle)
{
	short_of_memory_after(ready_to_link, settle_verb);
}

TEST_F(exhausted, open)
{
	short_of_memory_after(ready_to_link, open_verb);
}

TEST_HARNESS_MAIN
