// SPDX-License-Identifier: GPL-2.0
/*
 * Leave a note; later, become two. Parent and child have the same note at the
 * same address, until one of them writes another one there.
 */
#include "os.h"

int main(unsigned long argument)
{
	(void)argument;
	leave_note();
	os_wait();
	if (os_fork() == 0) {
		os_wait();
		leave_note();
	}
	os_wait();
	os_print(note, sizeof(note));
	os_wait();
	return 0;
}
