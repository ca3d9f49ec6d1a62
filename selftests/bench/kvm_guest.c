// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_guest.h"

/* Behind the tables of guest.h: those that map all this at its real address. */
#define LOW_DIRECTORY	((3 + NR_PAGES / 512) * PAGE)
#define LOW_TABLE	(LOW_DIRECTORY + PAGE)
#define CODE		(LOW_TABLE + PAGE)

#define CR0_PE		(1UL << 0)
#define CR0_WP		(1UL << 16)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NXE	(1UL << 11)

static void fill_memory(char *memory)
{
	volatile uint64_t *words = (volatile uint64_t *)memory;

	guest_build_tables(memory);
	words[512] = ENTRY(LOW_DIRECTORY);
	words[LOW_DIRECTORY / 8] = ENTRY(LOW_TABLE);
	for (unsigned long i = 0; i < 512; i++)
		words[LOW_TABLE / 8 + i] = ENTRY(i * PAGE);
	memcpy(memory + CODE, kvm_code, kvm_code_end - kvm_code);
	for (uint64_t ra = DATA; ra < REAL_BYTES; ra += PAGE)
		words[ra / 8] = ra;
}

static int make_memory(struct kvm_guest *guest, uint32_t flags)
{
	struct kvm_userspace_memory_region slots[] = {
		{ .slot = 0, .memory_size = DATA },
		{ .slot = DATA_SLOT, .flags = flags, .guest_phys_addr = DATA,
		  .memory_size = REAL_BYTES - DATA },
	};
	void *memory = mmap(NULL, REAL_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Pages are what is measured: no huge ones. */
	if (memory == MAP_FAILED || madvise(memory, REAL_BYTES, MADV_NOHUGEPAGE) ||
	    madvise(memory, REAL_BYTES, MADV_POPULATE_WRITE))
		return -errno;
	guest->memory = memory;
	fill_memory(memory);
	for (unsigned int i = 0; i < NR(slots); i++) {
		slots[i].userspace_addr = (uintptr_t)memory +
					  slots[i].guest_phys_addr;
		if (ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &slots[i]))
			return -errno;
	}
	return 0;
}

/* 64-bit mode, privileged, with the tables at 0. */
static int set_mode(struct kvm_guest *guest)
{
	struct kvm_segment code = {
		.limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1,
		.s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(guest->vcpu, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.ss = data;
	sregs.cr0 |= CR0_PE | CR0_WP | CR0_PG;
	sregs.cr3 = 0;
	sregs.cr4 |= CR4_PAE;
	sregs.efer |= EFER_LME | EFER_LMA | EFER_NXE;
	return ioctl(guest->vcpu, KVM_SET_SREGS, &sregs) ? -errno : 0;
}

/* All that KVM can give: without 64-bit mode there the mode is refused. */
static int set_cpuid(struct kvm_guest *guest)
{
	const unsigned int nr = 256;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) +
					     nr * sizeof(cpuid->entries[0]));
	int ret = 0;

	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = nr;
	if (ioctl(guest->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	    ioctl(guest->vcpu, KVM_SET_CPUID2, cpuid))
		ret = -errno;
	free(cpuid);
	return ret;
}

static int make_vcpu(struct kvm_guest *guest)
{
	int size = ioctl(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
	if (size < 0 || guest->vcpu < 0)
		return -errno;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
	if (run == MAP_FAILED)
		return -errno;
	guest->run = run;
	/* Registers come and go with each KVM_RUN. */
	guest->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	return set_cpuid(guest) ?: set_mode(guest);
}

int kvm_guest_make(struct kvm_guest *guest, uint32_t flags)
{
	guest->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (guest->kvm < 0)
		return -errno;
	guest->vm = ioctl(guest->kvm, KVM_CREATE_VM, 0);
	if (guest->vm < 0)
		return -errno;
	return make_memory(guest, flags) ?: make_vcpu(guest);
}

int kvm_guest_call(struct kvm_guest *guest, const char *routine,
		   unsigned long nr, uint64_t ra, uint64_t *sum)
{
	struct kvm_run *run = guest->run;

	run->s.regs.regs = (struct kvm_regs){
		.rdi = VA,
		.rcx = nr,
		.rsi = entry_ra(0),
		.rdx = ra ? ENTRY(ra) : 0,
		.r8 = ra ? PAGE : 0,
		.rip = CODE + (routine - kvm_code),
		.rflags = 2,
	};
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	if (ioctl(guest->vcpu, KVM_RUN, 0))
		return -errno;
	*sum = run->s.regs.regs.rax;
	/* A fault would shut it down: it has no handlers. */
	return run->exit_reason == KVM_EXIT_HLT ? 0 : -EIO;
}
