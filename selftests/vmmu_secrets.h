/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames that are somebody's secret: a test as root knows them by the host's
 * account (pagemap), and looks for them in what others are told.
 */
#ifndef VMMU_SECRETS_H
#define VMMU_SECRETS_H

#include "vmmu_debug.h"
#include "vmmu_proc.h"

/*
 * The callers are told many addresses, and entries. These are beyond every frame's
 * number and address, or one would now and then be taken for the other.
 */
#define BEYOND	(1ULL << 40)
#define REAL	(2 * BEYOND)	/* its second half is what the guest uses */
#define VA	BEYOND		/* of the first of its pages, */
#define NR	64		/* whose frames are the secret */

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

/* The frame of one of its pages, for root. */
static inline __u64 guest_frame(const struct guest *g, int page)
{
	return pagemap_frame(g->mem + g->data + page * PAGE);
}

/*
 * Make the guest as whoever is the caller now, and learn its frames as root. One whose
 * number is the VM's id, which is no secret, leaves its place to the next.
 */
#define make_secret() do {						\
	int __n, __euid = geteuid();					\
	__u64 __id;							\
									\
	guest_make(&self->g, self->dev, REAL, FORMAT4, 0);		\
	self->g.next = self->g.data + NR * PAGE;			\
	guest_format(&self->g, FORMAT4, 0);	/* its root, too */	\
	for (__n = 0; __n < NR; __n++) {				\
		guest_map(&self->g, VA + __n * PAGE, 1,			\
			  (self->g.data + __n * PAGE) | PTE_ALL);	\
		self->g.mem[self->g.data + __n * PAGE] = 0;		\
	}								\
	ASSERT_EQ(0, become_root());					\
	__id = vm_info(self->g.vm).id;					\
	for (__n = 0; __n < NR; __n++) {				\
		self->frames[__n] = guest_frame(&self->g, __n);		\
		if (self->frames[__n] == __id)				\
			self->frames[__n] = guest_frame(&self->g,	\
							(__n + 1) % NR);\
		ASSERT_NE(0, self->frames[__n]);			\
	}								\
	if (__euid)							\
		ASSERT_EQ(0, become_nobody());				\
} while (0)

/*
 * Whether this is a frame's number or address. A number of whole pages, as one frame
 * in 4096 has, is taken for what it nearly always is: a length in bytes.
 */
static inline bool is_frame(const __u64 *frames, __u64 number)
{
	size_t n;

	for (n = 0; n < NR; n++)
		if ((number == frames[n] && number % PAGE) ||
		    number == frames[n] * PAGE)
			return true;
	return false;
}

/* Whether bytes hold a frame, wherever a field may be. */
static inline bool holds_frame(const __u64 *frames, const void *at, size_t bytes)
{
	__u64 word;
	size_t i;

	for (i = 0; i + 8 <= bytes; i += 4) {
		memcpy(&word, (const char *)at + i, 8);
		if (is_frame(frames, word)) {
			printf("# %#llx at byte %zu\n", word, i);
			return true;
		}
	}
	return false;
}

/* Whether a text does, as a decimal number or one that is clearly hexadecimal. */
static inline bool names_frame(const __u64 *frames, const char *text)
{
	static const char between[] = " \t\n=:,[]()";
	const char *line = text;
	bool decimal;
	size_t len;

	for (; *text; text += len) {
		len = strcspn(text, between);
		decimal = strspn(text, "0123456789") >= len;
		if (len > 1 && is_frame(frames, strtoull(text, NULL,
							 decimal ? 10 : 16))) {
			printf("# %.*s\n", (int)strcspn(line, "\n"), line);
			return true;
		}
		len += strspn(text + len, between);
		if (memchr(text, '\n', len))
			line = text + len;
	}
	return false;
}

/* Everything that a file of ours says to its reader, after what the kernel does. */
static inline bool fdinfo_names_frame(const __u64 *frames, int fd)
{
	char path[64], text[4096] = {};
	const char *ours;
	ssize_t bytes;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	bytes = read(info, text, sizeof(text) - 1);
	close(info);
	ours = strstr(text, "\nvmmu");
	return bytes <= 0 || !ours || names_frame(frames, ours);
}

#endif /* VMMU_SECRETS_H */
