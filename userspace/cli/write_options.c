// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of `vmmuctl write`: options, their help, their checks.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hexdump.h"
#include "memory.h"
#include "write_options.h"

static const char help[] =
	"Usage: vmmuctl write PID:FD [OPTION...] ADDRESS\n\n"
	"Write to guest-virtual memory in a space: what stands on stdin, or what an\n"
	"option gives. Writing stops where the page table does not grant it; how\n"
	"much was written before is told, and the reason is named.\n\n"
	TARGET_HELP
	"      --hex DIGITS    the bytes in hexadecimal: \"de ad be ef\"\n"
	"      --text TEXT     the bytes of TEXT, without an end of line or a 0\n"
	"      --value N       a number, the least significant byte first\n"
	"  -w, --width 1|2|4|8 its width in bytes (default 8)\n"
	"  -e, --expect N      only if the value is N now, at once: a compare-and-\n"
	"                      exchange; exit code 1 and the value seen if it is not\n"
	PRIVILEGE_HELP
	SET_AD_HELP
	JSON_HELP
	"Numbers are decimal, or hexadecimal with 0x.\n\n"
	CLI_EXIT_HELP;

enum {
	OPTION_HEX = OPTION_FIRST,
	OPTION_TEXT,
	OPTION_VALUE,
};

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_USER, OPTION_SUPERVISOR, OPTION_SET_AD,
	OPTION_JSON, OPTION_HELP,
	{ "hex", required_argument, NULL, OPTION_HEX },
	{ "text", required_argument, NULL, OPTION_TEXT },
	{ "value", required_argument, NULL, OPTION_VALUE },
	{ "width", required_argument, NULL, 'w' },
	{ "expect", required_argument, NULL, 'e' },
	OPTION_END,
};

/* Make room for @nr bytes of a source. */
static void start_bytes(struct write_options *o, size_t nr)
{
	o->nr_sources++;
	o->bytes = grow(o->bytes, nr, 1);
	o->nr_bytes = nr;
}

static bool parse_hex(struct write_options *o, const char *text)
{
	long nr;

	start_bytes(o, strlen(text));
	nr = hex_bytes(text, o->bytes);
	if (nr < 0) {
		complain("--hex: `%s' is not made of bytes of two hexadecimal digits each",
			 text);
		return false;
	}
	o->nr_bytes = nr;
	return true;
}

static bool parse_width(struct write_options *o, const char *text)
{
	o->given_width = true;
	if (!parse_u32(text, "--width", &o->width))
		return false;
	if (o->width == 1 || o->width == 2 || o->width == 4 || o->width == 8)
		return true;
	complain("--width: `%s' is none of 1, 2, 4, 8", text);
	return false;
}

static bool take_option(void *own, int option, const char *text)
{
	struct write_options *o = own;

	switch (option) {
	case OPTION_HEX:
		return parse_hex(o, text);
	case OPTION_TEXT:
		start_bytes(o, strlen(text));
		memcpy(o->bytes, text, o->nr_bytes);
		return true;
	case OPTION_VALUE:
		start_bytes(o, sizeof(o->value));
		o->given_value = true;
		return parse_u64(text, "--value", &o->value);
	case 'w':
		return parse_width(o, text);
	default:
		o->given_expect = true;
		return parse_u64(text, "--expect", &o->expect);
	}
}

static int check_fits(const char *what, uint64_t value, uint32_t width)
{
	if (width == sizeof(value) || !(value >> 8 * width))
		return CLI_OK;
	return complain("%s: 0x%" PRIx64 " does not fit in %" PRIu32 " bytes",
			what, value, width);
}

/* Lay the value out as an x86 guest has it. */
static void lay_out_value(struct write_options *o)
{
	uint32_t i;

	for (i = 0; i < o->width; i++)
		o->bytes[i] = o->value >> 8 * i;
	o->nr_bytes = o->width;
}

/* Check what options say together. Return an exit code. */
static int check_options(void *own)
{
	struct write_options *o = own;
	int code;

	if (!o->common.nr_arguments)
		return complain("write: which address?");
	if (!parse_u64(o->common.arguments[0], "write", &o->va))
		return CLI_USAGE;
	if (o->nr_sources > 1)
		return complain("write: one of --hex, --text and --value, not more");
	if ((o->given_width || o->given_expect) && !o->given_value)
		return complain("write: --width and --expect go with --value");
	if (o->given_value) {
		code = check_fits("--value", o->value, o->width);
		if (!code)
			code = check_fits("--expect", o->expect, o->width);
		if (code)
			return code;
		lay_out_value(o);
	}
	if (o->nr_sources && !o->nr_bytes)
		return complain("write: there is nothing to write");
	if (!memory_fits(o->va, o->nr_bytes))
		return complain("write: the last byte is beyond 64 bits");
	if (o->given_expect && o->va % o->width)
		return complain("write: --expect needs a multiple of %" PRIu32
				" as the address", o->width);
	return CLI_OK;
}

int write_options_parse(struct write_options *o, int argc, char **argv)
{
	static const struct command_line line = {
		.name = "write",
		.help = help,
		.options = options,
		.take = take_option,
		.check = check_options,
		.most_arguments = 1,
	};

	*o = (struct write_options){ .width = sizeof(o->value) };
	return command_line_parse(&line, argc, argv, &o->common, o);
}

void write_options_free(struct write_options *o)
{
	free(o->bytes);
}
