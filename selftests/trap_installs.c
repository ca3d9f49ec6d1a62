// SPDX-License-Identifier: GPL-2.0
/*
 * Installs as records: what a monitor is told, however an install comes.
 */
#include "vmmu_trap_installs.h"

TEST_F(installs, told_of_stores)
{
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;
	struct vmmu_trap_record r, next;

	deliver(self->g.space, STORE, NOTIFY, self->trap);
	ASSERT_EQ(NOTIFY, delivery(self->g.space, STORE));
	ASSERT_EQ(NONE, delivery(self->g.space, HYPERCALL));
	set(self->pte, a);
	r = record(self->trap);
	tells(&r, STORE, 0, a);
	ASSERT_EQ(0, r.flags);
	ASSERT_EQ(syscall(SYS_gettid), r.tid);

	/* Neither Accessed and Dirty, nor an entry that is not present. */
	ASSERT_EQ(0, access_write(self->w, 1));
	set(self->pte, b);
	next = record(self->trap);
	tells(&next, STORE, a | PTE_A | PTE_D, b);
	ASSERT_LT(r.cookie, next.cookie);
	set(self->pte, b | PTE_A);
	set(self->pte, 0);
	r = record(self->trap);
	tells(&r, STORE, b | PTE_A, 0);
	set(self->pte, 0x1234 << 12);
	set(self->pte, a);
	r = record(self->trap);
	tells(&r, STORE, 0x1234 << 12, a);

	deliver(self->g.space, STORE, NONE, -1);
	set(self->pte, b);
	ASSERT_EQ(trap_info(self->trap).made, trap_info(self->trap).read);
	ASSERT_EQ(5, ledger(self->g.space).by_store - 2);
	ASSERT_EQ(4, ledger(self->g.space).records);
}

TEST_F(installs, told_of_all_kinds)
{
	struct guest *g = &self->g;
	__u64 a = self->a | PTE_ALL, b = self->b | PTE_ALL;
	struct vmmu_install_op ops[2] = {
		{ .va = VA, .value = b, .level = 1 },
		{ .va = VA, .value = a, .level = 9 },
	};
	struct vmmu_trap_record r;
	struct vmmu_install i;

	for (__u32 kind = HYPERCALL; kind <= DISCARDED; kind++)
		deliver(g->space, kind, NOTIFY, self->trap);
	install_one(g->space, VA, 1, a);
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, a);

	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_ATOMIC, ops, 2, NULL,
				    &i));
	r = record(self->trap);
	tells(&r, HYPERCALL, a, b);
	ASSERT_EQ(0, r.flags);
	r = record(self->trap);
	tells(&r, HYPERCALL, b, a);
	ASSERT_EQ(VMMU_TRAP_ROLLBACK, r.flags);

	((volatile __u8 *)self->pte)[1] ^= PAGE >> 8;
	ASSERT_EQ(trap_info(self->trap).made, trap_info(self->trap).read);
	ASSERT_EQ(0xbbbb, load(self->w));
	r = record(self->trap);
	tells(&r, REREAD, a, b);

	discard(g->vm, self->entry & ~(PAGE - 1), PAGE);
	r = record(self->trap);
	tells(&r, DISCARDED, b | PTE_A, 0);
	balanced(self->trap, 0);
	ASSERT_EQ(2, ledger(g->space).by_hypercall);
	ASSERT_EQ(1, ledger(g->space).by_rollback);
	ASSERT_EQ(1, ledger(g->space).by_reread);
	ASSERT_EQ(1, ledger(g->space).by_discard);
	ASSERT_EQ(1, ledger(g->space).opens);
	ASSERT_EQ(1, ledger(g->space).closes);
}

/* An address anywhere in what the entry maps names it. */
TEST_F(installs, named_within)
{
	struct guest *g = &self->g;
	__u64 *pde = guest_slot(g, VA, 2), table = *pde;
	struct vmmu_trap_record r;

	deliver(g->space, HYPERCALL, NOTIFY, self->trap);
	install_one(g->space, VA + 0x123, 1, self->a | PTE_ALL);
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, self->a | PTE_ALL);
	ASSERT_EQ(0, r.flags);
	for (int i = 0; i < 2; i++) {
		install_one(g->space, VA + PAGE + 1, 2, i ? table : 0);
		r = record(self->trap);
		ASSERT_EQ(VA, r.va);
		ASSERT_EQ(2, r.level);
		ASSERT_EQ(0, r.flags);
	}
}

/* Nobody reads: what there is room for is kept, in order, and the rest counted. */
TEST_F(installs, overflow)
{
	struct vmmu_trap_record *r = calloc(4096, sizeof(*r));
	struct vmmu_trap_info i;
	ssize_t nr;

	ASSERT_NE(NULL, r);
	deliver(self->g.space, STORE, NOTIFY, self->trap);
	for (int n = 1; n <= 4096; n++)
		set(self->pte + n % 512, ((__u64)n << 40) | PTE_P);
	i = trap_info(self->trap);
	ASSERT_EQ(4096, i.made);
	ASSERT_LT(0, i.overflowed);
	nr = read(self->trap, r, 4096 * sizeof(*r)) / sizeof(*r);
	ASSERT_EQ(4096 - i.overflowed, nr);
	for (int n = 0; n < nr; n++) {
		ASSERT_EQ(((__u64)(n + 1) << 40) | PTE_P, r[n].new);
		if (n)
			ASSERT_EQ(r[n - 1].cookie + 1, r[n].cookie);
	}
	set(self->pte, PTE_P);
	ASSERT_EQ(1, read(self->trap, r, 4096 * sizeof(*r)) / sizeof(*r));
	i = trap_info(self->trap);
	ASSERT_EQ(i.made, i.read + i.overflowed);
	free(r);
}

/* A monitor of one space is not told of another's tables. */
TEST_F(installs, told_of_no_other)
{
	struct guest *g = &self->g;
	__u64 root = guest_page(g), table = guest_page(g);
	__u64 *entry = guest_entry(g, root, 5);
	int other = trapping_space(g->vm, FORMAT4, root, BITS);
	struct vmmu_trap_record r;

	deliver(g->space, STORE, NOTIFY, self->trap);
	set(entry, table | PTE_ALL);
	ASSERT_EQ(1, ledger(other).by_store);
	ASSERT_EQ(0, trap_info(self->trap).made);
	set(self->pte, self->a | PTE_ALL);
	r = record(self->trap);
	tells(&r, STORE, 0, self->a | PTE_ALL);
	close(other);
}

/* A record that could not be written to the reader's memory is read the next time. */
TEST_F(installs, read_into_nothing)
{
	unsigned char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmmu_trap_record r, *room;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_NONE));
	deliver(self->g.space, STORE, NOTIFY, self->trap);
	for (__u64 n = 1; n <= 3; n++)
		set(self->pte + n, n << 40 | PTE_P);

	ASSERT_EQ(-1, read(self->trap, pages + PAGE, 3 * sizeof(r)));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(0, trap_info(self->trap).read);
	/* Room for one and a half. */
	room = (void *)(pages + PAGE - sizeof(r) - sizeof(r) / 2);
	ASSERT_EQ(sizeof(r), read(self->trap, room, 3 * sizeof(r)));
	ASSERT_EQ(1ULL << 40 | PTE_P, room->new);
	for (__u64 n = 2; n <= 3; n++) {
		r = record(self->trap);
		ASSERT_EQ(n << 40 | PTE_P, r.new);
	}
	balanced(self->trap, 0);
	munmap(pages, 2 * PAGE);
}

TEST_F(installs, frames_are_hidden)
{
	struct vmmu_trap_record r;
	pid_t pid;

	deliver(self->g.space, STORE, NOTIFY, self->trap);
	set(self->pte, self->a | PTE_ALL);
	pid = fork();
	if (!pid) {
		if (setuid(NOBODY))
			_exit(1);
		CHILD_CHECK(!_record(self->trap, &r));
		CHILD_CHECK(r.flags == VMMU_TRAP_FRAME_HIDDEN && !r.frame);
		CHILD_CHECK(r.ra == self->a);
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
}

/* By the address of the entry: in a table that no one address names. */
TEST_F(installs, by_real_address)
{
	struct guest *g = &self->g;
	struct vmmu_install_op op = {
		.va = self->entry, .value = self->a | PTE_ALL,
	};
	struct vmmu_trap_record r;
	struct vmmu_install i;

	deliver(g->space, HYPERCALL, NOTIFY, self->trap);
	ASSERT_EQ(0, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL, &i));
	r = record(self->trap);
	tells(&r, HYPERCALL, 0, self->a | PTE_ALL);
	ASSERT_EQ(0xaaaa, load(self->w));
	op.value = self->b | PTE_ALL;
	ASSERT_EQ(0, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL, &i));
	ASSERT_EQ(0xbbbb, load(self->w));

	op.va = self->a;
	fails_with(ENXIO, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				   &i));
	ASSERT_EQ(VMMU_REASON_NOT_A_TABLE, i.reason);
	op.va = self->entry + 4;
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
	op.va = g->bytes;
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
	op = (struct vmmu_install_op){ .va = self->entry, .level = 1 };
	fails_with(EINVAL, _install(g->space, VMMU_INSTALL_BY_RA, &op, 1, NULL,
				    &i));
}

TEST_F(installs, refused_deliveries)
{
	int space = self->g.space;
	__u32 d;

	for (__u32 kind = 0; kind <= DISCARDED + 1; kind++) {
		for (__u32 how = 0; how <= ASK + 1; how++) {
			bool fault = kind <= VMMU_TRAP_FAULT;
			bool right = fault ? how <= VMMU_DELIVER_RECORD :
				     kind <= STORE ? how >= NONE && how <= ASK :
				     kind <= DISCARDED &&
				     (how == NONE || how == NOTIFY);

			if (right) {
				deliver(space, kind, how, self->trap);
				continue;
			}
			fails_with(EINVAL, _deliver(space, kind, how,
						    self->trap));
		}
		d = kind && kind <= DISCARDED ? 0 : EINVAL;
		fails_with(d, _delivery(space, kind, &d));
	}
	fails_with(EBADF, _deliver(space, STORE, NOTIFY, space));
	fails_with(EBADF, _deliver(space, STORE, ASK, -1));
}

TEST_HARNESS_MAIN
