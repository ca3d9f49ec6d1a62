/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the guest OS share. Each test boots VMs of its own, and
 * runs once with page tables of 4 levels and page faults that come as records,
 * and once with 5 levels and signals; and that in each of the four ways to change
 * page tables.
 */
#ifndef TEST_H
#define TEST_H

#include "demo.h"
#include "programs/probe.h"

extern int dev;			/* /dev/vmmu */
extern uint32_t format;
extern unsigned int levels;
extern enum vmmu_delivery delivery;
extern enum way way;

void __attribute__((noreturn)) fail(int line, const char *what);

/* If it is not so, the test that runs has failed and ends. */
#define expect(what) ((what) ? (void)0 : fail(__LINE__, #what))

/* Boot a VM of so many real pages, or fail. */
void boot(struct guest *guest, uint64_t nr_pages);

/* Start a probe in it, or fail. */
struct program *start(struct guest *guest, enum probe probe);

/* Boot, start a probe, and run it: until it waits or has ended. */
struct program *run_probe(struct guest *guest, uint64_t nr_pages,
			  enum probe probe);

/* The file of a program of that name. */
const char *program_path(const char *name);

/* What the real map table has, and windows that grant too much. */
unsigned int nr_real_entries(const struct guest *guest);
unsigned int nr_wrong(const struct guest *guest);

/* A list of tests of one file, ended by one without a name. */
struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) { #name, name }

extern const struct test memory_tests[], program_tests[], fork_tests[],
	host_tests[], library_tests[];

#endif /* TEST_H */
