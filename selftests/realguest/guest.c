// SPDX-License-Identifier: GPL-2.0
/*
 * The only program of the real guest: its init. It makes mappings of every
 * kind that Linux offers, some processes, and huge pages; says on the serial
 * console what it got; and then runs for ever, now in user mode and now in
 * the kernel, so that it can be stopped with CR3 on either.
 *
 * The console lines, each "guest: KEY=VALUE":
 *
 *     la57    1 when the kernel uses 5-level paging
 *     high    1 when it could map memory above bit 47
 *     hugetlb, thp, pkey    1 when that kind of mapping was to be had
 *     pkru    the register PKRU
 *     ready   1, the last line
 *
 * A failure of what must work is "guest: failed=WHAT".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096UL
#define HUGE	0x200000UL
#define BUFFER	(2 * HUGE)

static void say(const char *key, const char *value)
{
	printf("guest: %s=%s\n", key, value);
	fflush(stdout);
}

static void fail(const char *what)
{
	printf("guest: failed=%s: %s\n", what, strerror(errno));
	fflush(stdout);
	for (;;)
		pause();
}

/* Map and write every page, then leave the mapping with PROT. */
static char *map_at(const char *what, void *hint, size_t bytes, int prot, int flags)
{
	char *at = mmap(hint, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (at == MAP_FAILED)
		fail(what);
	for (size_t i = 0; i < bytes; i += PAGE)
		at[i] = 1;
	if (mprotect(at, bytes, prot))
		fail(what);
	return at;
}

static void map_kinds(void)
{
	char *at;

	map_at("read-write", NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map_at("read-only", NULL, 33 * PAGE, PROT_READ, MAP_PRIVATE);
	map_at("none", NULL, 17 * PAGE, PROT_NONE, MAP_PRIVATE);
	map_at("exec", NULL, 9 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	map_at("write-exec", NULL, 5 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	map_at("shared", NULL, 65 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	/* Every other page gone, every third read-only: runs of one page. */
	at = map_at("comb", NULL, 600 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (size_t i = 0; i < 600; i += 2) {
		if (madvise(at + i * PAGE, PAGE, MADV_DONTNEED))
			fail("comb");
		if (i % 3 == 0 && mprotect(at + (i + 1) * PAGE, PAGE, PROT_READ))
			fail("comb");
	}

	/* Pages only read map the kernel's one zero page. */
	at = mmap(NULL, 40 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || madvise(at, 40 * PAGE, MADV_POPULATE_READ))
		fail("zero");
}

/* The file's pages through the page cache, and copies of some. */
static void map_file(void)
{
	int fd = open("/init", O_RDONLY);
	char *at;

	if (fd < 0)
		fail("open /init");
	at = mmap(NULL, 32 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		fail("shared file");
	at = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		fail("private file");
	for (size_t i = 0; i < 32; i += 3)
		at[i * PAGE] ^= 1;
	close(fd);
}

static void map_huge(void)
{
	int prot = PROT_READ | PROT_WRITE;
	char *at = mmap(NULL, 4 * HUGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	say("hugetlb", at == MAP_FAILED ? "0" : "1");
	if (at != MAP_FAILED) {
		memset(at, 1, 4 * HUGE);
		if (mprotect(at + HUGE, HUGE, PROT_READ) ||
		    mprotect(at + 2 * HUGE, HUGE, PROT_NONE))
			fail("hugetlb mprotect");
	}

	at = mmap((void *)(1UL << 40), 6 * HUGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		fail("thp");
	say("thp", madvise(at, 6 * HUGE, MADV_HUGEPAGE) ? "0" : "1");
	memset(at, 1, 6 * HUGE);
	/* Splits one huge page; the others stay whole. */
	at += HUGE + 5 * PAGE;
	if (mprotect(at, 3 * PAGE, PROT_READ | PROT_EXEC))
		fail("thp mprotect");
}

/* A page whose protection key has RIGHTS for this thread. */
static int map_key(unsigned int rights)
{
	char *at = map_at("pkey", NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int key = pkey_alloc(0, rights);

	return key > 0 && !pkey_mprotect(at, PAGE, PROT_READ | PROT_WRITE, key);
}

/* Pages that protection keys guard, and some far up when there is a fifth level. */
static void map_special(void)
{
	int keys = map_key(0) && map_key(PKEY_DISABLE_WRITE) && map_key(PKEY_DISABLE_ACCESS);
	unsigned int pkru = 0;
	char text[16], *at;

	if (keys)
		asm volatile("rdpkru" : "=a" (pkru) : "c" (0) : "edx");
	snprintf(text, sizeof(text), "0x%x", pkru);
	say("pkey", keys ? "1" : "0");
	say("pkru", text);

	at = map_at("high", (void *)(0x5aUL << 48), 21 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	say("high", (uintptr_t)at >> 47 ? "1" : "0");
}

/* Processes that keep their memory and sleep. */
static void start_processes(void)
{
	for (int i = 0; i < 3; i++) {
		switch (fork()) {
		case -1:
			fail("fork");
			break;
		case 0:
			map_kinds();
			for (;;)
				pause();
		}
	}
	sleep(1);
}

static const char *uses_la57(void)
{
	static char text[65536];
	int fd = open("/proc/cpuinfo", O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (got <= 0)
		fail("/proc/cpuinfo");
	close(fd);
	return strstr(text, " la57") ? "1" : "0";
}

int main(void)
{
	int zero, console = open("/dev/ttyS0", O_RDWR);
	char *buffer;

	/* Without a console there is nobody to tell. */
	if (console < 0 && !mount("dev", "/dev", "devtmpfs", 0, NULL))
		console = open("/dev/ttyS0", O_RDWR);
	dup2(console, 1);
	mkdir("/proc", 0555);
	if (mount("proc", "/proc", "proc", 0, NULL))
		fail("mount /proc");
	zero = open("/dev/zero", O_RDONLY);
	if (zero < 0)
		fail("/dev/zero");

	start_processes();
	map_kinds();
	map_file();
	map_huge();
	map_special();
	buffer = map_at("buffer", NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	say("la57", uses_la57());
	say("ready", "1");

	for (;;) {
		for (long spin = 0; spin < 50000000; spin++)
			asm volatile("");
		for (int i = 0; i < 64; i++)
			if (read(zero, buffer, BUFFER) < 0)
				fail("read");
	}
}
