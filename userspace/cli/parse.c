// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments into numbers, and numbers into words.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* The number at the start of @text; NULL if there is none that fits. */
static const char *number_at(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (hex ? !isxdigit((unsigned char)text[2]) :
		  !isdigit((unsigned char)text[0]))
		return NULL;
	errno = 0;
	*value = strtoull(text, &end, hex ? 16 : 10);
	return errno ? NULL : end;
}

bool number(const char *text, uint64_t *value)
{
	const char *end = number_at(text, value);

	return end && !*end;
}

bool parse_u64(const char *text, const char *what, uint64_t *value)
{
	if (number(text, value))
		return true;
	complain("%s: `%s' is not a 64-bit number (0x... or decimal)", what,
		 text);
	return false;
}

bool parse_u32(const char *text, const char *what, uint32_t *value)
{
	uint64_t wide;

	if (!parse_u64(text, what, &wide))
		return false;
	if (wide > UINT32_MAX) {
		complain("%s: `%s' does not fit in 32 bits", what, text);
		return false;
	}
	*value = wide;
	return true;
}

bool parse_bytes(const char *text, const char *what, uint64_t *bytes)
{
	static const char units[] = "KMGTP";
	const char *end = number_at(text, bytes);
	const char *unit;
	unsigned int shift;

	if (end && !*end)
		return true;
	unit = end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (!unit || (end[1] && strcmp(end + 1, "iB") && strcmp(end + 1, "B"))) {
		complain("%s: `%s' is not a size (a number, perhaps with K, M, G or T)",
			 what, text);
		return false;
	}
	shift = 10 * (unit - units + 1);
	if (*bytes > UINT64_MAX >> shift) {
		complain("%s: `%s' does not fit in 64 bits", what, text);
		return false;
	}
	*bytes <<= shift;
	return true;
}

bool parse_access(const char *text, uint32_t *access)
{
	static const char letters[] = "rwx";
	uint32_t i;

	for (i = 0; i < 3; i++) {
		if ((text[0] == letters[i] && !text[1]) ||
		    !strcmp(text, vmmu_access_name(i))) {
			*access = i;
			return true;
		}
	}
	complain("--access: `%s' is none of r, w, x (read, write, fetch)",
		 text);
	return false;
}

bool parse_count(const char *text, uint64_t *count)
{
	if (!parse_u64(text, "--count", count))
		return false;
	if (*count)
		return true;
	complain("--count: 0 is nothing to do");
	return false;
}

bool parse_seconds(const char *text, const char *what, uint64_t *nsecs)
{
	const char *end = number_at(text, nsecs);
	uint64_t unit = 1000000000;

	/* Not by strtod(): it takes much that is no time, and rounds. */
	if (end && *nsecs <= 1000000) {
		*nsecs *= unit;
		if (*end == '.')
			while (isdigit((unsigned char)*++end) && (unit /= 10))
				*nsecs += (*end - '0') * unit;
		if (!*end && *nsecs >= 1000000)
			return true;
	}
	complain("%s: `%s' is no time in seconds from 0.001 to 1000000", what,
		 text);
	return false;
}

/* The kind of install whose name is the @length bytes at @name; 0: none. */
static uint32_t kind_of(const char *name, size_t length)
{
	uint32_t kind;

	for (kind = VMMU_TRAP_HYPERCALL; kind <= VMMU_TRAP_DISCARD; kind++) {
		const char *known = vmmu_trap_kind_name(kind);

		if (strlen(known) == length && !memcmp(known, name, length))
			return kind;
	}
	return 0;
}

bool parse_kinds(const char *text, const char *what, uint32_t *kinds)
{
	const char *name = text;

	for (;;) {
		size_t length = strcspn(name, ",");
		uint32_t kind = kind_of(name, length);

		if (!kind) {
			complain("%s: `%s' is not out of hypercall, store, reread, discard",
				 what, text);
			return false;
		}
		*kinds |= 1U << kind;
		if (!name[length])
			return true;
		name += length + 1;
	}
}

char *bytes_text(uint64_t bytes, char *text, size_t room)
{
	static const char * const units[] = {
		"bytes", "KiB", "MiB", "GiB", "TiB", "PiB",
	};
	size_t unit = 0;

	while (unit < ARRAY_SIZE(units) - 1 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	snprintf(text, room, "%" PRIu64 " %s", bytes, units[unit]);
	return text;
}

void print_property(const char *title, const char *format, ...)
{
	va_list arguments;

	printf("%-18s", title);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}
