// SPDX-License-Identifier: GPL-2.0
/*
 * Records in races: threads that fault and sleep, monitors that read and
 * answer, signals, and deliveries that change. Each thread must come out of its
 * access, and the ledgers must balance.
 */
#include "vmmu_race.h"
#include "vmmu_trap.h"

/* What all threads of a test share. */
static struct trapped trapped;
static int other;		/* another trap file of the VM */
static int tids[16], nr_tids;	/* of those who touch pages */
static unsigned long refused;	/* accesses that ended in a signal */

FIXTURE(races) {
	struct race *r;		/* is told the time */
};

static void nothing(int sig)
{
}

FIXTURE_SETUP(races)
{
	struct sigaction act = { .sa_handler = nothing };
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&trapped, dev, VMMU_MODE_WP | VMMU_MODE_NXE);
	other = trap_create(trapped.g.vm);
	sigaction(SIGUSR1, &act, NULL);
	self->r = calloc(1, sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
}

#define print_ledger(trap) do {						\
	struct vmmu_trap_info __i = trap_info(trap);			\
									\
	printf("# %llu records: %llu read, %llu withdrawn, %llu answered\n",\
	       __i.made, __i.read, __i.withdrawn, __i.answered);	\
	ASSERT_EQ(0, __i.waiting);					\
} while (0)

FIXTURE_TEARDOWN(races)
{
	print_ledger(trapped.trap);
	print_ledger(other);
	balanced(trapped.trap, 0);
	balanced(other, 0);
	close(other);
	trapped_drop(&trapped);
	free(self->r);
}

/* Touch pages at random; an access works or is refused, where it was made. */
static void touch_pages(struct worker *w)
{
	struct touch t = {};

	tids[__atomic_fetch_add(&nr_tids, 1, __ATOMIC_SEQ_CST)] =
		syscall(SYS_gettid);
	while (running(w)) {
		t.at = trapped.w + dice(&w->seed, NR_PAGES) * PAGE +
		       dice(&w->seed, PAGE / 8) * 8;
		t.kind = dice(&w->seed, 2) ? WRITE : READ;
		touch_now(&t);
		w->done++;
		if (t.sig)
			__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
		if (t.sig && (t.sig != SIGSEGV || t.address != t.at))
			failed(w, "refused elsewhere", t.sig);
	}
}

static int put_page(int page, __u64 entry)
{
	struct vmmu_install_op op = {
		.va = VA + page * PAGE, .value = entry, .level = 1,
	};
	struct vmmu_install i;

	return _install(trapped.g.space, 0, &op, 1, NULL, &i);
}

/* Take pages away again, so that faults go on. */
static void unmap_pages(struct worker *w)
{
	while (running(w)) {
		if (put_page(dice(&w->seed, NR_PAGES), 0))
			failed(w, "install", errno);
		w->done++;
		usleep(dice(&w->seed, 300));
	}
}

/* Answer a record as it comes: mend and retry, only retry, or signal. */
static void answer_record(struct worker *w, int trap,
			  const struct vmmu_trap_record *r)
{
	int how = dice(&w->seed, 8);
	int ret;

	if (r->kind != VMMU_TRAP_FAULT || r->va - VA >= NR_PAGES * PAGE ||
	    r->reason != VMMU_REASON_NOT_PRESENT || r->tid <= 0)
		failed(w, "record", r->va);
	if (how > 1 && put_page((r->va - VA) / PAGE, trapped.a | PTE_ALL))
		failed(w, "install", errno);
	ret = _answer(trap, r->cookie, how ? RETRY : SIGNAL);
	/* A signal may have come first. */
	if (ret && ret != -ENOENT)
		failed(w, "answer", -ret);
	if (!_answer(trap, r->cookie, RETRY))
		failed(w, "answered twice", r->cookie);
	w->done++;
}

/*
 * Naps let records lie unread, for signals to withdraw. At the end let
 * everybody go: no space delivers records any more.
 */
static void monitor(struct worker *w)
{
	struct vmmu_trap_record r[3];

	while (running(w)) {
		struct pollfd p = { .fd = trapped.trap, .events = POLLIN };
		ssize_t bytes;

		if (poll(&p, 1, 10) <= 0)
			continue;
		usleep(dice(&w->seed, 500));
		bytes = read(trapped.trap, r, sizeof(r));
		if (bytes < 0 && errno != EAGAIN)
			failed(w, "read", errno);
		for (int i = 0; i < bytes / (ssize_t)sizeof(*r); i++)
			answer_record(w, trapped.trap, &r[i]);
	}
	_set_delivery(trapped.g.space, VMMU_DELIVER_SIGNAL, 0);
}

/* Read to where nothing can be written: the records stay. */
static void read_in_vain(struct worker *w)
{
	void *nowhere = _window(trapped.g.space, VA, PAGE, PROT_NONE);

	while (running(w)) {
		if (read(trapped.trap, nowhere, PAGE) >= 0)
			failed(w, "read to nowhere", 0);
		w->done++;
		usleep(dice(&w->seed, 200));
	}
}

static void send_signals(struct worker *w)
{
	while (running(w)) {
		int nr = __atomic_load_n(&nr_tids, __ATOMIC_SEQ_CST);

		if (nr)
			syscall(SYS_tgkill, getpid(), tids[dice(&w->seed, nr)],
				SIGUSR1);
		w->done++;
		usleep(dice(&w->seed, 500));
	}
}

/* Everything at once. */
TEST_F(races, records)
{
	ASSERT_EQ(0, fcntl(trapped.trap, F_SETFL, O_RDWR | O_NONBLOCK));
	run_workers(self->r, race_ms(), { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { monitor, "records answered" },
		    { monitor, "records answered" },
		    { unmap_pages, "pages unmapped" },
		    { read_in_vain, "reads to nowhere" },
		    { send_signals, "signals" });
	printf("# %lu accesses refused, %llu records withdrawn\n", refused,
	       trap_info(trapped.trap).withdrawn);
	ASSERT_LT(0, trap_info(trapped.trap).withdrawn);
	ASSERT_LT(0, trap_info(trapped.trap).answered);
}

/* Nobody sleeps on for a space that has gone elsewhere. */
static void left_by_all(struct worker *w, int trap)
{
	struct vmmu_trap_record r;

	if (comes_true(!sleepers(trap)))
		return;
	failed(w, "left asleep", sleepers(trap));
	while (sleepers(trap) > 0 && !_record(trap, &r))
		_answer(trap, r.cookie, RETRY);
}

/* Records here, records there, signals; nobody reads or answers. */
static void change_delivery(struct worker *w)
{
	int space = trapped.g.space, ret;

	while (running(w)) {
		int to = dice(&w->seed, 2) ? other : trapped.trap;

		ret = _set_delivery(space, VMMU_DELIVER_RECORD, to);
		usleep(dice(&w->seed, 400));
		if (dice(&w->seed, 2))
			ret |= _set_delivery(space, VMMU_DELIVER_SIGNAL, 0);
		else
			ret |= _set_delivery(space, VMMU_DELIVER_RECORD,
					     to == other ? trapped.trap : other);
		if (ret)
			failed(w, "set delivery", ret);
		left_by_all(w, to);
		w->done++;
	}
	_set_delivery(space, VMMU_DELIVER_SIGNAL, 0);
	left_by_all(w, trapped.trap);
	left_by_all(w, other);
}

TEST_F(races, delivery)
{
	run_workers(self->r, race_ms(), { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { change_delivery, "deliveries changed" });
	printf("# %lu accesses refused\n", refused);
}

/* Monitors that come, read perhaps, and go. */
static void come_and_go(struct worker *w)
{
	struct vmmu_trap_create c;
	struct vmmu_trap_record r;

	while (running(w)) {
		if (_trap_create(trapped.g.vm, &c) ||
		    _set_delivery(trapped.g.space, VMMU_DELIVER_RECORD, c.fd)) {
			failed(w, "trap create", errno);
			break;
		}
		fcntl(c.fd, F_SETFL, O_RDWR | O_NONBLOCK);
		usleep(dice(&w->seed, 400));
		if (dice(&w->seed, 2) && !_record(c.fd, &r) &&
		    dice(&w->seed, 2))
			_answer(c.fd, r.cookie, SIGNAL);
		close(c.fd);
		w->done++;
	}
}

TEST_F(races, monitors)
{
	run_workers(self->r, race_ms(), { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { touch_pages, "pages touched" },
		    { send_signals, "signals" },
		    { come_and_go, "monitors" });
	ASSERT_LT(0, refused);
}

/* Windows, and in the end their space, go from under sleepers. */
static void make_spaces(struct worker *w)
{
	struct vmmu_space_create c;

	while (running(w)) {
		struct touch t[2] = {};
		unsigned char *at;
		int i;

		if (_space_create(trapped.g.vm, FORMAT4, trapped.g.root,
				  MODE(0), &c) ||
		    _set_delivery(c.fd, VMMU_DELIVER_RECORD, other)) {
			failed(w, "space", errno);
			break;
		}
		at = _window(c.fd, VA, NR_PAGES * PAGE, PROT_READ);
		for (i = 0; i < 2; i++)
			if (_touch_start(&t[i], at + i * PAGE, READ))
				failed(w, "thread", i);
		usleep(dice(&w->seed, 1000));
		if (dice(&w->seed, 2)) {
			munmap(at, NR_PAGES * PAGE);
			close(c.fd);
		} else {
			close(c.fd);
			munmap(at, NR_PAGES * PAGE);
		}
		left_by_all(w, other);
		for (i = 0; i < 2; i++)
			if (touch_end(&t[i]) != SIGSEGV)
				failed(w, "sleeper", t[i].sig);
		w->done++;
	}
}

TEST_F(races, spaces)
{
	run_workers(self->r, race_ms(), { make_spaces, "spaces made" });
}

/* Sleepers that are killed while their records are read and answered. */
static void kill_sleepers(struct worker *w)
{
	/* On the debug kernel a child takes that much longer to begin. */
	const unsigned int longest = rounds(20) == 20 ? 5000 : 100000;

	while (running(w)) {
		pid_t pid = fork();

		if (!pid) {
			signal(SIGSEGV, SIG_DFL);
			prctl(PR_SET_DUMPABLE, 0);
			for (;;)
				trapped.w[dice(&w->seed, NR_PAGES) * PAGE] = 1;
		}
		usleep(dice(&w->seed, longest));
		kill(pid, SIGKILL);
		if (child_end(pid) < 128)
			failed(w, "not killed", pid);
		w->done++;
	}
}

TEST_F(races, killed)
{
	ASSERT_EQ(0, fcntl(trapped.trap, F_SETFL, O_RDWR | O_NONBLOCK));
	run_workers(self->r, race_ms(), { kill_sleepers, "sleepers killed" },
		    { kill_sleepers, "sleepers killed" },
		    { unmap_pages, "pages unmapped" },
		    { monitor, "records answered" });
}

TEST_HARNESS_MAIN
