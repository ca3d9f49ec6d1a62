// SPDX-License-Identifier: GPL-2.0
/*
 * Where a program begins. The guest OS has set the stack pointer to the end of
 * a stack that has no page yet: the call of main() makes the first page fault
 * there.
 */
#include "os.h"

void os_start(unsigned long argument);

void os_start(unsigned long argument)
{
	os_exit(main(argument));
}
