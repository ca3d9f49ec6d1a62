/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory as hexdump -C shows it: rows of 16 bytes in hexadecimal and ASCII.
 */
#ifndef VMMUCTL_HEXDUMP_H
#define VMMUCTL_HEXDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEXDUMP_ROW	16

/* A dump under way. The bytes come in pieces of any length. */
struct hexdump {
	uint64_t va;			/* of the row's first byte */
	uint8_t row[HEXDUMP_ROW];
	size_t used;			/* bytes in the row */
	uint8_t last[HEXDUMP_ROW];	/* the row before it */
	bool has_last;
	bool starred;			/* "*" stands for rows like it */
	bool verbose;
};

/*
 * The rows go to stdout. Rows that are like the one before them become one
 * "*", unless @verbose; after a "*" at the end comes the address behind it.
 */
void hexdump_begin(struct hexdump *dump, uint64_t va, bool verbose);
void hexdump_add(struct hexdump *dump, const uint8_t *bytes, size_t nr);
void hexdump_end(struct hexdump *dump);

/* "deadbeef" to @text, which has room for 2 * @nr + 1 characters. */
char *hex_text(const uint8_t *bytes, size_t nr, char *text);

/*
 * The bytes in @text, two hexadecimal digits each, perhaps with blanks between
 * them. @bytes has room for half as many as @text has characters. Return how
 * many there are, or -1.
 */
long hex_bytes(const char *text, uint8_t *bytes);

#endif /* VMMUCTL_HEXDUMP_H */
