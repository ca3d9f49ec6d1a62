// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl walk: translate addresses in another process's space, and show each
 * entry on the way. Looking changes nothing: no A or D bit, no frame.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "remote.h"
#include "translation.h"

static const char help[] =
	"Usage: vmmuctl walk PID:FD [OPTION...] ADDRESS...\n\n"
	"Translate virtual addresses in a space, and explain each level in words.\n"
	"Nothing is changed by looking.\n\n"
	TARGET_HELP
	ACCESS_HELP
	PRIVILEGE_HELP
	JSON_HELP
	"ADDRESS is decimal, or hexadecimal with 0x.\n\n"
	CLI_EXIT_HELP;

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_ACCESS, OPTION_USER, OPTION_SUPERVISOR,
	OPTION_JSON, OPTION_HELP, OPTION_END,
};

struct walk_options {
	struct common common;
	uint64_t *vas;
	size_t nr_vas;
};

/* Translate and print @va. Return an exit code. */
static int walk(const struct remote *remote, const struct common *o,
		uint64_t va, struct json_out *json)
{
	struct answer answer = {
		.format = remote->space.format,
		.va = va,
		.access = o->access,
		.flags = common_flags(o, &remote->space.mode),
	};
	int err = answer_explain(remote->fd, &answer);

	if (err)
		return refused(err, "address 0x%" PRIx64, va);
	if (o->json)
		json_list_add(json, answer_json(&answer));
	else
		answer_print_explained(&answer);
	return answer_translated(&answer) ? CLI_OK : CLI_NEGATIVE;
}

static int walk_all(const struct remote *remote, void *context)
{
	const struct walk_options *o = context;
	struct json_out json;
	int code = CLI_OK;
	size_t i;

	if (o->common.json) {
		json_begin(&json);
		json_member(&json, "space", remote_json(remote));
		json_list_begin(&json, "translations");
	} else {
		remote_print(remote);
	}
	for (i = 0; i < o->nr_vas && code <= CLI_NEGATIVE; i++) {
		int result;

		if (!o->common.json)
			putchar('\n');
		result = walk(remote, &o->common, o->vas[i], &json);
		if (result)
			code = result;
	}
	if (o->common.json) {
		json_list_end(&json);
		json_end(&json);
	}
	return code;
}

static int check(void *own)
{
	struct walk_options *o = own;

	if (!o->common.nr_arguments)
		return complain("walk: which address?");
	return common_addresses(&o->common, 0, "walk", &o->vas, &o->nr_vas) ?
		CLI_OK : CLI_USAGE;
}

int walk_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "walk",
		.help = help,
		.options = options,
		.check = check,
		.most_arguments = SIZE_MAX,
	};
	struct walk_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	if (code < 0)
		code = remote_run_space(&o.common.target, walk_all, &o);
	free(o.vas);
	return code;
}
