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

static int walk_all(const struct remote *remote, const struct common *o,
		    const uint64_t *vas, size_t nr)
{
	struct json_out json;
	int code = CLI_OK;
	size_t i;

	if (o->json) {
		json_begin(&json);
		json_member(&json, "space", remote_json(remote));
		json_list_begin(&json, "translations");
	} else {
		remote_print(remote);
	}
	for (i = 0; i < nr && code <= CLI_NEGATIVE; i++) {
		int result;

		if (!o->json)
			putchar('\n');
		result = walk(remote, o, vas[i], &json);
		if (result)
			code = result;
	}
	if (o->json) {
		json_list_end(&json);
		json_end(&json);
	}
	return code;
}

int walk_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "walk",
		.help = help,
		.options = options,
		.most_arguments = SIZE_MAX,
	};
	struct common o;
	int code = command_line_parse(&line, argc, argv, &o, NULL);
	struct remote remote;
	uint64_t *vas;
	size_t nr;

	if (code >= 0)
		return code;
	if (!o.nr_arguments)
		return complain("walk: which address?");
	if (common_addresses(&o, 0, "walk", &vas, &nr)) {
		code = remote_open_space(&remote, &o.target);
		if (!code) {
			code = walk_all(&remote, &o, vas, nr);
			remote_close(&remote);
		}
	} else {
		code = CLI_USAGE;
	}
	free(vas);
	return code;
}
