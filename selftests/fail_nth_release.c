// SPDX-License-Identifier: GPL-2.0
/*
 * Letting go of VMs and real memory, failed at each of its points: see
 * fail_nth.h. Then a look at what all the failures have left behind.
 */
#include "fail_nth.h"

/* A mapping of its own, two pages of which were read. */
static const char *prepare_mapping(struct scene *s)
{
	s->at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, s->g.vm,
		     FRESH);
	if (s->at == MAP_FAILED || access_read(s->at) ||
	    access_read(s->at + PAGE))
		return "no mapping";
	return NULL;
}

static int do_munmap(struct scene *s)
{
	return munmap(s->at, MAPPED) ? -errno : 0;
}

static int do_munmap_middle(struct scene *s)
{
	return munmap(s->at + PAGE, PAGE) ? -errno : 0;
}

/* What is still mapped works; then everything begins anew. */
static const char *settle_munmap(struct scene *s, int ret)
{
	if (ret)
		return access_read(s->at) || access_read(s->at + PAGE) ?
		       "the mapping is gone" : NULL;
	munmap(s->at, MAPPED);
	return prepare_mapping(s);
}

FIXTURE_VARIANT_ADD(fail_nth, munmap)
{
	.run = do_munmap, .prepare = prepare_mapping, .settle = settle_munmap,
	.errnos = { ENOMEM }, .pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, munmap_middle)
{
	.run = do_munmap_middle, .prepare = prepare_mapping,
	.settle = settle_munmap, .errnos = { ENOMEM }, .pointless = true,
};

/* Another VM, with frames and tables, whose file is s->fd. */
static const char *prepare_vm(struct scene *s)
{
	struct vmmu_vm_create c;
	__u64 done;

	if (_vm_create(s->g.dev, REAL, &c))
		return "no VM";
	s->fd = c.fd;
	return _range(s->fd, VMMU_IOC_POPULATE, 0, 80 * PAGE, &done) ?
	       "no frames" : NULL;
}

static const char *prepare_space(struct scene *s)
{
	const char *wrong = prepare_vm(s);
	struct vmmu_space_create c;

	if (wrong)
		return wrong;
	if (_space_create(s->fd, FORMAT4, 0, MODE(0), &c))
		return "no space";
	close(s->fd);
	s->fd = c.fd;
	return NULL;
}

static const char *prepare_mapped_vm(struct scene *s)
{
	const char *wrong = prepare_vm(s);

	if (wrong)
		return wrong;
	s->at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd,
		     0);
	close(s->fd);
	s->fd = -1;
	return s->at == MAP_FAILED || access_write(s->at, 1) ? "no mapping" :
							       NULL;
}

static int do_close(struct scene *s)
{
	int ret = close(s->fd) ? -errno : 0;

	s->fd = -1;
	return ret;
}

/* The other VM has gone, with all that it had charged. */
static const char *worked_release(struct scene *s, const struct state *was,
				  const struct state *now)
{
	struct state other = *was;

	if (now->room + now->vm.charged_bytes != s->room)
		return "charges stay";
	other.room = now->room;
	other.files = now->files;
	other.next_fd = now->next_fd;
	return differs(&other, now);
}

FIXTURE_VARIANT_ADD(fail_nth, close_vm)
{
	.run = do_close, .prepare = prepare_vm, .worked = worked_release,
	.pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, close_space)
{
	.run = do_close, .prepare = prepare_space, .worked = worked_release,
	.pointless = true,
};

FIXTURE_VARIANT_ADD(fail_nth, munmap_last)
{
	.run = do_munmap, .prepare = prepare_mapped_vm,
	.worked = worked_release, .errnos = { ENOMEM }, .pointless = true,
};

/* What a child does: it leaves a VM to its exit, the @n-th point of which fails. */
static void exit_with_vm(unsigned int n)
{
	struct scene s = { .g.dev = dev_open(), .fd = -1 };
	struct vmmu_space_create c;
	int nth = nth_open();

	CHILD_CHECK(s.g.dev >= 0 && nth >= 0);
	CHILD_CHECK(!prepare_vm(&s));
	CHILD_CHECK(!_space_create(s.fd, FORMAT4, 0, MODE(0), &c));
	s.at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0);
	CHILD_CHECK(s.at != MAP_FAILED);
	CHILD_CHECK(!access_write(s.at, 1));
	nth_begin(nth, n);
	_exit(0);
}

/* What is left to fail in a child that has exited and is not waited for. */
static int points_left(pid_t pid)
{
	char path[64], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 1)
		return -1;
	close(fd);
	return atoi(text);
}

FIXTURE(fail_nth_once) {
	int dev, nth;
};

FIXTURE_SETUP(fail_nth_once)
{
	const char *lacking = nth_lacking();

	if (lacking)
		SKIP(return, "%s", lacking);
	self->nth = nth_open();
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(fail_nth_once)
{
	close(self->nth);
	close(self->dev);
}

TEST_F(fail_nth_once, exit)
{
	__u64 room = room_of(self->dev);
	unsigned int n;
	int left;

	for (n = 1; n < NTH_MAX; n++) {
		siginfo_t info;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid)
			exit_with_vm(n);
		ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
		left = points_left(pid);
		ASSERT_EQ(0, child_wait(pid));
		ASSERT_LE(0, left);
		ASSERT_EQ(room, room_of(self->dev)) TH_LOG("point %u", n);
		if (left)
			break;
	}
	ASSERT_GT(NTH_MAX, n);
	printf("# exit: %u points\n", n - 1);
}

/* The first open mounts the pseudo file system, so no other file is open. */
TEST_F(fail_nth_once, first_open)
{
	unsigned int n, failures = 0;
	bool met = true;
	int fd = -1;

	close(self->dev);
	for (n = 1; met && n < NTH_MAX; n++) {
		nth_begin(self->nth, n);
		fd = open("/dev/vmmu", O_RDWR | O_CLOEXEC);
		met = nth_end(self->nth);
		failures += fd < 0;
		ASSERT_TRUE(fd >= 0 || errno == ENOMEM || errno == EFAULT)
			TH_LOG("point %u, %s", n, strerror(errno));
		if (met && fd >= 0)
			close(fd);
	}
	self->dev = fd;
	ASSERT_LE(0, fd);
	close(vm_create(fd, REAL));
	printf("# first_open: %u points: %u failures\n", n - 2, failures);
	ASSERT_LT(0, failures);
}

/*
 * Pages that are nobody's in the kernel's own account: neither free nor cached
 * nor of a slab or a stack or a page table. Frames of real memory are such.
 */
static long unaccounted_kib(void)
{
	static const char *const others[] = {
		"MemFree:", "Buffers:", "Cached:", "SwapCached:", "AnonPages:",
		"Slab:", "KernelStack:", "PageTables:", "SecPageTables:",
		"VmallocUsed:", "Percpu:",
	};
	char name[32];
	long kib, left = 0;
	FILE *f = fopen("/proc/meminfo", "r");
	int i;

	while (f && fscanf(f, "%31s %ld%*[^\n]", name, &kib) == 2) {
		if (!strcmp(name, "MemTotal:"))
			left += kib;
		for (i = 0; i < ARRAY_SIZE(others); i++)
			left -= strcmp(name, others[i]) ? 0 : kib;
	}
	if (f)
		fclose(f);
	return left;
}

#define LEAK_TIMES	1500
#define LEAK_KIB	3000	/* a page each time is 6000 */

/*
 * Fail what comes after a frame was had, the table to hold it, until one is
 * missing for good. Each time it is another table.
 */
static int fail_often(int nth, int vm, __u64 ra)
{
	unsigned int i, failures = 0;
	__u64 done;

	_range(vm, VMMU_IOC_POPULATE, ra, PAGE, &done);
	for (i = 0; i < LEAK_TIMES; i++) {
		nth_begin(nth, 3);	/* after the structure and the frame */
		failures += _range(vm, VMMU_IOC_POPULATE,
				   ra + (i % 500 + 1) * 2 * MIB, PAGE, &done) ==
			    -ENOMEM;
		nth_end(nth);
	}
	return failures;
}

TEST_F(fail_nth_once, nothing_is_left)
{
	__u64 room = room_of(self->dev), done;
	struct vmmu_vm_info i;
	long before, leaked;
	int vm;

	vm = vm_create(self->dev, REAL);
	EXPECT_LT(LEAK_TIMES / 2, fail_often(self->nth, vm, 0));
	before = unaccounted_kib();
	EXPECT_LT(LEAK_TIMES / 2, fail_often(self->nth, vm, GIB));
	leaked = unaccounted_kib() - before;
	printf("# nothing_is_left: %ld KiB of %u failures\n", leaked,
	       LEAK_TIMES);
	EXPECT_GT(LEAK_KIB, leaked);
	close(vm);
	ASSERT_EQ(room, room_of(self->dev));

	/* The whole limit is to be had, and not a page more. */
	vm = vm_create(self->dev, REAL);
	ASSERT_EQ(-ENOMEM, _range(vm, VMMU_IOC_POPULATE, 0, REAL, &done));
	i = vm_info(vm);
	EXPECT_EQ(room, i.charged_bytes);
	EXPECT_EQ(0, room_of(self->dev));
	EXPECT_EQ(done, i.frames * PAGE);
	close(vm);
	ASSERT_EQ(room, room_of(self->dev));
}

int main(int argc, char **argv)
{
	return nth_main(argc, argv);
}
