/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A range of guest-virtual memory, in pieces: how far it came, and why it
 * stopped there.
 */
#ifndef VMMUCTL_MEMORY_H
#define VMMUCTL_MEMORY_H

#include "remote.h"

/* Bytes of a piece. */
#define MEMORY_PIECE	65536

struct memory {
	const struct remote *remote;	/* a space */
	uint64_t va;
	uint32_t access;		/* enum vmmu_access */
	uint32_t flags;			/* VMMU_TRANSLATE_* */
	uint64_t done;			/* bytes from @va on */
	int err;			/* what ended it, -errno; or 0 */
	struct vmmu_translation result;	/* why, after -ENXIO */
};

/* Gets the bytes at @va as they are read. */
typedef void memory_take_fn(void *context, uint64_t va, const uint8_t *bytes,
			    size_t nr);

/*
 * Read or write @bytes bytes behind those that are done, and note how far it
 * came. The range must not wrap. Reading stops early when stdout fails. True
 * if all is done.
 */
bool memory_read(struct memory *memory, uint64_t bytes, memory_take_fn *take,
		 void *context);
bool memory_write(struct memory *memory, const uint8_t *bytes, size_t nr);

/* Whether the @bytes bytes from @va on end within 64 bits. */
static inline bool memory_fits(uint64_t va, uint64_t bytes)
{
	return !bytes || bytes - 1 <= UINT64_MAX - va;
}

/* Read and print rows in hexadecimal; "*" stands for equal ones unless @verbose. */
void memory_dump(struct memory *memory, uint64_t bytes, bool verbose);

/* Read into the list "memory" of @json; then the members of memory_json(). */
void memory_dump_json(struct memory *memory, uint64_t bytes,
		      struct json_out *json);

/* Say what ended it, if anything did. Return the exit code. */
int memory_report(const struct memory *memory);

/* Add "done" and "stopped", which is null or the translation that stopped it. */
void memory_json(const struct memory *memory, struct json_out *json);

#endif /* VMMUCTL_MEMORY_H */
