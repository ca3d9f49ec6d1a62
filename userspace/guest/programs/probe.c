// SPDX-License-Identifier: GPL-2.0
/* For the tests of the guest OS: tries one of many things, see probe.h. */
#include "os.h"
#include "probe.h"

#define PAGE	4096

char written[] = "from the file";
static char room[4 * PAGE];

/* Far from the rest of the text. */
int __attribute__((noinline, section(".text.z"), aligned(2 * PAGE)))
far_away(int value)
{
	return value + 1;
}

static volatile char *pages(void)
{
	return (char *)(((unsigned long)room + PAGE - 1) & -(long)PAGE);
}

static int touch_stack(void)
{
	volatile char *at;

	for (at = (char *)STACK_END - 1; at >= (char *)STACK_FLOOR; at -= PAGE)
		*at = *at;
	return *(char *)STACK_FLOOR;
}

static int cross(void)
{
	volatile unsigned long *at = (void *)(pages() + PAGE - 3);

	*at = 0x1122334455667788;
	return *at != 0x1122334455667788 || pages()[PAGE] != 0x55;
}

static int look_at_data(void)
{
	volatile char *zeroes = room;
	unsigned int i;

	for (i = 0; i < sizeof(room); i++)
		if (zeroes[i])
			return 1;
	for (i = 0; written[i]; i++)
		if (written[i] != "from the file"[i])
			return 2;
	return 0;
}

static int host_calls(void)
{
	/* getpid, ioctl, munmap, fork, execve, ptrace, exit_group, none. */
	static const long numbers[] = {
		39, 16, 11, 57, 59, 101, 231, -1, 1L << 40, 0,
	};
	unsigned int i;

	for (i = 0; numbers[i]; i++)
		if (os_call(numbers[i], 0, 0) != -38)
			return 1;
	return 0;
}

/* The way in for programs of 32 bits: getpid. */
static int host_call_32(void)
{
	long result;

	asm volatile("int $0x80" : "=a" (result) : "a" (20L) : "memory");
	return (int)result != -38;
}

static int print(void)
{
	char *fresh = (char *)pages() + 2 * PAGE;

	if (os_print((char *)0xdead000, 5) != -14 ||
	    os_print((char *)(1UL << 63), 5) != -14 ||
	    os_print((char *)-4096UL, 5) != -14 ||
	    os_print((char *)STACK_FLOOR - 2, 5) != -14)
		return 1;
	/* No page is there yet: not for the guest OS either. */
	return os_print(fresh, 5) != 0 || os_print("printed", 7) != 0;
}

static int clean(void)
{
	unsigned long low[4];

	asm volatile("movq %%xmm1, %0\n\tmovq %%xmm6, %1\n\t"
		     "movq %%xmm8, %2\n\tmovq %%xmm15, %3"
		     : "=r" (low[0]), "=r" (low[1]), "=r" (low[2]), "=r" (low[3]));
	return (low[0] | low[1] | low[2] | low[3]) != 0;
}

static int fork_and_write(void)
{
	volatile char *page = pages();
	char mine;

	page[0] = 'x';
	mine = os_fork() ? 'p' : 'c';
	os_wait();
	if (page[0] != 'x')
		return 1;
	page[0] = mine;
	os_wait();
	return page[0] != mine;
}

static int fork_and_leave(void)
{
	volatile char *page = pages();

	page[0] = 'x';
	if (os_fork())
		return 0;
	os_wait();
	page[PAGE] = page[0]++;
	return page[0] != 'y' || page[PAGE] != 'x';
}

static int fork_registers(void)
{
	unsigned long value = 0x123456789, result;

	asm volatile("movq %2, %%xmm9\n\tsyscall\n\tmovq %%xmm9, %1"
		     : "=a" (result), "=r" (value)
		     : "1" (value), "0" ((long)CALL_FORK)
		     : "rcx", "r11", "memory", "xmm9");
	return value != 0x123456789;
}

static int fork_twice(void)
{
	volatile char *page = pages();
	char mine = 'a';

	page[0] = mine;
	if (!os_fork()) {
		mine = 'b';
		if (!os_fork())
			mine = 'c';
	}
	if (page[0] != 'a')
		return 1;
	page[0] = mine;
	os_wait();
	return page[0] != mine;
}

static int try_wild(enum probe probe)
{
	switch (probe) {
	case PROBE_STORE_TEXT:
		*(volatile char *)TEXT_START = 0;
		break;
	case PROBE_STORE_WILD:
		*(volatile char *)0xdead000 = 0;
		break;
	case PROBE_LOAD_BELOW_STACK:
		return *(volatile char *)(STACK_FLOOR - 64);
	case PROBE_JUMP_DATA:
		*pages() = 0x90;
		asm volatile("jmp *%0" : : "r" (pages()));
		break;
	case PROBE_JUMP_FRESH_DATA:
		asm volatile("jmp *%0" : : "r" (pages()));
		break;
	case PROBE_LOAD_NONCANONICAL:
		return *(volatile char *)(1UL << 63);
	case PROBE_LOAD_BEYOND:
		return *(volatile char *)0x7fffffffe000;
	default:
		asm volatile("ud2");
	}
	return 0;
}

static int __attribute__((noreturn)) wait_forever(void)
{
	for (;;)
		os_wait();
}

static int try(enum probe probe)
{
	switch (probe) {
	case PROBE_WAIT:
		return wait_forever();
	case PROBE_STORE:
		*pages() = 1;
		return 0;
	case PROBE_STORE_TWO:
		*pages() = 1;
		pages()[PAGE] = 1;
		return wait_forever();
	case PROBE_STACK:
		return touch_stack() + wait_forever();
	case PROBE_CROSS:
		return cross();
	case PROBE_FAR_TEXT:
		return far_away(probe) != PROBE_FAR_TEXT + 1 || wait_forever();
	case PROBE_DATA:
		return look_at_data();
	case PROBE_HOST_CALLS:
		return host_calls();
	case PROBE_HOST_CALL_32:
		return host_call_32();
	case PROBE_PRINT:
		return print();
	case PROBE_FORK:
		return fork_and_write();
	case PROBE_FORK_FIRST:
		return fork_and_leave();
	case PROBE_FORK_REGISTERS:
		return fork_registers();
	case PROBE_FORK_TWICE:
		return fork_twice();
	case PROBE_FORK_FOREVER:
		while (os_fork() >= 0)
			;
		return wait_forever();
	default:
		return try_wild(probe);
	}
}

int main(unsigned long argument)
{
	return argument == PROBE_CLEAN ? clean() : try(argument);
}
