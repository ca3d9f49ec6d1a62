// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds a VM, its spaces and trap files, and who holds those.
 */
#include <inttypes.h>

#include "holders.h"
#include "ledger.h"

struct json_object *holders_json(const struct holders *holders)
{
	struct json_object *list = json_object_new_array();
	size_t i, f;

	for (i = 0; i < holders->nr; i++) {
		const struct holder *holder = &holders->list[i];
		struct json_object *o = json_object_new_object();
		struct json_object *fds = json_object_new_array();

		for (f = 0; f < holder->nr_fds; f++)
			json_object_array_add(fds, json_object_new_int(holder->fds[f]));
		json_add_number(o, "pid", holder->pid);
		json_add_text(o, "comm", holder->comm);
		json_add(o, "fds", fds);
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *spaces_json(const struct found *found, uint64_t vm)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < found->nr_spaces; i++) {
		const struct found_space *space = &found->spaces[i];
		struct json_object *o;

		if (space->vm != vm)
			continue;
		o = json_object_new_object();
		json_add_number(o, "id", space->id);
		json_add_text(o, "format", space->format);
		json_add_hex(o, "root", space->root);
		json_add_text(o, "mode", space->mode);
		json_add_text(o, "kind", space->kind);
		json_add_text(o, "delivery", space->delivery);
		json_add(o, "installs", deliveries_json(space->installs));
		json_add(o, "holders", holders_json(&space->holders));
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *traps_json(const struct found *found, uint64_t vm)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < found->nr_traps; i++) {
		const struct found_trap *trap = &found->traps[i];
		struct json_object *o;

		if (trap->vm != vm)
			continue;
		o = json_object_new_object();
		json_add_text(o, "records", trap->records);
		json_add_number(o, "waiting", trap->waiting);
		json_add(o, "holders", holders_json(&trap->holders));
		json_object_array_add(list, o);
	}
	return list;
}

void holders_print(const char *indent, const struct holders *holders)
{
	size_t i, f;

	for (i = 0; i < holders->nr; i++) {
		const struct holder *holder = &holders->list[i];

		printf("%sheld by %d (%s), fd", indent, holder->pid,
		       holder->comm);
		for (f = 0; f < holder->nr_fds; f++)
			printf("%s%d", f ? ", " : " ", holder->fds[f]);
		putchar('\n');
	}
}

size_t spaces_print(const char *indent, const struct found *found, uint64_t vm)
{
	char deeper[32];
	size_t i, nr = 0;

	snprintf(deeper, sizeof(deeper), "%s    ", indent);
	for (i = 0; i < found->nr_spaces; i++) {
		const struct found_space *space = &found->spaces[i];

		if (space->vm != vm)
			continue;
		nr++;
		printf("%sspace %" PRIu64 ": %s, root 0x%" PRIx64
		       ", %s, mode %s, faults by %s", indent, space->id,
		       space->format, space->root, space->kind, space->mode,
		       space->delivery);
		deliveries_print(space->installs);
		putchar('\n');
		holders_print(deeper, &space->holders);
	}
	return nr;
}

void traps_print(const char *indent, const struct found *found, uint64_t vm)
{
	char deeper[32];
	size_t i;

	snprintf(deeper, sizeof(deeper), "%s    ", indent);
	for (i = 0; i < found->nr_traps; i++) {
		const struct found_trap *trap = &found->traps[i];

		if (trap->vm != vm)
			continue;
		printf("%strap file: records %s; threads waiting %" PRIu64 "\n",
		       indent, trap->records, trap->waiting);
		holders_print(deeper, &trap->holders);
	}
}

void unreadable_say(const struct found *found)
{
	if (found->unreadable)
		fprintf(stderr, "vmmuctl: %zu processes were left out; run as root to see all\n",
			found->unreadable);
}
