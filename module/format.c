// SPDX-License-Identifier: GPL-2.0
/*
 * The list of page-table formats. A new format is a file of its own and a
 * line here. Pure code: compiles in userspace, too.
 */
#include "format.h"

static const struct vmmu_format *const formats[] = {
	&vmmu_format_x86_64_4level,
	&vmmu_format_x86_64_5level,
};

const struct vmmu_format *vmmu_format_find(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i]->id == id)
			return formats[i];
	return NULL;
}

u64 vmmu_format_all(void)
{
	u64 all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		all |= BIT_ULL(formats[i]->id);
	return all;
}
