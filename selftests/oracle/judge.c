// SPDX-License-Identifier: GPL-2.0
/*
 * The host's side of selftests/oracle/check: puts vectors into the guest's
 * RAM, and judges what the guest left there.
 *
 *	judge make RAM SEED FIRST COUNT LEVELS PHYS_BITS	random vectors
 *	judge make RAM directed LEVELS PHYS_BITS		made by hand
 *	judge show RAM		tells which known differences those show
 *	judge compare RAM KNOWN	prints what it counted, see report(); KNOWN are
 *				the known differences in force, a bit each
 *	judge save RAM COUNT	writes the header and vectors to stdout
 *	judge recheck FILE	compares such headers and vectors once more
 *
 * Exit status: 0 done, whatever was found; 1 the guest did not do its work;
 * 2 wrong usage.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "walked.h"

#define ROOM		(ORACLE_ARENA - ORACLE_VECTORS)
#define MAX_COUNT	((ROOM - sizeof(struct oracle_header)) / \
			 sizeof(struct oracle_vector))
#define SHOWN		5
#define NR_REASONS	32

/**
 * struct counts - what was found
 * @made: by user and access: vectors.
 * @different: by user and access: those with an unexplained difference.
 * @reason: by reason and level: vmmu's answers.
 * @known: by known difference: vectors that it explains.
 */
struct counts {
	__u32 made[2][3];
	__u32 different[2][3];
	__u32 reason[NR_REASONS][ORACLE_MAX_LEVELS + 1];
	__u32 known[NR_KNOWN];
};

static struct oracle_header *map(const char *path)
{
	struct oracle_header *header;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || ftruncate(fd, ORACLE_RAM))
		err(1, "cannot make %s", path);
	header = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      ORACLE_VECTORS);
	if (header == MAP_FAILED)
		err(1, "cannot map %s", path);
	close(fd);
	return header;
}

static __u64 number(const char *text, __u64 least, __u64 most)
{
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (*end || end == text || value < least || value > most)
		errx(2, "%s is no number from %llu to %llu", text, least, most);
	return value;
}

static void make(struct oracle_header *header, char **argv)
{
	struct oracle_vector *vectors = (void *)(header + 1);
	bool directed = !strcmp(argv[0], "directed");

	memset(header, 0, sizeof(*header));
	header->magic = ORACLE_MAGIC;
	header->directed = directed;
	if (!directed) {
		header->seed = number(argv[0], 0, ~0ULL);
		header->first = number(argv[1], 0, ~0ULL);
		header->count = number(argv[2], 1, MAX_COUNT);
		argv += 2;
	}
	header->levels = number(argv[1], 4, 5);
	header->phys_bits = number(argv[2], 32, 52);
	if (directed)
		header->count = oracle_make_directed(vectors, MAX_COUNT,
						     header->levels,
						     header->phys_bits);
	for (__u32 i = 0; !directed && i < header->count; i++)
		oracle_make_random(&vectors[i], header->seed,
				   header->first + i, header->levels,
				   header->phys_bits);
}

static void check_guest(const struct oracle_header *header)
{
	if (header->magic != ORACLE_MAGIC)
		errx(1, "the guest destroyed its vectors");
	if (header->panic)
		errx(1, "the guest gave up at line %u of guest.c, after %u vectors",
		     header->panic, header->done);
	if (header->done != header->count)
		errx(1, "the guest ended after %u of %u vectors", header->done,
		     header->count);
	if (header->cpu_phys_bits != header->phys_bits)
		errx(1, "the guest's CPU has %u physical bits, not %u",
		     header->cpu_phys_bits, header->phys_bits);
}

static const struct oracle_header *with_known(struct oracle_header *header,
					      const char *known)
{
	header->known = number(known, 0, (1U << NR_KNOWN) - 1);
	return header;
}

/* The lines: what, then numbers, or a name and a number. */
static void report(const struct oracle_header *header,
		   const struct counts *counts)
{
	for (int user = 0; user < 2; user++)
		for (int access = 0; access < 3; access++)
			printf("group %d %d %u %u\n", user, access,
			       counts->made[user][access],
			       counts->different[user][access]);
	for (int reason = 0; reason < NR_REASONS; reason++)
		for (int level = 0; level <= ORACLE_MAX_LEVELS; level++)
			if (counts->reason[reason][level])
				printf("reason %d %d %u\n", reason, level,
				       counts->reason[reason][level]);
	for (__u32 i = 0; i < NR_KNOWN; i++)
		printf("known %s %u\n", oracle_known[i].name, counts->known[i]);
	printf("sweeps %u %u\n", header->sweeps, header->spoilt);
	if (header->spoilt)
		printf("spoilt 0x%llx changed, no entry of the %u accesses before number %llu\n",
		       oracle_word_ra(header->spoilt_word), ORACLE_SWEEP,
		       header->first + header->spoilt_after);
}

static void print_difference(const struct oracle_header *header, __u32 i,
			     const struct oracle_answer *answer)
{
	const struct oracle_vector *vector = (const void *)(header + 1);

	vector += i;
	printf("difference %d %d\n", vector->user, vector->access);
	oracle_print(stdout, "# ", header, i, vector, answer);
}

static void compare(const struct oracle_header *header)
{
	const struct oracle_vector *vectors = (const void *)(header + 1);
	static struct counts counts;
	unsigned int shown = 0;

	check_guest(header);
	for (__u32 i = 0; i < header->count; i++) {
		const struct oracle_vector *vector = &vectors[i];
		struct oracle_answer answer;
		__u32 known;

		oracle_walk(header, vector, &answer);
		counts.made[vector->user][vector->access]++;
		counts.reason[answer.reason][answer.last_level]++;
		if (!oracle_compare(header, vector, &answer, &known)) {
			counts.different[vector->user][vector->access]++;
			if (shown++ < SHOWN)
				print_difference(header, i, &answer);
		}
		for (__u32 k = 0; k < NR_KNOWN; k++)
			counts.known[k] += known >> k & 1;
	}
	report(header, &counts);
}

/* Compare what save() wrote, and tell no more than how many differ. */
static void recheck(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int made = 0, different = 0;
	struct oracle_header header;

	if (!file)
		err(1, "cannot read %s", path);
	while (fread(&header, sizeof(header), 1, file)) {
		for (__u32 i = 0; i < header.count; i++) {
			struct oracle_vector vector;
			struct oracle_answer answer;
			__u32 known;

			if (!fread(&vector, sizeof(vector), 1, file))
				errx(1, "%s ends within a vector", path);
			oracle_walk(&header, &vector, &answer);
			made++;
			different += !oracle_compare(&header, &vector, &answer,
						     &known);
		}
	}
	fclose(file);
	printf("%u %u\n", made, different);
}

/* For each known difference: its name, vectors made to show it, that do, why. */
static void show(const struct oracle_header *header)
{
	const struct oracle_vector *vectors = (const void *)(header + 1);

	check_guest(header);
	for (__u32 k = 0; k < NR_KNOWN; k++) {
		__u32 made = 0, shown = 0;

		for (__u32 i = 0; i < header->count; i++) {
			if (!(vectors[i].shows >> k & 1))
				continue;
			made++;
			shown += oracle_known[k].shown(&vectors[i]);
		}
		printf("%s %u %u %s\n", oracle_known[k].name, made, shown,
		       oracle_known[k].why);
	}
}

static void save(struct oracle_header *header, const char *count)
{
	const struct oracle_vector *vectors = (const void *)(header + 1);
	__u64 most = number(count, 1, MAX_COUNT);

	check_guest(header);
	if (header->count > most)
		header->count = most;
	fwrite(header, sizeof(*header), 1, stdout);
	fwrite(vectors, sizeof(*vectors), header->count, stdout);
	if (fflush(stdout))
		err(1, "cannot write the vectors");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (argc == 3 && !strcmp(command, "show"))
		show(map(argv[2]));
	else if (argc == 3 && !strcmp(command, "recheck"))
		recheck(argv[2]);
	else if (argc == 4 && !strcmp(command, "compare"))
		compare(with_known(map(argv[2]), argv[3]));
	else if (argc == 4 && !strcmp(command, "save"))
		save(map(argv[2]), argv[3]);
	else if ((argc == 8 || (argc == 6 && !strcmp(argv[3], "directed"))) &&
		 !strcmp(command, "make"))
		make(map(argv[2]), argv + 3);
	else
		errx(2, "wrong usage; the top of judge.c tells");
	return 0;
}
