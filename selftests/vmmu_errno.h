/* SPDX-License-Identifier: GPL-2.0 */
/*
 * call(): the one way from a test to an ioctl of /dev/vmmu, which keeps a
 * record of errors for selftests/errnos to compare with the header:
 *
 *	# seen: 0xbc11 EINVAL	the call 0xbc11 gave it, whoever asked
 *	# errno: 0xbc11 EINVAL	a test has asserted that it did
 *
 * A process prints each line once. What the record takes for asserted goes
 * through fails_with(), err_call() or, in a child or a thread, gives().
 */
#ifndef VMMU_ERRNO_H
#define VMMU_ERRNO_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vmmu.h>

#include "kselftest_harness.h"

/* The thread's latest call, and what it gave. */
static __thread unsigned int latest_call;
static __thread int latest_result;

/* Tell of an error, the first time that this process comes upon it. */
static inline void note(unsigned char noted[256][256], const char *what,
			unsigned int cmd, int error)
{
	const char *name = strerrorname_np(error);

	if (cmd >> 8 != VMMU_IOC_TYPE ||
	    __atomic_exchange_n(&noted[cmd & 0xff][error & 0xff], 1,
				__ATOMIC_RELAXED))
		return;
	/* One write, and no stream: children end without flushing those. */
	dprintf(STDOUT_FILENO, "# %s: %#x %s\n", what, cmd, name ?: "unknown");
}

/* Take note of @ret, the result of a call by whatever means; it comes back. */
static inline int seen(unsigned int cmd, int ret)
{
	static unsigned char noted[256][256];

	latest_call = cmd;
	latest_result = ret;
	if (ret < 0)
		note(noted, "seen", cmd, -ret);
	return ret;
}

/* A test asserts what the thread's latest call gave: @ret, which comes back. */
static inline int asserted(int ret)
{
	static unsigned char noted[256][256];

	if (ret < 0 && ret == latest_result)
		note(noted, "errno", latest_call, -ret);
	return ret;
}

static inline int call(int fd, unsigned long cmd, void *arg)
{
	return seen(cmd, ioctl(fd, cmd, arg) ? -errno : 0);
}

/* Assert that @expression, which makes a call, gives -@e. */
#define fails_with(e, expression) ASSERT_EQ(-(e), asserted(expression))

/* The same as a condition, for CHILD_CHECK(). */
#define gives(e, expression) (asserted(expression) == -(e))

/* Assert that a call fails with errno @e and does not touch its structure. */
#define err_call(e, fd, cmd, arg) do {					\
	typeof(arg) __arg = (arg);					\
	typeof(*__arg) __was = *__arg;					\
									\
	fails_with(e, call(fd, cmd, __arg));					\
	ASSERT_EQ(0, memcmp(&__was, __arg, sizeof(__was)));		\
} while (0)

#endif /* VMMU_ERRNO_H */
