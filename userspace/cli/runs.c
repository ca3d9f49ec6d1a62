// SPDX-License-Identifier: GPL-2.0
/*
 * List what a page table maps. The module may report a run in several pieces,
 * a batch at a time: neighbours that go on alike are put together again.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "runs.h"

#define BATCH	1024

/* The output under way: the run that grows. */
struct runs {
	uint32_t format;
	struct json_out *json;
	struct vmmu_mapping run;	/* bytes 0: none yet */
	uint64_t nr;			/* runs that are complete */
	uint64_t most;			/* how many of them to print */
};

static bool continues(const struct vmmu_mapping *run,
		      const struct vmmu_mapping *next)
{
	return run->bytes && run->va + run->bytes == next->va &&
		run->ra + run->bytes == next->ra &&
		run->attributes == next->attributes &&
		run->rights == next->rights &&
		run->page_shift == next->page_shift &&
		run->flags == next->flags;
}

static struct json_object *run_json(const struct vmmu_mapping *run)
{
	struct json_object *o = json_object_new_object();

	json_add_hex(o, "va", run->va);
	json_add_number(o, "bytes", run->bytes);
	json_add_hex(o, "ra", run->ra);
	json_add_number(o, "page_size", 1ULL << (run->page_shift & 63));
	json_add_hex(o, "attributes", run->attributes);
	json_add_rights(o, "rights", run->rights);
	json_add_bool(o, "beyond_real", run->flags & VMMU_MAPPING_BEYOND_REAL);
	return o;
}

static void flush(struct runs *runs)
{
	if (!runs->run.bytes)
		return;
	if (++runs->nr > runs->most)
		return;
	if (runs->json)
		json_list_add(runs->json, run_json(&runs->run));
	else
		vmmu_table_print_mapping(stdout, runs->format, &runs->run);
}

static void add(struct runs *runs, const struct vmmu_mapping *next)
{
	if (continues(&runs->run, next)) {
		runs->run.bytes += next->bytes;
		return;
	}
	flush(runs);
	runs->run = *next;
}

static uint64_t nr_unprinted(const struct runs *runs)
{
	uint64_t nr = runs->nr > runs->most ? runs->nr - runs->most : 0;

	return nr < RUNS_COUNTED ? nr : RUNS_COUNTED;
}

static bool counted_enough(const struct runs *runs)
{
	return nr_unprinted(runs) == RUNS_COUNTED;
}

static void print_rest(const struct runs *runs)
{
	uint64_t nr = nr_unprinted(runs);

	if (runs->json)
		json_member(runs->json, "more_mappings",
			    json_object_new_uint64(nr));
	else if (nr)
		printf("and %s%" PRIu64 " more; --all lists them\n",
		       nr == RUNS_COUNTED ? "at least " : "", nr);
}

/* Read all of them. Return 0 or -errno. */
static int collect(struct runs *runs, int space)
{
	struct vmmu_mapping *batch = grow(NULL, BATCH, sizeof(*batch));
	uint32_t more = 1;
	uint64_t va = 0;
	int nr = 0;

	while (more && nr >= 0 && !ferror(stdout) && !counted_enough(runs)) {
		int i;

		nr = vmmu_mappings(space, &va, UINT64_MAX, batch, BATCH, &more);
		for (i = 0; i < nr; i++)
			add(runs, &batch[i]);
	}
	flush(runs);
	free(batch);
	return nr < 0 ? nr : 0;
}

int runs_print(int space, uint32_t format, uint64_t most,
	       struct json_out *json)
{
	struct runs runs = { .format = format, .json = json, .most = most };
	int err;

	if (json)
		json_list_begin(json, "mappings");
	err = collect(&runs, space);
	if (json)
		json_list_end(json);
	if (err)
		return refused(err, "list of mappings");
	if (most != UINT64_MAX)
		print_rest(&runs);
	return runs.nr ? CLI_OK : CLI_NEGATIVE;
}
