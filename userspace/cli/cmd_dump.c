// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl dump: the real map table of another process's VM, or the page table
 * of a space. Looking changes nothing: no A or D bit, no frame.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "remote.h"
#include "runs.h"
#include "tree.h"

static const char help[] =
	"Usage: vmmuctl dump PID:FD [--ranges] [--tables] [--json]\n\n"
	"Where it is a VM: show its real map table, the entries in runs of real\n"
	"pages that follow each other. Frame numbers need CAP_SYS_ADMIN.\n\n"
	"Where it is a space: show what its page table maps. Nothing is changed by\n"
	"looking.\n\n"
	TARGET_HELP
	"  -r, --ranges        a space: as runs of pages (the default)\n"
	"  -t, --tables        a space: every present entry, as a tree; with both\n"
	"                      options, both\n"
	JSON_HELP
	CLI_EXIT_HELP;

#define BATCH	1024

struct dump_options {
	struct common common;
	bool ranges;
	bool tables;
};

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_JSON, OPTION_HELP,
	{ "ranges", no_argument, NULL, 'r' },
	{ "tables", no_argument, NULL, 't' },
	OPTION_END,
};

/* Entries of the real map table that follow each other. */
struct real_run {
	struct vmmu_real_map_entry first;
	uint64_t bytes;		/* 0: none yet */
};

static const struct {
	uint32_t flag;
	const char *name;
} real_flags[] = {
	{ VMMU_REAL_WRITABLE, "writable" },
	{ VMMU_REAL_ACCESSED, "accessed" },
	{ VMMU_REAL_DIRTY, "dirty" },
	{ VMMU_REAL_TABLE, "table" },
};

static bool continues(const struct real_run *run,
		      const struct vmmu_real_map_entry *next)
{
	uint64_t frames = run->bytes >> 12;

	return run->bytes && run->first.ra + run->bytes == next->ra &&
		run->first.flags == next->flags &&
		run->first.page_shift == next->page_shift &&
		(run->first.flags & VMMU_REAL_FRAME_HIDDEN ||
		 run->first.frame + frames == next->frame);
}

static struct json_object *real_run_json(const struct real_run *run)
{
	struct json_object *o = json_object_new_object();
	struct json_object *flags = json_object_new_array();
	size_t i;

	json_add_hex(o, "ra", run->first.ra);
	json_add_number(o, "bytes", run->bytes);
	if (run->first.flags & VMMU_REAL_FRAME_HIDDEN)
		json_add(o, "frame", NULL);
	else
		json_add_hex(o, "frame", run->first.frame);
	json_add_number(o, "page_size", 1ULL << (run->first.page_shift & 63));
	for (i = 0; i < ARRAY_SIZE(real_flags); i++)
		if (run->first.flags & real_flags[i].flag)
			json_append_text(flags, real_flags[i].name);
	json_add(o, "flags", flags);
	return o;
}

static void print_real_run(const struct real_run *run)
{
	uint64_t ra = run->first.ra, frame = run->first.frame;
	char bytes[32], frames[64] = "frames hidden";
	size_t i;

	if (!(run->first.flags & VMMU_REAL_FRAME_HIDDEN))
		snprintf(frames, sizeof(frames),
			 "frames 0x%" PRIx64 "-0x%" PRIx64, frame,
			 frame + (run->bytes >> 12) - 1);
	printf("ra 0x%012" PRIx64 "-0x%012" PRIx64 "  %10s  %s", ra,
	       ra + run->bytes - 1,
	       bytes_text(run->bytes, bytes, sizeof(bytes)), frames);
	for (i = 0; i < ARRAY_SIZE(real_flags); i++)
		if (run->first.flags & real_flags[i].flag)
			printf("  %s", real_flags[i].name);
	putchar('\n');
}

static void flush(const struct real_run *run, struct json_out *json)
{
	if (!run->bytes)
		return;
	if (json)
		json_list_add(json, real_run_json(run));
	else
		print_real_run(run);
}

/* Print the runs of the real map table. Return the number of entries, -errno. */
static int64_t print_real_map(const struct remote *remote,
			      struct json_out *json)
{
	struct vmmu_real_map_entry *batch = grow(NULL, BATCH, sizeof(*batch));
	struct real_run run = { .bytes = 0 };
	int64_t total = 0;
	uint64_t ra = 0;
	int nr, i;

	do {
		nr = vmmu_real_map(remote->fd, &ra, UINT64_MAX, batch, BATCH);
		for (i = 0; i < nr; i++) {
			if (!continues(&run, &batch[i])) {
				flush(&run, json);
				run = (struct real_run){ .first = batch[i] };
			}
			run.bytes += 1ULL << (batch[i].page_shift & 63);
		}
		total += nr;
	} while (nr > 0 && ra < remote->vm.real_bytes && !ferror(stdout));
	flush(&run, json);
	free(batch);
	return nr < 0 ? nr : total;
}

static int dump_vm(const struct remote *remote, struct json_out *json)
{
	int64_t nr;

	if (json)
		json_list_begin(json, "real_map");
	nr = print_real_map(remote, json);
	if (json)
		json_list_end(json);
	if (nr < 0)
		return refused(nr, "real map table");
	return nr ? CLI_OK : CLI_NEGATIVE;
}

static int dump_space(const struct remote *remote, const struct dump_options *o,
		      struct json_out *json)
{
	uint32_t format = remote->space.format;
	int code = CLI_OK;

	if (o->ranges || !o->tables)
		code = runs_print(remote->fd, format, UINT64_MAX, json);
	if (o->ranges && o->tables && !json)
		putchar('\n');
	if (o->tables && code <= CLI_NEGATIVE)
		code = tree_print(remote->fd, format, json);
	return code;
}

static int dump(const struct remote *remote, void *context)
{
	const struct dump_options *o = context;
	bool vm = remote->kind == REMOTE_VM;
	struct json_out out, *json = o->common.json ? &out : NULL;
	int code;

	if (vm && (o->ranges || o->tables))
		return complain("descriptor %d of process %d is a VM; -r and -t need a space",
				o->common.target.fd, o->common.target.pid);
	if (json) {
		json_begin(json);
		json_member(json, vm ? "vm" : "space", remote_json(remote));
	} else {
		remote_print(remote);
	}
	code = vm ? dump_vm(remote, json) : dump_space(remote, o, json);
	if (json)
		json_end(json);
	return code;
}

static bool take_option(void *own, int option, const char *text)
{
	struct dump_options *o = own;

	(void)text;
	if (option == 'r')
		o->ranges = true;
	else
		o->tables = true;
	return true;
}

int dump_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "dump",
		.help = help,
		.options = options,
		.take = take_option,
	};
	struct dump_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	return code < 0 ? remote_run(&o.common.target, dump, &o) : code;
}
