// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores, by where their code is: at the edge of a page, on pages that
 * are not present or may not be read, on the page table itself; and 32-bit code.
 * Each does on a page of a page table what it does on an ordinary one.
 */
#include <pthread.h>

#include "vmmu_trapped.h"
#include "trapped_asm.h"

#define VALUE	0x1122334455667788ULL
#define IMM	0x44332211

/* Stores of VALUE, from RAX, or of IMM. */
static const struct code {
	unsigned char bytes[16];
	unsigned int length;
	__u64 stored;
} codes[] = {
	{ { 0x48, 0x89, 0x07 }, 3, VALUE },
	{ { 0x89, 0x07 }, 2, (__u32)VALUE },
	{ { 0x48, 0xc7, 0x07, 0x11, 0x22, 0x33, 0x44 }, 7, IMM },
	{ { 0xf0, 0x48, 0x0f, 0xc1, 0x07 }, 5, VALUE },
	{ { 0x48, 0xc7, 0x87, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44 }, 11, IMM },
	{ { 0x2e, 0x2e, 0x2e, 0x2e, 0x48, 0xc7, 0x87, 0, 0, 0, 0,
	    0x11, 0x22, 0x33, 0x44 }, 15, IMM },
};

#define NR_CODES ((int)ARRAY_SIZE(codes))

/*
 * @code: two pages, each mapped for its own: a fault of the one must not bring
 *	the other
 * @files: what they are mapped from
 */
FIXTURE(code) {
	struct trapped t;
	unsigned char *code;
	int files[2];
};

FIXTURE_VARIANT(code) {
	bool table;
};

FIXTURE_VARIANT_ADD(code, ordinary) { false };
FIXTURE_VARIANT_ADD(code, table) { true };

FIXTURE_SETUP(code)
{
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	trapped_make(&self->t, dev, variant->table);
	for (int i = 0; i < 2; i++) {
		self->files[i] = memfd_create("code", MFD_CLOEXEC);
		ASSERT_LE(0, self->files[i]);
		ASSERT_EQ(0, ftruncate(self->files[i], PAGE));
	}
	self->code = mmap(NULL, 2 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->code);
	outcome_prepare();
}

FIXTURE_TEARDOWN(code)
{
	munmap(self->code, 2 * PAGE);
	close(self->files[0]);
	close(self->files[1]);
	trapped_drop(&self->t);
}

/* How the second page is, when code goes there. */
enum second { THERE, NO_ACCESS, NOT_MAPPED };

/*
 * Have code begin at an offset, on pages that nobody has touched; 0, or -errno.
 */
static int place(struct _test_data_code *self, const struct code *code,
		 unsigned int offset, enum second second)
{
	unsigned char bytes[2 * PAGE];
	void *next = self->code + PAGE;

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes + offset, code->bytes, code->length);
	memcpy(bytes + offset + code->length, CODE_END, 2);
	for (int i = 0; i < 2; i++) {
		if (pwrite(self->files[i], bytes + i * PAGE, PAGE, 0) != PAGE)
			return -errno;
		if (mmap(self->code + i * PAGE, PAGE,
			 i && second == NO_ACCESS ? PROT_NONE :
			 PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED,
			 self->files[i], 0) == MAP_FAILED)
			return -errno;
	}
	return second == NOT_MAPPED && munmap(next, PAGE) ? -errno : 0;
}

/* The fetch of the second page, if refused, was so of the code at @from. */
#define expect_refused(of, how, from) do {				\
	struct outcome *__o = (of);					\
	enum second __second = (how);					\
									\
	if (__second == THERE) {					\
		ASSERT_EQ(0, __o->signal);				\
		break;							\
	}								\
	ASSERT_EQ(SIGSEGV, __o->signal);				\
	ASSERT_EQ(self->code + PAGE, (unsigned char *)__o->address);	\
	ASSERT_EQ(__second == NO_ACCESS ? SEGV_ACCERR : SEGV_MAPERR,	\
		  __o->code);						\
	ASSERT_EQ((from), (unsigned char *)__o->ip);			\
} while (0)

/* The last byte of the instruction is the last one that may be fetched. */
TEST_F(code, ends_at_edge)
{
	struct trapped *t = &self->t;

	for (int i = 0; i < NR_CODES; i++) {
		unsigned int offset = PAGE - codes[i].length;
		enum second second;

		for (second = THERE; second <= NOT_MAPPED; second++) {
			struct outcome o;

			store(t->entry, 0);
			ASSERT_EQ(0, place(self, &codes[i], offset, second));
			o = run_at(self->code + offset, t->entry, VALUE);
			expect_refused(&o, second, self->code + PAGE);
			ASSERT_EQ(codes[i].stored, load(t->entry));
			expect_state(t, 0, CLOSED);
		}
	}
}

/* It goes on, on a page that is not there yet, or that it may not fetch from. */
TEST_F(code, crosses_edge)
{
	struct trapped *t = &self->t;

	for (int i = 0; i < NR_CODES * 15; i++) {
		const struct code *code = &codes[i / 15];
		unsigned int offset = PAGE - 1 - i % 15;
		enum second second;

		if (PAGE - offset >= code->length)
			continue;
		for (second = THERE; second <= NOT_MAPPED; second++) {
			struct outcome o;

			store(t->entry, 0);
			ASSERT_EQ(0, place(self, code, offset, second));
			o = run_at(self->code + offset, t->entry, VALUE);
			expect_refused(&o, second, self->code + offset);
			ASSERT_EQ(second == THERE ? code->stored : 0,
				  load(t->entry));
			expect_state(t, 0, CLOSED);
		}
	}
}

/* Code that may be executed, but not read: by the kernel neither. */
TEST_F(code, execute_only)
{
	struct trapped *t = &self->t;
	struct outcome o;

	for (int i = 0; i < NR_CODES; i++) {
		store(t->entry, 0);
		ASSERT_EQ(0, place(self, &codes[i], 0, THERE));
		ASSERT_EQ(0, mprotect(self->code, PAGE, PROT_EXEC));
		if (access_read(self->code) != SIGSEGV)
			SKIP(return, "needs protection keys");
		o = run_at(self->code, t->entry, VALUE);
		ASSERT_EQ(0, o.signal);
		ASSERT_EQ(codes[i].stored, load(t->entry));
		expect_state(t, 0, OPEN);
		settle(t);
	}
}

/* Code that is an entry itself, of the page that it stores to. */
TEST_F(code, on_the_page)
{
	struct trapped *t = &self->t;
	unsigned char *page = mmap(NULL, PAGE, RWX, MAP_SHARED, t->g.vm, t->ra);
	struct outcome o;

	ASSERT_NE(MAP_FAILED, (void *)page);
	for (int i = 0; i < NR_CODES; i++) {
		ASSERT_EQ(0, place(self, &codes[i], 0x800, THERE));
		ASSERT_EQ(PAGE, pread(self->files[0], page, PAGE, 0));
		settle(t);
		store(page + 8, 0);
		o = run_at(page + 0x800, page + 8, VALUE);
		ASSERT_EQ(0, o.signal);
		ASSERT_EQ(codes[i].stored, load(page + 8));
		expect_state(t, 0, CLOSED);
	}
	munmap(page, PAGE);
}

/* An instruction that replaces itself, and what comes next. */
TEST_F(code, replaces_itself)
{
	struct trapped *t = &self->t;
	unsigned char *page = mmap(NULL, PAGE, RWX, MAP_SHARED, t->g.vm, t->ra);
	/* The store, and ud2. */
	struct code code = { { 0x48, 0x89, 0x07, 0x0f, 0x0b }, 5 };
	unsigned char now[8] = { 0x48, 0x89, 0x07, 0x90, 0x90, 0x90 };
	struct outcome o;
	__u64 value;

	memcpy(now + 6, CODE_END, 2);
	memcpy(&value, now, sizeof(value));
	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(0, place(self, &code, 0x800, THERE));
	ASSERT_EQ(PAGE, pread(self->files[0], page, PAGE, 0));
	settle(t);
	o = run_at(page + 0x800, page + 0x800, value);
	ASSERT_EQ(0, o.signal);
	ASSERT_EQ(value, load(page + 0x800));
	expect_state(t, 0, CLOSED);
	munmap(page, PAGE);
}

static volatile int stop;

/* Take a page of code away from under those who execute it, again and again. */
static void *take_code(void *at)
{
	while (!stop) {
		madvise(at, PAGE, MADV_DONTNEED);
		sched_yield();
	}
	return NULL;
}

/* Each add is made once, whether its code could be read or not. */
TEST_F(code, vanishes)
{
	static const struct code add = {
		{ 0xf0, 0x48, 0xff, 0x07 }, 4,		/* lock incq (%rdi) */
	};
	struct trapped *t = &self->t;
	unsigned int nr = rounds(20000), opened = 0;
	pthread_t thread;

	ASSERT_EQ(0, place(self, &add, 0, THERE));
	stop = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_code, self->code));
	for (unsigned int i = 0; i < nr; i++) {
		struct outcome o = run_at(self->code, t->entry, 0);

		ASSERT_EQ(0, o.signal);
		if (real_flags(t->g.vm, t->ra) != OPEN)
			continue;
		opened++;
		settle(t);
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("# opened %u times\n", opened);
	ASSERT_EQ(nr, load(t->entry));
}

/* The same bytes are other instructions there, and addresses are shorter. */
TEST_F(code, compat)
{
	static const struct code samples[] = {
		{ { 0x89, 0x07 }, 2, 0x55667788 },
		{ { 0xc7, 0x07, 0x11, 0x22, 0x33, 0x44 }, 6, IMM },
		{ { 0xf0, 0x0f, 0xc1, 0x07 }, 4, 0x55667788 },
		/* dec %eax; mov %eax, (%edi) */
		{ { 0x48, 0x89, 0x07 }, 3, 0x55667787 },
		/* inc %ecx; mov %eax, (%edi) */
		{ { 0x41, 0x89, 0x07 }, 3, 0x55667788 },
		/* incl (%edi) */
		{ { 0xff, 0x07 }, 2, 1 },
	};
	struct trapped *t = &self->t;
	unsigned char *run = mmap(NULL, 2 * PAGE, RWX, MAP_PRIVATE |
				  MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned char *page = mmap(NULL, PAGE, RWX, MAP_SHARED | MAP_32BIT,
				   t->g.vm, t->ra);

	ASSERT_NE(MAP_FAILED, (void *)run);
	ASSERT_NE(MAP_FAILED, (void *)page);
	memcpy(run, compat_begin, compat_end - compat_begin);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		unsigned char *code = run + (compat_code - compat_begin);

		memset(code, 0x90, 16);
		memcpy(code, samples[i].bytes, samples[i].length);
		store(t->entry, 0);
		expect_state(t, 0, CLOSED);
		asm volatile("call *%[run]"
			     : : [run] "r" (run), "a" (VALUE),
				 "D" (page + ((unsigned char *)t->entry -
					      t->pages))
			     : "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory");
		ASSERT_EQ(samples[i].stored, load(t->entry));
		expect_state(t, 0, OPEN);
		settle(t);
	}
	munmap(run, 2 * PAGE);
	munmap(page, PAGE);
}

TEST_HARNESS_MAIN
