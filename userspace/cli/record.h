/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of installs in words.
 */
#ifndef VMMUCTL_RECORD_H
#define VMMUCTL_RECORD_H

#include "cli.h"

/* A line. @format: of the record's space. */
void record_print(const struct vmmu_trap_record *record, uint32_t format);
struct json_object *record_json(const struct vmmu_trap_record *record,
				uint32_t format);

#endif /* VMMUCTL_RECORD_H */
