// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl check: have the module check what windows grant against what page
 * table and real map table do, and what it knows of page tables against them.
 */
#include <inttypes.h>

#include "remote.h"

static const char help[] =
	"Usage: vmmuctl check PID:FD [--json]\n\n"
	"Check every host page-table entry of every window of a VM, in all processes:\n"
	"whether the space's page table and the real map table, as they are now, grant\n"
	"what it does. Where a guest has changed the page table of a lazy space by plain\n"
	"stores and not invalidated what they cover, an entry may rightly grant more.\n\n"
	"Check every page table of trapping spaces: whether it is known as what it is,\n"
	"and protected from stores that nobody would see. None may ever be wrong.\n\n"
	"The command is also known by its former name, audit.\n\n"
	TARGET_HELP
	JSON_HELP
	"Exit codes: 0 nothing is wrong; 1 an entry grants more than both levels do, or\n"
	"a page table is not as it should be; 2 bad arguments; 3 the system refused.\n";

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_JSON, OPTION_HELP, OPTION_END,
};

static void check_json(const struct remote *remote,
		       const struct vmmu_audit *audit)
{
	struct json_object *o = json_object_new_object();
	struct json_out json;

	json_begin(&json);
	json_member(&json, "vm", remote_json(remote));
	json_add_number(o, "windows", audit->windows);
	json_add_number(o, "checked", audit->checked);
	json_add_number(o, "wrong", audit->wrong);
	json_add(o, "space", audit->wrong ?
		 json_object_new_uint64(audit->space) : NULL);
	json_add(o, "va", audit->wrong ? json_hex(audit->va) : NULL);
	json_add_number(o, "tables", audit->tables);
	json_add_number(o, "tables_wrong", audit->tables_wrong);
	json_add(o, "ra", audit->tables_wrong ? json_hex(audit->ra) : NULL);
	json_member(&json, "audit", o);
	json_end(&json);
}

static void check_text(const struct vmmu_audit *audit)
{
	print_property("windows", "%" PRIu32, audit->windows);
	print_property("host entries", "%" PRIu64, (uint64_t)audit->checked);
	print_property("wrong", "%" PRIu64, (uint64_t)audit->wrong);
	if (audit->wrong)
		print_property("the first", "space %" PRIu64 ", va 0x%" PRIx64,
			       (uint64_t)audit->space, (uint64_t)audit->va);
	print_property("page tables", "%" PRIu64, (uint64_t)audit->tables);
	print_property("wrong tables", "%" PRIu64,
		       (uint64_t)audit->tables_wrong);
	if (audit->tables_wrong)
		print_property("the first table", "ra 0x%" PRIx64,
			       (uint64_t)audit->ra);
}

static int run_check(const struct remote *remote, void *context)
{
	const struct common *common = context;
	struct vmmu_audit audit;
	int err = vmmu_audit(remote->fd, &audit);

	if (err)
		return refused(err, "VM %" PRIu64, (uint64_t)remote->vm.id);
	if (common->json)
		check_json(remote, &audit);
	else
		check_text(&audit);
	return audit.wrong || audit.tables_wrong ? CLI_NEGATIVE : CLI_OK;
}

int check_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "check",
		.help = help,
		.options = options,
	};
	struct common common;
	int code = command_line_parse(&line, argc, argv, &common, NULL);

	if (code >= 0)
		return code;
	return remote_run_vm(&common.target, run_check, &common);
}
