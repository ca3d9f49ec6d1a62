// SPDX-License-Identifier: GPL-2.0
/*
 * Guest page faults as records: what a record tells, how records are read, and
 * how they are answered. What else ends a thread's sleep is in trap_sleep.c.
 */
#include <sys/epoll.h>

#include "vmmu_trap.h"

#define RECORD	sizeof(struct vmmu_trap_record)

FIXTURE(trap) {
	struct trapped t;
	struct touch touches[16];
};

FIXTURE_SETUP(trap)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
}

FIXTURE_TEARDOWN(trap)
{
	trapped_drop(&self->t);
}

/* An access to page @i + 1 by the i-th thread, which then sleeps. */
#define sleep_in(i) do {						\
	int __n = (i);							\
									\
	touch_sleeps(self->t.trap, &self->touches[__n],			\
		     self->t.w + (__n + 1) * PAGE, READ);		\
} while (0)

/* A sleeper's record is as it should be. */
#define right(r, sleeper, why, at_level, code) do {			\
	struct vmmu_trap_record *__w = (r);				\
	struct touch *__t = (sleeper);					\
									\
	ASSERT_EQ(VMMU_TRAP_FAULT, __w->kind);				\
	ASSERT_EQ(VMMU_PAGE_FAULT, __w->flags);				\
	ASSERT_NE(0, __w->cookie);					\
	ASSERT_EQ(space_info(self->t.g.space).id, __w->space);		\
	ASSERT_EQ(VA + (__t->at - self->t.w), __w->va);			\
	ASSERT_EQ(__t->kind, __w->access);				\
	ASSERT_EQ((code), __w->error_code);				\
	ASSERT_EQ(__t->tid, __w->tid);					\
	ASSERT_EQ((why), __w->reason);					\
	ASSERT_EQ((at_level), __w->level);				\
	ASSERT_EQ(0, __w->outcome | __w->reserved);			\
	ASSERT_EQ(0, __w->entry | __w->old | __w->new | __w->ra);	\
	ASSERT_EQ(0, __w->frame);					\
} while (0)

TEST_F(trap, fields)
{
	static const __u32 codes[] = { 0, VMMU_PF_W, VMMU_PF_I };
	struct trapped *t = &self->t;
	struct touch *touch = self->touches;
	struct vmmu_trap_record r, again;

	for (__u32 kind = READ; kind <= FETCH; kind++) {
		unsigned char *at = t->w + (kind + 1) * PAGE + 17;

		touch_sleeps(t->trap, touch, at, kind);
		r = record(t->trap);
		right(&r, touch, VMMU_REASON_NOT_PRESENT, 1, codes[kind]);
		/* Nothing was mended: the same thread faults once more. */
		answer(t->trap, r.cookie, RETRY);
		again = record(t->trap);
		right(&again, touch, VMMU_REASON_NOT_PRESENT, 1, codes[kind]);
		ASSERT_LT(r.cookie, again.cookie);
		ASSERT_FALSE(touch_done(touch));
		t->g.mem[t->a + 17] = 0xc3;
		map_page(t, kind + 1, t->a | PTE_ALL);
		answer(t->trap, again.cookie, RETRY);
		ASSERT_EQ(0, touch_end(touch));
	}
	balanced(t->trap, 0);
	ASSERT_EQ(6, trap_info(t->trap).made);
	ASSERT_EQ(6, trap_info(t->trap).read);
	ASSERT_EQ(6, trap_info(t->trap).answered);
	ASSERT_EQ(0, trap_info(t->trap).waiting);
	ASSERT_EQ(1, trap_info(t->trap).nr_spaces);
	ASSERT_EQ(vm_info(t->g.vm).id, trap_info(t->trap).vm_id);
}

/* Other reasons than an absent page. */
TEST_F(trap, reasons)
{
	struct trapped *t = &self->t;
	struct touch *touch = self->touches;
	struct vmmu_trap_record r;

	/* Read-only; to a user; and the window knows the page already. */
	set_mode(t->g.space, VMMU_MODE_WP | VMMU_MODE_CPL3, 0, 52);
	map_page(t, 1, t->a | PTE_P | PTE_U);
	ASSERT_EQ(0xc3, t->w[PAGE]);
	touch_sleeps(t->trap, touch, t->w + PAGE, WRITE);
	r = record(t->trap);
	right(&r, touch, VMMU_REASON_WRITE, 1,
	      VMMU_PF_P | VMMU_PF_W | VMMU_PF_U);
	map_page(t, 1, t->a | PTE_P | PTE_W);
	answer(t->trap, r.cookie, RETRY);
	r = record(t->trap);
	right(&r, touch, VMMU_REASON_USER, 1,
	      VMMU_PF_P | VMMU_PF_W | VMMU_PF_U);
	ASSERT_EQ(VMMU_OUTCOME_CLEARED, install_one(t->g.space, VA, 3, 0));
	answer(t->trap, r.cookie, RETRY);
	r = record(t->trap);
	right(&r, touch, VMMU_REASON_NOT_PRESENT, 3, VMMU_PF_W | VMMU_PF_U);
	answer(t->trap, r.cookie, SIGNAL);
	ASSERT_EQ(SIGSEGV, touch_end(touch));
}

/* What no CPU knows has no error code. */
TEST_F(trap, beyond_real_memory)
{
	struct trapped *t = &self->t;
	struct touch *touch = self->touches;
	struct vmmu_trap_record r;

	guest_map(&t->g, VA + PAGE, 1, t->g.bytes | PTE_ALL);
	touch_sleeps(t->trap, touch, t->w + PAGE, READ);
	r = record(t->trap);
	ASSERT_EQ(VMMU_REASON_BEYOND_REAL, r.reason);
	ASSERT_EQ(1, r.level);
	ASSERT_EQ(0, r.flags);
	ASSERT_EQ(0, r.error_code);
	answer(t->trap, r.cookie, SIGNAL);
	ASSERT_EQ(SIGSEGV, touch_end(touch));
	ASSERT_EQ((void *)touch->at, touch->address);
}

TEST_F(trap, several_in_order)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r[6];
	int i, flags = fcntl(t->trap, F_GETFL);

	for (i = 0; i < 5; i++)
		sleep_in(i);
	balanced(t->trap, 5);
	/* A part of a record does not count. */
	ASSERT_EQ(2 * RECORD, read(t->trap, r, 3 * RECORD - 1));
	balanced(t->trap, 3);
	ASSERT_EQ(3 * RECORD, read(t->trap, r + 2, 4 * RECORD));
	balanced(t->trap, 0);
	for (i = 0; i < 5; i++) {
		right(&r[i], &self->touches[i], VMMU_REASON_NOT_PRESENT, 1, 0);
		if (i)
			ASSERT_LT(r[i - 1].cookie, r[i].cookie);
	}
	ASSERT_EQ(0, fcntl(t->trap, F_SETFL, flags | O_NONBLOCK));
	ASSERT_EQ(-EAGAIN, _record(t->trap, r + 5));
	for (i = 4; i >= 0; i--) {
		map_page(t, i + 1, t->a | PTE_ALL);
		answer(t->trap, r[i].cookie, RETRY);
		ASSERT_EQ(0, touch_end(&self->touches[i]));
	}
}

TEST_F(trap, short_buffers)
{
	struct trapped *t = &self->t;
	struct vmmu_trap_record r;

	sleep_in(0);
	for (size_t bytes = 0; bytes < RECORD; bytes++) {
		ASSERT_EQ(-1, read(t->trap, &r, bytes));
		ASSERT_EQ(EINVAL, errno);
	}
	balanced(t->trap, 1);
	ASSERT_EQ(0, trap_info(t->trap).read);
	ASSERT_EQ(0, _record(t->trap, &r));
	right(&r, &self->touches[0], VMMU_REASON_NOT_PRESENT, 1, 0);
}

/* What can't be copied stays unread, and is the next to be read. */
TEST_F(trap, buffers_that_fault)
{
	struct trapped *t = &self->t;
	unsigned char *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmmu_trap_record r, *last = (void *)(edge + PAGE - RECORD);

	ASSERT_NE(MAP_FAILED, (void *)edge);
	ASSERT_EQ(0, mprotect(edge + PAGE, PAGE, PROT_NONE));
	sleep_in(0);
	sleep_in(1);
	ASSERT_EQ(-1, read(t->trap, edge + PAGE, RECORD));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, read(t->trap, edge + PAGE - RECORD / 2, 2 * RECORD));
	ASSERT_EQ(EFAULT, errno);
	/* Nor does the kernel sleep in a window that has no page there. */
	ASSERT_EQ(-1, read(t->trap, t->w + 9 * PAGE, RECORD));
	ASSERT_EQ(EFAULT, errno);
	balanced(t->trap, 2);
	ASSERT_EQ(0, trap_info(t->trap).read);
	ASSERT_EQ(2, trap_info(t->trap).made);
	/* Those before are read. */
	ASSERT_EQ(RECORD, read(t->trap, last, 2 * RECORD));
	right(last, &self->touches[0], VMMU_REASON_NOT_PRESENT, 1, 0);
	balanced(t->trap, 1);
	r = record(t->trap);
	right(&r, &self->touches[1], VMMU_REASON_NOT_PRESENT, 1, 0);
	balanced(t->trap, 0);
}

static int events(int trap, int ms)
{
	struct pollfd p = { .fd = trap, .events = POLLIN | POLLOUT };

	return poll(&p, 1, ms) < 0 ? -errno : p.revents;
}

TEST_F(trap, poll)
{
	struct epoll_event in = { .events = EPOLLIN | EPOLLET }, out;
	struct epoll_event normal = { .events = EPOLLRDNORM | EPOLLET };
	struct trapped *t = &self->t;
	int epoll = epoll_create1(EPOLL_CLOEXEC), trap = trap_create(t->g.vm);
	int other = epoll_create1(EPOLL_CLOEXEC);
	struct vmmu_trap_record r;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, t->trap, &in));
	ASSERT_EQ(0, epoll_ctl(other, EPOLL_CTL_ADD, t->trap, &normal));
	ASSERT_EQ(POLLOUT, events(t->trap, 0));
	ASSERT_EQ(0, epoll_wait(epoll, &out, 1, 0));
	/* One that no space ever delivered to does not hang up. */
	ASSERT_EQ(POLLOUT, events(trap, 0));

	for (int i = 0; i < 2; i++) {
		sleep_in(i);
		ASSERT_EQ(1, epoll_wait(epoll, &out, 1, SOON));
		ASSERT_EQ(EPOLLIN, out.events);
		ASSERT_EQ(0, epoll_wait(epoll, &out, 1, 0));
		ASSERT_EQ(1, epoll_wait(other, &out, 1, SOON));
		ASSERT_EQ(EPOLLRDNORM, out.events);
		ASSERT_EQ(POLLIN | POLLOUT, events(t->trap, 0));
		r = record(t->trap);
		ASSERT_EQ(POLLOUT, events(t->trap, 0));
	}
	/* The space delivers elsewhere; then it comes back. */
	deliver_records(t->g.space, trap);
	ASSERT_EQ(1, epoll_wait(epoll, &out, 1, SOON));
	ASSERT_EQ(EPOLLHUP, out.events & EPOLLHUP);
	ASSERT_EQ(POLLHUP | POLLOUT, events(t->trap, 0));
	ASSERT_EQ(0, read(t->trap, &r, RECORD));
	deliver_records(t->g.space, t->trap);
	ASSERT_EQ(0, events(t->trap, 0) & POLLHUP);
	ASSERT_EQ(POLLHUP, events(trap, 0) & POLLHUP);
	asleep(t->trap, 2);
	close(trap);
	close(epoll);
	close(other);
}

static void *read_one(void *arg)
{
	return (void *)(long)_record(*(int *)arg, &(struct vmmu_trap_record){});
}

/* The end of the last space wakes who waits for records. */
TEST_F(trap, hang_up)
{
	struct trapped *t = &self->t;
	int second = space_create(t->g.vm, FORMAT4, t->g.root, 0);
	pthread_t reader;
	void *ret;

	deliver_records(second, t->trap);
	ASSERT_EQ(2, trap_info(t->trap).nr_spaces);
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_one, &t->trap));
	ASSERT_EQ(0, munmap(t->w, NR_PAGES * PAGE));
	close(t->g.space);
	ASSERT_TRUE(comes_true(trap_info(t->trap).nr_spaces == 1));
	ASSERT_EQ(0, events(t->trap, 20) & POLLHUP);
	close(second);
	ASSERT_EQ(POLLHUP, events(t->trap, SOON) & POLLHUP);
	ASSERT_EQ(0, pthread_join(reader, &ret));
	ASSERT_EQ(-ENODATA, (long)ret);
	balanced(t->trap, 0);
}

struct reader {
	int trap, nr;
	__u64 cookies[16];
	pthread_t thread;
};

static void *read_all(void *arg)
{
	struct reader *reader = arg;
	struct vmmu_trap_record r;

	while (!_record(reader->trap, &r) && reader->nr < 16)
		reader->cookies[reader->nr++] = r.cookie;
	return NULL;
}

/* Whoever reads it: each record once. */
TEST_F(trap, several_readers)
{
	struct trapped *t = &self->t;
	struct reader readers[4] = {};
	bool seen[32] = {};
	int i, k, nr = 0;

	for (i = 0; i < 4; i++) {
		readers[i].trap = t->trap;
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_all,
					    &readers[i]));
	}
	for (i = 0; i < 16; i++)
		touch_start(&self->touches[i], t->w + (i + 1) * PAGE, READ);
	ASSERT_TRUE(comes_true(trap_info(t->trap).read == 16));
	balanced(t->trap, 0);
	deliver_signals(t->g.space);
	for (i = 0; i < 16; i++)
		ASSERT_EQ(SIGSEGV, touch_end(&self->touches[i]));
	for (i = 0; i < 4; i++) {
		pthread_join(readers[i].thread, NULL);
		for (k = 0; k < readers[i].nr; k++, nr++) {
			ASSERT_GT(ARRAY_SIZE(seen), readers[i].cookies[k]);
			ASSERT_FALSE(seen[readers[i].cookies[k]]);
			seen[readers[i].cookies[k]] = true;
		}
	}
	ASSERT_EQ(16, nr);
	ASSERT_EQ(0, trap_info(t->trap).waiting);
	balanced(t->trap, 0);
}

TEST_HARNESS_MAIN
