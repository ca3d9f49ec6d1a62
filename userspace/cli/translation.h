/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The answer to a translation, for people and for programs.
 */
#ifndef VMMUCTL_TRANSLATION_H
#define VMMUCTL_TRANSLATION_H

#include "cli.h"

/* A translation and, where they were asked for, the entries of its walk. */
struct answer {
	uint32_t format;	/* enum vmmu_format_id */
	uint64_t va;
	uint32_t access;	/* enum vmmu_access */
	uint32_t flags;		/* VMMU_TRANSLATE_* */
	struct vmmu_translation result;
	struct vmmu_step steps[VMMU_TABLE_MAX_LEVELS];
	unsigned int nr_steps;
};

static inline bool answer_translated(const struct answer *answer)
{
	return answer->result.flags & VMMU_TRANSLATED;
}

/* Ask with VMMU_IOC_EXPLAIN: fill result and steps. 0 or -errno. */
int answer_explain(int space, struct answer *answer);

/* Bytes that suffice for the text of a failure. */
#define ANSWER_TEXT_BYTES	320

/* "NOT_PRESENT, level 1 (PTE): ...": why it does not translate; @text. */
char *answer_failure_text(const struct answer *answer, char *text);

/* One line. */
void answer_print_line(const struct answer *answer);

/* Level by level, in words; without steps only what comes out. */
void answer_print_explained(const struct answer *answer);

/* With "entries" if there are steps. */
struct json_object *answer_json(const struct answer *answer);

#endif /* VMMUCTL_TRANSLATION_H */
