// SPDX-License-Identifier: GPL-2.0
/*
 * The same random changes of page tables by every path, each in a VM of its own,
 * end in the same state: that of the model, which is a copy of the memory to
 * which the same is done.
 *
 * A state is: what is in every real page, A and D included; what each address
 * translates to; what windows show, and refuse; which pages are tables, and that
 * they are closed; and which pages have frames. Of the latter:
 *
 *  - By the paths that trap, a page gets its frame when an entry comes to map it.
 *    They all have the same frames.
 *  - Where a change is noticed late, an entry that was replaced meanwhile gives no
 *    frame, nor does one in a table that is noticed together with its contents. So
 *    frames are the same if each change is looked at before the next is made
 *    (variants "settled"), and are not compared otherwise; nor where a change is
 *    made of several.
 *  - In a LAZY space a page gets its frame when it is used: it has none that the
 *    others have not.
 *
 * What was used has a frame in every VM. VMMU_SEED=number in the environment makes
 * other changes.
 */
#include "vmmu_access.h"
#include "vmmu_paths_check.h"

#define GROUPS		160
#define CHECK_EVERY	30

FIXTURE(paths) {
	struct test t;
};

FIXTURE_VARIANT(paths) {
	int levels[SPACES];
	bool settled;
};

FIXTURE_VARIANT_ADD(paths, 4_levels) { { 4, 4, 4, 4 }, false };
FIXTURE_VARIANT_ADD(paths, 5_levels) { { 5, 5, 5, 5 }, false };
FIXTURE_VARIANT_ADD(paths, both) { { 4, 5, 4, 5 }, false };
FIXTURE_VARIANT_ADD(paths, settled_4_levels) { { 4, 4, 4, 4 }, true };
FIXTURE_VARIANT_ADD(paths, settled_5_levels) { { 5, 5, 5, 5 }, true };
FIXTURE_VARIANT_ADD(paths, settled_both) { { 4, 5, 4, 5 }, true };

static struct model *space_of_window(struct test *t, int n)
{
	return &t->w.spaces[n % SPACES];
}

static int make_space(struct vm *v, const struct model *m)
{
	struct vmmu_mode mode = {
		.bits = m->bits, .pkru = m->pkru, .maxphyaddr = m->maxphyaddr,
	};
	struct vmmu_space_create c = {
		.size = sizeof(c),
		.flags = v->path->lazy ? VMMU_SPACE_LAZY : VMMU_SPACE_TRAPPING,
		.format = m->levels == 5 ? FORMAT5 : FORMAT4,
		.root = m->root,
		.mode = mode,
	};

	VM_CHECK(v, !call(v->fd, VMMU_IOC_SPACE_CREATE, &c));
	return c.fd;
}

static void make_window(struct test *t, struct vm *v, int n)
{
	v->windows[n] = _window(v->spaces[n % SPACES], t->windows[n],
				NEIGHBOURS * PAGE, PROT_READ | PROT_WRITE);
	VM_CHECK(v, v->windows[n] != MAP_FAILED);
}

/* A VM, and its real memory. */
static void make_vm(struct test *t, struct vm *v, const struct path *path, bool settles)
{
	struct vmmu_vm_create c;
	const char *where;

	*v = (struct vm){ .path = path, .settles = settles, .random = 1 };
	VM_CHECK(v, !_vm_create(t->dev, REAL, &c));
	v->fd = c.fd;
	v->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	VM_CHECK(v, v->mem != MAP_FAILED);
	VM_CHECK(v, !pipe(v->pipe));
	v->self_mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	VM_CHECK(v, v->self_mem >= 0);
	v->direct = direct_file(&where);
}

/* A process that has all VMs' memory, and stands still until it is killed. */
static pid_t make_tracee(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? pid : -1;
}

static void make_spaces(struct test *t, struct vm *v)
{
	v->tracee = t->tracee;
	memcpy(v->mem + EDITOR_ROOT, t->w.mem + EDITOR_ROOT, 4 * PAGE);
	for (int i = 0; i <= SPACES; i++)
		v->spaces[i] = make_space(v, &t->w.spaces[i]);
	for (int i = 0; i < WINDOWS; i++)
		make_window(t, v, i);
	v->editor = _window(v->spaces[EDITOR], 0, WILD * PAGE,
			    PROT_READ | PROT_WRITE);
	VM_CHECK(v, v->editor != MAP_FAILED);
}

static void drop_vm(struct vm *v)
{
	for (int i = 0; i < WINDOWS; i++)
		munmap(v->windows[i], NEIGHBOURS * PAGE);
	munmap(v->editor, WILD * PAGE);
	munmap(v->mem, REAL);
	for (int i = 0; i <= SPACES; i++)
		close(v->spaces[i]);
	close(v->pipe[0]);
	close(v->pipe[1]);
	close(v->self_mem);
	close(v->direct);
	close(v->fd);
}

FIXTURE_SETUP(paths)
{
	const char *seed = getenv("VMMU_SEED");
	struct world *w = &self->t.w;

	self->t.dev = dev_open();
	if (self->t.dev == -EACCES)
		SKIP(return, "needs the right to open /dev/vmmu");
	ASSERT_LE(0, self->t.dev);
	w->mem = mmap(NULL, REAL, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)w->mem);
	w->random = seed ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	printf("# VMMU_SEED=%#llx\n", w->random);
	model_editor(w);
	/* The first one's root is page 0; the next ones may share it. */
	for (int i = 0; i < SPACES; i++)
		w->spaces[i] = (struct model){
			.mem = w->mem, .bytes = REAL, .root = i / 2 * PAGE,
			.levels = variant->levels[i], .maxphyaddr = 52,
			.bits = VMMU_MODE_WP | VMMU_MODE_NXE,
		};
	for (int i = 0; i < WINDOWS; i++)
		self->t.windows[i] = random_va(w, space_of_window(&self->t, i)) &
				   ~(NEIGHBOURS * PAGE - 1);
	for (unsigned int i = 0; i < NR_PATHS; i++)
		make_vm(&self->t, &self->t.vms[i], &paths[i], variant->settled);
	if (self->t.vms[0].direct < 0)
		printf("# no file system or disk here knows O_DIRECT: read(2)\n");
	self->t.tracee = make_tracee();
	ASSERT_LT(0, self->t.tracee);
	for (unsigned int i = 0; i < NR_PATHS; i++)
		make_spaces(&self->t, &self->t.vms[i]);
	access_prepare();
}

FIXTURE_TEARDOWN(paths)
{
	kill(self->t.tracee, SIGKILL);
	waitpid(self->t.tracee, NULL, 0);
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		audit_clean(self->t.vms[i].fd);
		drop_vm(&self->t.vms[i]);
	}
	munmap(self->t.w.mem, REAL);
	close(self->t.dev);
}

/* Change entries, first in the model: each is named as the ones before have it. */
static void change_some(struct test *t)
{
	int nr = 1 + (dice(&t->w, 2) ? dice(&t->w, GROUP) : 0);
	struct change c[GROUP];

	for (int i = 0; i < nr; i++) {
		c[i].ra = random_entry_ra(&t->w);
		c[i].old = *model_word(&t->w, c[i].ra);
		c[i].value = random_value(&t->w, c[i].old);
		c[i].named = find_name(&t->w, c[i].ra, &c[i].name);
		t->named += c[i].named;
		*model_word(&t->w, c[i].ra) = c[i].value;
	}
	for (unsigned int i = 0; i < NR_PATHS; i++)
		paths[i].run(&t->vms[i], c, nr);
	t->changes += nr;
}

/* An access in a window: what it should be, and what it is in each VM. */
static void use(struct test *t, int window, __u64 offset, __u32 kind, __u64 value)
{
	struct model *space = space_of_window(t, window);
	struct model_access a = {
		.va = t->windows[window] + offset, .access = kind,
		.user = space->bits & VMMU_MODE_CPL3, .set_ad = true,
	};
	struct model_result r;
	__u64 found = 0;

	model_translate(space, &a, &r);
	if (r.end == MODEL_OK && kind == READ)
		found = *model_word(&t->w, r.ra);
	else if (r.end == MODEL_OK)
		*model_word(&t->w, r.ra) = value;
	else
		t->refused++;
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		struct vm *v = &t->vms[i];
		struct access_result got = access_made(v->windows[window] +
						       offset, kind, value);

		VM_CHECK(v, got.signal == (r.end == MODEL_OK ? 0 : SIGSEGV));
		if (r.end == MODEL_OK && kind == READ)
			VM_CHECK(v, got.value == found);
		/* A table may have been written to. */
		if (v->path->lazy && r.end == MODEL_OK && kind == WRITE)
			invalidate_spaces(v);
	}
	t->uses++;
}

static __u64 random_root(struct world *w)
{
	if (!dice(w, 3))
		return w->spaces[dice(w, SPACES)].root;
	return dice(w, 10) ? dice(w, TABLES) * PAGE : REAL;
}

static void another_root(struct test *t, int n)
{
	t->w.spaces[n].root = random_root(&t->w);
	for (unsigned int i = 0; i < NR_PATHS; i++)
		VM_CHECK(&t->vms[i], !_set_root(t->vms[i].spaces[n],
						t->w.spaces[n].root));
}

static __u64 random_mode(struct world *w)
{
	static const __u64 bits[] = {
		VMMU_MODE_WP, VMMU_MODE_CPL3, VMMU_MODE_SMEP, VMMU_MODE_SMAP,
		VMMU_MODE_AC, VMMU_MODE_PKE,
	};
	__u64 mode = dice(w, 5) ? VMMU_MODE_NXE : 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		if (!dice(w, 5))
			mode |= bits[i];
	return mode;
}

static void another_mode(struct test *t, int n)
{
	struct model *m = &t->w.spaces[n];

	m->bits = random_mode(&t->w);
	m->pkru = dice(&t->w, 2) ? 4 : 8;
	m->maxphyaddr = dice(&t->w, 4) ? 52 : 40;
	for (unsigned int i = 0; i < NR_PATHS; i++)
		VM_CHECK(&t->vms[i], !_set_mode(t->vms[i].spaces[n], m->bits,
						m->pkru, m->maxphyaddr));
}

/* A space ends, with its windows, and another one begins. */
static void another_space(struct test *t, int n)
{
	t->w.spaces[n].root = random_root(&t->w);
	for (int k = n; k < WINDOWS; k += SPACES)
		t->windows[k] = random_va(&t->w, &t->w.spaces[n]) &
				~(NEIGHBOURS * PAGE - 1);
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		struct vm *v = &t->vms[i];

		for (int k = n; k < WINDOWS; k += SPACES)
			munmap(v->windows[k], NEIGHBOURS * PAGE);
		close(v->spaces[n]);
		v->spaces[n] = make_space(v, &t->w.spaces[n]);
		for (int k = n; k < WINDOWS; k += SPACES)
			make_window(t, v, k);
	}
}

static void another_window(struct test *t, int n)
{
	t->windows[n] = likely_va(&t->w, space_of_window(t, n)) &
			~(NEIGHBOURS * PAGE - 1);
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		munmap(t->vms[i].windows[n], NEIGHBOURS * PAGE);
		make_window(t, &t->vms[i], n);
	}
}

/* Before a use every other window goes to where something is mapped. */
static void use_some(struct test *t)
{
	struct world *w = &t->w;

	for (int n = dice(w, 6); n; n--) {
		int window = dice(w, WINDOWS);

		if (dice(w, 2))
			another_window(t, window);
		use(t, window, dice(w, NEIGHBOURS) * PAGE +
		    slot_at(dice(w, SLOTS)) * 8, dice(w, 2) ? READ : WRITE,
		    random_value(w, 0));
	}
}

/* As if each of its entries became zero. */
static void lose_page(struct test *t)
{
	__u64 ra = dice(&t->w, WILD) * PAGE, done;

	memset(t->w.mem + ra, 0, PAGE);
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		struct vm *v = &t->vms[i];

		VM_CHECK(v, !_range(v->fd, VMMU_IOC_DISCARD, ra, PAGE, &done));
		if (v->path->lazy)
			invalidate_spaces(v);
	}
}

static void populate_page(struct test *t)
{
	__u64 ra = dice(&t->w, WILD) * PAGE, done;

	for (unsigned int i = 0; i < NR_PATHS; i++)
		VM_CHECK(&t->vms[i], !_range(t->vms[i].fd, VMMU_IOC_POPULATE,
					     ra, PAGE, &done));
}

static void step(struct test *t)
{
	struct world *w = &t->w;

	switch (dice(w, 64)) {
	case 0:
		another_root(t, dice(w, SPACES));
		break;
	case 1:
	case 2:
		another_mode(t, dice(w, SPACES));
		break;
	case 3:
		another_space(t, dice(w, SPACES));
		break;
	case 4:
	case 5:
	case 6:
		lose_page(t);
		break;
	case 7:
		populate_page(t);
		break;
	default:
		change_some(t);
	}
	use_some(t);
}

static int broken(struct test *t)
{
	int nr = 0;

	for (unsigned int i = 0; i < NR_PATHS; i++)
		nr += !!t->vms[i].broken;
	return nr;
}

/* All windows, all pages. */
static void use_all(struct test *t)
{
	for (int i = 0; i < WINDOWS; i++)
		for (int k = 0; k < NEIGHBOURS; k++)
			use(t, i, k * PAGE + 8, READ, 0);
}

TEST_F_TIMEOUT(paths, same_state, 600)
{
	unsigned int nr = rounds(GROUPS);

	ASSERT_EQ(0, check_all(&self->t));
	for (unsigned int n = 1; n <= nr; n++) {
		if (n % 100 == 1)
			self->t.w.density = 5 + dice(&self->t.w, 50);
		step(&self->t);
		ASSERT_EQ(0, broken(&self->t)) TH_LOG("step %u", n);
		if (n % CHECK_EVERY)
			continue;
		ASSERT_EQ(0, check_all(&self->t)) TH_LOG("step %u", n);
		use_all(&self->t);
		ASSERT_EQ(0, broken(&self->t)) TH_LOG("step %u", n);
	}
	ASSERT_EQ(0, check_all(&self->t));
	printf("# %lu changes, %lu by name, %lu uses, %lu refused\n",
	       self->t.changes, self->t.named, self->t.uses,
	       self->t.refused);
}

/* Likewise, and then nothing is left of the spaces. */
TEST_F(paths, nothing_left)
{
	self->t.w.density = 40;
	for (unsigned int n = 1; n <= rounds(200); n++)
		step(&self->t);
	ASSERT_EQ(0, check_all(&self->t));
	for (unsigned int i = 0; i < NR_PATHS; i++) {
		struct vm *v = &self->t.vms[i];

		for (int k = 0; k < WINDOWS; k++)
			munmap(v->windows[k], NEIGHBOURS * PAGE);
		munmap(v->editor, WILD * PAGE);
		for (int k = 0; k <= SPACES; k++) {
			close(v->spaces[k]);
			v->spaces[k] = -1;
		}
		check_rest(v);
	}
	ASSERT_EQ(0, broken(&self->t));
}

TEST_HARNESS_MAIN
