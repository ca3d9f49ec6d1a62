// SPDX-License-Identifier: GPL-2.0
/*
 * Processes: VMs and mappings that are inherited, handed on, taken away, closed
 * while they are in use, and left to the exit of whoever is killed.
 */
#include "vmmu_race.h"

FIXTURE(races) {
	struct race *r;		/* two, of different VMs */
};

FIXTURE_SETUP(races)
{
	int dev = dev_open(), i;

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	races_make(self->r, dev);
	for (i = 0; i < PAGES; i++)
		guest_map(&self->r->g, i * PAGE, 1,
			  page_ra(self->r, i) | PTE_ALL);
}

FIXTURE_TEARDOWN(races)
{
	races_drop(self->r);
}

/* A child looks at the pages; it exits with 1 if one is wrong. */
static void look_and_exit(struct race *r, const unsigned char *view,
			  unsigned int seed)
{
	struct worker mine = { .what = "pages read by a child", .seed = seed };
	int i;

	for (i = 0; i < PAGES; i++)
		check_page(&mine, r, view, i);
	_exit(!!mine.wrong);
}

static void fork_children(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		pid_t pid = fork();

		if (!pid)
			look_and_exit(r, r->g.mem + r->g.data, w->done);
		if (pid < 0 || child_wait(pid))
			failed(w, "a child", pid);
		w->done++;
	}
}

/* The receiver of a VM and of its space finds in them what the sender has. */
static void use_received(struct race *r, int sock)
{
	int vm = receive_fd(sock), space = receive_fd(sock);
	struct vmmu_translation t;
	unsigned char *view;
	int i;

	close(r->g.vm);
	close(r->g.space);
	munmap(r->g.mem, REAL);
	view = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, vm,
		    page_ra(r, 0));
	CHILD_CHECK((void *)view != MAP_FAILED);
	for (i = 0; i < PAGES; i++) {
		CHILD_CHECK(!_translate(space, PROVIDE, READ, i * PAGE, &t));
		CHILD_CHECK(t.ra == page_ra(r, i) && !t.reason);
	}
	close(vm);
	look_and_exit(r, view, 0);
}

static void pass_files(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		int socks[2];
		pid_t pid;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
			return failed(w, "socketpair", errno);
		pid = fork();
		if (!pid)
			use_received(r, socks[1]);
		if (send_fd(socks[0], r->g.vm) || send_fd(socks[0], r->g.space))
			failed(w, "send", errno);
		if (pid < 0 || child_wait(pid))
			failed(w, "a receiver", pid);
		close(socks[0]);
		close(socks[1]);
		w->done++;
	}
}

/* A child's VM is taken over, and the child killed; what it wrote stays. */
static void make_and_wait(struct race *r, int tell)
{
	unsigned int seed = getpid();
	struct vmmu_vm_create c;
	__u64 *mem;

	CHILD_CHECK(!_vm_create(r->g.dev, REAL, &c));
	mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	CHILD_CHECK((void *)mem != MAP_FAILED);
	mem[0] = c.id;
	CHILD_CHECK(write(tell, &c, sizeof(c)) == sizeof(c));
	for (;;)
		mem[1 + dice(&seed, REAL / 8 - 1)] = 1;
}

static void take_files(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		struct vmmu_vm_create c;
		int tell[2], pidfd, vm;
		__u64 *mem;
		pid_t pid;

		if (pipe2(tell, O_CLOEXEC))
			return failed(w, "pipe", errno);
		pid = fork();
		if (!pid)
			make_and_wait(r, tell[1]);
		if (pid < 0 || read(tell[0], &c, sizeof(c)) != sizeof(c))
			return failed(w, "a child", pid);
		pidfd = syscall(SYS_pidfd_open, pid, 0);
		vm = syscall(SYS_pidfd_getfd, pidfd, c.fd, 0);
		mem = mmap(NULL, REAL, PROT_READ, MAP_SHARED, vm, 0);
		kill(pid, SIGKILL);
		if ((void *)mem == MAP_FAILED || mem[0] != c.id)
			failed(w, "not the child's VM", errno);
		if (child_wait(pid) != 128 + SIGKILL)
			failed(w, "not killed", pid);
		close(vm);
		if ((void *)mem != MAP_FAILED && mem[0] != c.id)
			failed(w, "not the child's data", mem[0]);
		munmap(mem, REAL);
		close(pidfd);
		close(tell[0]);
		close(tell[1]);
		w->done++;
	}
}

TEST_F(races, files_among_processes)
{
	run_workers(self->r, race_ms(),
		    { own_first, "pages renewed" },
		    { fork_children, "children that read inherited pages" },
		    { pass_files, "files passed over sockets" },
		    { take_files, "files taken from processes killed" });
	consistent(self->r[0].g.vm);
	mapped_right(&self->r[0]);
	ASSERT_EQ(1, vm_info(self->r[0].g.vm).nr_spaces);
}

/* One thread closes what another one is using by its number. */
static void close_files(struct worker *w)
{
	struct race *r = w->r;

	while (running(w)) {
		struct vmmu_space_create s;
		struct vmmu_vm_create c;
		unsigned char *mem;

		if (_vm_create(r->g.dev, REAL, &c) ||
		    _space_create(c.fd, FORMAT4, 0, MODE(0), &s))
			return failed(w, "create", errno);
		mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			   c.fd, 0);
		__atomic_store_n(&r->roots[0], c.fd, __ATOMIC_SEQ_CST);
		__atomic_store_n(&r->roots[1], s.fd, __ATOMIC_SEQ_CST);
		mem[dice(&w->seed, REAL)] = 1;
		if (dice(&w->seed, 2))
			sched_yield();
		close(dice(&w->seed, 2) ? c.fd : s.fd);
		munmap(mem, REAL);
		close(s.fd);
		close(c.fd);
		w->done++;
	}
}

static void use_closing(struct worker *w)
{
	struct race *r = w->r;
	struct vmmu_translation t;
	struct vmmu_vm_info i;
	__u64 done;

	while (running(w)) {
		int vm = __atomic_load_n(&r->roots[0], __ATOMIC_SEQ_CST);
		int space = __atomic_load_n(&r->roots[1], __ATOMIC_SEQ_CST);
		int rets[] = {
			_range(vm, VMMU_IOC_POPULATE, 0, 8 * PAGE, &done),
			_translate(space, PROVIDE, READ, 0, &t),
			_range(vm, VMMU_IOC_DISCARD, 0, 4 * PAGE, &done),
			_vm_info(vm, &i),
		};
		unsigned int k;

		for (k = 0; k < ARRAY_SIZE(rets); k++)
			if (rets[k] && rets[k] != -EBADF && rets[k] != -ENOTTY)
				failed(w, "a call", -rets[k]);
		w->done++;
	}
}

TEST_F(races, close_against_calls)
{
	self->r->roots[0] = -1;
	self->r->roots[1] = -1;
	run_workers(self->r, race_ms(),
		    { close_files, "VMs and spaces closed" },
		    { use_closing, "calls on what is being closed" },
		    { use_closing, "calls on what is being closed" });
}

/* What a child does until it is killed: everything, on both VMs and its own. */
static void wild_life(struct race *r, unsigned int seed)
{
	struct vmmu_translation t[PAGES];
	struct vmmu_vm_create c;
	struct vmmu_space_create s;
	unsigned char *mem;
	__u64 done;
	__u32 n;

	for (;;) {
		if (_vm_create(r->g.dev, REAL, &c))
			_exit(1);
		mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			   c.fd, 0);
		_space_create(c.fd, FORMAT4, 0, MODE(0), &s);
		_range(c.fd, VMMU_IOC_POPULATE, 0, MIB, &done);
		mem[dice(&seed, REAL)] = 1;
		_translate_many(s.fd, PROVIDE, READ, NULL, 0, PAGES, t, &n);
		_range(r[seed & 1].g.vm, VMMU_IOC_DISCARD, page_ra(r, 0),
		       PAGES * PAGE, &done);
		_translate_many(r->g.space, PROVIDE, READ, NULL, 0, PAGES, t,
				&n);
		r->g.mem[page_ra(r, dice(&seed, PAGES))] = 0;
		if (!dice(&seed, 4) && !fork()) {
			mem[dice(&seed, REAL)] = 2;
			_exit(0);
		}
		close(c.fd);
		if (dice(&seed, 2))
			munmap(mem, REAL);
		close(s.fd);
	}
}

TEST_F(races, killed_at_any_time)
{
	struct race *r = self->r;
	__u64 end = now_ms() + race_ms();
	unsigned int seed = 7, i, nr = 0;
	pid_t pids[3];

	while (now_ms() < end || !nr) {
		for (i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = fork();
			ASSERT_LE(0, pids[i]);
			if (!pids[i])
				wild_life(r, seed + i);
		}
		sleep_ms(1 + dice(&seed, 20));
		for (i = 0; i < ARRAY_SIZE(pids); i++)
			kill(pids[i], SIGKILL);
		for (i = 0; i < ARRAY_SIZE(pids); i++, nr++)
			ASSERT_EQ(128 + SIGKILL, child_wait(pids[i]));
	}
	printf("# %u processes killed\n", nr);
	consistent(r[0].g.vm);
	consistent(r[1].g.vm);
	ASSERT_EQ(1, vm_info(r[0].g.vm).nr_spaces);
	ASSERT_EQ(1, vm_info(r[1].g.vm).nr_spaces);
}

TEST_HARNESS_MAIN
