/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translate many addresses, from arguments or from a file, in batches.
 */
#ifndef VMMUCTL_ADDRESSES_H
#define VMMUCTL_ADDRESSES_H

#include "cli.h"

/* How to translate, and where the answers go. */
struct translator {
	int space;
	uint32_t format;
	uint32_t access;
	uint32_t flags;
	uint32_t batch;		/* most addresses of one call */
	bool explain;
	struct json_out *json;	/* NULL: text */
};

/*
 * Print the answers for the @nr addresses of @vas, or for those in @in, one a
 * line, until its end. With JSON they become the list "translations". Return
 * an exit code: CLI_NEGATIVE when one did not translate or there was none.
 */
int translate_addresses(const struct translator *t, const uint64_t *vas,
			size_t nr);
int translate_lines(const struct translator *t, FILE *in, const char *name);

#endif /* VMMUCTL_ADDRESSES_H */
