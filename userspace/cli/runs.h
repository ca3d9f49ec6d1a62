/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a page table maps, as runs of pages, each in one piece.
 */
#ifndef VMMUCTL_RUNS_H
#define VMMUCTL_RUNS_H

#include "cli.h"

/*
 * Print every run of @space, whose format is @format: a line each, or with
 * @json as the list "mappings" in it. Return an exit code: CLI_NEGATIVE when
 * nothing is mapped.
 */
int runs_print(int space, uint32_t format, struct json_out *json);

#endif /* VMMUCTL_RUNS_H */
