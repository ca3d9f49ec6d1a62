// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: what an access through one gives, and that it gives nothing else
 * when the guest's table, a root, a mode or the real map has changed.
 */
#include <pthread.h>
#include <sched.h>

#include "vmmu_window.h"

#define VA	0x400000ULL
#define HIGH	0xffff800000000000ULL

FIXTURE(windows) {
	struct guest g;
	__u64 a, b;		/* two real pages with tags in them */
};

FIXTURE_SETUP(windows)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, 4 * MIB, FORMAT4,
		   VMMU_MODE_WP | VMMU_MODE_NXE);
	self->a = self->g.data;
	self->b = self->g.data + PAGE;
	store(self->g.mem + self->a, 0xaaaa);
	store(self->g.mem + self->b, 0xbbbb);
}

FIXTURE_TEARDOWN(windows)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

TEST_F(windows, access)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	__u64 *pte = guest_slot(g, VA, 1);

	/* Nothing is mapped. */
	ASSERT_EQ(SIGSEGV, access_read(w));
	ASSERT_EQ((void *)w, access_address);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(self->a | PTE_ALL | PTE_A, *pte);
	ASSERT_EQ(PTE_A, *guest_slot(g, VA, 2) & (PTE_A | PTE_D));
	ASSERT_EQ(PTE_A, *guest_slot(g, VA, 4) & (PTE_A | PTE_D));
	store(w, 0x1234);
	ASSERT_EQ(self->a | PTE_ALL | PTE_A | PTE_D, *pte);
	ASSERT_EQ(0x1234, load(g->mem + self->a));
	oracle(g, w, VA, 0);

	/* The exact address. */
	ASSERT_EQ(SIGSEGV, access_read(w + PAGE + 123));
	ASSERT_EQ((void *)(w + PAGE + 123), access_address);
}

TEST_F(windows, rights)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	__u64 *pte = guest_slot(g, VA, 1);

	*(g->mem + self->a) = 0xc3;
	guest_map(g, VA, 1, self->a | PTE_P | PTE_NX);
	ASSERT_EQ(0, access_kind(w, READ));
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));
	ASSERT_EQ(0, *pte & PTE_D);

	install_one(g->space, VA, 1, self->a | PTE_P);
	ASSERT_EQ(0, access_kind(w, FETCH));
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	install_one(g->space, VA, 1, self->a | PTE_P | PTE_W);
	ASSERT_EQ(0, access_kind(w, WRITE));
	ASSERT_EQ(0, access_kind(w, FETCH));
	install_one(g->space, VA, 1, self->a | PTE_P | PTE_NX | PTE_A | PTE_D);
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));

	/* The window's own PROT bits come on top. */
	install_one(g->space, VA, 1, self->a | PTE_ALL | PTE_A | PTE_D);
	ASSERT_EQ(0, mprotect(w, PAGE, PROT_READ));
	ASSERT_EQ(0, access_kind(w, READ));
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));
	install_one(g->space, VA, 1, self->a | PTE_P | PTE_NX | PTE_A | PTE_D);
	ASSERT_EQ(0, access_kind(w, READ));
	ASSERT_EQ(0, mprotect(w, PAGE, RWX));
	ASSERT_EQ(SIGSEGV, access_kind(w, WRITE));
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));
}

TEST_F(windows, remap)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	unsigned char *other = window(g->space, VA, PAGE);

	guest_slot(g, VA, 1);
	install_one(g->space, VA, 1, self->a | PTE_ALL);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0xaaaa, load(w));
		ASSERT_EQ(0xaaaa, load(other));
		install_one(g->space, VA, 1, self->b | PTE_ALL);
		ASSERT_EQ(0xbbbb, load(w));
		ASSERT_EQ(0xbbbb, load(other));
		oracle(g, w, VA, 0);
		install_one(g->space, VA, 1, self->a | PTE_ALL);
	}
	install_one(g->space, VA, 1, 0);
	ASSERT_EQ(SIGSEGV, access_read(w));
	ASSERT_EQ(SIGSEGV, access_read(other));
}

TEST_F(windows, upper_level)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	__u64 other = guest_page(g);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(g, VA + PAGE, 1, self->b | PTE_ALL);
	*guest_entry(g, other, 0) = self->b | PTE_ALL;
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(0xbbbb, load(w + PAGE));
	install_one(g->space, VA, 2, other | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
	ASSERT_EQ(SIGSEGV, access_read(w + PAGE));
	install_one(g->space, VA, 3, 0);
	ASSERT_EQ(SIGSEGV, access_read(w));
}

TEST_F(windows, discard)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	unsigned char *high = window(g->space, HIGH, 4 * PAGE);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(g, HIGH, 1, self->b | PTE_ALL);
	guest_map(g, HIGH + PAGE, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	discard(g->vm, self->a, PAGE);
	ASSERT_EQ(0, load(w));
	ASSERT_EQ(0xbbbb, load(high));
	discard(g->vm, self->b, PAGE);
	ASSERT_EQ(0, load(high));
	store(w, 77);
	ASSERT_EQ(77, load(high + PAGE));
	discard(g->vm, self->a, 2 * PAGE);
	ASSERT_EQ(0, load(high + PAGE));
	ASSERT_EQ(0, load(high));
	ASSERT_EQ(0, load(w));
	oracle(g, high, HIGH, 0);
}

/* A frame whose contents the hardware lost is not shown; a new one is. */
TEST_F(windows, lost)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	/* EBUSY: marked as lost, though it could not be replaced. */
	if (madvise(g->mem + self->a, PAGE, MADV_HWPOISON) && errno != EBUSY)
		SKIP(return, "needs CAP_SYS_ADMIN and CONFIG_MEMORY_FAILURE");
	ASSERT_EQ(SIGBUS, access_read(w));
	ASSERT_EQ(SIGBUS, access_write(w, 1));
	discard(g->vm, self->a, PAGE);
	ASSERT_EQ(0, load(w));
	oracle(g, w, VA, 0);
}

TEST_F(windows, root_and_mode)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	__u64 first = g->root;

	guest_map(g, VA, 1, self->a | PTE_P | PTE_W);
	ASSERT_EQ(0xaaaa, load(w));
	g->root = guest_page(g);
	guest_map(g, VA, 1, self->b | PTE_P | PTE_U);
	set_root(g->space, g->root);
	ASSERT_EQ(0xbbbb, load(w));
	set_root(g->space, first);
	ASSERT_EQ(0xaaaa, load(w));
	set_mode(g->space, VMMU_MODE_CPL3, 0, 52);
	ASSERT_EQ(SIGSEGV, access_read(w));
	set_root(g->space, g->root);
	ASSERT_EQ(0xbbbb, load(w));
	ASSERT_EQ(SIGSEGV, access_write(w, 1));
	/* Without CR0.WP a supervisor writes anywhere. */
	set_mode(g->space, 0, 0, 52);
	ASSERT_EQ(0, access_write(w, 1));
	set_mode(g->space, VMMU_MODE_WP, 0, 52);
	ASSERT_EQ(0, access_read(w));
	ASSERT_EQ(SIGSEGV, access_write(w, 1));
}

/* Stale until it is invalidated, and only what is invalidated comes anew. */
TEST_F(windows, lazy)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(g, VA + PAGE, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(0xaaaa, load(w + PAGE));
	guest_map(g, VA, 1, self->b | PTE_ALL);
	guest_map(g, VA + PAGE, 1, self->b | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	ASSERT_EQ(2, audit(g->vm).wrong);
	ASSERT_EQ(VA, audit(g->vm).va);
	invalidate(g->space, VA + 5, 1);
	ASSERT_EQ(1, audit(g->vm).wrong);
	ASSERT_EQ(0xbbbb, load(w));
	ASSERT_EQ(0xaaaa, load(w + PAGE));
	invalidate_all(g->space);
	ASSERT_EQ(0xbbbb, load(w + PAGE));
}

/* A fault drops what is cached for its address, as a processor's does. */
TEST_F(windows, stale_and_read_only)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);

	guest_map(g, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	guest_map(g, VA, 1, self->b | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	store(w, 0x1111);
	ASSERT_EQ(0x1111, load(g->mem + self->b));
	ASSERT_EQ(0xaaaa, load(g->mem + self->a));
}

/* One address of a large page invalidates all of it. */
TEST_F(windows, large)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, 0, 2 * MIB);
	__u64 table = guest_page(g);

	guest_map(g, 0, 2, 2 * MIB | PTE_ALL | PTE_PS);
	store(g->mem + 2 * MIB + 5 * PAGE, 0x5555);
	ASSERT_EQ(0x5555, load(w + 5 * PAGE));
	oracle(g, w + 5 * PAGE, 5 * PAGE, 0);
	ASSERT_EQ(0, load(w + 511 * PAGE));
	store(g->mem + 2 * MIB + 511 * PAGE, 0x7777);
	ASSERT_EQ(0x7777, load(w + 511 * PAGE));
	*guest_entry(g, table, 5) = self->b | PTE_ALL;
	guest_map(g, 0, 2, table | PTE_ALL);
	invalidate(g->space, 100 * PAGE, PAGE);
	ASSERT_EQ(0xbbbb, load(w + 5 * PAGE));
	ASSERT_EQ(SIGSEGV, access_read(w + 511 * PAGE));
}

/* 1 GiB by one entry: frames come page by page, and all goes at once. */
TEST_F(windows, huge)
{
	const __u64 last = 2 * GIB - PAGE;
	unsigned char *low, *high;
	struct guest g;
	__u64 before;

	guest_make(&g, self->g.dev, 2 * GIB, FORMAT4, VMMU_MODE_WP);
	low = window(g.space, GIB, PAGE);
	high = window(g.space, last, PAGE);
	guest_map(&g, GIB, 3, g.data | PTE_ALL | PTE_PS);
	before = vm_info(g.vm).frames;
	ASSERT_EQ(0, load(low));
	ASSERT_EQ(before + 1, vm_info(g.vm).frames);
	oracle(&g, low, GIB, 0);
	oracle(&g, high, last, 0);
	ASSERT_EQ(before + 2, vm_info(g.vm).frames);

	guest_map(&g, GIB, 3, g.data | PTE_P | PTE_PS);
	ASSERT_EQ(0, access_write(low, 1));
	ASSERT_EQ(0, access_write(high, 1));
	invalidate(g.space, GIB + 300 * MIB, 1);
	ASSERT_EQ(SIGSEGV, access_write(low, 1));
	ASSERT_EQ(SIGSEGV, access_write(high, 1));
	ASSERT_EQ(0, access_read(high));
	install_one(g.space, GIB, 3, 0);
	ASSERT_EQ(SIGSEGV, access_read(low));
	ASSERT_EQ(SIGSEGV, access_read(high));
	audit_clean(g.vm);
	munmap(low, PAGE);
	munmap(high, PAGE);
	guest_drop(&g);
}

TEST_F(windows, offsets)
{
	struct guest *g = &self->g;
	unsigned char *w;

	ASSERT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE,
				   g->space, 0));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(MAP_FAILED, _window(g->space, BIT_ULL(47), PAGE, RWX));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(MAP_FAILED, _window(g->space, BIT_ULL(47) - PAGE, 2 * PAGE,
				      RWX));
	ASSERT_EQ(EINVAL, errno);
	ASSERT_EQ(MAP_FAILED, _window(g->space, HIGH - PAGE, 2 * PAGE, RWX));
	ASSERT_EQ(EINVAL, errno);
	w = window(g->space, BIT_ULL(47) - PAGE, PAGE);
	guest_map(g, BIT_ULL(47) - PAGE, 1, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(w));
	/* The very last page. */
	w = window(g->space, -PAGE, PAGE);
	guest_map(g, -PAGE, 1, self->b | PTE_ALL);
	ASSERT_EQ(0xbbbb, load(w));
	oracle(g, w, -PAGE, 0);
}

/* Two MiB that have a host page table have one of the guest's. */
TEST_F(windows, lines_up)
{
	const __u64 va[] = { VA, VA + 3 * PAGE, HIGH + 5 * PAGE, -(16ULL << 20) };

	for (unsigned int i = 0; i < ARRAY_SIZE(va); i++) {
		unsigned char *w = window(self->g.space, va[i], 4 << 20);

		ASSERT_EQ(0, ((__u64)w - va[i]) % (2 << 20)) {
			TH_LOG("va %#llx is at %p", va[i], (void *)w);
		}
	}
}

TEST_F(windows, fault)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	struct vmmu_fault f;

	guest_slot(g, VA, 1);
	ASSERT_EQ(SIGSEGV, access_write(w + 8, 1));
	f = fault(g->space, w + 8, WRITE);
	ASSERT_EQ(1, f.recorded);
	ASSERT_EQ(VA + 8, f.va);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, f.result.reason);
	ASSERT_EQ(1, f.result.level);
	ASSERT_EQ(VMMU_PAGE_FAULT, f.result.flags);
	ASSERT_EQ(VMMU_PF_W, f.result.error_code);
	f = fault(g->space, w + 8, WRITE);
	ASSERT_EQ(0, f.recorded);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT, f.result.reason);
	fails_with(ENOENT, _fault(g->space, w - 1, READ, &f));
	fails_with(EINVAL, _fault(g->space, w, 3, &f));
}

/* What the host can't grant leaves no trace: no A, no frame. */
TEST_F(windows, execute_only)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	__u64 fresh = self->b + PAGE;
	struct vmmu_fault f;

	guest_map(g, VA, 1, fresh | PTE_ALL);
	set_mode(g->space, VMMU_MODE_SMAP, 0, 52);
	ASSERT_EQ(SIGSEGV, access_kind(w, FETCH));
	for (int i = 0; i < 2; i++) {
		f = fault(g->space, w, FETCH);
		ASSERT_EQ(!i, f.recorded);
		ASSERT_EQ(VMMU_REASON_EXECUTE_ONLY, f.result.reason);
		ASSERT_EQ(1, f.result.level);
		ASSERT_EQ(0, f.result.flags);
		ASSERT_EQ(0, f.result.error_code);
	}
	for (int level = 1; level <= 4; level++)
		ASSERT_EQ(0, *guest_slot(g, VA, level) & (PTE_A | PTE_D));
	ASSERT_EQ(0, real_page(g->vm, fresh).page_shift);
}

struct switching {
	int space, stop;
	unsigned long modes;
};

/* Between two modes, each of which grants a read of a user page. */
static void *switch_modes(void *arg)
{
	struct switching *s = arg;

	for (; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); s->modes += 2) {
		_set_mode(s->space, VMMU_MODE_CPL3 | VMMU_MODE_SMAP, 0, 52);
		sched_yield();
		_set_mode(s->space, 0, 0, 52);
		sched_yield();
	}
	return NULL;
}

/* An access is judged by one mode or the other, never by parts of both. */
TEST_F(windows, one_mode)
{
	struct guest *g = &self->g;
	unsigned char *w = window(g->space, VA, 4 * PAGE);
	struct switching s = { .space = g->space };
	__u64 end = now_ms() + 3000;
	unsigned long reads = 0;
	struct vmmu_fault f;
	pthread_t thread;
	int refused = 0;

	guest_map(g, VA, 1, self->a | PTE_ALL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, switch_modes, &s));
	for (; !refused && now_ms() < end; reads++)
		refused = access_read(w) || _fault(g->space, w, READ, &f) ||
			  f.result.reason != VMMU_REASON_NONE;
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	printf("# %lu reads in %lu modes\n", reads, s.modes);
	ASSERT_EQ(0, refused);
}

TEST_HARNESS_MAIN
