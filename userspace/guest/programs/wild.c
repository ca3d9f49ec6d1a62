// SPDX-License-Identifier: GPL-2.0
/* Leave a note; later, go on with a bad pointer. */
#include "os.h"

#define WILD_VA	0xdead000

int main(unsigned long argument)
{
	(void)argument;
	leave_note();
	os_wait();
	*(volatile int *)WILD_VA = 1;
	os_print("still here", 10);
	return 0;
}
