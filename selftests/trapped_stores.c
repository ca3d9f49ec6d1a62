// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped stores against the processor: random instructions of each form that
 * is decoded are executed on an ordinary page, and, with the same registers at
 * the same address, on a page of a TRAPPING space's table. All of it has to come
 * out the same, and none may have opened the page.
 */
#include <asm/prctl.h>

#include "vmmu_trapping.h"
#include "sample.h"

#define VA	0x400000ULL
#define BITS	(VMMU_MODE_WP | VMMU_MODE_NXE)

#define CASES	10000
#define BATCH	250
#define LEVELS	4
#define GS_BASE	0x1234560ULL

/* Bytes around the operand that are compared after each instruction. */
#define AROUND	16
#define STACK	512

/**
 * struct result - what came of a sample
 * @regs: the registers
 * @around: memory around the operand
 */
struct result {
	struct sample sample;
	struct vmmu_regs regs;
	u8 around[2 * AROUND];
};

/**
 * struct state - what a test works with
 * @tables: pages of page tables, by level; the root's at the last
 * @spaces: of which they are
 * @windows: a space with a window onto each of them
 * @file: of a page, from which a table is filled
 * @at: where the page is that is stored to, between two others
 * @by: how it is mapped
 */
struct state {
	struct guest g;
	struct native native;
	struct samples samples;
	u64 tables[LEVELS + 1];
	int spaces[LEVELS + 1];
	int windows, file;
	u8 *at;
	const char *by;
	u8 first[PAGE], last[PAGE];
	u8 stack[STACK], stack_was[STACK];
	struct result results[BATCH];
	unsigned int nr, nr_windows;
};

static struct state state;

/* Where none of the samples' addresses is, who runs into a signal. */
static u8 signal_stack[4 * PAGE];

FIXTURE(stores) {
	struct state *s;
};

static void print_code(const struct sample *sample)
{
	char line[3 * NATIVE_CODE + 1] = "";

	for (unsigned int i = 0; i < sample->length; i++)
		sprintf(line + 3 * i, " %02x", sample->code[i]);
	dprintf(STDOUT_FILENO, "# %s:%s\n", sample->form->name, line);
}

static const struct sample *under_way;

static void lost(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	dprintf(STDOUT_FILENO, "# signal %d at %p, rip %llx\n", sig,
		si->si_addr, uc->uc_mcontext.gregs[REG_RIP]);
	if (under_way)
		print_code(under_way);
	_exit(1);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	stack_t stack = {
		.ss_sp = signal_stack, .ss_size = sizeof(signal_stack),
	};
	struct sigaction act = {
		.sa_sigaction = lost,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	sigaltstack(&stack, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &act, NULL);
}

/*
 * Whether a REX prefix before another prefix is ignored. QEMU's emulator, for
 * one, takes it for the last one's.
 */
static bool is_strict(struct state *s)
{
	static const u8 code[] = { 0x48, 0x2e, 0x89, 0x07 };	/* mov (%rdi) */
	struct vmmu_regs regs = { };
	u64 target = 0;

	regs.slot[slot_of(REG_AX)] = ~0ULL;
	regs.slot[14] = (uintptr_t)&target;
	regs.slot[SLOT_FLAGS] = 0x202;
	native_run(&s->native, code, sizeof(code), &regs);
	return target == ~0U;
}

/* A table at each level, in a space of its own; some page of it is garbage. */
#define make_tables(of) do {						\
	struct state *__s = (of);					\
	struct guest *__g = &__s->g;					\
									\
	for (int __l = 1; __l <= LEVELS; __l++) {			\
		__g->root = guest_page(__g);				\
		__s->tables[__l] = (u8 *)guest_slot(__g, 0, __l) -	\
				   __g->mem;				\
		__s->spaces[__l] = trapping_space(__g->vm, FORMAT4,	\
						  __g->root, BITS);	\
	}								\
	__g->root = guest_page(__g);					\
	for (int __l = 1; __l <= LEVELS; __l++)				\
		guest_map(__g, VA + __l * PAGE, 1,			\
			  __s->tables[__l] | PTE_ALL);			\
	__s->windows = trapping_space(__g->vm, FORMAT4, __g->root,	\
				      BITS);				\
} while (0)

FIXTURE_SETUP(stores)
{
	const char *seed = getenv("VMMU_SEED");
	struct state *s = &state;
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	self->s = s;
	guest_make(&s->g, dev, MIB, FORMAT4, BITS);
	make_tables(s);
	ASSERT_TRUE(native_make(&s->native));
	s->file = memfd_create("table", MFD_CLOEXEC);
	ASSERT_LE(0, s->file);
	s->at = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		     MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)s->at);
	s->at += PAGE;
	s->samples = (struct samples){
		.random = seed ? strtoull(seed, NULL, 0) | 1 :
			  (__u64)getpid() << 32 | now_ms() | 1,
		.ip = (uintptr_t)s->native.code,
		.memory = (uintptr_t)s->at,
		.bytes = PAGE,
		.gs_base = GS_BASE,
	};
	printf("# VMMU_SEED=%#llx\n", s->samples.random);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &s->samples.fs_base);
	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE));
	catch_signals();
	s->samples.strict = is_strict(s);
}

FIXTURE_TEARDOWN(stores)
{
	struct state *s = self->s;

	printf("# %u instructions, %u of them by windows; %llu frames\n",
	       s->nr, s->nr_windows, vm_info(s->g.vm).frames);
	audit_clean(s->g.vm);
	munmap(s->at - PAGE, 3 * PAGE);
	native_drop(&s->native);
	for (int l = 1; l <= LEVELS; l++)
		close(s->spaces[l]);
	close(s->windows);
	close(s->file);
	guest_drop(&s->g);
	close(s->g.dev);
}

/* Entries: mostly beyond real memory, but some map a page, or refer to one. */
static u64 random_entry(struct state *s)
{
	u64 value = random_value(&s->samples);

	if (dice(&s->samples, 8))
		return value;
	return (value & (PTE_NX | 0xfff)) | PTE_P |
	       dice(&s->samples, s->g.bytes / PAGE) * PAGE;
}

static void execute(struct state *s, struct result *result)
{
	const struct sample *sample = &result->sample;
	u64 target = sample->target - (uintptr_t)s->at;
	u64 first = target < AROUND ? 0 : target - AROUND;

	under_way = sample;
	result->regs = sample->regs;
	native_run(&s->native, sample->code, sample->length, &result->regs);
	under_way = NULL;
	if (first > PAGE - 2 * AROUND)
		first = PAGE - 2 * AROUND;
	memcpy(result->around, s->at + first, sizeof(result->around));
}

/* Have the accumulator be what it is compared with, if it is free to be. */
static void make_equal(struct sample *sample)
{
	if (!(sample->made_of & 1U << REG_AX))
		memcpy(&sample->regs.slot[slot_of(REG_AX)],
		       (void *)(uintptr_t)sample->target, sample->bytes);
}

/* Make up samples, and execute them on an ordinary page. */
static const char *run_ordinary(struct state *s, const struct form *form,
				bool lock)
{
	struct samples *samples = &s->samples;

	if (mmap(s->at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return "no memory";
	memcpy(s->at, s->first, PAGE);
	for (unsigned int i = 0; i < BATCH; i++) {
		struct sample *sample = &s->results[i].sample;

		samples->stack = (uintptr_t)s->stack + STACK / 2 +
				 dice(samples, STACK / 4);
		if (!dice(samples, 4))
			samples->stack = 0;
		while (!make_sample(samples, form, lock, sample))
			;
		if (form->kind == VMMU_STORE_CMPXCHG && dice(samples, 2))
			make_equal(sample);
		execute(s, &s->results[i]);
		if (memcmp(s->stack, s->stack_was, STACK))
			return "the stack of the ordinary one";
	}
	memcpy(s->last, s->at, PAGE);
	return NULL;
}

/* Have a table be what the ordinary page was, and map it. */
static const char *map_table(struct state *s, int level)
{
	struct vmmu_translation unused;
	u64 table = s->tables[level];
	int fd = s->g.vm;
	u64 offset = table;

	if (pwrite(s->file, s->first, PAGE, 0) != PAGE ||
	    pread(s->file, s->g.mem + table, PAGE, 0) != PAGE)
		return "the table could not be filled";
	if (_translate(s->spaces[level], 0, READ, 0, &unused))
		return "it could not be settled";
	s->by = "real memory";
	if (!dice(&s->samples, 4)) {
		s->by = "a window";
		s->nr_windows += BATCH;
		fd = s->windows;
		offset = VA + level * PAGE;
	}
	if (mmap(s->at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 fd, offset) == MAP_FAILED)
		return "it could not be mapped";
	if (real_flags(s->g.vm, table) != CLOSED)
		return "it is not closed in the beginning";
	return NULL;
}

/* What differs between the two ways, or NULL. */
static const char *differs(const struct result *a, const struct result *b)
{
	u64 changed = a->regs.slot[SLOT_FLAGS] ^ b->regs.slot[SLOT_FLAGS];

	if (memcmp(a->around, b->around, sizeof(a->around)))
		return "memory";
	for (int i = 0; i < 20; i++)
		if ((i < 15 || i == 19) && a->regs.slot[i] != b->regs.slot[i])
			return "a register";
	if (changed & (defined_flags(a->sample.form->kind) | ~ARITHMETIC))
		return "the flags";
	return NULL;
}

/* Execute them on a table; *@sample is the one that went wrong. */
static const char *run_trapped(struct state *s, int level,
			       const struct sample **sample)
{
	const char *wrong = map_table(s, level);

	for (unsigned int i = 0; i < BATCH && !wrong; i++) {
		struct result trapped = { .sample = s->results[i].sample };

		*sample = &s->results[i].sample;
		execute(s, &trapped);
		wrong = differs(&s->results[i], &trapped);
		if (!wrong && memcmp(s->stack, s->stack_was, STACK))
			wrong = "the stack";
		if (!wrong &&
		    real_flags(s->g.vm, s->tables[level]) != CLOSED)
			wrong = "it was opened";
	}
	if (!wrong && memcmp(s->g.mem + s->tables[level], s->last, PAGE))
		wrong = "memory elsewhere";
	return wrong;
}

static const char *run_batch(struct state *s, const struct form *form,
			     bool lock, int level,
			     const struct sample **sample)
{
	const char *wrong;

	for (unsigned int i = 0; i < PAGE; i += 8) {
		u64 entry = random_entry(s);

		memcpy(s->first + i, &entry, 8);
	}
	for (unsigned int i = 0; i < STACK; i++)
		s->stack[i] = dice(&s->samples, 256);
	memcpy(s->stack_was, s->stack, STACK);
	*sample = NULL;
	wrong = run_ordinary(s, form, lock);
	return wrong ?: run_trapped(s, level, sample);
}

#define compare_form(of, locked) do {					\
	const struct form *__form = (of);				\
	unsigned int __cases = rounds(CASES);				\
	bool __lock = (locked);						\
	const struct sample *__sample;					\
	struct state *__s = self->s;					\
	const char *__wrong;						\
									\
	for (unsigned int __i = 0; __i < __cases; __i += BATCH) {	\
		unsigned int __d = dice(&__s->samples, 8);		\
		int __level = __d < LEVELS ? __d + 1 : 1;		\
									\
		__wrong = run_batch(__s, __form, __lock, __level,	\
				    &__sample);				\
		if (__wrong && __sample)				\
			print_code(__sample);				\
		ASSERT_EQ(NULL, __wrong)				\
			TH_LOG("%s%s, level %d, by %s: %s",		\
			       __lock ? "lock " : "", __form->name,	\
			       __level, __s->by, __wrong);		\
		__s->nr += BATCH;					\
	}								\
} while (0)

/* Forms of the kinds from one to another; with a lock prefix, too. */
#define compare_kinds(first_kind, last_kind) do {			\
	for (int __f = 0; __f < NR_FORMS; __f++) {			\
		if (forms[__f].kind < (first_kind) ||			\
		    forms[__f].kind > (last_kind))			\
			continue;					\
		compare_form(&forms[__f], false);			\
		if (forms[__f].flags & LOCKABLE)			\
			compare_form(&forms[__f], true);		\
	}								\
} while (0)

TEST_F_TIMEOUT(stores, mov, 600)
{
	compare_kinds(VMMU_STORE_MOV, VMMU_STORE_MOV);
}

TEST_F_TIMEOUT(stores, exchange, 600)
{
	compare_kinds(VMMU_STORE_XCHG, VMMU_STORE_XADD);
}

TEST_F_TIMEOUT(stores, add_or, 600)
{
	compare_kinds(VMMU_STORE_ADD, VMMU_STORE_OR);
}

TEST_F_TIMEOUT(stores, and_sub, 600)
{
	compare_kinds(VMMU_STORE_AND, VMMU_STORE_SUB);
}

TEST_F_TIMEOUT(stores, xor_inc_dec, 600)
{
	compare_kinds(VMMU_STORE_XOR, VMMU_STORE_DEC);
}

TEST_F_TIMEOUT(stores, bits, 600)
{
	compare_kinds(VMMU_STORE_BTS, VMMU_STORE_BTC);
}

TEST_HARNESS_MAIN
