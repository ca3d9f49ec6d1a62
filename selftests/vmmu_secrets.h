/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that are somebody's secret: a test as root knows them by the host's
 * account (pagemap), and looks for them in what others are told.
 */
#ifndef VMMU_SECRETS_H
#define VMMU_SECRETS_H

#include "vmmu_debug.h"
#include "vmmu_proc.h"

#define REAL	(4 * MIB)
#define NR	64		/* pages whose frames are the secret */

FIXTURE(secrets) {
	struct guest g;
	__u64 frames[NR];
	int dev;
};

FIXTURE_SETUP(secrets)
{
	if (geteuid())
		SKIP(return, "needs root, to know the frames");
	self->dev = dev_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(secrets)
{
	become_root();
	close(self->dev);
}

/* Make the guest as whoever is the caller now, and learn its frames as root. */
#define make_secret() do {						\
	int __n, __euid = geteuid();					\
									\
	guest_make(&self->g, self->dev, REAL, FORMAT4, 0);		\
	for (__n = 0; __n < NR; __n++) {				\
		guest_map(&self->g, __n * PAGE, 1,			\
			  (self->g.data + __n * PAGE) | PTE_ALL);	\
		self->g.mem[self->g.data + __n * PAGE] = 0;		\
	}								\
	ASSERT_EQ(0, become_root());					\
	for (__n = 0; __n < NR; __n++) {				\
		self->frames[__n] = pagemap_frame(self->g.mem +		\
						  self->g.data + __n * PAGE);\
		ASSERT_NE(0, self->frames[__n]);			\
	}								\
	if (__euid)							\
		ASSERT_EQ(0, become_nobody());				\
} while (0)

/* Whether bytes hold a frame's number or address, wherever a field may be. */
static inline bool holds_frame(const __u64 *frames, const void *at, size_t bytes)
{
	size_t i, n;
	__u64 word;

	for (i = 0; i + 8 <= bytes; i += 4) {
		memcpy(&word, (const char *)at + i, 8);
		for (n = 0; n < NR; n++)
			if (word == frames[n] || word == frames[n] * PAGE)
				return true;
	}
	return false;
}

/* Whether a text does, as a decimal number or one that is clearly hexadecimal. */
static inline bool names_frame(const __u64 *frames, const char *text)
{
	static const char between[] = " \t\n=:,[]()";
	size_t n, len;

	for (; *text; text += len) {
		bool decimal;
		__u64 number;

		len = strcspn(text, between);
		decimal = strspn(text, "0123456789") >= len;
		number = strtoull(text, NULL, decimal ? 10 : 16);
		for (n = 0; len > 1 && n < NR; n++)
			if (number == frames[n] || number == frames[n] * PAGE)
				return true;
		len += strspn(text + len, between);
	}
	return false;
}

/* Everything that a file of ours says to its reader. */
static inline bool fdinfo_names_frame(const __u64 *frames, int fd)
{
	char path[64], text[4096] = {};
	ssize_t bytes;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	bytes = read(info, text, sizeof(text) - 1);
	close(info);
	return bytes <= 0 || names_frame(frames, text);
}

#endif /* VMMU_SECRETS_H */
