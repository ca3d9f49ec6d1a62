/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of `vmmuctl write`.
 */
#ifndef VMMUCTL_WRITE_OPTIONS_H
#define VMMUCTL_WRITE_OPTIONS_H

#include "options.h"

struct write_options {
	struct common common;
	uint64_t va;
	uint8_t *bytes;		/* of --hex, --text, --value; NULL: stdin */
	size_t nr_bytes;
	unsigned int nr_sources;	/* how many of these were given */
	bool given_value;
	bool given_width;
	bool given_expect;
	uint64_t value;
	uint64_t expect;
	uint32_t width;		/* bytes: 1, 2, 4 or 8 */
};

/*
 * Parse the command line, and check what can be checked by itself. Return -1
 * to go on, or the exit code. write_options_free() in both cases.
 */
int write_options_parse(struct write_options *o, int argc, char **argv);
void write_options_free(struct write_options *o);

#endif /* VMMUCTL_WRITE_OPTIONS_H */
