// SPDX-License-Identifier: GPL-2.0
/*
 * Measure rows, each in a process of its own, and print a JSON object a line.
 */
#include <stdio.h>

#include <json-c/json.h>

#include "bench.h"
#include "cli.h"

static const struct row *const files[] = {
	floors, ours, memory_rows,
	peers_uffd, peers_mmap, peers_other, kvm,
	end_paging, end_fork, end_exit, end_server,
};

static const char about[] =
"Measure rows, all by default, and print a JSON object for each, a line each:\n"
"name, what, note, unit, and value, or skipped or failed with the reason.\n"
"\n"
"A value is the ticks of the time stamp counter an operation, which are\n"
"instructions in a VM of selftests/vm/run --icount, and the least of all\n"
"repeats; or what its unit says.\n";

static const struct row *row_at(unsigned int i)
{
	for (unsigned int file = 0; file < NR(files); file++) {
		for (const struct row *row = files[file]; row->name; row++) {
			if (!i--)
				return row;
		}
	}
	return NULL;
}

static const char *name(unsigned int i)
{
	const struct row *row = row_at(i);

	return row ? row->name : NULL;
}

static const char *what(unsigned int i)
{
	return row_at(i)->what;
}

static void add(struct json_object *line, const char *key, const char *text)
{
	if (text)
		json_object_object_add(line, key, json_object_new_string(text));
}

/* Whether the row did not fail. */
static bool report(unsigned int i, unsigned int repeats)
{
	struct json_object *line = json_object_new_object();
	const struct row *row = row_at(i);
	struct outcome outcome = measure_row(row, repeats);

	add(line, "name", row->name);
	add(line, "what", row->what);
	add(line, "note", row->note);
	add(line, "unit", row->unit);
	if (!outcome.ret)
		json_object_object_add(line, "value",
				       json_object_new_double(outcome.value));
	else
		add(line, outcome.ret == SKIP ? "skipped" : "failed",
		    outcome_reason(&outcome));
	puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(line);
	return !outcome.ret || outcome.ret == SKIP;
}

int main(int argc, char **argv)
{
	static const struct cli cli = {
		.program = "bench", .about = about, .repeats = 5,
		.name = name, .what = what, .act = report,
	};

	return cli_run(&cli, argc, argv);
}
