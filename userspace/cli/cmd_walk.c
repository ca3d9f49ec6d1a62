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
	"Usage: vmmuctl walk --pid PID --fd FD [OPTION...] ADDRESS...\n\n"
	"Translate virtual addresses in the space behind descriptor FD of process\n"
	"PID, and explain each level in words. Nothing is changed by looking.\n\n"
	TARGET_HELP
	"  -a, --access r|w|x the access to judge (default r)\n"
	"  -u, --user         it is a user's\n"
	"  -s, --supervisor   it is the supervisor's (default: as the space's CPL3\n"
	"                     mode bit says)\n"
	"  -j, --json         one JSON object\n"
	"  -h, --help         this text\n\n"
	"ADDRESS is decimal, or hexadecimal with 0x.\n\n"
	CLI_EXIT_HELP;

struct walk_options {
	struct target target;
	uint32_t access;
	char privilege;		/* 'u', 's' or 0: the space's */
	bool json;
};

static const struct option options[] = {
	TARGET_OPTION_PID,
	TARGET_OPTION_FD,
	{ "access", required_argument, NULL, 'a' },
	{ "user", no_argument, NULL, 'u' },
	{ "supervisor", no_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Return -1 to go on, or the exit code. */
static int parse_options(int argc, char **argv, struct walk_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "p:f:a:usjh", options,
				NULL)) != -1) {
		switch (c) {
		case 'p':
		case 'f':
			if (!target_option(&o->target, c, optarg))
				return CLI_USAGE;
			break;
		case 'a':
			if (!parse_access(optarg, &o->access))
				return CLI_USAGE;
			break;
		case 'u':
		case 's':
			o->privilege = c;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return CLI_OK;
		default:
			return usage("walk");
		}
	}
	if (optind == argc)
		return complain("walk: which address?");
	return -1;
}

/* Translate and print @va. Return an exit code. */
static int walk(const struct remote *remote, const struct walk_options *o,
		uint64_t va, struct json_out *json)
{
	struct answer answer = {
		.format = remote->space.format,
		.va = va,
		.access = o->access,
	};
	bool user = o->privilege ? o->privilege == 'u' :
		remote->space.mode.bits & VMMU_MODE_CPL3;
	int err;

	answer.flags = user ? VMMU_TRANSLATE_USER : 0;
	err = answer_explain(remote->fd, &answer);
	if (err)
		return refused(err, "address 0x%" PRIx64, va);
	if (o->json)
		json_list_add(json, answer_json(&answer));
	else
		answer_print_explained(&answer);
	return answer_translated(&answer) ? CLI_OK : CLI_NEGATIVE;
}

static int walk_all(const struct remote *remote, const struct walk_options *o,
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
	struct walk_options o = { .target = TARGET_NONE };
	int code = parse_options(argc, argv, &o);
	struct remote remote;
	uint64_t *vas;
	size_t i, nr;

	if (code >= 0)
		return code;
	nr = argc - optind;
	vas = grow(NULL, nr, sizeof(*vas));
	for (i = 0; i < nr; i++) {
		if (!parse_u64(argv[optind + i], "walk", &vas[i])) {
			free(vas);
			return CLI_USAGE;
		}
	}
	code = remote_open(&remote, &o.target);
	if (!code) {
		if (remote.kind == REMOTE_SPACE)
			code = walk_all(&remote, &o, vas, nr);
		else
			code = complain("descriptor %d of process %d is a VM; a space is needed",
					o.target.fd, o.target.pid);
		remote_close(&remote);
	}
	free(vas);
	return code;
}
