// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl audit: have the module check what windows grant against what page
 * table and real map table do.
 */
#include <inttypes.h>

#include "remote.h"

static const char help[] =
	"Usage: vmmuctl audit PID:FD [--json]\n\n"
	"Check every host page-table entry of every window of a VM, in all processes:\n"
	"whether the space's page table and the real map table, as they are now, grant\n"
	"what it does. Where a guest has changed the page table of a lazy space by plain\n"
	"stores and not invalidated what they cover, an entry may rightly grant more.\n\n"
	TARGET_HELP
	JSON_HELP
	"Exit codes: 0 nothing is wrong; 1 an entry grants more than both levels do; 2 bad\n"
	"arguments; 3 the system refused.\n";

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_JSON, OPTION_HELP, OPTION_END,
};

static void audit_json(const struct remote *remote,
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
	json_member(&json, "audit", o);
	json_end(&json);
}

static void audit_text(const struct vmmu_audit *audit)
{
	print_property("windows", "%" PRIu32, audit->windows);
	print_property("host entries", "%" PRIu64, (uint64_t)audit->checked);
	print_property("wrong", "%" PRIu64, (uint64_t)audit->wrong);
	if (audit->wrong)
		print_property("the first", "space %" PRIu64 ", va 0x%" PRIx64,
			       (uint64_t)audit->space, (uint64_t)audit->va);
}

static int run_audit(const struct remote *remote, void *context)
{
	const struct common *common = context;
	struct vmmu_audit audit;
	int err = vmmu_audit(remote->fd, &audit);

	if (err)
		return refused(err, "VM %" PRIu64, (uint64_t)remote->vm.id);
	if (common->json)
		audit_json(remote, &audit);
	else
		audit_text(&audit);
	return audit.wrong ? CLI_NEGATIVE : CLI_OK;
}

int audit_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "audit",
		.help = help,
		.options = options,
	};
	struct common common;
	int code = command_line_parse(&line, argc, argv, &common, NULL);

	if (code >= 0)
		return code;
	return remote_run_vm(&common.target, run_audit, &common);
}
