// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of `vmmuctl image`: options, their help, their checks.
 */
#include <stdlib.h>
#include <string.h>

#include "image_options.h"

static const char help[] =
	"Usage: vmmuctl image FILE [OPTION...] [ADDRESS...]\n\n"
	"Make the guest memory in FILE the real memory of a fresh VM, register the\n"
	"page table in it, and translate the ADDRESSes, or without any those on\n"
	"stdin, one a line; or list all that is mapped. The VM ends with the\n"
	"command, and FILE is not changed.\n\n"
	"What to load:\n"
	"  -F, --format raw|elf|auto\n"
	"                      raw memory, or an ELF core such as QEMU's\n"
	"                      dump-guest-memory writes (default auto: by its start)\n"
	"      --base ADDR     raw: real address of the first byte (default 0)\n"
	"      --real-size SIZE\n"
	"                      size of real memory (default: to the image's end)\n\n"
	"Where its page table is; the default is what processor N's QEMU note in an\n"
	"ELF core says:\n"
	"      --cpu N         which processor's note (default 0)\n"
	"      --root ADDR     real address of the root table\n"
	"      --cr3 VALUE     the same from a CR3, whose other bits are dropped\n"
	"      --levels 4|5    paging levels (default: as CR4.LA57 says, else 4)\n\n"
	"How to walk it; the default is CR0 and CR4 of that note and NXE, and\n"
	"without a note WP and NXE:\n"
	"      --cr0 VALUE, --cr4 VALUE, --efer VALUE, --pkru VALUE\n"
	"                      registers of the processor\n"
	"      --maxphyaddr BITS\n"
	"                      width of a physical address, 32 to 52 (default 52)\n"
	"      --mode NAMES    instead of those: \"WP NXE SMEP SMAP AC PKE PKRU=N\n"
	"                      MAXPHYADDR=N\"\n\n"
	"What to ask:\n"
	"  -A, --all           list every mapping as runs of pages\n"
	ACCESS_HELP
	"  -u, --user          it is a user's (default: the supervisor's)\n"
	"  -e, --explain       show each entry on the way\n"
	JSON_HELP
	"Numbers are decimal, or hexadecimal with 0x; SIZE may end in K, M, G or T.\n"
	"On stdin, blank lines and lines that start with # are passed over.\n\n"
	CLI_EXIT_HELP;

static const char * const number_names[] = {
	[IMAGE_ROOT] = "--root",
	[IMAGE_CR3] = "--cr3",
	[IMAGE_LEVELS] = "--levels",
	[IMAGE_CR0] = "--cr0",
	[IMAGE_CR4] = "--cr4",
	[IMAGE_EFER] = "--efer",
	[IMAGE_PKRU] = "--pkru",
	[IMAGE_MAXPHYADDR] = "--maxphyaddr",
	[IMAGE_BASE] = "--base",
	[IMAGE_REAL_SIZE] = "--real-size",
	[IMAGE_CPU] = "--cpu",
};

#define NUMBER_OPTION(name, number) \
	{ name, required_argument, NULL, OPTION_FIRST + (number) }
#define OPTION_MODE	(OPTION_FIRST + IMAGE_NR_NUMBERS)

static const struct option options[] = {
	NUMBER_OPTION("root", IMAGE_ROOT),
	NUMBER_OPTION("cr3", IMAGE_CR3),
	NUMBER_OPTION("levels", IMAGE_LEVELS),
	NUMBER_OPTION("cr0", IMAGE_CR0),
	NUMBER_OPTION("cr4", IMAGE_CR4),
	NUMBER_OPTION("efer", IMAGE_EFER),
	NUMBER_OPTION("pkru", IMAGE_PKRU),
	NUMBER_OPTION("maxphyaddr", IMAGE_MAXPHYADDR),
	NUMBER_OPTION("base", IMAGE_BASE),
	NUMBER_OPTION("real-size", IMAGE_REAL_SIZE),
	NUMBER_OPTION("cpu", IMAGE_CPU),
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "format", required_argument, NULL, 'F' },
	{ "explain", no_argument, NULL, 'e' },
	OPTION_ACCESS, OPTION_USER, OPTION_ALL, OPTION_JSON, OPTION_HELP,
	OPTION_END,
};

static bool parse_number(struct image_options *o, enum image_number which,
			 const char *text)
{
	const char *name = number_names[which];
	uint64_t *value = &o->value[which];

	o->given[which] = true;
	if (which == IMAGE_REAL_SIZE ? !parse_bytes(text, name, value) :
				       !parse_u64(text, name, value))
		return false;
	switch (which) {
	case IMAGE_LEVELS:
		if (*value == 4 || *value == 5)
			return true;
		complain("--levels: `%s' is neither 4 nor 5", text);
		return false;
	case IMAGE_PKRU:
		if (*value <= UINT32_MAX)
			return true;
		complain("--pkru: `%s' does not fit in 32 bits", text);
		return false;
	case IMAGE_MAXPHYADDR:
		if (*value >= 32 && *value <= 52)
			return true;
		complain("--maxphyaddr: `%s' is not from 32 to 52", text);
		return false;
	case IMAGE_ROOT:
	case IMAGE_BASE:
	case IMAGE_REAL_SIZE:
		if (!(*value % VMMU_TABLE_PAGE_BYTES))
			return true;
		complain("%s: `%s' is not a multiple of 4096", name, text);
		return false;
	default:
		return true;
	}
}

static bool parse_format(struct image_options *o, const char *text)
{
	static const char * const names[] = {
		[IMAGE_AUTO] = "auto", [IMAGE_RAW] = "raw", [IMAGE_ELF] = "elf",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i])) {
			o->format = i;
			return true;
		}
	}
	complain("--format: `%s' is none of raw, elf, auto", text);
	return false;
}

static bool parse_mode(struct image_options *o, const char *text)
{
	o->mode_given = true;
	if (!vmmu_mode_from_text(text, &o->mode))
		return true;
	complain("--mode: `%s' is not made of WP NXE SMEP SMAP AC PKE CPL3 PKRU=N MAXPHYADDR=N",
		 text);
	return false;
}

static bool take_option(void *own, int option, const char *text)
{
	struct image_options *o = own;

	switch (option) {
	case OPTION_MODE:
		return parse_mode(o, text);
	case 'F':
		return parse_format(o, text);
	case 'e':
		o->explain = true;
		return true;
	default:
		return parse_number(o, option - OPTION_FIRST, text);
	}
}

/* Check what options say together. Return an exit code. */
static int check_options(void *own)
{
	struct image_options *o = own;
	bool registers = o->given[IMAGE_CR0] || o->given[IMAGE_CR4] ||
		o->given[IMAGE_EFER] || o->given[IMAGE_PKRU] ||
		o->given[IMAGE_MAXPHYADDR];

	if (!o->common.nr_arguments)
		return complain("image: which file?");
	o->path = o->common.arguments[0];
	if (!common_addresses(&o->common, 1, "image", &o->vas, &o->nr_vas))
		return CLI_USAGE;
	if (o->mode_given && registers)
		return complain("image: --mode goes without --cr0 and other registers");
	if (o->given[IMAGE_ROOT] && o->given[IMAGE_CR3])
		return complain("image: --root or --cr3, not both");
	if (o->common.all && (o->nr_vas || o->explain ||
			      o->common.access || o->common.privilege))
		return complain("image: --all goes without addresses, -e, -a and -u");
	if (o->given[IMAGE_BASE] && o->format == IMAGE_ELF)
		return complain("image: --base is for raw files");
	if (o->given[IMAGE_REAL_SIZE] && !o->value[IMAGE_REAL_SIZE])
		return complain("--real-size: real memory has at least one page");
	return CLI_OK;
}

int image_options_parse(struct image_options *o, int argc, char **argv)
{
	static const struct command_line line = {
		.name = "image",
		.help = help,
		.options = options,
		.take = take_option,
		.check = check_options,
		.most_arguments = SIZE_MAX,
	};

	*o = (struct image_options){ .format = IMAGE_AUTO };
	return command_line_parse(&line, argc, argv, &o->common, o);
}

void image_options_free(struct image_options *o)
{
	free(o->vas);
}
