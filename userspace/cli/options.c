// SPDX-License-Identifier: GPL-2.0
/*
 * Parse command lines: what several commands share here, the rest by theirs.
 */
#include <string.h>

#include "options.h"

#define MOST_OPTIONS	32

const struct option plain_options[] = {
	OPTION_JSON, OPTION_HELP, OPTION_END,
};

/* "p:f:ujh": the short options, as the table of long ones has them. */
static void short_options(const struct option *options, char *text)
{
	size_t i;

	for (i = 0; options[i].name && i < MOST_OPTIONS; i++) {
		if (options[i].val >= OPTION_FIRST)
			continue;
		*text++ = options[i].val;
		if (options[i].has_arg == required_argument)
			*text++ = ':';
	}
	*text = '\0';
}

static bool has_option(const struct option *options, int letter)
{
	for (; options->name; options++)
		if (options->val == letter)
			return true;
	return false;
}

static bool take_target(struct target *target, int option, const char *text)
{
	const char *what = option == 'p' ? "--pid" : "--fd";
	uint32_t value;

	if (!parse_u32(text, what, &value))
		return false;
	if (value > INT32_MAX || (option == 'p' && !value)) {
		complain("%s: there can be no %s", what, text);
		return false;
	}
	if (option == 'p')
		target->pid = value;
	else
		target->fd = value;
	return true;
}

/* Take "PID:FD"; false, with a message if it looks like one. */
static bool take_pair(struct target *target, const char *text)
{
	const char *colon = strchr(text, ':');
	uint64_t pid, fd;
	char left[24];

	if (!colon)
		return false;
	snprintf(left, sizeof(left), "%.*s", (int)(colon - text), text);
	if (colon - text >= (ptrdiff_t)sizeof(left) || !number(left, &pid) ||
	    !pid || pid > INT32_MAX || !number(colon + 1, &fd) ||
	    fd > INT32_MAX) {
		complain("`%s' is not PID:FD, a process and its descriptor",
			 text);
		return false;
	}
	*target = (struct target){ .pid = pid, .fd = fd };
	return true;
}

static bool take_shared(struct common *common, int option, const char *text)
{
	switch (option) {
	case 'p':
	case 'f':
		return take_target(&common->target, option, text);
	case 'a':
		return parse_access(text, &common->access);
	case 'u':
	case 's':
		common->privilege = option;
		return true;
	case 'S':
		common->set_ad = true;
		return true;
	case 'A':
		common->all = true;
		return true;
	default:
		common->json = true;
		return true;
	}
}

/* The object, by options or as first argument. Return an exit code. */
static int settle_target(const struct command_line *line, struct common *common)
{
	struct target *target = &common->target;

	if (!has_option(line->options, 'p') ||
	    (target->pid >= 0 && target->fd >= 0))
		return CLI_OK;
	if (target->pid < 0 && target->fd < 0 && common->nr_arguments) {
		if (take_pair(target, common->arguments[0])) {
			common->arguments++;
			common->nr_arguments--;
			return CLI_OK;
		}
		if (strchr(common->arguments[0], ':'))
			return CLI_USAGE;
	}
	return complain("%s: PID:FD, or --pid and --fd are needed; `vmmuctl list` shows them",
			line->name);
}

static int check_arguments(const struct command_line *line,
			   const struct common *common)
{
	const char *extra;

	if (common->nr_arguments <= line->most_arguments)
		return CLI_OK;
	extra = common->arguments[line->most_arguments];
	if (!line->most_arguments)
		return complain("%s: takes no argument, but got `%s'",
				line->name, extra);
	return complain("%s: one argument too many: `%s'", line->name, extra);
}

int command_line_parse(const struct command_line *line, int argc, char **argv,
		       struct common *common, void *own)
{
	static const char shared[] = "pfausSAj";
	char letters[2 * MOST_OPTIONS + 1];
	int c, code;

	*common = (struct common){ .target = { .pid = -1, .fd = -1 } };
	short_options(line->options, letters);
	while ((c = getopt_long(argc, argv, letters, line->options,
				NULL)) != -1) {
		bool taken;

		if (c == '?')
			return usage(line->name);
		if (c == 'h') {
			fputs(line->help, stdout);
			return CLI_OK;
		}
		if (c < OPTION_FIRST && strchr(shared, c))
			taken = take_shared(common, c, optarg);
		else
			taken = line->take(own, c, optarg);
		if (!taken)
			return CLI_USAGE;
	}
	common->arguments = argv + optind;
	common->nr_arguments = argc - optind;
	code = settle_target(line, common);
	if (!code)
		code = check_arguments(line, common);
	if (!code && line->check)
		code = line->check(own);
	return code ? code : -1;
}

bool common_addresses(const struct common *common, size_t first,
		      const char *what, uint64_t **vas, size_t *nr_vas)
{
	size_t i, nr = common->nr_arguments - first;

	*vas = grow(NULL, nr, sizeof(**vas));
	*nr_vas = nr;
	for (i = 0; i < nr; i++)
		if (!parse_u64(common->arguments[first + i], what, &(*vas)[i]))
			return false;
	return true;
}

uint32_t common_flags(const struct common *common,
		      const struct vmmu_mode *mode)
{
	bool user = common->privilege ? common->privilege == 'u' :
		mode->bits & VMMU_MODE_CPL3;

	return (user ? VMMU_TRANSLATE_USER : 0) |
		(common->set_ad ? VMMU_TRANSLATE_SET_AD : 0);
}
