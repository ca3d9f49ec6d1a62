// SPDX-License-Identifier: GPL-2.0
/*
 * Windows in several processes: children have their parent's, and whatever is
 * taken away is taken away from all of them.
 */
#include "vmmu_window.h"

#define VA	0x400000ULL

FIXTURE(forked) {
	struct guest g;
	unsigned char *w;
	__u64 a, b;
	int to[2], from[2];
};

FIXTURE_SETUP(forked)
{
	struct guest *g = &self->g;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	guest_make(g, dev, 4 * MIB, FORMAT4, VMMU_MODE_WP | VMMU_MODE_NXE);
	self->a = g->data;
	self->b = g->data + PAGE;
	store(g->mem + self->a, 0xaac3);
	store(g->mem + self->b, 0xbbc3);
	guest_map(g, VA, 1, self->a | PTE_ALL);
	guest_map(g, VA + PAGE, 1, self->b | PTE_P | PTE_NX);
	self->w = window(g->space, VA, 4 * PAGE);
	ASSERT_EQ(0, pipe(self->to));
	ASSERT_EQ(0, pipe(self->from));
}

FIXTURE_TEARDOWN(forked)
{
	audit_clean(self->g.vm);
	guest_drop(&self->g);
	close(self->g.dev);
}

/* The child has come somewhere, and waits until the parent has. */
static void meet(int to, int from)
{
	char byte;

	CHILD_CHECK(write(to, "", 1) == 1);
	CHILD_CHECK(read(from, &byte, 1) == 1);
}

#define child_meets() meet(self->from[1], self->to[0])

#define wait_for_child() do {						\
	char __byte;							\
									\
	ASSERT_EQ(1, read(self->from[0], &__byte, 1));			\
} while (0)

#define let_child_go() ASSERT_EQ(1, write(self->to[1], "", 1))

TEST_F(forked, shares)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;
	pid_t pid;

	ASSERT_EQ(0, access_kind(w, WRITE));
	ASSERT_EQ(0, access_kind(w + PAGE, READ));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* With the rights that the parent has, and no others. */
		CHILD_CHECK(load(w) == 0xaac3);
		CHILD_CHECK(!access_kind(w, WRITE));
		CHILD_CHECK(!access_kind(w, FETCH));
		CHILD_CHECK(load(w + PAGE) == 0xbbc3);
		CHILD_CHECK(access_kind(w + PAGE, WRITE) == SIGSEGV);
		CHILD_CHECK(access_kind(w + PAGE, FETCH) == SIGSEGV);
		store(w, 1);
		child_meets();
		CHILD_CHECK(load(w) == 2);
		/* The parent has installed something else. */
		child_meets();
		CHILD_CHECK(load(w) == 0xbbc3);
		CHILD_CHECK(access_kind(w, WRITE) == SIGSEGV);
		CHILD_CHECK(!access_kind(w, FETCH));
		child_meets();
		CHILD_CHECK(access_kind(w, READ) == SIGSEGV);
		CHILD_CHECK(access_address == w);
		child_meets();
		CHILD_CHECK(load(w + PAGE) == 0);
		_exit(0);
	}
	wait_for_child();
	ASSERT_EQ(1, load(w));
	ASSERT_EQ(1, load(g->mem + self->a));
	store(w, 2);
	let_child_go();
	wait_for_child();
	ASSERT_EQ(2, audit(g->vm).windows);
	install_one(g->space, VA, 1, self->b | PTE_P);
	audit_clean(g->vm);
	let_child_go();
	wait_for_child();
	install_one(g->space, VA, 1, 0);
	audit_clean(g->vm);
	let_child_go();
	wait_for_child();
	discard(g->vm, self->b, PAGE);
	audit_clean(g->vm);
	let_child_go();
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(1, audit(g->vm).windows);
}

/* What the child installs, invalidates or sets holds for the parent. */
TEST_F(forked, child_changes)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;
	struct vmmu_install_op op = {
		.va = VA, .value = self->b | PTE_P | PTE_W, .level = 1,
	};
	struct vmmu_install i;
	pid_t pid;

	ASSERT_EQ(0xaac3, load(w));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!_install(g->space, 0, &op, 1, NULL, &i));
		CHILD_CHECK(load(w) == 0xbbc3);
		child_meets();
		guest_map(g, VA, 1, self->a | PTE_P | PTE_W);
		CHILD_CHECK(!_invalidate(g->space, VMMU_INVALIDATE_ALL, 0, 0));
		child_meets();
		CHILD_CHECK(!_set_mode(g->space, VMMU_MODE_CPL3, 0, 52));
		_exit(0);
	}
	wait_for_child();
	ASSERT_EQ(0xbbc3, load(w));
	let_child_go();
	wait_for_child();
	ASSERT_EQ(0xaac3, load(w));
	let_child_go();
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(SIGSEGV, access_kind(w, READ));
}

/* The space goes with the last window of it, whoever has that. */
TEST_F(forked, outlives_the_parent)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		close(g->space);
		close(g->vm);
		child_meets();
		CHILD_CHECK(load(w) == 0xaac3);
		child_meets();
		CHILD_CHECK(load(w) == 0);
		CHILD_CHECK(access_kind(w + 2 * PAGE, READ) == SIGSEGV);
		_exit(0);
	}
	wait_for_child();
	close(g->space);
	ASSERT_EQ(0, munmap(w, 4 * PAGE));
	ASSERT_EQ(1, vm_info(g->vm).nr_spaces);
	ASSERT_EQ(1, audit(g->vm).windows);
	let_child_go();
	wait_for_child();
	discard(g->vm, self->a, PAGE);
	let_child_go();
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(0, vm_info(g->vm).nr_spaces);
	g->space = -1;
}

TEST_F(forked, dont_fork)
{
	unsigned char *w = self->w;
	pid_t pid;

	ASSERT_EQ(0, madvise(w + PAGE, PAGE, MADV_DONTFORK));
	ASSERT_EQ(0xaac3, load(w));
	ASSERT_EQ(0xbbc3, load(w + PAGE));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(load(w) == 0xaac3);
		CHILD_CHECK(access_kind(w + PAGE, READ) == SIGSEGV);
		_exit(0);
	}
	ASSERT_EQ(0, child_wait(pid));
	ASSERT_EQ(0, madvise(w + PAGE, PAGE, MADV_DOFORK));
}

/* Children of children, while entries change: each look is a new one. */
TEST_F(forked, many)
{
	struct guest *g = &self->g;
	unsigned char *w = self->w;

	for (unsigned int i = 0; i < rounds(100); i++) {
		__u64 entry = i % 2 ? self->a : self->b;
		__u64 tag = i % 2 ? 0xaac3 : 0xbbc3;
		pid_t pid;

		ASSERT_NE(0, load(w));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			pid_t child = fork();

			CHILD_CHECK(child >= 0);
			if (!child) {
				child_meets();
				CHILD_CHECK(load(w) == tag);
				_exit(0);
			}
			_exit(child_wait(child));
		}
		wait_for_child();
		install_one(g->space, VA, 1, entry | PTE_ALL);
		ASSERT_EQ(3, audit(g->vm).windows);
		let_child_go();
		ASSERT_EQ(0, child_wait(pid));
		audit_clean(g->vm);
	}
}

TEST_HARNESS_MAIN
