// SPDX-License-Identifier: GPL-2.0
/*
 * Ledgers and deliveries in words. A table names the counts once, in the order
 * of struct vmmu_ledger.
 */
#include <inttypes.h>
#include <string.h>

#include "ledger.h"

/* @head stands over a column @width wide. */
static const struct count {
	const char *key;
	const char *title;
	const char *head;
	size_t at;
	int width;
} counts[] = {
#define COUNT(member, title, head, width) \
	{ #member, title, head, offsetof(struct vmmu_ledger, member), width }
	COUNT(by_hypercall, "hypercalls", "hyper", 7),
	COUNT(by_rollback, "put back", "back", 5),
	COUNT(by_store, "stores", "store", 7),
	COUNT(by_reread, "rereads", "reread", 7),
	COUNT(by_discard, "discards", "disc", 5),
	COUNT(traps, "traps", "traps", 8),
	COUNT(opens, "opened tables", "open", 6),
	COUNT(closes, "closed tables", "close", 6),
	COUNT(walks, "walks", "walks", 9),
	COUNT(faults, "window faults", "faults", 7),
	COUNT(prefills, "prefills", "fill", 6),
	COUNT(zaps, "zaps", "zaps", 6),
	COUNT(flushes, "flushes", "flush", 6),
	COUNT(records, "records", "rec", 7),
	COUNT(refusals, "refusals", "refuse", 7),
#undef COUNT
};

_Static_assert(sizeof(struct vmmu_ledger) ==
	       offsetof(struct vmmu_ledger, by_hypercall) +
	       ARRAY_SIZE(counts) * sizeof(uint64_t),
	       "a count has no words");

/* Over the columns of counts[], which they are as wide as: what these are about. */
static const char * const groups[] = {
	"---------installs by----------", "----page tables----",
	"--------walks and windows--------", "--outcomes---",
};

static uint64_t get(const struct vmmu_ledger *ledger, size_t at)
{
	uint64_t value;

	memcpy(&value, (const char *)ledger + at, sizeof(value));
	return value;
}

void ledger_print(const struct vmmu_ledger *ledger)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		print_property(counts[i].title, "%" PRIu64,
			       get(ledger, counts[i].at));
}

void ledger_print_head(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		printf(" %s", groups[i]);
	putchar('\n');
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		printf("%*s", counts[i].width, counts[i].head);
	putchar('\n');
}

void ledger_print_row(const struct vmmu_ledger *ledger)
{
	int late = 0;
	size_t i;

	/* A number too wide takes its room from the columns that follow. */
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		int width = counts[i].width - late;
		int used = printf(" %*" PRIu64, width > 1 ? width - 1 : 0,
				  get(ledger, counts[i].at));

		late = used > width ? used - width : 0;
	}
	putchar('\n');
}

struct json_object *ledger_json(const struct vmmu_ledger *ledger)
{
	struct json_object *o = json_object_new_object();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		json_add_number(o, counts[i].key, get(ledger, counts[i].at));
	return o;
}

struct vmmu_ledger ledger_since(const struct vmmu_ledger *before,
				const struct vmmu_ledger *after)
{
	struct vmmu_ledger since = *after;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		uint64_t value = get(after, counts[i].at) -
			get(before, counts[i].at);

		memcpy((char *)&since + counts[i].at, &value, sizeof(value));
	}
	return since;
}

char *deliveries_text(int space, char text[DELIVERIES_BYTES])
{
	uint32_t kind;
	int used = 0;

	text[0] = '\0';
	for (kind = VMMU_TRAP_HYPERCALL; kind <= VMMU_TRAP_DISCARD; kind++) {
		int delivery = vmmu_get_delivery(space, kind);

		/* A module that knows of faults only has nothing to tell. */
		if (delivery < 0)
			break;
		used += snprintf(text + used, DELIVERIES_BYTES - used,
				 "%s%s %s", used ? ", " : "",
				 vmmu_trap_kind_name(kind),
				 vmmu_delivery_name(delivery));
	}
	return text;
}

/* Take "store notify" from the start of *@text; false if there is none. */
static bool next_delivery(const char **text, char kind[16], char delivery[16])
{
	int used;

	if (sscanf(*text, "%15[a-z] %15[a-z]%n", kind, delivery, &used) != 2)
		return false;
	*text += used;
	*text += strspn(*text, ", ");
	return true;
}

struct json_object *deliveries_json(const char *text)
{
	struct json_object *o = json_object_new_object();
	char kind[16], delivery[16];

	while (next_delivery(&text, kind, delivery))
		json_object_object_add(o, kind,
				       json_object_new_string(delivery));
	return o;
}

void deliveries_print(const char *text)
{
	char kind[16], delivery[16];

	while (next_delivery(&text, kind, delivery))
		if (strcmp(delivery, vmmu_delivery_name(VMMU_DELIVER_NONE)))
			printf(", %s by %s", kind, delivery);
}
