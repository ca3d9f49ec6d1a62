// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl read: guest-virtual memory as a hex dump, or as it is.
 */
#include <inttypes.h>
#include <unistd.h>

#include "memory.h"

static const char help[] =
	"Usage: vmmuctl read PID:FD [OPTION...] ADDRESS BYTES\n\n"
	"Read guest-virtual memory in a space, and show it as rows of 16 bytes in\n"
	"hexadecimal and ASCII. \"*\" stands for rows that are like the one before\n"
	"them. Reading stops where the page table does not grant it; what was read\n"
	"before is shown, and the reason is named.\n\n"
	TARGET_HELP
	PRIVILEGE_HELP
	SET_AD_HELP
	"  -v, --verbose       show every row\n"
	"  -r, --raw           the bytes as they are, for a pipe or a file\n"
	"      --force         --raw also to a terminal\n"
	JSON_HELP
	"Numbers are decimal, or hexadecimal with 0x; BYTES may end in K, M, G or T.\n\n"
	CLI_EXIT_HELP;

#define OPTION_FORCE	OPTION_FIRST

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_USER, OPTION_SUPERVISOR, OPTION_SET_AD,
	OPTION_JSON, OPTION_HELP,
	{ "verbose", no_argument, NULL, 'v' },
	{ "raw", no_argument, NULL, 'r' },
	{ "force", no_argument, NULL, OPTION_FORCE },
	OPTION_END,
};

struct read_options {
	struct common common;
	bool verbose;
	bool raw;
	bool force;
	uint64_t va;
	uint64_t bytes;
};

static bool take_option(void *own, int option, const char *text)
{
	struct read_options *o = own;

	(void)text;
	switch (option) {
	case 'v':
		o->verbose = true;
		break;
	case 'r':
		o->raw = true;
		break;
	default:
		o->force = true;
	}
	return true;
}

/* Check what the arguments say together. Return an exit code. */
static int check(void *own)
{
	struct read_options *o = own;

	if (o->common.nr_arguments < 2)
		return complain("read: which address, and how many bytes?");
	if (!parse_u64(o->common.arguments[0], "read", &o->va) ||
	    !parse_bytes(o->common.arguments[1], "read", &o->bytes))
		return CLI_USAGE;
	if (!o->bytes)
		return complain("read: 0 bytes are none");
	if (!memory_fits(o->va, o->bytes))
		return complain("read: the last byte is beyond 64 bits");
	if (o->raw && o->common.json)
		return complain("read: --raw or --json, not both");
	if (o->raw && !o->force && isatty(STDOUT_FILENO))
		return complain("read: --raw to a terminal needs --force; or redirect stdout");
	return CLI_OK;
}

static void take_raw(void *context, uint64_t va, const uint8_t *bytes,
		     size_t nr)
{
	(void)context;
	(void)va;
	fwrite(bytes, 1, nr, stdout);
}

static void read_json(struct memory *memory, uint64_t bytes)
{
	struct json_out json;

	json_begin(&json);
	json_member(&json, "space", remote_json(memory->remote));
	memory_dump_json(memory, bytes, &json);
	json_end(&json);
}

static int run(const struct remote *remote, void *context)
{
	const struct read_options *o = context;
	struct memory memory = {
		.remote = remote,
		.va = o->va,
		.access = VMMU_ACCESS_READ,
		.flags = common_flags(&o->common, &remote->space.mode),
	};

	if (o->common.json)
		read_json(&memory, o->bytes);
	else if (o->raw)
		memory_read(&memory, o->bytes, take_raw, NULL);
	else
		memory_dump(&memory, o->bytes, o->verbose);
	return memory_report(&memory);
}

int read_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "read",
		.help = help,
		.options = options,
		.take = take_option,
		.check = check,
		.most_arguments = 2,
	};
	struct read_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	return code < 0 ? remote_run_space(&o.common.target, run, &o) : code;
}
