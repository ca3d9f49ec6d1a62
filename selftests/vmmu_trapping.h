/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests whose page-table pages trap, for tests.
 */
#ifndef VMMU_TRAPPING_H
#define VMMU_TRAPPING_H

#include "vmmu_window.h"

static inline int _trapping_space(int vm, __u32 format, __u64 root, __u64 bits,
				  struct vmmu_space_create *c)
{
	*c = (struct vmmu_space_create){
		.size = sizeof(*c),
		.flags = VMMU_SPACE_TRAPPING,
		.format = format,
		.fd = -1,
		.root = root,
		.mode = MODE(bits),
	};
	return call(vm, VMMU_IOC_SPACE_CREATE, c);
}

#define trapping_space(vm, format, root, bits) ({			\
	struct vmmu_space_create __s;					\
									\
	ASSERT_EQ(0, _trapping_space(vm, format, root, bits, &__s));	\
	__s.fd;								\
})

/* The guest's table traps from now on; as it is. */
#define guest_traps(g, bits) do {					\
	struct guest *__t = (g);					\
									\
	close(__t->space);						\
	__t->space = trapping_space(__t->vm, __t->levels == 5 ?		\
				    FORMAT5 : FORMAT4, __t->root,	\
				    bits);				\
} while (0)

/* The flags in the real map table of the page at @ra; ~0: it has no frame. */
static inline __u32 real_flags(int vm, __u64 ra)
{
	struct vmmu_real_map_entry e = {};
	struct vmmu_real_map m;

	ra &= ~(PAGE - 1);
	if (_real_map(vm, ra, ra + PAGE - 1, 1, &e, &m) || !m.done)
		return ~0U;
	return e.flags & (VMMU_REAL_TABLE | VMMU_REAL_WRITABLE);
}

#define CLOSED	VMMU_REAL_TABLE
#define OPEN	(VMMU_REAL_TABLE | VMMU_REAL_WRITABLE)
#define DATA	VMMU_REAL_WRITABLE

#endif /* VMMU_TRAPPING_H */
