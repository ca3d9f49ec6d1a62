/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that a program has to build on: there is no C library in a guest OS this
 * small. The loader enters at os_start(), start.c; a program has a main().
 */
#ifndef OS_H
#define OS_H

#include "calls.h"

/* Program 1's note is "program 1 was here". Placed by program.lds. */
extern char note[NOTE_BYTES];

int main(unsigned long argument);

static inline long os_call(long number, unsigned long a, unsigned long b)
{
	long result;

	asm volatile("syscall" : "=a" (result)
		     : "a" (number), "D" (a), "S" (b)
		     : "rcx", "r11", "memory");
	return result;
}

static inline void __attribute__((noreturn)) os_exit(int status)
{
	for (;;)
		os_call(CALL_EXIT, status, 0);
}

static inline long os_print(const char *text, unsigned long bytes)
{
	return os_call(CALL_PRINT, (unsigned long)text, bytes);
}

static inline void os_wait(void)
{
	os_call(CALL_WAIT, 0, 0);
}

static inline long os_fork(void)
{
	return os_call(CALL_FORK, 0, 0);
}

static inline long os_number(void)
{
	return os_call(CALL_NUMBER, 0, 0);
}

/* Leave a note with this program's number. */
static inline void leave_note(void)
{
	static const char text[] = "program # was here";
	unsigned int i;

	for (i = 0; i < sizeof(text); i++)
		note[i] = text[i] == '#' ? '0' + os_number() : text[i];
}

#endif /* OS_H */
