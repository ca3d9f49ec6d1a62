// SPDX-License-Identifier: GPL-2.0
/*
 * Words for the values of the uAPI: names, and sentences for people. Every
 * string that a program may match on stands here once.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "vmmu.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct word {
	const char *name;
	const char *text;
};

static const struct word reasons[] = {
	[VMMU_REASON_NONE] = { "NONE", "nothing went wrong" },
	[VMMU_REASON_NONCANONICAL] = { "NONCANONICAL",
		"the address is not canonical; a CPU raises a general-protection fault" },
	[VMMU_REASON_TABLE_BEYOND_REAL] = { "TABLE_BEYOND_REAL",
		"the page table of this level lies beyond real memory" },
	[VMMU_REASON_NOT_PRESENT] = { "NOT_PRESENT",
		"this level's entry is not present" },
	[VMMU_REASON_RESERVED] = { "RESERVED",
		"this level's entry has a reserved bit set" },
	[VMMU_REASON_LARGE_PAGE] = { "LARGE_PAGE",
		"this level's entry maps a large page, so there is no table below it" },
	[VMMU_REASON_USER] = { "USER",
		"this level's entry is for the supervisor only, and the access is a user's" },
	[VMMU_REASON_SMEP] = { "SMEP",
		"SMEP forbids the supervisor to fetch from a user page" },
	[VMMU_REASON_SMAP] = { "SMAP",
		"SMAP forbids the supervisor to access a user page while AC is clear" },
	[VMMU_REASON_WRITE] = { "WRITE",
		"this level's entry is read-only, and the access is a write" },
	[VMMU_REASON_NX] = { "NX",
		"this level's entry is no-execute, and the access is a fetch" },
	[VMMU_REASON_PKEY] = { "PKEY",
		"the page's protection key forbids the access" },
	[VMMU_REASON_BEYOND_REAL] = { "BEYOND_REAL",
		"this level's entry maps a page beyond real memory" },
	[VMMU_REASON_NOT_BACKED] = { "NOT_BACKED",
		"the real page has no frame yet" },
	[VMMU_REASON_NOFRAME] = { "NOFRAME",
		"there was no frame to be had for the real page" },
	[VMMU_REASON_EXECUTE_ONLY] = { "EXECUTE_ONLY",
		"the page may be fetched from but not read, which a window can't express" },
	[VMMU_REASON_NOT_A_TABLE] = { "NOT_A_TABLE",
		"no trapping space has a page table at this real address" },
	[VMMU_REASON_DENIED] = { "DENIED",
		"a monitor has denied the install of this level's entry" },
};

static const char * const outcomes[] = {
	[VMMU_OUTCOME_NONE] = "NONE",
	[VMMU_OUTCOME_CLEARED] = "CLEARED",
	[VMMU_OUTCOME_TABLE] = "TABLE",
	[VMMU_OUTCOME_PAGE] = "PAGE",
	[VMMU_OUTCOME_RESERVED] = "RESERVED",
	[VMMU_OUTCOME_BEYOND_REAL] = "BEYOND_REAL",
};

static const char * const accesses[] = {
	[VMMU_ACCESS_READ] = "read",
	[VMMU_ACCESS_WRITE] = "write",
	[VMMU_ACCESS_FETCH] = "fetch",
};

static const char * const deliveries[] = {
	[VMMU_DELIVER_SIGNAL] = "signal",
	[VMMU_DELIVER_RECORD] = "record",
	[VMMU_DELIVER_NONE] = "none",
	[VMMU_DELIVER_NOTIFY] = "notify",
	[VMMU_DELIVER_ASK] = "ask",
};

static const char * const trap_kinds[] = {
	[VMMU_TRAP_FAULT] = "fault",
	[VMMU_TRAP_HYPERCALL] = "hypercall",
	[VMMU_TRAP_STORE] = "store",
	[VMMU_TRAP_REREAD] = "reread",
	[VMMU_TRAP_DISCARD] = "discard",
};

static const char * const verdicts[] = {
	[VMMU_VERDICT_RETRY] = "retry",
	[VMMU_VERDICT_SIGNAL] = "signal",
	[VMMU_VERDICT_ALLOW] = "allow",
	[VMMU_VERDICT_DENY] = "deny",
	[VMMU_VERDICT_REWRITE] = "rewrite",
};

struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name error_code_bits[] = {
	{ VMMU_PF_P, "P" }, { VMMU_PF_W, "W" }, { VMMU_PF_U, "U" },
	{ VMMU_PF_RSVD, "RSVD" }, { VMMU_PF_I, "I" }, { VMMU_PF_PK, "PK" },
};

static const struct bit_name mode_bits[] = {
	{ VMMU_MODE_WP, "WP" }, { VMMU_MODE_NXE, "NXE" },
	{ VMMU_MODE_SMEP, "SMEP" }, { VMMU_MODE_SMAP, "SMAP" },
	{ VMMU_MODE_AC, "AC" }, { VMMU_MODE_PKE, "PKE" },
	{ VMMU_MODE_CPL3, "CPL3" },
};

void vmmu_text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	size_t room = text->bytes - text->used;
	int length;

	if (room <= 1)
		return;
	va_start(arguments, format);
	length = vsnprintf(text->start + text->used, room, format, arguments);
	va_end(arguments);
	if (length > 0)
		text->used += (size_t)length < room ? (size_t)length : room - 1;
}

void vmmu_text_word(struct text *text, const char *word)
{
	vmmu_text_add(text, text->used ? " %s" : "%s", word);
}

static void add_bits(struct text *text, uint64_t bits,
		     const struct bit_name *names, size_t nr_names)
{
	size_t i;

	for (i = 0; i < nr_names; i++)
		if (bits & names[i].bit)
			vmmu_text_word(text, names[i].name);
}

const char *vmmu_reason_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "?";
}

const char *vmmu_reason_text(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].text :
		"a rule that this program does not know";
}

const char *vmmu_outcome_name(uint32_t outcome)
{
	return outcome < ARRAY_SIZE(outcomes) ? outcomes[outcome] : "?";
}

const char *vmmu_access_name(uint32_t access)
{
	return access < ARRAY_SIZE(accesses) ? accesses[access] : "?";
}

const char *vmmu_delivery_name(uint32_t delivery)
{
	return delivery < ARRAY_SIZE(deliveries) ? deliveries[delivery] : "?";
}

/* Names that begin with 1: there is none for 0. */
static const char *name_from_1(const char * const *names, size_t nr,
			       uint32_t value)
{
	return value && value < nr ? names[value] : "?";
}

const char *vmmu_trap_kind_name(uint32_t kind)
{
	return name_from_1(trap_kinds, ARRAY_SIZE(trap_kinds), kind);
}

const char *vmmu_verdict_name(uint32_t verdict)
{
	return name_from_1(verdicts, ARRAY_SIZE(verdicts), verdict);
}

char *vmmu_error_code_text(uint32_t error_code, char *buffer, size_t bytes)
{
	struct text text = text_in(buffer, bytes);

	add_bits(&text, error_code, error_code_bits,
		 ARRAY_SIZE(error_code_bits));
	if (!text.used)
		vmmu_text_word(&text, "none");
	return buffer;
}

char *vmmu_rights_text(uint32_t rights, char *buffer, size_t bytes)
{
	struct text text = text_in(buffer, bytes);

	vmmu_text_add(&text, "%c%c%c%c",
		      rights & VMMU_RIGHT_READ ? 'r' : '-',
		      rights & VMMU_RIGHT_WRITE ? 'w' : '-',
		      rights & VMMU_RIGHT_EXEC ? 'x' : '-',
		      rights & VMMU_RIGHT_USER ? 'u' : '-');
	return buffer;
}

char *vmmu_mode_text(const struct vmmu_mode *mode, char *buffer, size_t bytes)
{
	struct text text = text_in(buffer, bytes);

	add_bits(&text, mode->bits, mode_bits, ARRAY_SIZE(mode_bits));
	if (mode->pkru || (mode->bits & VMMU_MODE_PKE))
		vmmu_text_add(&text, "%sPKRU=0x%" PRIx32, text.used ? " " : "",
			      (uint32_t)mode->pkru);
	vmmu_text_add(&text, "%sMAXPHYADDR=%" PRIu32, text.used ? " " : "",
		      (uint32_t)mode->maxphyaddr);
	return buffer;
}

/* Take the number after "@name=" in @word; false if it is not there. */
static bool number_after(const char *word, const char *name, uint32_t *number)
{
	size_t length = strlen(name);
	unsigned long value;
	int saved = errno;
	bool fits;
	char *end;

	if (strncasecmp(word, name, length) || word[length] != '=' ||
	    !isdigit((unsigned char)word[length + 1]))
		return false;
	errno = 0;
	value = strtoul(word + length + 1, &end, 0);
	fits = !errno && !*end && value <= UINT32_MAX;
	errno = saved;
	if (fits)
		*number = value;
	return fits;
}

static int mode_word(const char *word, struct vmmu_mode *mode)
{
	uint32_t number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mode_bits); i++) {
		if (!strcasecmp(word, mode_bits[i].name)) {
			mode->bits |= mode_bits[i].bit;
			return 0;
		}
	}
	if (number_after(word, "PKRU", &number)) {
		mode->pkru = number;
		return 0;
	}
	if (number_after(word, "MAXPHYADDR", &number)) {
		mode->maxphyaddr = number;
		return 0;
	}
	return -EINVAL;
}

int vmmu_mode_from_text(const char *text, struct vmmu_mode *mode)
{
	static const char separators[] = " \t\n,";
	struct vmmu_mode result = { .maxphyaddr = 52 };

	for (text += strspn(text, separators); *text;
	     text += strspn(text, separators)) {
		size_t length = strcspn(text, separators);
		char word[32];

		if (length >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, length);
		word[length] = '\0';
		if (mode_word(word, &result))
			return -EINVAL;
		text += length;
	}
	*mode = result;
	return 0;
}
