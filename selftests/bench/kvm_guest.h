/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM as a peer: the guest of guest.h, that is, with the same tables, in a VM of
 * KVM with one processor. Its own code installs entries and uses pages.
 */
#ifndef BENCH_KVM_GUEST_H
#define BENCH_KVM_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/*
 * Load kvm-amd with nested paging or, without @npt, with shadow tables; if it is
 * loaded the other way, load it anew. Returns 0; SKIP if the processor or the
 * kernel cannot; -EBUSY if somebody uses it the other way; or another -errno.
 */
int kvm_load(bool npt);

struct kvm_run;

struct kvm_guest {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	char *memory;
};

/* The slot of the real memory from DATA on; the other one is for what is below. */
#define DATA_SLOT	1

/*
 * Make a guest; @flags are those of DATA_SLOT. Every real page is resident, and
 * from DATA on begins with its own address. Returns 0 or -errno.
 */
int kvm_guest_make(struct kvm_guest *guest, uint32_t flags);

/* What kvm_code.S holds, and the routines in it. */
extern const char kvm_code[], kvm_code_end[];
extern const char kvm_nothing[], kvm_switch[], kvm_unmap[], kvm_write[];
extern const char kvm_install_use[], kvm_install_use_batch[];
extern const char kvm_remap[], kvm_remap_batch[];

/*
 * Let the guest run @routine over the first @nr pages; what it installs, if it
 * does, maps the real page at @ra and those behind it, or nothing if @ra is 0.
 * Stores the sum of the words that it loaded. Returns 0 or -errno.
 */
int kvm_guest_call(struct kvm_guest *guest, const char *routine,
		   unsigned long nr, uint64_t ra, uint64_t *sum);

#endif /* BENCH_KVM_GUEST_H */
