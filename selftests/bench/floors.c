// SPDX-License-Identifier: GPL-2.0
/* What nobody can undercut who does it this way: the kernel's own share. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"
#include "pages.h"

static int run_syscall(void)
{
	for (int i = 0; i < 256; i++)
		syscall(SYS_getppid);
	return 0;
}

static int fd;

static int begin_ioctl(void)
{
	fd = vmmu_open(NULL);
	return fd < 0 ? fd : 0;
}

/* No device has this call. */
static int run_ioctl(void)
{
	for (int i = 0; i < 256; i++) {
		if (ioctl(fd, _IO(0xbc, 0xff), 0) != -1 || errno != ENOTTY)
			return -EINVAL;
	}
	return 0;
}

static int begin_vm(void)
{
	int device = vmmu_open(NULL);

	if (device < 0)
		return device;
	fd = vmmu_vm_create(device, REAL_BYTES, NULL);
	close(device);
	return fd < 0 ? fd : 0;
}

static int run_info(void)
{
	for (int i = 0; i < 256; i++) {
		struct vmmu_vm_info info;
		int ret = vmmu_vm_info(fd, &info);

		if (ret)
			return ret;
	}
	return 0;
}

static char pages[2][PAGE] __attribute__((aligned(4096)));

/* As a processor without fast string instructions has to. */
static int run_copy(void)
{
	for (int i = 0; i < 64; i++) {
		unsigned long words = PAGE / sizeof(long);
		void *to = pages[0], *from = pages[1];

		asm volatile("rep movsq" : "+c" (words), "+D" (to), "+S" (from)
			     : : "memory");
	}
	return 0;
}

static int run_zero(void)
{
	for (int i = 0; i < 64; i++) {
		unsigned long words = PAGE / sizeof(long);
		void *to = pages[0];

		asm volatile("rep stosq" : "+c" (words), "+D" (to)
			     : "a" (0) : "memory");
	}
	return 0;
}

static int run_access(void)
{
	load_words(pages[0]);
	return 0;
}

#define NR_FAULTS	512UL

static char *memory;

static int begin_fault(void)
{
	return memory_anonymous(&memory, NR_FAULTS);
}

static int prepare_fault(void)
{
	return memory_drop_settled(memory, NR_FAULTS);
}

static int run_fault(void)
{
	for (unsigned long i = 0; i < NR_FAULTS; i++)
		touch(memory + i * PAGE);
	return 0;
}

const struct row floors[] = {
	{ .name = "syscall", .what = "a system call that does nothing, getppid()",
	  .nr = 256, .run = run_syscall },
	{ .name = "ioctl", .what = "an ioctl() of /dev/vmmu that is refused at once",
	  .nr = 256, .begin = begin_ioctl, .run = run_ioctl },
	{ .name = "ioctl_copied",
	  .what = "an ioctl() of a VM that copies its argument both ways, VM_INFO",
	  .nr = 256, .begin = begin_vm, .run = run_info },
	{ .name = "copy_page", .what = "copy 4 KiB by rep movsq",
	  .nr = 64, .run = run_copy },
	{ .name = "zero_page", .what = "zero 4 KiB by rep stosq",
	  .nr = 64, .run = run_zero },
	{ .name = "fault", .what = "a read of an anonymous page that was not present",
	  .note = "the page is the one of zeroes, which nobody has to allocate or count",
	  .nr = NR_FAULTS, .begin = begin_fault, .prepare = prepare_fault,
	  .run = run_fault },
	{ .name = "plain_access", .what = "a load from a page of plain memory that is present",
	  .note = "the loop around eight loads is counted, too, as it is in window_access",
	  .nr = LOADS, .run = run_access },
	{ }
};
