// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl image: a guest's memory out of a file becomes the real memory of a
 * VM, so that the module can tell what its page table maps.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "addresses.h"
#include "image.h"
#include "image_options.h"
#include "runs.h"

#define MOST_BATCH	4096

/* What was made from the image. */
struct loaded {
	struct image_space settings;
	int dev;
	int vm;
	int space;
	uint32_t batch;
};

static int check_limits(const struct loaded *l, const struct vmmu_info *info,
			const char *path)
{
	char needed[32], most[32];

	if (l->settings.real_bytes > info->max_real_bytes)
		return complain("%s: needs %s of real memory; a VM can have %s",
				path,
				bytes_text(l->settings.real_bytes, needed,
					   sizeof(needed)),
				bytes_text(info->max_real_bytes, most,
					   sizeof(most)));
	if (!(info->formats >> l->settings.format & 1))
		return complain("this module does not know %s",
				vmmu_format_name(l->settings.format));
	return CLI_OK;
}

/* Make the VM and its space. Return an exit code; unload() in any case. */
static int load(struct loaded *l, const struct image *image)
{
	const struct image_space *s = &l->settings;
	struct vmmu_info info;
	int code, err;

	l->dev = open_device();
	if (l->dev < 0)
		return -l->dev;
	err = vmmu_info(l->dev, &info);
	if (err)
		return refused(err, VMMU_DEVICE);
	l->batch = info.max_batch < MOST_BATCH ? info.max_batch : MOST_BATCH;
	code = check_limits(l, &info, image->path);
	if (code)
		return code;
	l->vm = vmmu_vm_create(l->dev, s->real_bytes, NULL);
	if (l->vm < 0)
		return refused(l->vm, "VM for %s", image->path);
	code = image_load(image, l->vm);
	if (code)
		return code;
	l->space = vmmu_space_create(l->vm, s->format, VMMU_SPACE_LAZY, s->root,
				     &s->mode, NULL);
	if (l->space < 0)
		return refused(l->space, "page table at 0x%" PRIx64, s->root);
	return CLI_OK;
}

static void unload(const struct loaded *l)
{
	if (l->space >= 0)
		close(l->space);
	if (l->vm >= 0)
		close(l->vm);
	if (l->dev >= 0)
		close(l->dev);
}

static struct json_object *settings_json(const struct image_space *s)
{
	struct json_object *o = json_object_new_object();
	char mode[VMMU_TEXT_BYTES];

	json_add_text(o, "format", vmmu_format_name(s->format));
	json_add_hex(o, "root", s->root);
	json_add_text(o, "mode", vmmu_mode_text(&s->mode, mode, sizeof(mode)));
	json_add_number(o, "real_bytes", s->real_bytes);
	return o;
}

/* Answer what was asked. Return an exit code. */
static int ask(const struct loaded *l, const struct image_options *o)
{
	struct json_out out, *json = o->common.json ? &out : NULL;
	struct translator t = {
		.space = l->space,
		.format = l->settings.format,
		.access = o->common.access,
		.flags = o->common.privilege ? VMMU_TRANSLATE_USER : 0,
		.batch = l->batch,
		.explain = o->explain,
		.json = json,
	};
	int code;

	if (json) {
		json_begin(json);
		json_member(json, "space", settings_json(&l->settings));
	}
	if (o->common.all)
		code = runs_print(l->space, l->settings.format, UINT64_MAX,
				  json);
	else if (o->nr_vas)
		code = translate_addresses(&t, o->vas, o->nr_vas);
	else
		code = translate_lines(&t, stdin, "standard input");
	if (json)
		json_end(json);
	return code;
}

static int run(const struct image_options *o)
{
	struct loaded l = { .dev = -1, .vm = -1, .space = -1 };
	struct image image;
	int code = image_open(&image, o->path, o->format, o->value[IMAGE_BASE]);

	if (code)
		return code;
	code = image_space_settle(&l.settings, o, &image);
	if (!code) {
		code = load(&l, &image);
		if (!code)
			code = ask(&l, o);
		unload(&l);
	}
	image_close(&image);
	return code;
}

int image_run(int argc, char **argv)
{
	struct image_options o;
	int code = image_options_parse(&o, argc, argv);

	if (code < 0)
		code = run(&o);
	image_options_free(&o);
	return code;
}
