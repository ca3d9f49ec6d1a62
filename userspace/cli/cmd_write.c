// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl write: change guest-virtual memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"
#include "write_options.h"

static void start(const struct write_options *o, const struct memory *memory,
		  struct json_out *json)
{
	if (!o->common.json)
		return;
	json_begin(json);
	json_member(json, "space", remote_json(memory->remote));
}

/* Tell how far it came, and why it stopped. Return @code, or what is worse. */
static int end(const struct write_options *o, const struct memory *memory,
	       struct json_out *json, int code)
{
	int stopped;

	if (o->common.json) {
		memory_json(memory, json);
		json_end(json);
	} else if (memory->done) {
		printf("wrote %" PRIu64 " bytes at 0x%016" PRIx64 "\n",
		       memory->done, memory->va);
	}
	stopped = memory_report(memory);
	return stopped ? stopped : code;
}

/* Fill @piece from stdin. Return how much there was, or -errno. */
static ssize_t fill(uint8_t *piece)
{
	ssize_t nr, used = 0;

	do {
		nr = read(STDIN_FILENO, piece + used, MEMORY_PIECE - used);
		if (nr > 0)
			used += nr;
	} while ((nr > 0 && used < MEMORY_PIECE) || (nr < 0 && errno == EINTR));
	return nr < 0 && !used ? -errno : used;
}

/* Write what stdin has. Return an exit code; memory->err is told elsewhere. */
static int write_stdin(struct memory *memory)
{
	uint8_t *piece = grow(NULL, MEMORY_PIECE, 1);
	int code = CLI_OK;
	ssize_t nr;

	do {
		nr = fill(piece);
		if (nr > 0 && !memory_fits(memory->va + memory->done, nr)) {
			code = complain("write: standard input goes on beyond the last address");
			break;
		}
	} while (nr > 0 && memory_write(memory, piece, nr));
	if (nr < 0)
		code = refused(nr, "standard input");
	else if (!nr && !memory->done)
		code = complain("write: standard input is empty");
	free(piece);
	return code;
}

static int write_bytes(const struct write_options *o, struct memory *memory)
{
	struct json_out json;
	int code = CLI_OK;

	start(o, memory, &json);
	if (o->bytes)
		memory_write(memory, o->bytes, o->nr_bytes);
	else
		code = write_stdin(memory);
	return end(o, memory, &json, code);
}

static int exchanged_text(const struct write_options *o, uint64_t va,
			  bool swapped, uint64_t seen)
{
	if (!swapped)
		return negative("0x%016" PRIx64 " holds 0x%" PRIx64
				", not 0x%" PRIx64 ": nothing was written",
				va, seen, o->expect);
	printf("0x%016" PRIx64 " held 0x%" PRIx64 " and holds 0x%" PRIx64
	       " now\n", va, seen, o->value);
	return CLI_OK;
}

static void exchanged_json(const struct write_options *o,
			   struct json_out *json, bool known, bool swapped,
			   uint64_t seen)
{
	struct json_object *exchange = json_object_new_object();

	json_add_hex(exchange, "expected", o->expect);
	json_add_hex(exchange, "desired", o->value);
	if (known)
		json_add_hex(exchange, "seen", seen);
	else
		json_add(exchange, "seen", NULL);
	json_add_bool(exchange, "swapped", swapped);
	json_member(json, "exchange", exchange);
}

/* Compare and exchange. Return an exit code. */
static int exchange(const struct write_options *o, struct memory *memory)
{
	uint64_t seen = o->expect;
	int result = vmmu_cmpxchg(memory->remote->fd, memory->va, o->width,
				  &seen, o->value, memory->flags,
				  &memory->result);
	struct json_out json;

	if (result < 0)
		memory->err = result;
	memory->done = result == 1 ? o->width : 0;
	start(o, memory, &json);
	if (o->common.json) {
		exchanged_json(o, &json, result >= 0, result == 1, seen);
		memory_json(memory, &json);
		json_end(&json);
	} else if (result >= 0) {
		return exchanged_text(o, memory->va, result, seen);
	}
	return result ? memory_report(memory) : CLI_NEGATIVE;
}

static int run(const struct remote *remote, void *context)
{
	const struct write_options *o = context;
	struct memory memory = {
		.remote = remote,
		.va = o->va,
		.access = VMMU_ACCESS_WRITE,
		.flags = common_flags(&o->common, &remote->space.mode),
	};

	return o->given_expect ? exchange(o, &memory) : write_bytes(o, &memory);
}

int write_run(int argc, char **argv)
{
	struct write_options o;
	int code = write_options_parse(&o, argc, argv);

	if (code < 0)
		code = remote_run_space(&o.common.target, run, &o);
	write_options_free(&o);
	return code;
}
