// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl stat: the ledger of a VM or a space, once, or what comes to it in each
 * interval. Between two looks nothing is held, so that a VM can end meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "ledger.h"
#include "remote.h"

static const char help[] =
	"Usage: vmmuctl stat PID:FD [--interval SECONDS [--count N]] [--json]\n\n"
	"Show the ledger of a VM or a space: installs by the way they came, traps, page\n"
	"tables opened and closed, walks, faults and zaps of windows, records, refusals,\n"
	"since it was made. With an interval: what was added in each, a line a time,\n"
	"until Ctrl-C, which ends it by that signal, or the process has closed the\n"
	"descriptor.\n\n"
	TARGET_HELP
	"  -i, --interval SECONDS\n"
	"                      by interval; SECONDS may have a fraction\n"
	"  -n, --count N       end after N intervals\n"
	"  -j, --json          a JSON object a line\n"
	"  -h, --help          this text\n\n"
	"Exit codes: 0 done; 1 the descriptor was closed before the last interval was\n"
	"over; 2 bad arguments; 3 the system refused.\n";

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_JSON, OPTION_HELP,
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	OPTION_END,
};

#define ROWS_A_HEAD	20
#define SECOND		1000000000ULL

struct stat_options {
	struct common common;
	uint64_t interval;	/* nanoseconds; 0: once */
	uint64_t count;		/* 0: without end */
};

/* A look at the object. */
struct look {
	struct remote remote;
	struct vmmu_ledger ledger;
	uint64_t when;		/* nanoseconds */
};

static uint64_t now(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec time = {
		.tv_sec = when / SECOND,
		.tv_nsec = when % SECOND,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static int look_at(const struct remote *remote, void *context)
{
	struct look *look = context;
	int err = vmmu_ledger(remote->fd, &look->ledger);

	look->remote = *remote;
	look->when = now();
	return err ? refused(err, "ledger") : CLI_OK;
}

/* "VM 2", or "space 1 of VM 2". */
static const char *name_of(const struct remote *remote, char text[64])
{
	if (remote->kind == REMOTE_VM)
		snprintf(text, 64, "VM %" PRIu64, (uint64_t)remote->vm.id);
	else
		snprintf(text, 64, "space %" PRIu64 " of VM %" PRIu64,
			 (uint64_t)remote->space.id,
			 (uint64_t)remote->space.vm_id);
	return text;
}

/* @seconds: what the ledger is of; below 0: of the object's whole life. */
static void print_json(const struct remote *remote, double seconds,
		       const struct vmmu_ledger *ledger)
{
	struct json_object *o = json_object_new_object();
	bool vm = remote->kind == REMOTE_VM;
	char text[32];

	json_add_number(o, "vm", vm ? remote->vm.id : remote->space.vm_id);
	json_add(o, "space", vm ? NULL :
		 json_object_new_uint64(remote->space.id));
	snprintf(text, sizeof(text), "%.3f", seconds);
	json_add(o, "seconds", seconds < 0 ? NULL :
		 json_object_new_double_s(seconds, text));
	json_add(o, "ledger", ledger_json(ledger));
	json_line(o);
}

static int stat_once(const struct stat_options *o)
{
	struct look look;
	int code = remote_run(&o->common.target, look_at, &look);

	if (code)
		return code;
	if (o->common.json) {
		print_json(&look.remote, -1, &look.ledger);
	} else {
		remote_print(&look.remote);
		ledger_print(&look.ledger);
	}
	return CLI_OK;
}

static void print_row(const struct stat_options *o, uint64_t row,
		      const struct look *last, const struct look *look)
{
	struct vmmu_ledger since = ledger_since(&last->ledger, &look->ledger);

	if (o->common.json) {
		print_json(&look->remote,
			   (double)(look->when - last->when) / SECOND, &since);
	} else {
		if (row % ROWS_A_HEAD == 0)
			ledger_print_head();
		ledger_print_row(&since);
	}
	fflush(stdout);
}

/* Say that the object is not there any more. Return the exit code. */
static int gone(const struct stat_options *o, const struct remote *remote)
{
	char text[64];

	negative("%s: process %d does not hold it any more",
		 name_of(remote, text), o->common.target.pid);
	return o->count ? CLI_NEGATIVE : CLI_OK;
}

/*
 * Look again at what @last was of. -1: it is not there any more. The descriptor may
 * be closed, and in use for something else, at any time; and shows for a moment yet
 * where the process is said to have ended.
 */
static int look_again(const struct target *target, const struct look *last,
		      struct look *look)
{
	while (remote_is_at(&last->remote, target)) {
		struct remote remote;
		int code, err = remote_try(&remote, target);

		if (err == -ESRCH || (err && !remote_is_at(&last->remote, target)))
			break;
		if (err)
			return remote_refuse(target, err);
		code = remote_is_same(&last->remote, &remote) ?
			look_at(&remote, look) : -1;
		remote_close(&remote);
		if (code >= 0)
			return code;
	}
	return -1;
}

static int stat_by_interval(const struct stat_options *o)
{
	const struct target *target = &o->common.target;
	struct look last, look;
	uint64_t next, row;
	int code = remote_run(target, look_at, &last);

	if (code)
		return code;
	if (!o->common.json) {
		remote_print(&last.remote);
		fflush(stdout);
	}
	next = last.when;
	for (row = 0; !o->count || row < o->count; row++) {
		next += o->interval;
		sleep_until(next);
		code = look_again(target, &last, &look);
		if (code)
			return code < 0 ? gone(o, &last.remote) : code;
		print_row(o, row, &last, &look);
		if (ferror(stdout))
			break;
		last = look;
		/* After a pause (a stopped process) do not catch up. */
		if (next + o->interval < look.when)
			next = look.when;
	}
	return CLI_OK;
}

static bool take_option(void *own, int option, const char *text)
{
	struct stat_options *o = own;

	if (option == 'i')
		return parse_seconds(text, "--interval", &o->interval);
	return parse_count(text, &o->count);
}

static int check(void *own)
{
	const struct stat_options *o = own;

	if (o->count && !o->interval)
		return complain("stat: --count goes with --interval");
	return CLI_OK;
}

int stat_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "stat",
		.help = help,
		.options = options,
		.take = take_option,
		.check = check,
	};
	struct stat_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	if (code >= 0)
		return code;
	return o.interval ? stat_by_interval(&o) : stat_once(&o);
}
