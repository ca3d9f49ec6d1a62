// SPDX-License-Identifier: GPL-2.0
/*
 * Monitors that are slow, stuck or killed: each record that the ledger counts is
 * accounted for, and other guests go on as if nothing were.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "vmmu_trap.h"
#include "vmmu_trapping.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)
#define MANY	4096	/* records, more than are kept */

/*
 * A guest, with the entry for VA.
 * @ptes: the table that it is the first of
 */
struct side {
	struct guest g;
	__u64 *ptes;
};

/* @watched: has a monitor; @other: has none */
FIXTURE(monitors) {
	struct side watched, other;
	int dev, trap;
};

#define side_make(made, device) do {					\
	struct side *__s = (made);					\
									\
	guest_make(&__s->g, device, 4 * MIB, FORMAT4, BITS);		\
	__s->ptes = guest_slot(&__s->g, VA, 1);				\
	guest_traps(&__s->g, BITS);					\
} while (0)

FIXTURE_SETUP(monitors)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	side_make(&self->watched, self->dev);
	side_make(&self->other, self->dev);
	self->trap = trap_create(self->watched.g.vm);
}

FIXTURE_TEARDOWN(monitors)
{
	close(self->trap);
	guest_drop(&self->watched.g);
	guest_drop(&self->other.g);
	close(self->dev);
}

/* What becomes of entry @i, the @n-th time. */
static __u64 entry_of(const struct side *s, int i, int n)
{
	return (s->g.data + (i + n) % 256 * PAGE) | PTE_ALL;
}

static void store_entry(struct side *s, int i, int n)
{
	__atomic_store_n(&s->ptes[i], entry_of(s, i, n), __ATOMIC_RELAXED);
}

static int install_entry(struct side *s, int i, int n)
{
	struct vmmu_install_op op = {
		.va = VA + i * PAGE, .value = entry_of(s, i, n), .level = 1,
	};
	struct vmmu_install in;

	return _install(s->g.space, 0, &op, 1, NULL, &in);
}

/* Whether all that was told of a VM is read, withdrawn, lost for want of room, or unread. */
static bool accounted(int vm, int trap, __u64 unread)
{
	struct vmmu_ledger l;
	struct vmmu_trap_info i;

	if (_ledger(vm, &l) || _trap_info(trap, &i))
		return false;
	return l.records == i.made &&
	       i.made == i.read + i.withdrawn + i.overflowed + unread;
}

/* Nobody reads, then somebody reads some, then all. */
TEST_F(monitors, slow)
{
	struct vmmu_trap_record *r = calloc(MANY, sizeof(*r));
	struct side *s = &self->watched;
	struct vmmu_trap_info i;
	__u64 kept;
	ssize_t nr;

	ASSERT_NE(NULL, r);
	deliver(s->g.space, VMMU_TRAP_STORE, VMMU_DELIVER_NOTIFY, self->trap);
	deliver(s->g.space, VMMU_TRAP_HYPERCALL, VMMU_DELIVER_NOTIFY,
		self->trap);
	for (int n = 0; n < MANY / 2; n++) {
		store_entry(s, n % 512, n);
		ASSERT_EQ(0, install_entry(s, n % 512, n + 1));
	}
	i = trap_info(self->trap);
	ASSERT_EQ(MANY, i.made);
	ASSERT_LT(0, i.overflowed);
	kept = MANY - i.overflowed;
	ASSERT_TRUE(accounted(s->g.vm, self->trap, kept));
	nr = read(self->trap, r, 7 * sizeof(*r)) / sizeof(*r);
	ASSERT_EQ(7, nr);
	ASSERT_TRUE(accounted(s->g.vm, self->trap, kept - 7));
	/* There is room again. */
	store_entry(s, 0, 3);
	ASSERT_TRUE(accounted(s->g.vm, self->trap, kept - 6));
	nr = read(self->trap, r, MANY * sizeof(*r)) / sizeof(*r);
	ASSERT_EQ(kept - 6, nr);
	ASSERT_TRUE(accounted(s->g.vm, self->trap, 0));
	ASSERT_EQ(0, ledger(self->other.g.vm).records);
	free(r);
}

struct asked {
	struct side *s;
	int ret, done;
};

static void *install_one_entry(void *arg)
{
	struct asked *a = arg;

	a->ret = install_entry(a->s, 0, 0);
	__atomic_store_n(&a->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* As long as a monitor does not answer. */
TEST_F(monitors, stuck)
{
	struct side *s = &self->watched, *o = &self->other;
	unsigned char *w = window(o->g.space, VA, 512 * PAGE);
	struct asked asked = { .s = s };
	struct vmmu_trap_record r;
	struct vmmu_ledger before;
	pthread_t thread;
	int second;

	deliver(s->g.space, VMMU_TRAP_HYPERCALL, VMMU_DELIVER_ASK, self->trap);
	ASSERT_EQ(0, pthread_create(&thread, NULL, install_one_entry, &asked));
	r = record(self->trap);
	ASSERT_EQ(VMMU_TRAP_WAITS, r.flags);

	before = ledger(o->g.vm);
	for (int n = 0; n < 512; n++) {
		ASSERT_EQ(0, install_entry(o, n, n));
		store_entry(o, n, n + 1);
		store(w + n * PAGE, 0x1234);
	}
	ASSERT_EQ(512, ledger(o->g.vm).by_hypercall - before.by_hypercall);
	ASSERT_EQ(512, ledger(o->g.vm).by_store - before.by_store);
	ASSERT_EQ(0, ledger(o->g.vm).records);
	/* Nor its own VM's other spaces, nor the same one's stores. */
	second = space_create(s->g.vm, FORMAT4, s->g.root, BITS);
	ASSERT_EQ(VMMU_REASON_NOT_PRESENT,
		  translate(second, 0, READ, VA).reason);
	close(second);
	for (int n = 1; n < 512; n++)
		store_entry(s, n, n);
	ASSERT_EQ(0, __atomic_load_n(&asked.done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, s->ptes[0]);

	answer(self->trap, r.cookie, VMMU_VERDICT_ALLOW);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, asked.ret);
	ASSERT_EQ(entry_of(s, 0, 0), s->ptes[0]);
	ASSERT_TRUE(accounted(s->g.vm, self->trap, 0));
	munmap(w, 512 * PAGE);
}

/* Somebody else reads, until he is killed; the last to know what he read. */
TEST_F(monitors, killed)
{
	struct side *s = &self->watched;
	struct vmmu_trap_record r;
	struct vmmu_trap_info *seen;
	__u64 records;
	pid_t pid;

	seen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)seen);
	for (int round = 0; round < 10; round++) {
		int trap = trap_create(s->g.vm);

		memset(seen, 0, sizeof(*seen));
		records = ledger(s->g.vm).records;
		deliver(s->g.space, VMMU_TRAP_STORE, VMMU_DELIVER_NOTIFY, trap);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (read(trap, &r, sizeof(r)) == sizeof(r))
				_trap_info(trap, seen);
			_exit(1);
		}
		close(trap);
		for (int n = 0; n < 200; n++)
			store_entry(s, n, n + 2 * round);
		ASSERT_TRUE(comes_true(__atomic_load_n(&seen->read,
						       __ATOMIC_RELAXED) > 20));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_GE(200, seen->made);
		ASSERT_LE(seen->read, seen->made);
		/* All were told to him; now there is nobody to be told. */
		ASSERT_EQ(200, ledger(s->g.vm).records - records);
		for (int n = 0; n < 200; n++)
			store_entry(s, n, n + 2 * round + 1);
		ASSERT_EQ(200, ledger(s->g.vm).records - records);
		ASSERT_EQ(entry_of(s, 7, 7 + 2 * round + 1),
			  s->ptes[7] & ~(PTE_A | PTE_D));
	}
	munmap(seen, PAGE);
}

TEST_HARNESS_MAIN
