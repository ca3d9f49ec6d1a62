/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ledgers, what VMs and spaces have been through, and where their traps go: for
 * people and for programs.
 */
#ifndef VMMUCTL_LEDGER_H
#define VMMUCTL_LEDGER_H

#include "cli.h"

/* A count a line; or a row of a table, whose head has two lines. */
void ledger_print(const struct vmmu_ledger *ledger);
void ledger_print_head(void);
void ledger_print_row(const struct vmmu_ledger *ledger);
struct json_object *ledger_json(const struct vmmu_ledger *ledger);

/* What was counted since @before. */
struct vmmu_ledger ledger_since(const struct vmmu_ledger *before,
				const struct vmmu_ledger *after);

/* "hypercall none, store notify": what installs in a space become. */
#define DELIVERIES_BYTES	96
char *deliveries_text(int space, char text[DELIVERIES_BYTES]);

/* Such a text as JSON, an object; or ", store by notify": what is not none. */
struct json_object *deliveries_json(const char *text);
void deliveries_print(const char *text);

#endif /* VMMUCTL_LEDGER_H */
