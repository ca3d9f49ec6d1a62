// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl trap: show installs in a VM as they happen. Nobody waits for this, and no
 * other monitor is disturbed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "listen.h"
#include "progress.h"
#include "record.h"

static const char help[] =
	"Usage: vmmuctl trap PID:FD [OPTION...]\n\n"
	"Show installs in the spaces of a VM, or in one space, as they happen: each entry\n"
	"that a guest stores to a page table, by a hypercall or by a plain store, and what\n"
	"it establishes. The guest never waits; where records come faster than they are\n"
	"shown, some are dropped, which is told. Spaces are those that there are when the\n"
	"command starts; for one space alone, some process has to hold the VM itself. It\n"
	"ends when they have, or by Ctrl-C, and then by that signal.\n\n"
	"Where another monitor gets such records, the command refuses.\n\n"
	TARGET_HELP
	"      --space ID      a VM: this space only; may be given several times\n"
	"  -k, --kind KINDS    installs that come this way only, out of hypercall,\n"
	"                      store, reread, discard, separated by commas\n"
	"  -n, --count N       end after N records\n"
	"      --replace       take records away from other monitors; they do not get\n"
	"                      them back\n"
	"  -j, --json          a JSON object a line\n"
	"  -h, --help          this text\n\n"
	"Exit codes: 0 done; 1 there was no such space, or its end came before the last\n"
	"record; 2 bad arguments; 3 the system refused, or another monitor is there.\n";

enum {
	OPTION_SPACE = OPTION_FIRST,
	OPTION_REPLACE,
};

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_JSON, OPTION_HELP,
	{ "space", required_argument, NULL, OPTION_SPACE },
	{ "kind", required_argument, NULL, 'k' },
	{ "count", required_argument, NULL, 'n' },
	{ "replace", no_argument, NULL, OPTION_REPLACE },
	OPTION_END,
};

#define BATCH		256
#define ALL_KINDS	(1U << VMMU_TRAP_HYPERCALL | 1U << VMMU_TRAP_STORE | \
			 1U << VMMU_TRAP_REREAD | 1U << VMMU_TRAP_DISCARD)

struct trap_options {
	struct common common;
	struct wanted wanted;
	uint64_t count;		/* 0: without end */
};

/* The output under way. */
struct output {
	const struct listener *listener;
	bool json;
	uint64_t nr;		/* records shown */
	uint64_t most;		/* 0: without end */
	uint64_t cookie;	/* the last one's */
};

static bool is_full(const struct output *out)
{
	return (out->most && out->nr == out->most) || ferror(stdout);
}

/* Say what comes, so that a reader knows when it is heard. */
static void print_begin(const struct trap_options *o,
			const struct listener *listener)
{
	struct json_object *object, *spaces, *kinds;
	uint32_t kind;
	size_t i;

	if (!o->common.json) {
		printf("VM %" PRIu64 ": installs in %zu %s\n", listener->vm,
		       listener->nr_spaces,
		       listener->nr_spaces == 1 ? "space" : "spaces");
		return;
	}
	object = json_object_new_object();
	spaces = json_object_new_array();
	kinds = json_object_new_array();
	for (i = 0; i < listener->nr_spaces; i++)
		json_object_array_add(spaces, json_object_new_uint64(listener->spaces[i].id));
	for (kind = VMMU_TRAP_HYPERCALL; kind <= VMMU_TRAP_DISCARD; kind++)
		if (o->wanted.kinds & 1U << kind)
			json_append_text(kinds, vmmu_trap_kind_name(kind));
	json_add_number(object, "vm", listener->vm);
	json_add(object, "spaces", spaces);
	json_add(object, "kinds", kinds);
	json_line(object);
}

static void print_dropped(const struct output *out, uint64_t nr)
{
	struct json_object *object;

	if (!out->json) {
		printf("... %" PRIu64 " %s dropped: they came too fast\n", nr,
		       nr == 1 ? "record was" : "records were");
		return;
	}
	object = json_object_new_object();
	json_add_number(object, "dropped", nr);
	json_line(object);
}

static void print_record(struct output *out,
			 const struct vmmu_trap_record *record)
{
	uint32_t format = listen_format(out->listener, record->space);
	struct json_object *object;

	/* Cookies of a file that nobody waits for have no other gaps. */
	if (record->cookie != out->cookie + 1)
		print_dropped(out, record->cookie - out->cookie - 1);
	out->cookie = record->cookie;
	out->nr++;
	if (!out->json) {
		record_print(record, format);
		return;
	}
	object = json_object_new_object();
	json_add(object, "record", record_json(record, format));
	json_line(object);
}

/* Show what comes, to the last one, the end of all spaces, or Ctrl-C. 0 or -errno. */
static int follow(struct output *out)
{
	struct vmmu_trap_record *batch = grow(NULL, BATCH, sizeof(*batch));
	int trap = out->listener->trap, nr, i;

	do {
		nr = vmmu_trap_read(trap, batch, BATCH);
		for (i = 0; i < nr && !is_full(out); i++)
			print_record(out, &batch[i]);
		fflush(stdout);
		if (nr == -EAGAIN)
			progress_wait(trap);
	} while ((nr > 0 || nr == -EAGAIN) && !interrupted() && !is_full(out));
	free(batch);
	return nr == -EAGAIN || nr > 0 ? 0 : nr;
}

/* Say what was dropped at the end. Return the exit code. */
static int finish(struct output *out)
{
	struct vmmu_trap_info info = { 0 };

	if (is_full(out) || interrupted())
		return CLI_OK;
	vmmu_trap_info(out->listener->trap, &info);
	if (info.made > out->cookie)
		print_dropped(out, info.made - out->cookie);
	negative("VM %" PRIu64 ": no space delivers here any more",
		 out->listener->vm);
	return out->most ? CLI_NEGATIVE : CLI_OK;
}

static int follow_listener(const struct trap_options *o,
			   const struct listener *listener)
{
	struct output out = {
		.listener = listener,
		.json = o->common.json,
		.most = o->count,
	};
	int err;

	print_begin(o, listener);
	err = follow(&out);
	return err ? refused(err, "trap file") : finish(&out);
}

struct start {
	const struct trap_options *o;
	struct listener listener;
};

static int start(const struct remote *object, void *context)
{
	struct start *s = context;

	return listen_begin(&s->listener, object, &s->o->wanted);
}

/* The object is let go before anything is shown: it may end meanwhile. */
static int run(const struct trap_options *o)
{
	struct start s = { .o = o, .listener = { .trap = -1 } };
	int code;

	/* Whoever is killed leaves no half object behind. */
	if (o->common.json)
		setvbuf(stdout, NULL, _IOLBF, 0);
	progress_begin();
	code = remote_run(&o->common.target, start, &s);
	if (!code)
		code = follow_listener(o, &s.listener);
	listen_end(&s.listener);
	return code;
}

static bool take_option(void *own, int option, const char *text)
{
	struct trap_options *o = own;
	struct wanted *wanted = &o->wanted;

	switch (option) {
	case OPTION_SPACE:
		wanted->spaces = grow(wanted->spaces, wanted->nr_spaces + 1,
				      sizeof(*wanted->spaces));
		return parse_u64(text, "--space",
				 &wanted->spaces[wanted->nr_spaces++]);
	case 'k':
		return parse_kinds(text, "--kind", &wanted->kinds);
	case 'n':
		return parse_count(text, &o->count);
	default:
		wanted->replace = true;
		return true;
	}
}

int trap_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "trap",
		.help = help,
		.options = options,
		.take = take_option,
	};
	struct trap_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	if (!o.wanted.kinds)
		o.wanted.kinds = ALL_KINDS;
	if (code < 0)
		code = run(&o);
	free(o.wanted.spaces);
	progress_end();
	return code;
}
