// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl list: every VM on this host, its spaces and trap files, and who holds
 * them.
 */
#include <inttypes.h>
#include <string.h>

#include "holders.h"
#include "options.h"

static const char help[] =
	"Usage: vmmuctl list [--json]\n\n"
	"Show every VM on this host, its spaces and trap files, and the processes\n"
	"that hold a file descriptor of one, as /proc/PID/fdinfo tells it. Processes\n"
	"that you may not look at are left out, and counted on stderr.\n\n"
	JSON_HELP
	CLI_EXIT_HELP;

/* A number of a VM that some process holds; null of any other. */
static void add_known(struct json_object *o, const char *key,
		      const struct found_vm *vm, uint64_t value)
{
	json_add(o, key, vm->known ? json_object_new_uint64(value) : NULL);
}

static struct json_object *vm_json(const struct found *found,
				   const struct found_vm *vm)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "id", vm->id);
	add_known(o, "real_bytes", vm, vm->real_bytes);
	add_known(o, "frames", vm, vm->frames);
	add_known(o, "tables", vm, vm->tables);
	add_known(o, "nr_spaces", vm, vm->nr_spaces);
	add_known(o, "charged_bytes", vm, vm->charged_bytes);
	add_known(o, "sequence", vm, vm->sequence);
	add_known(o, "zaps", vm, vm->zaps);
	json_add_text(o, "state", vm->known ? vm->state : NULL);
	json_add(o, "holders", holders_json(&vm->holders));
	json_add(o, "spaces", spaces_json(found, vm->id));
	json_add(o, "traps", traps_json(found, vm->id));
	return o;
}

static void list_json(const struct found *found)
{
	struct json_out json;
	size_t i;

	json_begin(&json);
	json_list_begin(&json, "vms");
	for (i = 0; i < found->nr_vms; i++)
		json_list_add(&json, vm_json(found, &found->vms[i]));
	json_list_end(&json);
	json_end(&json);
}

static void list_text(const struct found *found)
{
	char real[32], charged[32];
	size_t i;

	for (i = 0; i < found->nr_vms; i++) {
		const struct found_vm *vm = &found->vms[i];

		printf("VM %" PRIu64, vm->id);
		if (vm->known)
			printf(": %s of real memory, frames %" PRIu64 ", tables %" PRIu64
			       ", %s charged, spaces %" PRIu64 ", %s",
			       bytes_text(vm->real_bytes, real, sizeof(real)),
			       vm->frames, vm->tables,
			       bytes_text(vm->charged_bytes, charged,
					  sizeof(charged)),
			       vm->nr_spaces, vm->state);
		putchar('\n');
		holders_print("    ", &vm->holders);
		spaces_print("    ", found, vm->id);
		traps_print("    ", found, vm->id);
	}
}

int list_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "list",
		.help = help,
		.options = plain_options,
	};
	struct common common;
	struct found found;
	int code = command_line_parse(&line, argc, argv, &common, NULL);
	int err;

	if (code >= 0)
		return code;
	err = found_scan("/proc", &found);
	if (err)
		return refused(err, "/proc");
	if (common.json)
		list_json(&found);
	else
		list_text(&found);
	unreadable_say(&found);
	code = found.nr_vms ? CLI_OK : CLI_NEGATIVE;
	if (code && !common.json)
		negative("no VM was found");
	found_free(&found);
	return code;
}
