// SPDX-License-Identifier: GPL-2.0
/*
 * The answer to a translation: a line, an explanation level by level, or JSON.
 */
#include <inttypes.h>

#include "translation.h"

int answer_explain(int space, struct answer *answer)
{
	int nr = vmmu_explain(space, answer->va, answer->access, answer->flags,
			      answer->steps, ARRAY_SIZE(answer->steps),
			      &answer->result);

	if (nr < 0)
		return nr;
	answer->nr_steps = nr;
	return 0;
}

char *answer_failure_text(const struct answer *answer, char *text)
{
	const struct vmmu_translation *result = &answer->result;
	char level[32] = "", fault[VMMU_TEXT_BYTES + 40] = "";
	char code[VMMU_TEXT_BYTES];

	if (result->level)
		snprintf(level, sizeof(level), ", level %u (%s)", result->level,
			 vmmu_level_name(answer->format, result->level));
	if (result->flags & VMMU_PAGE_FAULT)
		snprintf(fault, sizeof(fault),
			 "; page fault, error code 0x%" PRIx32 ": %s",
			 result->error_code,
			 vmmu_error_code_text(result->error_code, code,
					      sizeof(code)));
	snprintf(text, ANSWER_TEXT_BYTES, "%s%s: %s%s",
		 vmmu_reason_name(result->reason), level,
		 vmmu_reason_text(result->reason), fault);
	return text;
}

void answer_print_line(const struct answer *answer)
{
	const struct vmmu_translation *result = &answer->result;
	char rights[8], page[32], failure[ANSWER_TEXT_BYTES];

	printf("0x%016" PRIx64 "  ", answer->va);
	if (!answer_translated(answer)) {
		puts(answer_failure_text(answer, failure));
		return;
	}
	printf("ra 0x%" PRIx64 "  ", (uint64_t)result->ra);
	if (result->flags & VMMU_TRANSLATED_FRAME)
		printf("frame 0x%" PRIx64 "  ", (uint64_t)result->frame);
	else
		fputs(result->flags & VMMU_TRANSLATED_BACKED ?
		      "frame hidden  " : "no frame  ", stdout);
	printf("%s page  %s\n",
	       bytes_text(1ULL << (result->page_shift & 63), page,
			  sizeof(page)),
	       vmmu_rights_text(result->rights, rights, sizeof(rights)));
}

static void print_step(const struct answer *answer, const struct vmmu_step *step)
{
	char flags[VMMU_TEXT_BYTES], rights[8], page[32];
	struct vmmu_table_entry entry = { 0 };

	printf("  level %" PRIu32 "  %s[%u] at ra 0x%" PRIx64 " = 0x%016" PRIx64
	       ": %s\n", step->level,
	       vmmu_level_name(answer->format, step->level),
	       vmmu_table_index(answer->format, answer->va, step->level),
	       (uint64_t)step->ra, (uint64_t)step->value,
	       vmmu_table_entry_text(answer->format, step->level, step->value,
				     flags, sizeof(flags)));
	vmmu_table_decode(answer->format, step->level, step->value, &entry);
	vmmu_rights_text(step->rights, rights, sizeof(rights));
	if (entry.flags & VMMU_TABLE_LEAF)
		printf("           maps the %s page at ra 0x%" PRIx64
		       ", grants %s\n",
		       bytes_text(1ULL << entry.page_shift, page, sizeof(page)),
		       entry.ra, rights);
	else if (entry.flags & VMMU_TABLE_PRESENT)
		printf("           refers to the table at ra 0x%" PRIx64
		       ", grants %s\n", entry.ra, rights);
}

static void print_frame(const struct vmmu_translation *result)
{
	if (result->flags & VMMU_TRANSLATED_FRAME)
		printf("  frame         0x%" PRIx64 "\n",
		       (uint64_t)result->frame);
	else if (result->flags & VMMU_TRANSLATED_BACKED)
		puts("  frame         there is one, but only CAP_SYS_ADMIN may see its number");
	else
		printf("  frame         none: %s\n",
		       vmmu_reason_text(VMMU_REASON_NOT_BACKED));
}

void answer_print_explained(const struct answer *answer)
{
	const struct vmmu_translation *result = &answer->result;
	char rights[8], page[32], failure[ANSWER_TEXT_BYTES];
	unsigned int i;

	printf("0x%016" PRIx64 ", %s by the %s\n", answer->va,
	       vmmu_access_name(answer->access),
	       answer->flags & VMMU_TRANSLATE_USER ? "user" : "supervisor");
	for (i = 0; i < answer->nr_steps; i++)
		print_step(answer, &answer->steps[i]);
	if (!answer_translated(answer)) {
		printf("  fails         %s\n",
		       answer_failure_text(answer, failure));
		return;
	}
	printf("  real address  0x%" PRIx64 ", in a %s page\n",
	       (uint64_t)result->ra,
	       bytes_text(1ULL << (result->page_shift & 63), page,
			  sizeof(page)));
	print_frame(result);
	printf("  rights        %s, by all levels together\n",
	       vmmu_rights_text(result->rights, rights, sizeof(rights)));
}

static void add_place(struct json_object *o,
		      const struct vmmu_translation *result)
{
	json_add_hex(o, "ra", result->ra);
	if (result->flags & VMMU_TRANSLATED_FRAME)
		json_add_hex(o, "frame", result->frame);
	else
		json_add(o, "frame", NULL);
	json_add_bool(o, "backed", result->flags & VMMU_TRANSLATED_BACKED);
	json_add_number(o, "page_size", 1ULL << (result->page_shift & 63));
	json_add_rights(o, "rights", result->rights);
}

static void add_no_place(struct json_object *o,
			 const struct vmmu_translation *result)
{
	if (result->reason == VMMU_REASON_BEYOND_REAL)
		json_add_hex(o, "ra", result->ra);
	else
		json_add(o, "ra", NULL);
	json_add(o, "frame", NULL);
	json_add_bool(o, "backed", false);
	json_add(o, "page_size", NULL);
	json_add(o, "rights", NULL);
}

static void add_error_code(struct json_object *o,
			   const struct vmmu_translation *result)
{
	char text[VMMU_TEXT_BYTES];

	if (result->flags & VMMU_PAGE_FAULT) {
		json_add_number(o, "error_code", result->error_code);
		json_add_text(o, "error_text",
			      vmmu_error_code_text(result->error_code, text,
						   sizeof(text)));
	} else {
		json_add(o, "error_code", NULL);
		json_add(o, "error_text", NULL);
	}
}

struct json_object *answer_json(const struct answer *answer)
{
	const struct vmmu_translation *result = &answer->result;
	struct json_object *o = json_object_new_object();
	struct json_object *entries;
	unsigned int i;

	json_add_hex(o, "va", answer->va);
	json_add_bool(o, "translated", answer_translated(answer));
	if (answer_translated(answer))
		add_place(o, result);
	else
		add_no_place(o, result);
	json_add_text(o, "reason", vmmu_reason_name(result->reason));
	json_add_number(o, "level", result->level);
	add_error_code(o, result);
	if (!answer->nr_steps)
		return o;
	entries = json_object_new_array();
	for (i = 0; i < answer->nr_steps; i++)
		json_object_array_add(entries, json_of_step(answer->format, answer->va,
							    &answer->steps[i]));
	json_add(o, "entries", entries);
	return o;
}
