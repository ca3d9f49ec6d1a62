// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_INSTALL, large and under load: large pages, the largest batch, one
 * that is killed, and a guest that stores into the same entries meanwhile.
 */
#include <pthread.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(512 * MIB)
#define NR	300
#define BASE	0x10000000ULL
#define NOWHERE	0x700000000000ULL	/* has no tables */

FIXTURE(heavy) {
	struct guest g;
	struct vmmu_install_op ops[NR];
	__u32 most;
};

FIXTURE_SETUP(heavy)
{
	int dev = dev_open(), i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(&self->g, dev, REAL, FORMAT4, 0);
	self->most = info(dev).max_batch;
	for (i = 0; i < NR; i++) {
		self->ops[i].va = BASE + i * PAGE;
		self->ops[i].level = 1;
		self->ops[i].value = (self->g.data + i * PAGE) | PTE_P;
		guest_slot(&self->g, self->ops[i].va, 1);
	}
}

FIXTURE_TEARDOWN(heavy)
{
	guest_drop(&self->g);
	close(self->g.dev);
}

/* As many entries as one call takes, in a few pages' worth of tables. */
TEST_F(heavy, largest)
{
	struct vmmu_install_op *ops = calloc(self->most, sizeof(*ops));
	__u8 *outcomes = malloc(self->most);
	struct vmmu_install i;
	__u64 start, real = self->g.data;
	__u32 k;

	if (info(self->g.dev).memlock_bytes < 20 * MIB + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	ASSERT_TRUE(ops && outcomes);
	memset(outcomes, POISON8, self->most);
	for (k = 0; k < self->most; k++) {
		ops[k].va = k * PAGE;
		ops[k].level = 1;
		ops[k].value = (real + k % 4096 * PAGE) | PTE_P;
		if (k % 512 == 0)
			guest_slot(&self->g, ops[k].va, 1);
	}
	start = now_ms();
	ASSERT_EQ(0, _install(self->g.space, 0, ops, self->most, outcomes, &i));
	printf("# %u entries in %llu ms\n", self->most,
	       (unsigned long long)(now_ms() - start));
	EXPECT_EQ(self->most, i.done);
	EXPECT_EQ(self->most, i.index);
	EXPECT_TRUE(all_bytes(outcomes, VMMU_OUTCOME_PAGE, self->most));
	for (k = 0; k < self->most; k += 97)
		ASSERT_EQ(ops[k].value, *guest_slot(&self->g, ops[k].va, 1));

	/* Put back just as well. */
	for (k = 0; k < self->most; k++)
		ops[k].value ^= PTE_W;
	ops[self->most - 1].va = NOWHERE;
	ASSERT_EQ(-ENXIO, _install(self->g.space, VMMU_INSTALL_ATOMIC, ops,
				   self->most, outcomes, &i));
	EXPECT_EQ(0, i.done);
	EXPECT_EQ(self->most - 1, i.index);
	for (k = 0; k < self->most - 1; k++) {
		ASSERT_EQ(ops[k].value ^ PTE_W,
			  *guest_slot(&self->g, ops[k].va, 1));
	}
}

/* A large page brings no frames, unless all are asked for. */
TEST_F(heavy, large_pages)
{
	struct vmmu_install_op op = {
		.va = 0x40200000, .level = 2,
		.value = 0xa00000 | PTE_ALL | PTE_PS | PTE_LARGE_PAT,
	};
	struct guest *g = &self->g;
	struct vmmu_vm_info before;

	guest_slot(g, op.va, 2);
	before = vm_info(g->vm);
	EXPECT_EQ(VMMU_OUTCOME_PAGE, install_one(g->space, op.va, 2,
						 op.value));
	vm_unchanged(before, g->vm);
	EXPECT_EQ(VMMU_REASON_NOT_BACKED,
		  translate(g->space, 0, READ, 0x40201000).reason);

	*guest_slot(g, op.va, 2) = 0;
	populate(g->vm, 0xa05000, PAGE);
	g->mem[0xa05000] = 0x11;
	before = vm_info(g->vm);
	install(g->space, VMMU_INSTALL_PROVIDE, &op, 1);
	EXPECT_EQ(before.frames + 511, vm_info(g->vm).frames);
	EXPECT_EQ(before.sequence, vm_info(g->vm).sequence);
	EXPECT_EQ(12, real_page(g->vm, 0xa00000).page_shift);
	EXPECT_EQ(12, real_page(g->vm, 0xbff000).page_shift);
	EXPECT_EQ(0, real_page(g->vm, 0x9ff000).page_shift);
	EXPECT_EQ(0, real_page(g->vm, 0xc00000).page_shift);
	EXPECT_EQ(0x11, g->mem[0xa05000]);
	EXPECT_TRUE(all_bytes(g->mem + 0xa06000, 0, 250 * PAGE));
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(g->space, 0, READ, 0x403ff000).reason);
}

/* A large page that begins within real memory has what there is of it. */
TEST_F(heavy, partly_beyond_real)
{
	__u64 bytes = 6 * MIB + 5 * PAGE;
	struct vmmu_vm_info before;
	struct guest g;
	struct vmmu_install_op op = {
		.va = 0, .level = 2, .value = (6 * MIB) | PTE_P | PTE_PS,
	};

	guest_make(&g, self->g.dev, bytes, FORMAT4, 0);
	guest_slot(&g, 0, 2);
	before = vm_info(g.vm);
	install(g.space, VMMU_INSTALL_PROVIDE, &op, 1);
	EXPECT_EQ(before.frames + 5, vm_info(g.vm).frames);
	EXPECT_EQ(VMMU_REASON_NONE,
		  translate(g.space, PROVIDE, READ, 5 * PAGE - 1).reason);
	EXPECT_EQ(VMMU_REASON_BEYOND_REAL,
		  translate(g.space, PROVIDE, READ, 5 * PAGE).reason);
	op.va = 0x40000000;
	op.level = 3;
	op.value = PTE_P | PTE_PS;
	install(g.space, VMMU_INSTALL_PROVIDE, &op, 1);
	EXPECT_EQ(bytes / PAGE, vm_info(g.vm).frames);
	guest_drop(&g);
}

/*
 * A batch that takes long, each element a 2 MiB page with all its frames, is
 * killed in the middle: it ends soon and tells how far it got.
 */
TEST_F(heavy, killed)
{
	struct shared {
		struct vmmu_install_op ops[100];
		struct vmmu_install i;
	} *s;
	__u64 start, frames, n = REAL / 2 / (2 * MIB);
	__u32 k, done;
	pid_t pid;

	if (n > 100)
		n = 100;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)s);
	for (k = 0; k < n; k++) {
		s->ops[k].va = k * 2 * MIB;
		s->ops[k].level = 2;
		s->ops[k].value = (self->g.data + k * 2 * MIB) | PTE_P |
				  PTE_PS;
	}
	guest_slot(&self->g, 0, 2);
	memset(guest_slot(&self->g, 0, 2), 0, PAGE);
	frames = vm_info(self->g.vm).frames;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		_install(self->g.space, VMMU_INSTALL_PROVIDE, s->ops, n, NULL,
			 &s->i);
		_exit(0);
	}
	while (vm_info(self->g.vm).frames < frames + 3 * 512 &&
	       waitpid(pid, NULL, WNOHANG) != pid)
		;
	start = now_ms();
	kill(pid, SIGKILL);
	ASSERT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_GT(500, now_ms() - start);
	done = s->i.done;
	printf("# killed after %u of %llu elements\n", done,
	       (unsigned long long)n);
	ASSERT_EQ(done, s->i.index);
	EXPECT_LT(0, done);
	EXPECT_GT(n, done);
	for (k = 0; k < n; k++) {
		ASSERT_EQ(k < done ? s->ops[k].value : 0,
			  *guest_slot(&self->g, s->ops[k].va, 2));
	}
}

/*
 * A guest that stores while batches are put back must not lose a store. It
 * writes ever new values to an entry that each batch changes, and watches
 * that none of its older values comes back.
 */
struct storer {
	__u64 *slot, of_batch;
	int stop;
	unsigned long lost, seen;
};

static void *store(void *arg)
{
	struct storer *s = arg;
	__u64 mine = 0, now;
	int i;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		mine += 2;		/* never present */
		__atomic_store_n(s->slot, mine, __ATOMIC_SEQ_CST);
		for (i = 0; i < 200; i++) {
			now = __atomic_load_n(s->slot, __ATOMIC_SEQ_CST);
			s->lost += now != mine && now != s->of_batch;
			s->seen += now == s->of_batch;
		}
	}
	__atomic_store_n(s->slot, ~1ULL, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST_F(heavy, guest_stores_meanwhile)
{
	struct storer s = {
		.slot = guest_slot(&self->g, BASE + PAGE, 1),
		.of_batch = self->ops[1].value,
	};
	__u64 end = now_ms() + 3000;
	struct vmmu_install i;
	pthread_t thread;
	int rounds = 0;

	self->ops[NR - 1].va = NOWHERE;
	ASSERT_EQ(0, pthread_create(&thread, NULL, store, &s));
	for (; now_ms() < end; rounds++) {
		ASSERT_EQ(-ENXIO, _install(self->g.space, VMMU_INSTALL_ATOMIC,
					   self->ops, NR, NULL, &i));
		ASSERT_EQ(0, i.done);
	}
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.lost);
	EXPECT_EQ(~1ULL, *s.slot);
	EXPECT_LT(0, s.seen) TH_LOG("%d rounds never met the guest", rounds);
	printf("# %d rounds, a batch's value seen %lu times\n", rounds, s.seen);
}

/*
 * That a translation sets A and D in an entry of the batch is no store of the
 * guest's: the entry is put back all the same, A and D with it.
 */
struct marker {
	int space, stop;
	__u64 va;
	unsigned long marked;
};

static void *mark(void *arg)
{
	struct marker *m = arg;
	struct vmmu_translation t = {};

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		_translate(m->space, SET_AD, WRITE, m->va, &t);
		m->marked += t.flags & VMMU_TRANSLATED;
	}
	return NULL;
}

TEST_F(heavy, marked_meanwhile)
{
	__u64 *slot = guest_slot(&self->g, BASE + PAGE, 1);
	struct marker m = { .space = self->g.space, .va = BASE + PAGE };
	__u64 end = now_ms() + 2000;
	struct vmmu_install i;
	pthread_t thread;
	int rounds = 0;

	self->ops[1].value |= PTE_W;
	self->ops[NR - 1].va = NOWHERE;
	*slot = 0x123450;
	ASSERT_EQ(0, pthread_create(&thread, NULL, mark, &m));
	for (; now_ms() < end; rounds++) {
		ASSERT_EQ(-ENXIO, _install(self->g.space, VMMU_INSTALL_ATOMIC,
					   self->ops, NR, NULL, &i));
		ASSERT_EQ(0x123450, __atomic_load_n(slot, __ATOMIC_SEQ_CST))
			TH_LOG("round %d", rounds);
	}
	__atomic_store_n(&m.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, m.marked) TH_LOG("%d rounds were never met", rounds);
	printf("# %d rounds, met %lu times\n", rounds, m.marked);
}

TEST_HARNESS_MAIN
