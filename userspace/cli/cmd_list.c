// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl list: every VM on this host, its spaces, and who holds them.
 */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "fdinfo.h"

static const char help[] =
	"Usage: vmmuctl list [--json]\n\n"
	"Show every VM on this host, its spaces, and the processes that hold a\n"
	"file descriptor of either, as /proc/PID/fdinfo tells it. Processes that\n"
	"you may not look at are left out, and counted on stderr.\n\n"
	"  -j, --json  one JSON object\n"
	"  -h, --help  this text\n\n"
	CLI_EXIT_HELP;

static struct json_object *holders_json(const struct holders *holders)
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

static struct json_object *spaces_json(const struct found *found, uint64_t vm)
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
		json_add(o, "holders", holders_json(&space->holders));
		json_object_array_add(list, o);
	}
	return list;
}

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
	json_add_text(o, "state", vm->known ? vm->state : NULL);
	json_add(o, "holders", holders_json(&vm->holders));
	json_add(o, "spaces", spaces_json(found, vm->id));
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

static void print_holders(const char *indent, const struct holders *holders)
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

static void list_text(const struct found *found)
{
	char real[32], charged[32];
	size_t i, s;

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
		print_holders("    ", &vm->holders);
		for (s = 0; s < found->nr_spaces; s++) {
			const struct found_space *space = &found->spaces[s];

			if (space->vm != vm->id)
				continue;
			printf("    space %" PRIu64 ": %s, root 0x%" PRIx64
			       ", %s, mode %s\n", space->id, space->format,
			       space->root, space->kind, space->mode);
			print_holders("        ", &space->holders);
		}
	}
}

int list_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct found found;
	bool json = false;
	int err, c, code;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return CLI_OK;
		}
		if (c != 'j')
			return usage("list");
		json = true;
	}
	if (optind < argc)
		return complain("list: takes no argument, but got `%s'",
				argv[optind]);
	err = found_scan("/proc", &found);
	if (err)
		return refused(err, "/proc");
	if (json)
		list_json(&found);
	else
		list_text(&found);
	if (found.unreadable)
		fprintf(stderr, "vmmuctl: %zu processes were left out; run as root to see all\n",
			found.unreadable);
	code = found.nr_vms ? CLI_OK : CLI_NEGATIVE;
	if (code && !json)
		fprintf(stderr, "vmmuctl: no VM was found\n");
	found_free(&found);
	return code;
}
