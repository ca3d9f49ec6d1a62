// SPDX-License-Identifier: GPL-2.0
/*
 * Random changes of everything that windows depend on. After each of them every
 * page of every window is compared: what translate says is granted, and nothing
 * else; a tag that is written through the window is at the real page that
 * translate names, whose frame in the pagemap of real memory is translate's; and
 * what is written there is seen in the window.
 *
 * VMMU_SEED=number in the environment makes other changes.
 */
#include <sys/wait.h>

#include "vmmu_window.h"

#define VA		0x400000ULL
#define REGIONS		3	/* of virtual addresses, each with tables of its own */
#define NR_PAGES	6	/* of each that windows show */
#define ROOTS		2
#define SPACES		3
#define WINDOWS		4
#define DATA		8	/* real pages */

static const __u64 mode_bits[] = {
	VMMU_MODE_WP, VMMU_MODE_NXE, VMMU_MODE_CPL3, VMMU_MODE_SMEP,
	VMMU_MODE_SMAP, VMMU_MODE_PKE,
};

/*
 * @at: where, for the region @region of the space @space
 * @prot: each page's PROT bits
 */
struct shown {
	unsigned char *at;
	int region, space, prot[NR_PAGES];
};

/*
 * @root: the space's, by number
 * @mode: its mode bits
 */
struct registered {
	int fd, root;
	__u64 mode;
};

struct world {
	struct guest g;
	__u64 roots[ROOTS], tables[ROOTS][REGIONS][2], random, tag;
	unsigned int granted[3], refused[3];	/* READ, WRITE, FETCH */
	struct registered spaces[SPACES];
	struct shown windows[WINDOWS];
};

FIXTURE(oracle) {
	struct world o;
};

FIXTURE_VARIANT(oracle) {
	__u32 format;
	unsigned int bits;	/* of an address */
};

FIXTURE_VARIANT_ADD(oracle, 4_levels) { FORMAT4, 48 };
FIXTURE_VARIANT_ADD(oracle, 5_levels) { FORMAT5, 57 };

static unsigned int dice(struct world *o, unsigned int sides)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 7;
	o->random ^= o->random << 17;
	return (o->random >> 32) % sides;
}

static __u64 region_va(struct world *o, int region)
{
	__u64 high = o->g.levels == 5 ? -BIT_ULL(56) : -BIT_ULL(47);

	return region == 2 ? high + VA : VA + region * 2 * MIB;
}

static __u64 random_rights(struct world *o)
{
	static const __u64 bits[] = { PTE_W, PTE_U, PTE_A, PTE_D };
	__u64 entry = dice(o, 8) ? PTE_P : 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		if (dice(o, 4))
			entry |= bits[i];
	return entry | (dice(o, 4) ? 0 : PTE_NX) | PTE_PKEY(dice(o, 2));
}

/* An entry of a last-level table: now and then beyond real memory. */
static __u64 random_page(struct world *o)
{
	__u64 ra = o->g.data + dice(o, DATA) * PAGE;

	return random_rights(o) | (dice(o, 16) ? ra : o->g.bytes);
}

/* An entry above: of one of the region's tables, or a large page of data. */
static __u64 random_upper(struct world *o, int root, int region)
{
	__u64 entry = random_rights(o) & ~PTE_PKEY(1);

	if (!dice(o, 4))
		return entry | PTE_PS | o->g.data;
	return entry | PTE_P | o->tables[root][region][dice(o, 2)];
}

static struct vmmu_install_op random_op(struct world *o, int root)
{
	int region = dice(o, REGIONS), level = dice(o, 4) ? 1 : 2;

	return (struct vmmu_install_op){
		.va = region_va(o, region) + dice(o, NR_PAGES) * PAGE,
		.level = level,
		.value = level == 1 ? random_page(o) :
				      random_upper(o, root, region),
	};
}

/* Batches: some stop where a table is missing, and some are put back then. */
static void by_install(struct world *o)
{
	struct registered *space = &o->spaces[dice(o, SPACES)];
	struct vmmu_install_op ops[8];
	struct vmmu_install i;
	unsigned int nr = 1 + dice(o, ARRAY_SIZE(ops));

	for (unsigned int n = 0; n < nr; n++)
		ops[n] = random_op(o, space->root);
	_install(space->fd, dice(o, 2) ? VMMU_INSTALL_ATOMIC : 0, ops, nr, NULL,
		 &i);
}

static void by_store(struct world *o)
{
	int root = dice(o, ROOTS), region = dice(o, REGIONS);
	int page = dice(o, NR_PAGES);
	__u64 va = region_va(o, region) + page * PAGE;
	__u64 *entry = guest_entry(&o->g, o->tables[root][region][dice(o, 2)],
				   index_at(va, 1));

	store(entry, random_page(o));
	for (int i = 0; i < SPACES; i++) {
		int space = o->spaces[i].fd;

		if (dice(o, 4))
			_invalidate(space, 0, va + dice(o, PAGE), 1);
		else
			_invalidate(space, VMMU_INVALIDATE_ALL, 0, 0);
	}
}

static void by_discard(struct world *o)
{
	int first = dice(o, DATA), nr = 1 + dice(o, DATA - first);
	__u64 done;

	_range(o->g.vm, VMMU_IOC_DISCARD, o->g.data + first * PAGE, nr * PAGE,
	       &done);
}

static void by_root(struct world *o)
{
	struct registered *space = &o->spaces[dice(o, SPACES)];

	space->root = dice(o, ROOTS);
	_set_root(space->fd, o->roots[space->root]);
}

static void by_mode(struct world *o)
{
	struct registered *space = &o->spaces[dice(o, SPACES)];

	space->mode = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(mode_bits); i++)
		space->mode |= dice(o, 2) ? mode_bits[i] : 0;
	/* Of key 1 now and then nothing, or no writes. */
	_set_mode(space->fd, space->mode, dice(o, 4) << 2, 52);
}

static bool map_window(struct world *o, struct shown *w, int space, int region)
{
	w->space = space;
	w->region = region;
	for (int i = 0; i < NR_PAGES; i++)
		w->prot[i] = RWX;
	w->at = _window(o->spaces[space].fd, region_va(o, region),
			NR_PAGES * PAGE, RWX);
	return w->at != MAP_FAILED;
}

static void by_window(struct world *o)
{
	struct shown *w = &o->windows[dice(o, WINDOWS)];

	munmap(w->at, NR_PAGES * PAGE);
	map_window(o, w, dice(o, SPACES), dice(o, REGIONS));
}

static void by_mprotect(struct world *o)
{
	static const int prots[] = {
		PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, RWX,
	};
	struct shown *w = &o->windows[dice(o, WINDOWS)];
	int first = dice(o, NR_PAGES), nr = 1 + dice(o, NR_PAGES - first);
	int prot = prots[dice(o, ARRAY_SIZE(prots))];

	if (mprotect(w->at + first * PAGE, nr * PAGE, prot))
		return;
	for (int i = first; i < first + nr; i++)
		w->prot[i] = prot;
}

/* A window of one mapping moves. */
static void by_mremap(struct world *o)
{
	struct shown *w = &o->windows[dice(o, WINDOWS)];
	const size_t bytes = NR_PAGES * PAGE;
	void *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	mprotect(w->at, bytes, RWX);
	for (int i = 0; i < NR_PAGES; i++)
		w->prot[i] = RWX;
	if (mremap(w->at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to)
		w->at = to;
	else
		munmap(to, bytes);
}

/* Another space in the place of one, whose windows stay until they go. */
static void by_space(struct world *o)
{
	struct registered *space = &o->spaces[0];
	struct vmmu_space_create c;

	for (int i = 0; i < WINDOWS; i++)
		if (!o->windows[i].space) {
			munmap(o->windows[i].at, NR_PAGES * PAGE);
			map_window(o, &o->windows[i], 1, o->windows[i].region);
		}
	if (_space_create(o->g.vm, o->g.levels == 5 ? FORMAT5 : FORMAT4,
			  o->roots[0], MODE(0), &c))
		return;
	close(space->fd);
	*space = (struct registered){ .fd = c.fd };
}

/* Make an access; whether it came out as it should. */
static bool access_is(struct world *o, unsigned char *at, __u32 kind,
		      bool granted)
{
	if (granted)
		o->granted[kind]++;
	else
		o->refused[kind]++;
	return access_kind(at, kind) == (granted ? 0 : SIGSEGV);
}

/* What is wrong with a page of a window; NULL: nothing. */
static const char *check_page(struct world *o, struct shown *w, int page)
{
	struct registered *space = &o->spaces[w->space];
	__u32 flags = space->mode & VMMU_MODE_CPL3 ? USER : 0;
	__u64 va = region_va(o, w->region) + page * PAGE, *word;
	unsigned char *at = w->at + page * PAGE;
	struct vmmu_translation t, more;
	bool granted;

	_translate(space->fd, flags, READ, va, &t);
	granted = t.flags & VMMU_TRANSLATED;
	if (!access_is(o, at, READ, granted))
		return "a read";
	if (!granted)
		return access_is(o, at, WRITE, false) &&
		       access_is(o, at, FETCH, false) ? NULL : "more than a read";

	/* It has a frame now. The tag's first byte is a `ret`. */
	_translate(space->fd, flags, READ, va, &t);
	word = (__u64 *)(o->g.mem + t.ra);
	store(word, ++o->tag << 8 | 0xc3);
	if (load(at) != (o->tag << 8 | 0xc3))
		return "what real memory holds";
	if ((t.flags & VMMU_TRANSLATED_FRAME) && t.frame != pagemap_frame(word))
		return "the frame";

	_translate(space->fd, flags, FETCH, va, &more);
	granted = (more.flags & VMMU_TRANSLATED) && w->prot[page] & PROT_EXEC;
	if (!access_is(o, at, FETCH, granted))
		return "a fetch";

	_translate(space->fd, flags, WRITE, va, &more);
	granted = (more.flags & VMMU_TRANSLATED) && w->prot[page] & PROT_WRITE;
	if (!access_is(o, at, WRITE, granted))
		return "a write";
	if (granted)
		store(at, ++o->tag << 8 | 0xc3);
	return load(word) == (o->tag << 8 | 0xc3) ? NULL : "what was written";
}

/* How many pages are wrong. */
static int check_all(struct world *o, const char *step, unsigned int number)
{
	struct vmmu_audit a;
	int wrong = 0;

	for (int i = 0; i < WINDOWS * NR_PAGES; i++) {
		struct shown *w = &o->windows[i / NR_PAGES];
		const char *what = check_page(o, w, i % NR_PAGES);

		if (!what)
			continue;
		wrong++;
		printf("# step %u, %s: %s, window %d of space %d, va %#llx\n",
		       number, step, what, i / NR_PAGES, w->space,
		       region_va(o, w->region) + i % NR_PAGES * PAGE);
	}
	if (_audit(o->g.vm, &a) || a.wrong || a.tables_wrong)
		printf("# step %u, %s: the audit has %llu wrong, at %#llx; %llu tables\n",
		       number, step, a.wrong, a.va, a.tables_wrong);
	return wrong + a.wrong + a.tables_wrong;
}

/* A child has the windows, too: what it looks at, the parent has afterwards. */
static void by_fork(struct world *o)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!!check_all(o, "in a child", 0));
	if (pid < 0 || child_wait(pid))
		o->tag = 0;
	else
		o->tag += 10000;
}

static const struct {
	void (*run)(struct world *o);
	const char *name;
	unsigned int often;
} steps[] = {
	{ by_install, "installs", 8 },
	{ by_store, "a store", 3 },
	{ by_discard, "a discard", 3 },
	{ by_root, "a root", 2 },
	{ by_mode, "a mode", 2 },
	{ by_mprotect, "mprotect()", 2 },
	{ by_mremap, "mremap()", 1 },
	{ by_window, "another window", 1 },
	{ by_space, "another space", 1 },
	{ by_fork, "fork()", 1 },
};

/* All tables of a root, and some pages. */
static void fill_tables(struct world *o, int root)
{
	struct guest *g = &o->g;

	g->root = o->roots[root];
	for (int region = 0; region < REGIONS; region++) {
		__u64 va = region_va(o, region);

		for (int n = 0; n < 2; n++)
			o->tables[root][region][n] = guest_page(g);
		guest_map(g, va, 2, o->tables[root][region][0] | PTE_ALL);
		for (int i = 0; i < NR_PAGES; i++)
			guest_map(g, va + i * PAGE, 1, random_page(o));
	}
}

FIXTURE_SETUP(oracle)
{
	const char *seed = getenv("VMMU_SEED");
	int dev = dev_open();

	if (dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, dev);
	self->o.random = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	printf("# VMMU_SEED=%#llx\n", self->o.random);
	guest_make(&self->o.g, dev, 8 * MIB, variant->format, 0);
	for (int i = 0; i < ROOTS; i++) {
		self->o.roots[i] = guest_page(&self->o.g);
		fill_tables(&self->o, i);
	}
	for (int i = 0; i < SPACES; i++)
		self->o.spaces[i].fd = space_create(self->o.g.vm, variant->format,
						    self->o.roots[0], 0);
	for (int i = 0; i < WINDOWS; i++)
		ASSERT_TRUE(map_window(&self->o, &self->o.windows[i], i % SPACES,
				       i % REGIONS));
}

FIXTURE_TEARDOWN(oracle)
{
	for (int i = 0; i < WINDOWS; i++)
		munmap(self->o.windows[i].at, NR_PAGES * PAGE);
	for (int i = 0; i < SPACES; i++)
		close(self->o.spaces[i].fd);
	guest_drop(&self->o.g);
	close(self->o.g.dev);
}

TEST_F(oracle, steps)
{
	unsigned int nr = rounds(1000), total = 0, i, pick;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		total += steps[i].often;
	ASSERT_EQ(0, check_all(&self->o, "the beginning", 0));
	for (unsigned int n = 1; n <= nr; n++) {
		pick = dice(&self->o, total);
		for (i = 0; pick >= steps[i].often; i++)
			pick -= steps[i].often;
		steps[i].run(&self->o);
		ASSERT_NE(0, self->o.tag);
		ASSERT_EQ(0, check_all(&self->o, steps[i].name, n));
	}
	printf("# %u steps, %u pages after each\n", nr, WINDOWS * NR_PAGES);
	printf("# granted: %u reads, %u writes, %u fetches; refused: %u, %u, %u\n",
	       self->o.granted[READ], self->o.granted[WRITE],
	       self->o.granted[FETCH], self->o.refused[READ],
	       self->o.refused[WRITE], self->o.refused[FETCH]);
}

TEST_HARNESS_MAIN
