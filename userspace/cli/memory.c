// SPDX-License-Identifier: GPL-2.0
/*
 * Read and write guest-virtual memory a piece at a time, so that a range of
 * any length needs no more memory than one piece.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "hexdump.h"
#include "memory.h"
#include "translation.h"

/* Bytes of an element of JSON. */
#define ELEMENT	64

static bool note(struct memory *memory, int err, const struct vmmu_memory *out)
{
	memory->done += out->done;
	memory->err = err;
	memory->result = out->result;
	return !err;
}

bool memory_read(struct memory *memory, uint64_t bytes, memory_take_fn *take,
		 void *context)
{
	uint8_t *piece = grow(NULL, MEMORY_PIECE, 1);
	bool good = true;

	while (bytes && good && !ferror(stdout)) {
		uint64_t nr = bytes < MEMORY_PIECE ? bytes : MEMORY_PIECE;
		uint64_t va = memory->va + memory->done;
		struct vmmu_memory out;
		int err = vmmu_read(memory->remote->fd, va, piece, nr,
				    memory->flags, &out);

		good = note(memory, err, &out);
		take(context, va, piece, out.done);
		bytes -= out.done;
	}
	free(piece);
	return good;
}

bool memory_write(struct memory *memory, const uint8_t *bytes, size_t nr)
{
	struct vmmu_memory out;
	int err = vmmu_write(memory->remote->fd, memory->va + memory->done,
			     bytes, nr, memory->flags, &out);

	return note(memory, err, &out);
}

static struct answer answer_of(const struct memory *memory)
{
	return (struct answer){
		.format = memory->remote->space.format,
		.va = memory->va + memory->done,
		.access = memory->access,
		.flags = memory->flags,
		.result = memory->result,
	};
}

/* "16 bytes before it were read". */
static char *progress_text(const struct memory *memory, char *text, size_t room)
{
	const char *verb = memory->access == VMMU_ACCESS_WRITE ? "written" :
		"read";

	if (memory->done)
		snprintf(text, room, "%" PRIu64 " bytes before it were %s",
			 memory->done, verb);
	else
		snprintf(text, room, "nothing was %s", verb);
	return text;
}

int memory_report(const struct memory *memory)
{
	struct answer answer = answer_of(memory);
	char text[ANSWER_TEXT_BYTES], progress[64];

	progress_text(memory, progress, sizeof(progress));
	if (memory->err == -ENXIO)
		return negative("0x%016" PRIx64 ": %s; %s", answer.va,
				answer_failure_text(&answer, text), progress);
	if (memory->err)
		return refused(memory->err, "0x%016" PRIx64 "; %s",
			       answer.va, progress);
	return CLI_OK;
}

void memory_json(const struct memory *memory, struct json_out *json)
{
	struct answer answer = answer_of(memory);

	json_member(json, "done", json_object_new_uint64(memory->done));
	json_member(json, "stopped", memory->err == -ENXIO ?
		    answer_json(&answer) : NULL);
}

static void take_json(void *context, uint64_t va, const uint8_t *bytes,
		      size_t nr)
{
	char text[2 * ELEMENT + 1];
	size_t at, part;

	for (at = 0; at < nr; at += part) {
		struct json_object *o = json_object_new_object();

		part = nr - at < ELEMENT ? nr - at : ELEMENT;
		json_add_hex(o, "va", va + at);
		json_add_text(o, "hex", hex_text(bytes + at, part, text));
		json_list_add(context, o);
	}
}

void memory_dump_json(struct memory *memory, uint64_t bytes,
		      struct json_out *json)
{
	json_list_begin(json, "memory");
	memory_read(memory, bytes, take_json, json);
	json_list_end(json);
	memory_json(memory, json);
}

static void take_rows(void *context, uint64_t va, const uint8_t *bytes,
		      size_t nr)
{
	(void)va;
	hexdump_add(context, bytes, nr);
}

void memory_dump(struct memory *memory, uint64_t bytes, bool verbose)
{
	struct hexdump dump;

	hexdump_begin(&dump, memory->va, verbose);
	memory_read(memory, bytes, take_rows, &dump);
	hexdump_end(&dump);
}
