// SPDX-License-Identifier: GPL-2.0
/*
 * Translate addresses a batch at a time, so that a hundred thousand of them
 * cost a few system calls.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addresses.h"
#include "translation.h"

static void print(const struct translator *t, const struct answer *answer)
{
	if (t->json)
		json_list_add(t->json, answer_json(answer));
	else if (t->explain)
		answer_print_explained(answer);
	else
		answer_print_line(answer);
}

/* Translate and print one batch. Return an exit code. */
static int translate_batch(const struct translator *t, const uint64_t *vas,
			   size_t nr, struct vmmu_translation *results)
{
	struct answer answer = {
		.format = t->format,
		.access = t->access,
		.flags = t->flags,
	};
	int code = CLI_OK, err = 0;
	size_t i;

	if (!t->explain)
		err = vmmu_translate_array(t->space, vas, nr, t->access,
					   t->flags, results, NULL);
	for (i = 0; i < nr && !err; i++) {
		answer.va = vas[i];
		if (t->explain)
			err = answer_explain(t->space, &answer);
		else
			answer.result = results[i];
		if (err)
			break;
		print(t, &answer);
		if (!answer_translated(&answer))
			code = CLI_NEGATIVE;
	}
	return err ? refused(err, "translation") : code;
}

int translate_addresses(const struct translator *t, const uint64_t *vas,
			size_t nr)
{
	struct vmmu_translation *results = grow(NULL, t->batch,
						sizeof(*results));
	int code = nr ? CLI_OK : CLI_NEGATIVE;
	size_t at = 0;

	if (t->json)
		json_list_begin(t->json, "translations");
	while (at < nr && code <= CLI_NEGATIVE && !ferror(stdout)) {
		size_t batch = nr - at < t->batch ? nr - at : t->batch;
		int result = translate_batch(t, vas + at, batch, results);

		if (result)
			code = result;
		at += batch;
	}
	if (t->json)
		json_list_end(t->json);
	free(results);
	return code;
}

/* Lines being read. */
struct reader {
	FILE *in;
	const char *name;
	char *line;
	size_t room;
	uint64_t line_number;
};

enum line_kind {
	LINE_ADDRESS,
	LINE_END,
	LINE_BAD,
};

/* The next line that holds an address; blank lines and # comments do not. */
static enum line_kind next_address(struct reader *r, uint64_t *va)
{
	ssize_t length;

	while ((length = getline(&r->line, &r->room, r->in)) >= 0) {
		char *start = r->line;

		r->line_number++;
		while (length && isspace((unsigned char)start[length - 1]))
			start[--length] = '\0';
		while (isspace((unsigned char)*start))
			start++;
		if (!*start || *start == '#')
			continue;
		if (number(start, va))
			return LINE_ADDRESS;
		complain("%s, line %" PRIu64 ": `%s' is not an address (0x... or decimal)",
			 r->name, r->line_number, start);
		return LINE_BAD;
	}
	return LINE_END;
}

int translate_lines(const struct translator *t, FILE *in, const char *name)
{
	size_t nr, total = 0, batch = isatty(fileno(in)) ? 1 : t->batch;
	struct vmmu_translation *results = grow(NULL, batch, sizeof(*results));
	uint64_t *vas = grow(NULL, batch, sizeof(*vas));
	struct reader reader = { .in = in, .name = name };
	enum line_kind kind = LINE_ADDRESS;
	int code = CLI_OK;

	if (t->json)
		json_list_begin(t->json, "translations");
	while (kind == LINE_ADDRESS && code <= CLI_NEGATIVE &&
	       !ferror(stdout)) {
		int result;

		for (nr = 0; nr < batch; nr++) {
			kind = next_address(&reader, &vas[nr]);
			if (kind != LINE_ADDRESS)
				break;
		}
		total += nr;
		result = nr ? translate_batch(t, vas, nr, results) : CLI_OK;
		if (result)
			code = result;
	}
	if (t->json)
		json_list_end(t->json);
	if (kind == LINE_BAD)
		code = CLI_USAGE;
	else if (ferror(in))
		code = refused(errno, "%s", name);
	else if (!total && !code)
		code = CLI_NEGATIVE;
	free(reader.line);
	free(results);
	free(vas);
	return code;
}
