/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a function of the library makes a system call: inside only.
 */
#ifndef VMMU_CALL_H
#define VMMU_CALL_H

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* Give @result, or -errno where it is -1, and put errno back to @saved. */
static inline int answer(int result, int saved)
{
	if (result >= 0)
		return result;
	result = -errno;
	errno = saved;
	return result;
}

static inline int call(int fd, unsigned long request, void *argument)
{
	int saved = errno;

	return answer(ioctl(fd, request, argument), saved);
}

static inline uint64_t address(const void *pointer)
{
	return (uintptr_t)pointer;
}

#endif /* VMMU_CALL_H */
