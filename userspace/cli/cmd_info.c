// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl info: what the module can do.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

static const char help[] =
	"Usage: vmmuctl info [--json]\n\n"
	"Show the module's version, formats, features and limits.\n\n"
	JSON_HELP
	CLI_EXIT_HELP;

static const char * const features[] = {
	"populate", "real-map", "install", "translate", "mappings",
	"memory", "reverse", "windows", "traps", "audit", "trapping",
};

static const char * const space_flags[] = {
	"trapping",
};

/* Name of bit @bit in @names, or "bit-N" in @text. */
static const char *bit_name(const char * const *names, size_t nr_names,
			    unsigned int bit, char *text, size_t room)
{
	if (bit < nr_names)
		return names[bit];
	snprintf(text, room, "bit-%u", bit);
	return text;
}

static struct json_object *bits_json(uint64_t bits, const char * const *names,
				     size_t nr_names)
{
	struct json_object *list = json_object_new_array();
	unsigned int bit;
	char text[16];

	for (bit = 0; bit < 64; bit++)
		if (bits >> bit & 1)
			json_append_text(list, bit_name(names, nr_names, bit,
							text, sizeof(text)));
	return list;
}

static struct json_object *formats_json(uint64_t formats)
{
	const char *names[64] = { NULL };
	unsigned int f;

	for (f = 0; f < 64; f++) {
		names[f] = vmmu_format_name(f);
		if (!names[f])
			names[f] = "unknown";
	}
	return bits_json(formats, names, 64);
}

static void info_json(const struct vmmu_info *info)
{
	struct json_object *o = json_object_new_object();
	struct json_out json;

	json_begin(&json);
	json_add_text(o, "module_version", (const char *)info->module_version);
	json_add_number(o, "api_version", info->api_version);
	json_add(o, "formats", formats_json(info->formats));
	json_add(o, "features", bits_json(info->features, features,
					  ARRAY_SIZE(features)));
	json_add(o, "space_flags", bits_json(info->space_flags, space_flags,
					     ARRAY_SIZE(space_flags)));
	json_add(o, "vm_flags", bits_json(info->vm_flags, NULL, 0));
	json_add_number(o, "page_bytes", 1ULL << (info->page_shift & 63));
	json_add_number(o, "max_real_bytes", info->max_real_bytes);
	json_add_number(o, "max_batch", info->max_batch);
	json_add_number(o, "max_levels", info->max_levels);
	if (info->memlock_bytes == UINT64_MAX)
		json_add(o, "memlock_bytes", NULL);
	else
		json_add_number(o, "memlock_bytes", info->memlock_bytes);
	json_member(&json, "info", o);
	json_end(&json);
}

static void print_list(const char *title, struct json_object *list)
{
	size_t i, nr = json_object_array_length(list);

	printf("%-18s", title);
	for (i = 0; i < nr; i++)
		printf("%s%s", i ? ", " : "",
		       json_object_get_string(json_object_array_get_idx(list,
									i)));
	puts(nr ? "" : "none");
	json_object_put(list);
}

static void info_text(const struct vmmu_info *info)
{
	char text[32];

	print_property("module", "%s (API %" PRIu32 ")",
		       (const char *)info->module_version, info->api_version);
	print_list("formats", formats_json(info->formats));
	print_list("features", bits_json(info->features, features,
					 ARRAY_SIZE(features)));
	print_list("spaces", bits_json(info->space_flags << 1 | 1,
				       (const char *[]){ "lazy", "trapping" },
				       2));
	print_property("real page", "%s", bytes_text(1ULL <<
			(info->page_shift & 63), text, sizeof(text)));
	print_property("real memory up to", "%s",
		       bytes_text(info->max_real_bytes, text, sizeof(text)));
	print_property("batch up to", "%" PRIu32 " elements", info->max_batch);
	print_property("levels up to", "%" PRIu32, info->max_levels);
	print_property("you may charge", "%s",
		       info->memlock_bytes == UINT64_MAX ? "without bound" :
		       bytes_text(info->memlock_bytes, text, sizeof(text)));
}

int info_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "info",
		.help = help,
		.options = plain_options,
	};
	struct common common;
	struct vmmu_info info;
	int code = command_line_parse(&line, argc, argv, &common, NULL);
	int dev, err;

	if (code >= 0)
		return code;
	dev = open_device();
	if (dev < 0)
		return -dev;
	err = vmmu_info(dev, &info);
	close(dev);
	if (err)
		return refused(err, VMMU_DEVICE);
	info.module_version[sizeof(info.module_version) - 1] = '\0';
	if (common.json)
		info_json(&info);
	else
		info_text(&info);
	return CLI_OK;
}
