// SPDX-License-Identifier: GPL-2.0
/* Real memory: populate, discard, mappings, zeroes, bounds, the sequence. */
#include <sys/sysinfo.h>

#include "vmmu_guest.h"
#include "vmmu_proc.h"

#define REAL	(64 * MIB)

FIXTURE(realmem) {
	int dev, vm;
	unsigned char *mem;
};

FIXTURE_SETUP(realmem)
{
	self->dev = dev_open();
	if (self->dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->dev);
	self->vm = vm_create(self->dev, REAL);
	self->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
}

FIXTURE_TEARDOWN(realmem)
{
	munmap(self->mem, REAL);
	close(self->vm);
	close(self->dev);
}

TEST_F(realmem, populate)
{
	struct vmmu_vm_info before = vm_info(self->vm), i;

	populate(self->vm, 3 * PAGE, 5 * PAGE);
	i = vm_info(self->vm);
	EXPECT_EQ(5, i.frames);
	EXPECT_EQ(before.sequence, i.sequence);
	EXPECT_LE(5 * PAGE + i.tables * PAGE, i.charged_bytes);
	EXPECT_EQ(0, real_page(self->vm, 2 * PAGE).page_shift);
	EXPECT_EQ(12, real_page(self->vm, 3 * PAGE).page_shift);
	EXPECT_EQ(12, real_page(self->vm, 7 * PAGE).page_shift);
	EXPECT_EQ(0, real_page(self->vm, 8 * PAGE).page_shift);
	EXPECT_TRUE(all_bytes(self->mem + 3 * PAGE, 0, 5 * PAGE));

	/* A second time gives only what is missing and touches no data. */
	self->mem[3 * PAGE] = 0x11;
	i = vm_info(self->vm);
	populate(self->vm, 3 * PAGE, 5 * PAGE);
	vm_unchanged(i, self->vm);
	populate(self->vm, PAGE, 8 * PAGE);
	EXPECT_EQ(8, vm_info(self->vm).frames);
	EXPECT_EQ(0x11, self->mem[3 * PAGE]);

	populate(self->vm, REAL - PAGE, PAGE);
	EXPECT_EQ(9, vm_info(self->vm).frames);
	EXPECT_EQ(before.sequence, vm_info(self->vm).sequence);
}

TEST_F(realmem, discard)
{
	struct vmmu_vm_info before, i;
	int p;

	for (p = 0; p < 16; p++)
		memset(self->mem + p * PAGE, p + 1, PAGE);
	before = vm_info(self->vm);
	EXPECT_EQ(16, before.frames);

	discard(self->vm, 4 * PAGE, 8 * PAGE);
	i = vm_info(self->vm);
	EXPECT_EQ(8, i.frames);
	EXPECT_LT(before.sequence, i.sequence);
	EXPECT_GE(before.charged_bytes - 8 * PAGE, i.charged_bytes);
	EXPECT_EQ(0, real_page(self->vm, 4 * PAGE).page_shift);
	for (p = 0; p < 16; p++) {
		ASSERT_TRUE(all_bytes(self->mem + p * PAGE,
				      p < 4 || p >= 12 ? p + 1 : 0, PAGE))
			TH_LOG("page %d", p);
	}
	EXPECT_EQ(16, vm_info(self->vm).frames);
	EXPECT_EQ(i.sequence, vm_info(self->vm).sequence);
}

TEST_F(realmem, discard_of_nothing)
{
	struct vmmu_vm_info before = vm_info(self->vm);

	discard(self->vm, 0, REAL);
	vm_unchanged(before, self->vm);

	populate(self->vm, 8 * PAGE, PAGE);
	before = vm_info(self->vm);
	discard(self->vm, 0, 8 * PAGE);
	discard(self->vm, 9 * PAGE, REAL - 9 * PAGE);
	vm_unchanged(before, self->vm);
}

TEST_F(realmem, discard_of_all)
{
	struct vmmu_vm_info empty = vm_info(self->vm);

	if (info(self->dev).memlock_bytes < REAL + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	populate(self->vm, 0, REAL);
	EXPECT_EQ(REAL / PAGE, vm_info(self->vm).frames);
	discard(self->vm, 0, REAL);
	EXPECT_EQ(0, vm_info(self->vm).frames);
	EXPECT_GE(empty.charged_bytes + MIB, vm_info(self->vm).charged_bytes);
	EXPECT_EQ(0, self->mem[REAL - 1]);
	EXPECT_EQ(1, vm_info(self->vm).frames);
}

TEST_F(realmem, bad_ranges)
{
	__u64 bad[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, PAGE - 1 }, { 0, PAGE + 1 },
		{ 1, PAGE }, { PAGE - 1, PAGE }, { 2048, PAGE },
		{ REAL, PAGE }, { REAL - PAGE, 2 * PAGE }, { 0, REAL + PAGE },
		{ REAL + PAGE, PAGE }, { -PAGE, PAGE }, { -PAGE, 2 * PAGE },
		{ PAGE, -PAGE }, { 1ULL << 63, 1ULL << 63 }, { 0, 1ULL << 63 },
		{ REAL, 0 }, { 1ULL << 52, PAGE },
	};
	struct vmmu_vm_info before;
	unsigned int i;

	self->mem[0] = 1;
	self->mem[REAL - 1] = 2;
	before = vm_info(self->vm);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err_range(EINVAL, self->vm, bad[i][0], bad[i][1]);
		vm_unchanged(before, self->vm);
	}
	EXPECT_EQ(1, self->mem[0]);
	EXPECT_EQ(2, self->mem[REAL - 1]);
}

/* 64 TiB cost nothing, and their ends work. */
TEST_F(realmem, sparse)
{
	__u64 at[] = { 0, 2 * MIB - PAGE, 2 * MIB, GIB, 511 * GIB, 512 * GIB,
		       TIB, 33 * TIB + 5 * PAGE, 64 * TIB - PAGE };
	int vm = vm_create(self->dev, 64 * TIB);
	__u64 empty = vm_info(vm).charged_bytes;
	unsigned char *mem;
	unsigned int i;
	__u64 start;

	mem = mmap(NULL, 64 * TIB, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_NORESERVE, vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	EXPECT_GE(64 * KIB, empty);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ(0, mem[at[i]]);
		mem[at[i]] = i + 1;
		ASSERT_EQ(i + 1, vm_info(vm).frames);
	}
	for (i = 0; i < ARRAY_SIZE(at); i++)
		ASSERT_EQ(i + 1, mem[at[i]]);
	EXPECT_GE(empty + ARRAY_SIZE(at) * 5 * PAGE,
		  vm_info(vm).charged_bytes);
	discard(vm, 33 * TIB, GIB);
	EXPECT_EQ(ARRAY_SIZE(at) - 1, vm_info(vm).frames);
	EXPECT_EQ(0, mem[33 * TIB + 5 * PAGE]);

	/* A discard of everything follows what is there, not the size. */
	start = now_ms();
	discard(vm, 0, 64 * TIB);
	EXPECT_GT(2000, now_ms() - start);
	EXPECT_EQ(0, vm_info(vm).frames);
	munmap(mem, 64 * TIB);
	close(vm);
}

/* A long call that is killed ends soon, and tells how far it got. */
TEST_F(realmem, killed)
{
	int vm = vm_create(self->dev, 64 * TIB);
	struct vmmu_range *r;
	pid_t pid;
	__u64 start;

	r = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)r);
	*r = (struct vmmu_range){ .size = sizeof(*r), .bytes = 64 * TIB };
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(call(vm, VMMU_IOC_POPULATE, r));
	while (vm_info(vm).frames < 100 && waitpid(pid, NULL, WNOHANG) != pid)
		;
	start = now_ms();
	kill(pid, SIGKILL);
	ASSERT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_GT(1000, now_ms() - start);
	EXPECT_LE(100 * PAGE, r->done);
	EXPECT_EQ(vm_info(vm).frames * PAGE, r->done);
	close(vm);
}

/*
 * Frames that were full of somebody's data come back zeroed; only a kernel
 * booted with init_on_alloc=0 makes this test hard.
 */
TEST_F(realmem, recycled_frames_are_zero)
{
	int round, other;

	if (info(self->dev).memlock_bytes < REAL + MIB)
		SKIP(return, "needs a larger RLIMIT_MEMLOCK");
	for (round = 0; round < 2; round++) {
		unsigned char *mem, *anon;

		anon = mmap(NULL, REAL / 2, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, (void *)anon);
		memset(anon, POISON8, REAL / 2);
		memset(self->mem, POISON8, REAL / 2);
		munmap(anon, REAL / 2);
		discard(self->vm, 0, REAL / 2);
		other = vm_create(self->dev, REAL);
		populate(other, 0, REAL / 2);
		mem = mmap(NULL, REAL, PROT_READ, MAP_SHARED, other, 0);
		ASSERT_NE(MAP_FAILED, (void *)mem);
		ASSERT_TRUE(all_bytes(mem, 0, REAL / 2));
		ASSERT_TRUE(all_bytes(self->mem, 0, REAL / 4));
		munmap(mem, REAL);
		close(other);
	}
}

TEST_F(realmem, mappings_alias)
{
	unsigned char *low, *high;

	low = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   self->vm, 2 * PAGE);
	ASSERT_NE(MAP_FAILED, (void *)low);
	high = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm,
		    REAL - PAGE);
	ASSERT_NE(MAP_FAILED, (void *)high);
	low[0] = 0x11;
	self->mem[3 * PAGE] = 0x22;
	high[5] = 0x33;
	EXPECT_EQ(0x11, self->mem[2 * PAGE]);
	EXPECT_EQ(0x22, low[PAGE]);
	EXPECT_EQ(0x33, self->mem[REAL - PAGE + 5]);
	EXPECT_EQ(3, vm_info(self->vm).frames);
	discard(self->vm, 0, REAL);
	EXPECT_EQ(0, low[0] + low[PAGE] + high[5] + self->mem[2 * PAGE]);
}

/* The first read gives a frame, and a write after it goes into the same. */
TEST_F(realmem, read_then_write)
{
	struct vmmu_real_map_entry e;
	unsigned char *ro;

	ro = mmap(NULL, REAL, PROT_READ, MAP_SHARED, self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)ro);
	EXPECT_EQ(0, ro[PAGE]);
	EXPECT_EQ(1, vm_info(self->vm).frames);
	EXPECT_EQ(0, self->mem[PAGE]);
	e = real_page(self->vm, PAGE);
	self->mem[PAGE] = 0x11;
	EXPECT_EQ(0x11, ro[PAGE]);
	EXPECT_EQ(1, vm_info(self->vm).frames);
	EXPECT_EQ(e.frame, real_page(self->vm, PAGE).frame);
	EXPECT_EQ(SIGSEGV, access_write(ro + PAGE, 1));
	EXPECT_EQ(0x11, ro[PAGE]);
	discard(self->vm, PAGE, PAGE);
	EXPECT_EQ(0, ro[PAGE]);
}

TEST_F(realmem, refused_mappings)
{
	struct vmmu_vm_info before = vm_info(self->vm);
	unsigned char *p;

	errno = 0;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE,
				   self->vm, 0));
	EXPECT_EQ(EINVAL, errno);
	errno = 0;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, self->vm, PAGE));
	EXPECT_EQ(EINVAL, errno);

	/* What does not exist is refused at once, or when it is touched. */
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm,
		 REAL - PAGE);
	if ((void *)p != MAP_FAILED) {
		EXPECT_EQ(0, access_write(p, 1));
		EXPECT_EQ(SIGBUS, access_read(p + PAGE));
		EXPECT_EQ(SIGBUS, access_write(p + PAGE, 1));
		EXPECT_EQ(p + PAGE, access_address);
		discard(self->vm, REAL - PAGE, PAGE);
		before = vm_info(self->vm);
	} else {
		EXPECT_EQ(EINVAL, errno);
	}
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->vm, REAL);
	if ((void *)p != MAP_FAILED)
		EXPECT_EQ(SIGBUS, access_read(p));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->vm, 1LL << 46);
	if ((void *)p != MAP_FAILED)
		EXPECT_EQ(SIGBUS, access_read(p));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->vm, -PAGE);
	if ((void *)p != MAP_FAILED)
		EXPECT_EQ(SIGBUS, access_read(p));
	vm_unchanged(before, self->vm);
}

/* Code in real memory runs, as in any shared mapping. */
TEST_F(realmem, executable)
{
	int (*code)(void);

	memcpy(self->mem, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42,%eax; ret */
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, self->vm, 0);
	ASSERT_NE(MAP_FAILED, (void *)code);
	EXPECT_EQ(42, code());
	self->mem[1] = 43;
	EXPECT_EQ(43, code());
}

/* Whether the mapping at @start has this among its VmFlags. */
static bool has_flag(void *start, const char *flag)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	bool found = false, has = false;
	char line[512];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (strtoul(line, NULL, 16) == (unsigned long)start)
			found = true;
		if (found && !strncmp(line, "VmFlags:", 8)) {
			has = strstr(line + 8, flag);
			break;
		}
	}
	if (smaps)
		fclose(smaps);
	return has;
}

/* A dump would back all of a sparse real memory; frames stay in memory anyway. */
TEST_F(realmem, neither_dumped_nor_locked)
{
	EXPECT_TRUE(has_flag(self->mem, "dd"));
	EXPECT_EQ(-1, madvise(self->mem, PAGE, MADV_DODUMP));
	EXPECT_EQ(0, mlock(self->mem, REAL));
	EXPECT_FALSE(has_flag(self->mem, "lo"));
}

TEST_HARNESS_MAIN
