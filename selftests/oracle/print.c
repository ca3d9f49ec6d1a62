// SPDX-License-Identifier: GPL-2.0
/* A vector in full, for whoever looks into a difference. */
#include "compare.h"

static const char *const access_names[] = { "read", "write", "fetch" };

/* Each of VMMU_MODE_*, from bit 0 on. */
static const char *const mode_names[] = {
	"WP", "NXE", "SMEP", "SMAP", "AC", "PKE", "CPL3",
};

#define NR_MODES	7

static void print_word(FILE *file, const char *what, __u32 word)
{
	if (word == ORACLE_NOWHERE)
		fprintf(file, ", %s nowhere", what);
	else
		fprintf(file, ", %s at 0x%llx", what,
			(unsigned long long)oracle_word_ra(word));
}

static void print_processor(FILE *file, const char *prefix,
			    const struct oracle_vector *vector)
{
	fprintf(file, "%s  processor: ", prefix);
	if (vector->exception == 14)
		fprintf(file, "page fault, error code 0x%llx, CR2 0x%llx",
			vector->error_code, vector->cr2);
	else if (vector->exception == 3)
		fprintf(file, "access made");
	else
		fprintf(file, "exception %u, error code 0x%llx",
			vector->exception, vector->error_code);
	if (vector->access == VMMU_ACCESS_WRITE)
		print_word(file, "written", vector->where);
	else if (vector->exception != 3)
		;
	else if (vector->access == VMMU_ACCESS_FETCH)
		print_word(file, "executed", vector->where);
	else
		fprintf(file, ", read 0x%llx", vector->got);
	fprintf(file, "\n");
}

static void print_answer(FILE *file, const char *prefix,
			 const struct oracle_answer *answer)
{
	fprintf(file, "%s  vmmu: reason %u at level %u", prefix,
		answer->reason, answer->last_level);
	if (answer->fault)
		fprintf(file, ", page fault, error code 0x%x",
			answer->error_code);
	if (answer->reason == VMMU_REASON_NONE ||
	    answer->reason == VMMU_REASON_BEYOND_REAL)
		fprintf(file, ", ra 0x%llx", answer->ra);
	if (answer->elsewhere)
		fprintf(file, ", marked %u words that are no entries of the walk",
			answer->elsewhere);
	fprintf(file, "\n");
}

static void print_access(FILE *file, const char *prefix,
			 const struct oracle_header *header,
			 const struct oracle_vector *vector)
{
	fprintf(file, "%s%u-level, %u physical bits: %s %s at va 0x%llx",
		prefix, header->levels, header->phys_bits,
		vector->user ? "user" : "supervisor",
		access_names[vector->access], vector->va);
	fprintf(file, ", root 0x%llx, PKRU 0x%08x, mode",
		oracle_page_ra(vector->root), vector->pkru);
	for (int i = 0; i < NR_MODES; i++)
		if (vector->mode >> i & 1)
			fprintf(file, " %s", mode_names[i]);
	fprintf(file, "\n");
}

void oracle_print(FILE *file, const char *prefix,
		  const struct oracle_header *header, __u32 index,
		  const struct oracle_vector *vector,
		  const struct oracle_answer *answer)
{
	print_access(file, prefix, header, vector);
	for (__u32 level = header->levels; level; level--) {
		__u32 slot = vector->slot[level];

		fprintf(file, "%s  level %u at 0x%llx: 0x%016llx", prefix,
			level, oracle_word_ra(vector->word[slot]),
			vector->entry[slot]);
		fprintf(file, ", then processor 0x%016llx, vmmu 0x%016llx\n",
			vector->after[slot], answer->after[slot]);
	}
	print_processor(file, prefix, vector);
	print_answer(file, prefix, answer);
	fprintf(file, "%s  alone: selftests/oracle/check --levels %u --phys-bits %u ",
		prefix, header->levels, header->phys_bits);
	if (header->directed)
		fprintf(file, "--directed\n");
	else
		fprintf(file, "--seed %llu --first %llu --count 1\n",
			header->seed, header->first + index);
}
