// SPDX-License-Identifier: GPL-2.0
#include <cpuid.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvm_guest.h"

extern char **environ;

#define CPUID_SVM	(1U << 2)	/* in ECX of 0x80000001 */

static bool has_svm(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & CPUID_SVM;
}

/*
 * KVM patches the kernel's code as VMs come and go, which QEMU's emulator does
 * not bear with several processors; see start_cpus() in selftests/vm/init.
 */
static bool patching_breaks(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		return false;
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	return !memcmp(&ebx, "TCGT", 4) && !memcmp(&ecx, "CGTC", 4) &&
	       !memcmp(&edx, "GTCG", 4);
}

/* 1 with nested paging, 0 without, -1 if kvm-amd is not loaded. */
static int loaded_npt(void)
{
	FILE *file = fopen("/sys/module/kvm_amd/parameters/npt", "r");
	int first;

	if (!file)
		return -1;
	first = fgetc(file);
	fclose(file);
	return first == 'Y' || first == '1';
}

static bool modprobe(const char *option, const char *setting)
{
	const char *const argv[] = {
		"modprobe", option, "kvm-amd", setting, NULL
	};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ))
		return false;
	return waitpid(pid, &status, 0) == pid && !status;
}

int kvm_load(bool npt)
{
	int now = loaded_npt();

	if (!has_svm())
		return SKIP;
	if (patching_breaks()) {
		fputs("bench: under QEMU's emulator, KVM needs a VM of one processor\n",
		      stderr);
		return SKIP;
	}
	if (now == npt)
		return 0;
	if (now < 0 && !modprobe("-nq", NULL))
		return SKIP;	/* the kernel comes without it */
	/*
	 * The VM of an earlier row may take a moment to go. Who waits for that
	 * gets no error if it stays: look.
	 */
	if (now >= 0 && (!modprobe("-rw2000", NULL) || loaded_npt() >= 0))
		return -EBUSY;
	if (!modprobe("--", npt ? "npt=1" : "npt=0"))
		return -ENODEV;
	/* Without nested paging in the processor the setting is ignored. */
	return loaded_npt() == npt ? 0 : SKIP;
}
