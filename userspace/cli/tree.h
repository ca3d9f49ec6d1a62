/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The entries of a space's page table, as a tree.
 */
#ifndef VMMUCTL_TREE_H
#define VMMUCTL_TREE_H

#include "cli.h"

/*
 * Print every present entry of @space, whose format is @format: a line each,
 * indented by level, or with @json as the list "tables" in it. Return an exit
 * code: CLI_NEGATIVE when there is none.
 */
int tree_print(int space, uint32_t format, struct json_out *json);

#endif /* VMMUCTL_TREE_H */
