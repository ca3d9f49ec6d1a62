// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl show: all about one VM, space or trap file of another process, or what
 * is at an address of a space. Looking changes nothing: no A or D bit, no frame.
 */
#include <inttypes.h>

#include "holders.h"
#include "ledger.h"
#include "memory.h"
#include "runs.h"
#include "translation.h"

static const char help[] =
	"Usage: vmmuctl show PID:FD [--all] [--json]\n"
	"       vmmuctl show PID:FD [OPTION...] ADDRESS\n\n"
	"Show everything about a VM, a space or a trap file: its settings and counters,\n"
	"who holds it, a VM's spaces and trap files, the first runs of pages that a space\n"
	"maps. Processes that you may not look at are left out, and counted on stderr.\n\n"
	"With an ADDRESS of a space: show where it leads, with what rights, or why it\n"
	"does not; and 64 bytes of the memory there. Nothing is changed by looking.\n\n"
	TARGET_HELP
	"  -A, --all           a space: every run of pages\n"
	ACCESS_HELP
	PRIVILEGE_HELP
	JSON_HELP
	"ADDRESS is decimal, or hexadecimal with 0x.\n\n"
	CLI_EXIT_HELP;

/* What holds deliveries is used for a mode, too. */
_Static_assert(DELIVERIES_BYTES >= VMMU_TEXT_BYTES, "room for words");

#define RUNS		16
#define MEMORY_BYTES	64

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_ALL, OPTION_ACCESS, OPTION_USER,
	OPTION_SUPERVISOR, OPTION_JSON, OPTION_HELP, OPTION_END,
};

struct show_options {
	struct common common;
	bool by_address;
	uint64_t va;
	struct found found;
};

/* Of what no process that may be looked at holds. */
static const struct holders nobody;

/* What @object has been through, where the module tells it. */
static void show_ledger(int object)
{
	struct vmmu_ledger ledger;

	if (!vmmu_ledger(object, &ledger))
		ledger_print(&ledger);
}

static void show_ledger_json(int object, struct json_out *json)
{
	struct vmmu_ledger ledger;
	int err = vmmu_ledger(object, &ledger);

	json_member(json, "ledger", err ? NULL : ledger_json(&ledger));
}

static void show_vm_text(const struct remote *remote,
			 const struct found *found,
			 const struct holders *holders)
{
	const struct vmmu_vm_info *vm = &remote->vm;
	char text[32];
	size_t nr_found;

	print_property("VM", "%" PRIu64, (uint64_t)vm->id);
	print_property("state", "%s", remote_state_name(vm));
	print_property("real memory", "%s",
		       bytes_text(vm->real_bytes, text, sizeof(text)));
	print_property("frames", "%" PRIu64, (uint64_t)vm->frames);
	print_property("tables", "%" PRIu64, (uint64_t)vm->tables);
	print_property("charged", "%s",
		       bytes_text(vm->charged_bytes, text, sizeof(text)));
	print_property("limit", "%s", vm->limit_bytes == UINT64_MAX ?
		       "without bound" :
		       bytes_text(vm->limit_bytes, text, sizeof(text)));
	print_property("sequence", "%" PRIu64, (uint64_t)vm->sequence);
	show_ledger(remote->fd);
	print_property("frame numbers", "%s",
		       vm->state & VMMU_VM_FRAMES_SHOWN ? "shown" :
		       "hidden: CAP_SYS_ADMIN is needed, and was at its creation");
	print_property("spaces", "%" PRIu32, vm->nr_spaces);
	holders_print("", holders);
	nr_found = spaces_print("", found, vm->id);
	if (nr_found < vm->nr_spaces)
		printf("and %zu spaces that no process holds, of those that you may look at\n",
		       vm->nr_spaces - nr_found);
	traps_print("", found, vm->id);
}

static int show_vm(const struct remote *remote, const struct found *found,
		   bool as_json)
{
	const struct vmmu_vm_info *vm = &remote->vm;
	const struct found_vm *seen = found_vm(found, vm->id);
	const struct holders *holders = seen ? &seen->holders : &nobody;
	struct json_out json;

	if (!as_json) {
		show_vm_text(remote, found, holders);
		return CLI_OK;
	}
	json_begin(&json);
	json_member(&json, "vm", remote_json(remote));
	show_ledger_json(remote->fd, &json);
	json_member(&json, "holders", holders_json(holders));
	json_member(&json, "spaces", spaces_json(found, vm->id));
	json_member(&json, "traps", traps_json(found, vm->id));
	json_end(&json);
	return CLI_OK;
}

static void show_space_text(const struct remote *remote,
			    const struct holders *holders)
{
	const struct vmmu_space_info *space = &remote->space;
	char text[DELIVERIES_BYTES];

	print_property("space", "%" PRIu64, (uint64_t)space->id);
	print_property("of VM", "%" PRIu64, (uint64_t)space->vm_id);
	print_property("kind", "%s", remote_kind_name(space));
	print_property("format", "%s", remote_format_name(space));
	print_property("root", "0x%" PRIx64, (uint64_t)space->root);
	print_property("mode", "%s",
		       vmmu_mode_text(&space->mode, text, sizeof(text)));
	print_property("page faults", "%s",
		       space->delivery == VMMU_DELIVER_RECORD ?
		       "records on a trap file" : "signals");
	if (*deliveries_text(remote->fd, text))
		print_property("installs", "%s", text);
	print_property("levels", "%" PRIu32, space->levels);
	print_property("virtual address", "%" PRIu32 " bits", space->va_bits);
	print_property("real memory", "%s",
		       bytes_text(space->real_bytes, text, sizeof(text)));
	show_ledger(remote->fd);
	holders_print("", holders);
}

static int show_space(const struct remote *remote, const struct found *found,
		      const struct common *o)
{
	const struct vmmu_space_info *space = &remote->space;
	const struct found_space *seen = found_space(found, space->vm_id,
						     space->id);
	const struct holders *holders = seen ? &seen->holders : &nobody;
	struct json_out out, *json = o->json ? &out : NULL;
	char text[DELIVERIES_BYTES];
	int code;

	if (json) {
		json_begin(json);
		json_member(json, "space", remote_json(remote));
		json_member(json, "installs",
			    deliveries_json(deliveries_text(remote->fd, text)));
		show_ledger_json(remote->fd, json);
		json_member(json, "holders", holders_json(holders));
	} else {
		show_space_text(remote, holders);
	}
	code = runs_print(remote->fd, space->format,
			  o->all ? UINT64_MAX : RUNS, json);
	if (json)
		json_end(json);
	else if (code == CLI_NEGATIVE)
		puts("nothing is mapped");
	/* An empty space is something to show, too. */
	return code == CLI_NEGATIVE ? CLI_OK : code;
}

static int show_trap(const struct remote *remote, bool as_json)
{
	const struct vmmu_trap_info *trap = &remote->trap;
	struct json_out json;

	if (as_json) {
		json_begin(&json);
		json_member(&json, "trap", remote_json(remote));
		json_end(&json);
		return CLI_OK;
	}
	print_property("trap file", "of VM %" PRIu64, (uint64_t)trap->vm_id);
	print_property("spaces", "%" PRIu32, trap->nr_spaces);
	print_property("records made", "%" PRIu64, (uint64_t)trap->made);
	print_property("read", "%" PRIu64, (uint64_t)trap->read);
	print_property("withdrawn", "%" PRIu64, (uint64_t)trap->withdrawn);
	print_property("overflowed", "%" PRIu64, (uint64_t)trap->overflowed);
	print_property("answered", "%" PRIu64, (uint64_t)trap->answered);
	print_property("threads waiting", "%" PRIu32, trap->waiting);
	return CLI_OK;
}

static int show_object(const struct remote *remote, void *context)
{
	const struct show_options *o = context;

	if (remote->kind == REMOTE_VM)
		return show_vm(remote, &o->found, o->common.json);
	if (remote->kind == REMOTE_TRAP)
		return show_trap(remote, o->common.json);
	return show_space(remote, &o->found, &o->common);
}

/* Show all about the object. Return the exit code. */
static int find_and_show(struct show_options *o)
{
	/* Looked for first: this process is about to hold it, too. */
	int code, err = found_scan("/proc", &o->found);

	if (err)
		code = refused(err, "/proc");
	else
		code = remote_run_any(&o->common.target, show_object, o);
	if (!code)
		unreadable_say(&o->found);
	found_free(&o->found);
	return code;
}

/* The bytes from @va on, but none beyond the last address. */
static uint64_t bytes_at(uint64_t va)
{
	return memory_fits(va, MEMORY_BYTES) ? MEMORY_BYTES : -va;
}

static int show_address(const struct remote *remote, void *context)
{
	const struct show_options *o = context;
	struct memory memory = {
		.remote = remote,
		.va = o->va,
		.access = VMMU_ACCESS_READ,
		.flags = common_flags(&o->common, &remote->space.mode),
	};
	struct answer answer = {
		.format = remote->space.format,
		.va = o->va,
		.access = o->common.access,
		.flags = memory.flags,
	};
	int err = vmmu_translate(remote->fd, o->va, o->common.access,
				 answer.flags, &answer.result);
	bool there = answer_translated(&answer);
	struct json_out json;
	int code;

	if (err)
		return refused(err, "address 0x%" PRIx64, o->va);
	if (o->common.json) {
		json_begin(&json);
		json_member(&json, "space", remote_json(remote));
		json_member(&json, "translation", answer_json(&answer));
		memory_dump_json(&memory, there ? bytes_at(o->va) : 0,
				 &json);
		json_end(&json);
	} else {
		remote_print(remote);
		putchar('\n');
		answer_print_explained(&answer);
		if (there) {
			putchar('\n');
			memory_dump(&memory, bytes_at(o->va), true);
		}
	}
	/* That the memory ends within 64 bytes is worth a line, but no failure. */
	code = there ? memory_report(&memory) : CLI_NEGATIVE;
	return code == CLI_NEGATIVE && memory.done ? CLI_OK : code;
}

static int check(void *own)
{
	struct show_options *o = own;

	o->by_address = o->common.nr_arguments;
	if (!o->by_address && (o->common.access || o->common.privilege))
		return complain("show: -a, -u and -s go with an address");
	if (o->by_address && o->common.all)
		return complain("show: --all goes without an address");
	if (o->by_address && !parse_u64(o->common.arguments[0], "show", &o->va))
		return CLI_USAGE;
	return CLI_OK;
}

int show_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "show",
		.help = help,
		.options = options,
		.check = check,
		.most_arguments = 1,
	};
	struct show_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	if (code >= 0)
		return code;
	return o.by_address ?
		remote_run_space(&o.common.target, show_address, &o) :
		find_and_show(&o);
}
