// SPDX-License-Identifier: GPL-2.0
/* Measure how costs grow, and print a JSON object a line for each sweep. */
#include <stdio.h>

#include <json-c/json.h>

#include "cli.h"
#include "scale.h"

static const struct sweep *const files[] = {
	scale_real, scale_vms, scale_windows, scale_tables,
};

unsigned long parameter;

static const char about[] =
"Measure how costs grow with sizes and numbers, in sweeps, all by default, and\n"
"print a JSON object for each, a line each: name, what, note, parameter, unit,\n"
"points as [value of the parameter, figure], and growth with what follows of it:\n"
"  flat    ratio: the highest figure over the lowest\n"
"  linear  slope: of one more; ratio: the slope of the last interval over the\n"
"          slope of those before\n"
"  bound   most: the highest figure\n"
"each with its limit, and within: whether that holds; or failed with the reason.\n"
"\n"
"Figures are the least of all repeats, in ticks of the time stamp counter, which\n"
"are instructions in a VM of selftests/vm/run --icount; or what the unit says.\n"
"Sweeps that are beyond their limits are no failures.\n";

struct points {
	unsigned int nr;
	double x[MOST_POINTS], y[MOST_POINTS];
};

static const struct sweep *sweep_at(unsigned int i)
{
	for (unsigned int file = 0; file < NR(files); file++) {
		const struct sweep *sweep;

		for (sweep = files[file]; sweep->row.name; sweep++) {
			if (!i--)
				return sweep;
		}
	}
	return NULL;
}

static const char *name(unsigned int i)
{
	const struct sweep *sweep = sweep_at(i);

	return sweep ? sweep->row.name : NULL;
}

static const char *what(unsigned int i)
{
	return sweep_at(i)->row.what;
}

static void add(struct json_object *line, const char *key, const char *text)
{
	if (text)
		json_object_object_add(line, key, json_object_new_string(text));
}

static void add_number(struct json_object *line, const char *key, double value)
{
	json_object_object_add(line, key, json_object_new_double(value));
}

static void add_points(struct json_object *line, const struct points *points)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < points->nr; i++) {
		struct json_object *point = json_object_new_array();

		json_object_array_add(point, json_object_new_int64(points->x[i]));
		json_object_array_add(point, json_object_new_double(points->y[i]));
		json_object_array_add(array, point);
	}
	json_object_object_add(line, "points", array);
}

static double slope(const struct points *points, unsigned int from,
		    unsigned int to)
{
	return (points->y[to] - points->y[from]) /
	       (points->x[to] - points->x[from]);
}

static void judge(struct json_object *line, const struct sweep *sweep,
		  const struct points *points)
{
	static const char *const names[] = { "flat", "linear", "bound" };
	double least = points->y[0], most = points->y[0], figure;
	unsigned int last = points->nr - 1;

	for (unsigned int i = 1; i <= last; i++) {
		if (points->y[i] < least)
			least = points->y[i];
		if (points->y[i] > most)
			most = points->y[i];
	}
	add(line, "growth", names[sweep->growth]);
	switch (sweep->growth) {
	case FLAT:
		figure = most / least;
		add_number(line, "ratio", figure);
		break;
	case LINEAR:
		figure = slope(points, last - 1, last) /
			 slope(points, 0, last - 1);
		add_number(line, "slope", slope(points, 0, last));
		add_number(line, "ratio", figure);
		break;
	default:
		figure = most;
		add_number(line, "most", most);
	}
	add_number(line, "limit", sweep->limit);
	json_object_object_add(line, "within",
			       json_object_new_boolean(figure <= sweep->limit));
}

static struct outcome measure(const struct sweep *sweep, unsigned int repeats,
			      struct points *points)
{
	struct outcome outcome = {};
	struct row row = sweep->row;

	if (!row.nr)
		row.nr = 1;
	for (unsigned int i = 0; sweep->points[i] && !outcome.ret; i++) {
		parameter = sweep->points[i];
		outcome = measure_row(&row, repeats);
		points->x[i] = parameter;
		points->y[i] = outcome.value;
		points->nr++;
	}
	return outcome;
}

/* Whether the sweep did not fail. */
static bool report(unsigned int i, unsigned int repeats)
{
	struct json_object *line = json_object_new_object();
	const struct sweep *sweep = sweep_at(i);
	struct points points = {};
	struct outcome outcome = measure(sweep, repeats, &points);

	add(line, "name", sweep->row.name);
	add(line, "what", sweep->row.what);
	add(line, "note", sweep->row.note);
	add(line, "parameter", sweep->parameter);
	add(line, "unit", sweep->row.unit ?: "instructions");
	if (!outcome.ret) {
		add_points(line, &points);
		judge(line, sweep, &points);
	} else {
		json_object_object_add(line, "at",
				       json_object_new_int64(parameter));
		add(line, "failed", outcome_reason(&outcome));
	}
	puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(line);
	return !outcome.ret;
}

int main(int argc, char **argv)
{
	static const struct cli cli = {
		.program = "scale", .about = about, .repeats = 5,
		.name = name, .what = what, .act = report,
	};

	return cli_run(&cli, argc, argv);
}
