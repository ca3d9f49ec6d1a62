/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a page table maps, as runs of pages, each in one piece.
 */
#ifndef VMMUCTL_RUNS_H
#define VMMUCTL_RUNS_H

#include "cli.h"

/*
 * Print the runs of @space, whose format is @format: a line each, or with
 * @json as the list "mappings" in it. Beyond the first @most runs (UINT64_MAX:
 * all) the rest is counted, up to RUNS_COUNTED: in a line, or as the member
 * "more_mappings". Return an exit code: CLI_NEGATIVE when nothing is mapped.
 */
int runs_print(int space, uint32_t format, uint64_t most,
	       struct json_out *json);

/* A table that refers to itself has more runs than anybody waits for. */
#define RUNS_COUNTED	16384

#endif /* VMMUCTL_RUNS_H */
