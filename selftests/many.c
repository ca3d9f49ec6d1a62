// SPDX-License-Identifier: GPL-2.0
/*
 * Many VMs at once, and many that end in the middle of things: afterwards
 * everything is back, by the counts of the user, the module and the machine.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "vmmu_memory.h"
#include "vmmu_trap_calls.h"

#define REAL	(16 * MIB)
#define LIMIT	(64 * MIB)

FIXTURE(many) {
	int dev;
};

FIXTURE_SETUP(many)
{
	if (geteuid())
		SKIP(return, "needs root, to become another user");
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(many)
{
	become_root();
	close(self->dev);
}

/* The debug kernel forks slowly, and KASAN keeps what was freed for a while. */
static bool checkers(void)
{
	return rounds(20) == 1;
}

/* KiB that may be missing though nobody uses them. */
static long slack(void)
{
	return checkers() ? 65536 : 2048;
}

/* What is in use. Memory settles some time after the last user is gone. */
struct usage {
	long free, slab;	/* KiB */
	long references;	/* of the module */
};

static long module_references(void)
{
	FILE *f = fopen("/sys/module/vmmu/refcnt", "re");
	long value = -1;

	if (f && fscanf(f, "%ld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

static struct usage usage(void)
{
	drop_caches();
	sleep_ms(200);
	drop_caches();
	return (struct usage){
		.free = meminfo("MemFree") + kept_by_cpus(),
		.slab = meminfo("Slab"),
		.references = module_references(),
	};
}

static void show(const char *when, struct usage u)
{
	printf("# %s: %ld KiB free, %ld KiB of slab, %ld references\n", when,
	       u.free, u.slab, u.references);
}

static int compare_ids(const void *a, const void *b)
{
	__u64 one = *(const __u64 *)a, two = *(const __u64 *)b;

	return one < two ? -1 : one > two;
}

/* Make @nr VMs, look at all of them while they live, and close them. */
#define live_together(nr, fds, ids) do {				\
	unsigned int __nr = (nr), __n;					\
	struct usage __before = usage(), __alive;			\
	long __each;							\
	int *__fds = (fds);						\
	__u64 *__ids = (ids);						\
									\
	for (__n = 0; __n < __nr; __n++) {				\
		struct vmmu_vm_create __c;				\
									\
		ASSERT_EQ(0, _vm_create(self->dev, 64 * TIB, &__c))	\
			TH_LOG("VM %u", __n);				\
		__fds[__n] = __c.fd;					\
		__ids[__n] = __c.id;					\
	}								\
	for (__n = 0; __n < __nr; __n++) {				\
		struct vmmu_vm_info __v = vm_info(__fds[__n]);		\
									\
		ASSERT_EQ(__ids[__n], __v.id);				\
		ASSERT_EQ(0, __v.frames + __v.tables + __v.nr_spaces);	\
		ASSERT_EQ(0, __v.charged_bytes + __v.state);		\
	}								\
	ASSERT_EQ(__ids[__nr - 1], fdinfo_u64(__fds[__nr - 1], "vmmu-vm"));\
	__alive = usage();						\
	show("alive", __alive);						\
	__each = (__alive.slab - __before.slab) * 1024 / (long)__nr;	\
	printf("# %u VMs: %ld bytes each\n", __nr, __each);		\
	/* KASAN keeps more about each. */				\
	ASSERT_GT(checkers() ? 16384 : 8192, __each);			\
	ASSERT_EQ(__before.references + __nr, __alive.references);	\
	for (__n = 0; __n < __nr; __n++)				\
		close(__fds[__n]);					\
	qsort(__ids, __nr, sizeof(*__ids), compare_ids);		\
	for (__n = 1; __n < __nr; __n++)				\
		ASSERT_NE(__ids[__n - 1], __ids[__n]);			\
} while (0)

/* The first round has the kernel make room that it keeps; the second is told. */
TEST_F(many, vms)
{
	unsigned int nr = rounds(10000);
	struct rlimit files = { nr + 100, nr + 100 };
	int *fds = calloc(nr, sizeof(*fds));
	__u64 *ids = calloc(nr, sizeof(*ids));
	struct usage first, second;

	ASSERT_TRUE(fds && ids);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	/* As somebody who sees no frames: state is 0 then. */
	ASSERT_EQ(0, drop_capability(CAP_SYS_ADMIN));
	live_together(nr, fds, ids);
	first = usage();
	show("first round over", first);
	live_together(nr, fds, ids);
	second = usage();
	show("second round over", second);
	EXPECT_EQ(first.references, second.references);
	/* 64 bytes that each VM leaves would be 640 KiB. */
	EXPECT_GT(first.slab + 64L * nr / 1024 + (checkers() ? slack() : 128),
		  second.slab);
	EXPECT_LT(first.free - slack(), second.free);
	free(fds);
	free(ids);
}

/*
 * Discarded frames that pipes still hold stay charged, and are free soon after
 * the pipes are closed, though they are many.
 */
TEST_F_TIMEOUT(many, held_by_pipes, 60)
{
	const unsigned int nr_pages = REAL / PAGE * 3, pages_each = 256;
	const unsigned int nr = nr_pages / pages_each;
	int pipes[nr][2], n;
	struct vmmu_vm_create c;
	__u64 unused, done;
	char *mem;

	ASSERT_EQ(0, limit_memlock(LIMIT));
	/* The limit applies then, and pipes may still be large. */
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	unused = room(self->dev);
	ASSERT_EQ(0, _vm_create(self->dev, nr_pages * PAGE, &c));
	mem = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   c.fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	memset(mem, 1, nr_pages * PAGE);
	for (n = 0; n < (int)nr; n++) {
		struct iovec iov = {
			mem + n * pages_each * PAGE, pages_each * PAGE
		};

		ASSERT_EQ(0, pipe(pipes[n]));
		ASSERT_LE(0, fcntl(pipes[n][1], F_SETPIPE_SZ,
				   pages_each * PAGE));
		ASSERT_EQ((ssize_t)iov.iov_len,
			  vmsplice(pipes[n][1], &iov, 1, SPLICE_F_NONBLOCK));
	}
	ASSERT_EQ(0, _range(c.fd, VMMU_IOC_DISCARD, 0, nr_pages * PAGE, &done));
	munmap(mem, nr_pages * PAGE);
	close(c.fd);
	sleep_ms(3000);
	EXPECT_EQ(unused - nr_pages * PAGE, room(self->dev));
	for (n = 0; n < (int)nr; n++) {
		close(pipes[n][0]);
		close(pipes[n][1]);
	}
	EXPECT_EQ(unused, wait_for_room(self->dev, unused));
}

/* What the victims tell of themselves. */
static unsigned long *progress;

enum { VMS, SPACES, INSTALLS, PINS, DISCARDS, WINDOWS, SLEEPS, NR_COUNTS };

static void count(int what)
{
	__atomic_fetch_add(&progress[what], 1, __ATOMIC_RELAXED);
}

static sigjmp_buf sleeper_env;

static void sleep_ends(int sig)
{
	siglongjmp(sleeper_env, 1);
}

/* Sleep for want of an answer; a signal is the end of it. */
static void *sleep_in_window(void *at)
{
	if (!sigsetjmp(sleeper_env, 1))
		__atomic_load_n((unsigned char *)at, __ATOMIC_SEQ_CST);
	return NULL;
}

#define TABLES	(REAL / 2)	/* real address of four, one for each level */

/* A space whose window at 0 shows the page behind the tables, and no other. */
static int make_space(int vm, char *mem)
{
	struct vmmu_space_create s;
	int n;

	for (n = 0; n < 4; n++)
		*(__u64 *)(mem + TABLES + n * PAGE) =
			(TABLES + (n + 1) * PAGE) | PTE_ALL;
	if (_space_create(vm, FORMAT4, TABLES, MODE(0), &s))
		_exit(1);
	return s.fd;
}

/* Windows: one is written to, the other has a thread asleep, or nearly so. */
static void live_in_windows(int vm, char *mem, unsigned int seed)
{
	int space = make_space(vm, mem);
	struct vmmu_trap_record record;
	struct vmmu_trap_create t;
	unsigned char *at, *none;
	pthread_t thread;

	at = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, space, 0);
	none = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, space, TIB);
	if (at == MAP_FAILED || none == MAP_FAILED || _trap_create(vm, &t) ||
	    _set_delivery(space, VMMU_DELIVER_RECORD, t.fd))
		_exit(1);
	*at = 1;
	count(WINDOWS);
	signal(SIGSEGV, sleep_ends);
	if (pthread_create(&thread, NULL, sleep_in_window, none))
		_exit(1);
	if (seed % 3) {
		if (read(t.fd, &record, sizeof(record)) != sizeof(record))
			_exit(1);
		count(SLEEPS);
	}
	if (seed % 3 == 1)
		_answer(t.fd, record.cookie, VMMU_VERDICT_SIGNAL);
	if (seed % 5 < 2)
		close(space);
	close(t.fd);
	pthread_join(thread, NULL);
	if (seed % 5 >= 2)
		close(space);
	/* Some stay. */
	if (seed % 4)
		munmap(at, PAGE);
	munmap(none, PAGE);
}

/* Be in the middle of everything until somebody ends it. */
static void live(int dev, unsigned int seed)
{
	struct vmmu_install_op ops[8] = {};
	struct vmmu_space_create s;
	struct vmmu_vm_create c;
	struct vmmu_install i;
	struct iovec iov;
	int pipes[2], n;
	char *mem;
	__u64 done;

	for (;;) {
		__u64 base = seed++ % 64 * 64 * KIB;

		if (_vm_create(dev, REAL, &c) || pipe(pipes))
			_exit(1);
		count(VMS);
		for (n = 0; n < 3; n++)
			if (!_space_create(c.fd, FORMAT4 + n % 2, 0, MODE(0),
					   &s))
				count(SPACES);
		mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd,
			   0);
		if (mem == MAP_FAILED)
			_exit(1);
		memset(mem + base, 1, 64 * KIB);
		_range(c.fd, VMMU_IOC_POPULATE, base, MIB, &done);
		live_in_windows(c.fd, mem, seed);
		for (n = 0; n < 8; n++)
			ops[n] = (struct vmmu_install_op){
				.va = n * GIB * 512, .level = 4,
				.value = base | PTE_ALL,
			};
		if (!_install(s.fd, VMMU_INSTALL_ATOMIC, ops, 8, NULL, &i))
			count(INSTALLS);
		iov = (struct iovec){ mem + base, 8 * PAGE };
		if (vmsplice(pipes[1], &iov, 1, SPLICE_F_NONBLOCK) > 0)
			count(PINS);
		if (!_range(c.fd, VMMU_IOC_DISCARD, base, 32 * KIB, &done))
			count(DISCARDS);
		/* Mappings, pipes and files of some rounds stay. */
		if (seed % 4)
			munmap(mem, REAL);
		if (seed % 3) {
			close(pipes[0]);
			close(pipes[1]);
		}
		if (seed % 2)
			close(c.fd);
		close(s.fd);
		close(s.fd - 1);
		close(s.fd - 2);
	}
}

/* A group of three processes that share what they inherit. */
static pid_t start_victims(int dev, unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	if (!fork() || !fork())
		live(dev, seed * 3);
	live(dev, seed * 7);
	_exit(1);
}

static void kill_victims(pid_t pid)
{
	setpgid(pid, pid);
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

TEST_F_TIMEOUT(many, killed_in_the_middle, 280)
{
	unsigned int nr = rounds(1000), n, seed = 1;
	struct usage before = {}, after;
	__u64 unused;

	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)progress);
	/* The orphans are ours to wait for. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, limit_memlock(LIMIT));
	ASSERT_EQ(0, become_nobody());
	unused = room(self->dev);
	ASSERT_EQ(LIMIT, unused);
	for (n = 0; n < nr + 10; n++) {
		pid_t pid;

		if (n == 10) {
			ASSERT_EQ(unused, wait_for_room(self->dev, unused));
			ASSERT_EQ(0, become_root());
			before = usage();
			show("before", before);
			ASSERT_EQ(0, become_nobody());
		}
		pid = start_victims(self->dev, n);
		ASSERT_LT(0, pid);
		seed = seed * 1103515245 + 12345;
		sleep_ms((seed >> 16) % (checkers() ? 800 : 30));
		kill_victims(pid);
	}
	EXPECT_EQ(unused, wait_for_room(self->dev, unused));
	ASSERT_EQ(0, become_root());
	after = usage();
	show("after", after);
	printf("# %u rounds: %lu VMs, %lu spaces, %lu installs, %lu pins, %lu discards\n",
	       nr, progress[VMS], progress[SPACES], progress[INSTALLS],
	       progress[PINS], progress[DISCARDS]);
	printf("# and %lu windows, %lu sleeps\n", progress[WINDOWS],
	       progress[SLEEPS]);
	for (n = 0; n < NR_COUNTS; n++)
		EXPECT_LT(0, progress[n]);
	EXPECT_EQ(before.references, after.references);
	EXPECT_LT(before.free - slack(), after.free);
	EXPECT_GT(before.slab + slack(), after.slab);
}

TEST_HARNESS_MAIN
