// SPDX-License-Identifier: GPL-2.0
/* Leave a note; later, call itself again and again, half a page at a time. */
#include "os.h"

#define DEPTH	16

/* The compiler must not see that this could be done without a stack. */
static unsigned int __attribute__((noinline)) descend(unsigned int depth)
{
	volatile char room[2048];

	room[0] = depth;
	return depth ? descend(depth - 1) + (room[0] == (char)depth) : 0;
}

int main(unsigned long argument)
{
	(void)argument;
	leave_note();
	os_wait();
	if (descend(DEPTH) == DEPTH)
		os_print("deep down and up again", 22);
	os_wait();
	return 0;
}
