/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who holds VMs, spaces and trap files, as found in /proc: for people and for programs.
 */
#ifndef VMMUCTL_HOLDERS_H
#define VMMUCTL_HOLDERS_H

#include "cli.h"
#include "fdinfo.h"

/* "held by 4711 (guest), fd 4, 5": a line a process, behind @indent. */
void holders_print(const char *indent, const struct holders *holders);
struct json_object *holders_json(const struct holders *holders);

/* The spaces of the VM with the id @vm, and who holds each; how many. */
size_t spaces_print(const char *indent, const struct found *found, uint64_t vm);
struct json_object *spaces_json(const struct found *found, uint64_t vm);

/* The trap files of a VM likewise. */
void traps_print(const char *indent, const struct found *found, uint64_t vm);
struct json_object *traps_json(const struct found *found, uint64_t vm);

/* Say on stderr how many processes may not be looked at, if any. */
void unreadable_say(const struct found *found);

#endif /* VMMUCTL_HOLDERS_H */
