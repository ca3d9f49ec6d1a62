// SPDX-License-Identifier: GPL-2.0
/*
 * VMMU_IOC_TRANSLATE against a processor: selftests/oracle/check --record has
 * left accesses and what came of them in build/oracle/vectors. Here each
 * vector's entries are stored in real memory, and the call is asked.
 */
#include "../vmmu_util.h"

#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "compare.h"

#define ARENA_BYTES	(ORACLE_ARENA_PAGES * PAGE)
#define SHOWN		3

/*
 * @vm, @space: a VM with the guest's RAM, and a space on its root
 * @arena: the part of its real memory that vectors are about
 * @vectors, @bytes: the file
 * @made, @different, @known: vectors asked about, those with an unexplained
 *	difference, those that a known difference explains
 */
struct oracle {
	int vm, space;
	__u64 *arena;
	char *vectors;
	size_t bytes;
	unsigned int made, different, known[NR_KNOWN];
};

FIXTURE(oracle) {
	struct oracle o;
};

FIXTURE_VARIANT(oracle) {
	__u32 format;
	__u32 levels;
};

FIXTURE_VARIANT_ADD(oracle, four) {
	.format = VMMU_FORMAT_X86_64_4LEVEL,
	.levels = 4,
};

FIXTURE_VARIANT_ADD(oracle, five) {
	.format = VMMU_FORMAT_X86_64_5LEVEL,
	.levels = 5,
};

/* The whole file of vectors, or NULL when there is none. */
static char *read_vectors(size_t *bytes)
{
	char path[4096], *data = NULL;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	struct stat stat;
	size_t done = 0;
	int fd;

	if (len < 0)
		return NULL;
	path[len] = '\0';
	strcat(dirname(path), "/../oracle/vectors");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &stat))
		data = malloc(stat.st_size);
	while (data && done < stat.st_size) {
		len = read(fd, data + done, stat.st_size - done);
		if (len <= 0)
			break;
		done += len;
	}
	close(fd);
	*bytes = done;
	return data;
}

FIXTURE_SETUP(oracle)
{
	struct oracle *o = &self->o;
	int dev;

	o->vectors = read_vectors(&o->bytes);
	if (!o->vectors)
		SKIP(return, "no build/oracle/vectors: make -C selftests/oracle vectors");
	dev = dev_open();
	ASSERT_LE(0, dev);
	o->vm = vm_create(dev, ORACLE_RAM);
	close(dev);
	o->space = space_create(o->vm, variant->format, ORACLE_ARENA, 0);
	o->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED, o->vm, ORACLE_ARENA);
	ASSERT_NE(MAP_FAILED, (void *)o->arena);
	for (__u32 word = 0; word < ORACLE_ARENA_WORDS; word++)
		o->arena[word] = oracle_background(word);
}

FIXTURE_TEARDOWN(oracle)
{
	struct oracle *o = &self->o;

	munmap(o->arena, ARENA_BYTES);
	close(o->space);
	close(o->vm);
	free(o->vectors);
}

/* The call's answer; the vector's entries are in the arena meanwhile. */
static int ask(struct oracle *o, const struct oracle_header *header,
	       const struct oracle_vector *vector, struct oracle_answer *answer)
{
	__u32 flags = VMMU_TRANSLATE_SET_AD |
		      (vector->user ? VMMU_TRANSLATE_USER : 0);
	struct vmmu_translation t = {};
	__u32 i;
	int err;

	for (i = 0; i < vector->nr; i++)
		o->arena[vector->word[i]] = vector->entry[i];
	err = _set_root(o->space, oracle_page_ra(vector->root)) ?:
	      _set_mode(o->space, vector->mode, vector->pkru,
			header->phys_bits) ?:
	      _translate(o->space, flags, vector->access, vector->va, &t);
	*answer = (struct oracle_answer){
		.reason = t.reason,
		.fault = t.flags & VMMU_PAGE_FAULT,
		.error_code = t.error_code,
		.last_level = t.page_shift ? (t.page_shift - 12) / 9 + 1 :
					     t.level,
		.ra = t.ra,
	};
	for (i = 0; i < vector->nr; i++) {
		answer->after[i] = o->arena[vector->word[i]];
		o->arena[vector->word[i]] =
			oracle_background(vector->word[i]);
	}
	return err;
}

/* Words of the arena that changed though they are no entries of a vector. */
static unsigned int sweep(const struct oracle *o)
{
	unsigned int changed = 0;

	for (unsigned int i = 0; i < ORACLE_NR_PAGES; i++)
		for (__u32 word = oracle_pages[i] * 512;
		     word < (oracle_pages[i] + 1) * 512; word++)
			changed += o->arena[word] != oracle_background(word);
	return changed;
}

/* The vectors behind one header; -errno, or 0. */
static int run_part(struct oracle *o,
		    const struct oracle_header *header)
{
	const struct oracle_vector *vectors = (const void *)(header + 1);
	__u32 count = header->directed ? header->count : rounds(header->count);

	for (__u32 i = 0; i < count; i++) {
		struct oracle_answer answer;
		__u32 known;
		int err = ask(o, header, &vectors[i], &answer);

		if (err)
			return err;
		if (i % ORACLE_SWEEP == 0 || i == count - 1)
			answer.elsewhere = sweep(o);
		o->made++;
		if (!oracle_compare(header, &vectors[i], &answer, &known) &&
		    o->different++ < SHOWN)
			oracle_print(stdout, "# ", header, i, &vectors[i],
				     &answer);
		for (__u32 k = 0; k < NR_KNOWN; k++)
			o->known[k] += known >> k & 1;
	}
	return 0;
}

/* Run the parts of a format; returns 0, -errno, or -EPROTO for a bad file. */
static int run_parts(struct oracle *o, __u32 levels, __u32 directed)
{
	char *at = o->vectors, *end = at + o->bytes;

	while (at < end) {
		const struct oracle_header *header = (const void *)at;
		size_t bytes = sizeof(*header);
		int err = 0;

		if (end - at < bytes || header->magic != ORACLE_MAGIC)
			return -EPROTO;
		bytes += header->count * sizeof(struct oracle_vector);
		if (end - at < bytes)
			return -EPROTO;
		if (header->levels == levels && header->directed == directed)
			err = run_part(o, header);
		if (err)
			return err;
		at += bytes;
	}
	return 0;
}

TEST_F(oracle, random_accesses)
{
	struct oracle *o = &self->o;

	ASSERT_EQ(0, run_parts(o, variant->levels, 0));
	TH_LOG("%u accesses, %u unexplained differences", o->made,
	       o->different);
	EXPECT_EQ(0, o->different);
	EXPECT_LE(rounds(5000), o->made);
	for (__u32 k = 0; k < NR_KNOWN; k++)
		TH_LOG("known difference %s: %u times", oracle_known[k].name,
		       o->known[k]);
}

/* They show what a page beyond real memory leads to, above all. */
TEST_F(oracle, accesses_made_by_hand)
{
	struct oracle *o = &self->o;

	ASSERT_EQ(0, run_parts(o, variant->levels, 1));
	TH_LOG("%u accesses, %u unexplained differences", o->made,
	       o->different);
	EXPECT_EQ(0, o->different);
	EXPECT_LT(0, o->made);
	EXPECT_LT(0, o->known[KNOWN_PAGE_BEYOND_RAM]);
}

TEST_HARNESS_MAIN
