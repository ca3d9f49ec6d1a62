/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What probe.c tries; the tests choose. A probe that comes to its end exits
 * with 0 if what it saw was right.
 */
#ifndef PROBE_H
#define PROBE_H

enum probe {
	PROBE_WAIT,		/* wait, again and again */
	PROBE_STORE,		/* store to one page of data, exit */
	PROBE_STORE_TWO,	/* store to two pages of data, wait */
	PROBE_STORE_TEXT,	/* wild accesses from here */
	PROBE_STORE_WILD,
	PROBE_LOAD_BELOW_STACK,
	PROBE_JUMP_DATA,
	PROBE_JUMP_FRESH_DATA,
	PROBE_LOAD_NONCANONICAL,
	PROBE_LOAD_BEYOND,
	PROBE_ILLEGAL,		/* to here */
	PROBE_STACK,		/* touch the stack down to its floor, wait */
	PROBE_CROSS,		/* one store into two pages */
	PROBE_FAR_TEXT,		/* call a function two pages on, wait */
	PROBE_DATA,		/* look at initialised and zeroed data */
	PROBE_HOST_CALLS,	/* Linux's system calls, none of the guest's */
	PROBE_HOST_CALL_32,	/* one as programs of 32 bits make it */
	PROBE_PRINT,		/* print from good and from bad addresses */
	PROBE_CLEAN,		/* look for what others left in registers */
	PROBE_FORK,		/* fork; both write and look */
	PROBE_FORK_FIRST,	/* the parent ends before the child writes */
	PROBE_FORK_REGISTERS,	/* vector registers are inherited */
	PROBE_FORK_TWICE,	/* the child forks, too; all write */
	PROBE_FORK_FOREVER,	/* fork until it fails, wait; as its children */
};

#endif /* PROBE_H */
