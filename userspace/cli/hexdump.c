// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes into hexadecimal and back.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hexdump.h"

void hexdump_begin(struct hexdump *dump, uint64_t va, bool verbose)
{
	*dump = (struct hexdump){ .va = va, .verbose = verbose };
}

static char printable(uint8_t byte)
{
	return byte >= ' ' && byte <= '~' ? byte : '.';
}

static void print_row(const struct hexdump *dump)
{
	char text[HEXDUMP_ROW + 1];
	size_t i;

	printf("0x%016" PRIx64 " ", dump->va);
	for (i = 0; i < HEXDUMP_ROW; i++) {
		if (!(i % 8))
			putchar(' ');
		if (i < dump->used)
			printf("%02x ", dump->row[i]);
		else
			fputs("   ", stdout);
	}
	for (i = 0; i < dump->used; i++)
		text[i] = printable(dump->row[i]);
	text[i] = '\0';
	printf(" |%s|\n", text);
}

static bool repeats(const struct hexdump *dump)
{
	return !dump->verbose && dump->has_last && dump->used == HEXDUMP_ROW &&
		!memcmp(dump->row, dump->last, HEXDUMP_ROW);
}

static void flush(struct hexdump *dump)
{
	bool star = repeats(dump);

	if (!star)
		print_row(dump);
	else if (!dump->starred)
		puts("*");
	dump->starred = star;
	memcpy(dump->last, dump->row, HEXDUMP_ROW);
	dump->has_last = true;
	dump->va += dump->used;
	dump->used = 0;
}

void hexdump_add(struct hexdump *dump, const uint8_t *bytes, size_t nr)
{
	while (nr) {
		size_t room = HEXDUMP_ROW - dump->used;
		size_t part = nr < room ? nr : room;

		memcpy(dump->row + dump->used, bytes, part);
		dump->used += part;
		bytes += part;
		nr -= part;
		if (dump->used == HEXDUMP_ROW)
			flush(dump);
	}
}

void hexdump_end(struct hexdump *dump)
{
	if (dump->used)
		flush(dump);
	if (dump->starred)
		printf("0x%016" PRIx64 "\n", dump->va);
}

char *hex_text(const uint8_t *bytes, size_t nr, char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < nr; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * nr] = '\0';
	return text;
}

static unsigned int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
		tolower((unsigned char)c) - 'a' + 10;
}

long hex_bytes(const char *text, uint8_t *bytes)
{
	long nr = 0;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return nr;
		if (!isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]))
			return -1;
		bytes[nr++] = digit(text[0]) << 4 | digit(text[1]);
		text += 2;
	}
}
