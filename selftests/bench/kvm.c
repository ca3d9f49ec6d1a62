// SPDX-License-Identifier: GPL-2.0
/*
 * KVM as a peer: with shadow tables, which is what vmmu does in software, and
 * with nested paging, which is what the processor does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kvm_guest.h"

/* How many pages are installed, and how many are faulted on or translated. */
#define BATCH		64UL
#define NR_USED		512UL

static struct kvm_guest guest;

static int begin_shadow(void)
{
	return kvm_load(false) ?: kvm_guest_make(&guest, 0);
}

static int begin_npt(void)
{
	return kvm_load(true) ?: kvm_guest_make(&guest, 0);
}

static int call(const char *routine, unsigned long nr)
{
	uint64_t sum;

	return kvm_guest_call(&guest, routine, nr, 0, &sum);
}

/* What KVM_RUN costs by itself. */
static int run_nothing(void)
{
	return call(kvm_nothing, 0);
}

/* Call @routine, which maps pages to @ra and loads their first words. */
static int use(const char *routine, unsigned long nr, uint64_t ra)
{
	uint64_t sum;
	int ret = kvm_guest_call(&guest, routine, nr, ra, &sum);

	/* Each real page begins with its own address. */
	return ret ?: sum == nr * ra + nr * (nr - 1) / 2 * PAGE ? 0 : -EIO;
}

/*
 * The entries are zero, and the tables in step, as they are after a switch: the
 * first store to a table traps, which lets it get out of step.
 */
static int prepare_empty(void)
{
	int ret = call(kvm_unmap, BATCH) ?: call(kvm_switch, 0);

	settle();
	return ret;
}

static int prepare_live(void)
{
	int ret = use(kvm_remap_batch, BATCH, DATA) ?: call(kvm_switch, 0);

	settle();
	return ret;
}

static int run_install_use_1(void)
{
	return use(kvm_install_use, BATCH, DATA);
}

static int run_install_use_64(void)
{
	return use(kvm_install_use_batch, BATCH, DATA);
}

static int run_remap_1(void)
{
	return use(kvm_remap, BATCH, OTHER);
}

static int run_remap_64(void)
{
	return use(kvm_remap_batch, BATCH, OTHER);
}

static int begin_mapped(void)
{
	return begin_npt() ?: use(kvm_install_use, NR_USED, DATA);
}

static int run_translate(void)
{
	for (unsigned long i = 0; i < NR_USED; i++) {
		struct kvm_translation result = { .linear_address = page_va(i) };

		if (ioctl(guest.vcpu, KVM_TRANSLATE, &result))
			return -errno;
		if (!result.valid || result.physical_address != DATA + i * PAGE)
			return -EIO;
	}
	return 0;
}

static int run_write(void)
{
	return call(kvm_write, NR_USED);
}

static int begin_written(void)
{
	return begin_mapped() ?: run_write();
}

static int begin_logged(void)
{
	return kvm_load(true) ?:
	       kvm_guest_make(&guest, KVM_MEM_LOG_DIRTY_PAGES) ?:
	       use(kvm_install_use, NR_USED, DATA) ?: run_write();
}

/* The last run wrote to each page its virtual address; undo that. */
static int check_written(void)
{
	for (unsigned long i = 0; i < NR_USED; i++) {
		uint64_t *word = (uint64_t *)(guest.memory + DATA + i * PAGE);

		if (*word != page_va(i))
			return -EIO;
		*word = DATA + i * PAGE;
	}
	return 0;
}

/* KVM drops what it knows of pages whose protection changes; they stay. */
static int prepare_cold(void)
{
	char *pages = guest.memory + DATA;

	if (mprotect(pages, NR_USED * PAGE, PROT_NONE) ||
	    mprotect(pages, NR_USED * PAGE, PROT_READ | PROT_WRITE))
		return -errno;
	settle();
	return check_written();
}

/* Fetch what was written to; from then on it is write-protected again. */
static int run_get_log(void)
{
	static uint64_t bits[(REAL_BYTES - DATA) / PAGE / 64];
	struct kvm_dirty_log log = { .slot = DATA_SLOT, .dirty_bitmap = bits };

	if (ioctl(guest.vm, KVM_GET_DIRTY_LOG, &log))
		return -errno;
	for (unsigned long i = 0; i < NR_USED / 64; i++) {
		if (bits[i] != UINT64_MAX)
			return -EIO;
	}
	return 0;
}

static int prepare_dirty(void)
{
	int ret = run_write();

	settle();
	return ret ?: check_written();
}

static int prepare_clean(void)
{
	settle();
	return check_written() ?: run_get_log();
}

static int begin_vms(void)
{
	int ret = kvm_load(true);

	if (ret)
		return ret;
	guest.memory = mmap(NULL, DATA, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guest.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return guest.memory == MAP_FAILED || guest.kvm < 0 ? -errno : 0;
}

#define NR_VMS		8

static int run_vms(void)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = DATA,
		.userspace_addr = (uintptr_t)guest.memory,
	};

	for (int i = 0; i < NR_VMS; i++) {
		int vm = ioctl(guest.kvm, KVM_CREATE_VM, 0), vcpu;

		if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
			return -errno;
		vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
		if (vcpu < 0)
			return -errno;
		close(vcpu);
		close(vm);
	}
	return 0;
}

static uint64_t cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000UL + time.tv_nsec;
}

/*
 * Not by the time stamp counter, which counts on while KVM waits for grace
 * periods. The processor's time is one nanosecond an instruction.
 */
static int measure_vms(double *value)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t time;
		int ret;

		settle();
		time = cpu_time();
		ret = run_vms();
		time = cpu_time() - time;
		if (ret)
			return ret;
		if (time < least)
			least = time;
	}
	*value = (double)least / NR_VMS;
	return 0;
}

const struct row kvm[] = {
	{ .name = "kvm_translate", .what = "KVM_TRANSLATE of one va",
	  .note = "it stops at ra",
	  .nr = NR_USED, .begin = begin_mapped, .run = run_translate },
	{ .name = "kvm_shadow_install_use_1",
	  .what = "KVM's shadow tables: store an entry, read the page",
	  .nr = BATCH, .begin = begin_shadow, .prepare = prepare_empty,
	  .run = run_install_use_1, .around = run_nothing },
	{ .name = "kvm_shadow_install_use_64",
	  .what = "KVM's shadow tables: store 64 entries, read each page, a page",
	  .nr = BATCH, .begin = begin_shadow, .prepare = prepare_empty,
	  .run = run_install_use_64, .around = run_nothing },
	{ .name = "kvm_shadow_remap_1",
	  .what = "KVM's shadow tables: remap a page in use, invlpg, read it",
	  .note = "QEMU's processor does not decode for KVM, which has to emulate invlpg",
	  .nr = BATCH, .begin = begin_shadow, .prepare = prepare_live,
	  .run = run_remap_1, .around = run_nothing },
	{ .name = "kvm_shadow_remap_64",
	  .what = "KVM's shadow tables: remap 64 pages in use, reload CR3, read each, a page",
	  .nr = BATCH, .begin = begin_shadow, .prepare = prepare_live,
	  .run = run_remap_64, .around = run_nothing },
	{ .name = "kvm_npt_install_use",
	  .what = "nested paging: store an entry, read the page",
	  .note = "the processor walks, which is not counted",
	  .nr = BATCH, .begin = begin_mapped, .prepare = prepare_empty,
	  .run = run_install_use_1, .around = run_nothing },
	{ .name = "kvm_npt_fault",
	  .what = "nested paging: write to a page that is resident, but not mapped by KVM",
	  .nr = NR_USED, .begin = begin_written, .prepare = prepare_cold,
	  .run = run_write, .around = run_nothing },
	{ .name = "kvm_dirty_log_fault",
	  .what = "nested paging: write to a page that is logged and clean",
	  .nr = NR_USED, .begin = begin_logged, .prepare = prepare_clean,
	  .run = run_write, .around = run_nothing },
	{ .name = "kvm_dirty_log_get",
	  .what = "KVM_GET_DIRTY_LOG of 512 dirty pages, a page",
	  .nr = NR_USED, .begin = begin_logged, .prepare = prepare_dirty,
	  .run = run_get_log },
	{ .name = "kvm_vm",
	  .what = "create a VM of KVM with a slot and a processor, and destroy it",
	  .note = "without kernel threads' share, and without waits, some milliseconds",
	  .nr = NR_VMS, .begin = begin_vms, .measure = measure_vms },
	{ }
};
