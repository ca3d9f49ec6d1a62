/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scene: a VM to make calls on; and its state: all that can be asked about
 * it, to be compared with what it was.
 */
#ifndef FAIL_NTH_STATE_H
#define FAIL_NTH_STATE_H

#include "vmmu_guest.h"
#include "vmmu_proc.h"
#include "vmmu_trapping.h"

/*
 * A scene's real memory has three levels of real map tables, and ends within a
 * 2 MiB page. PAGES pages are mapped crosswise from va 0 on, so that each is a
 * run of its own; the first BACKED of them have frames. Nothing has touched
 * what lies from FRESH on.
 */
#define TAIL		(4 * GIB)
#define REAL		(TAIL + 4 * PAGE)
#define PAGES		40
#define BACKED		36
#define FRESH		(3 * GIB)

#define MAPPED		(4 * PAGE)	/* of a verb's own mapping */
#define ENTRIES_MAX	256	/* of a scene's real map table */

/*
 * @table: the table that maps va 0 to 2 MiB
 * @room: what the user could still charge before the scene was made
 * @fd: of the verb: a file that it works on, or that it made
 * @at: of the verb: memory that it works on
 */
struct scene {
	struct guest g;
	__u64 table, room;
	int fd;
	unsigned char *at;
};

struct state {
	struct vmmu_vm_info vm;
	struct vmmu_space_info space;
	struct vmmu_translation translated[PAGES + 3];
	struct vmmu_mapping mappings[PAGES + 60];
	struct vmmu_real_map_entry entries[ENTRIES_MAX];
	__u64 sums[ENTRIES_MAX];
	struct vmmu_audit audit;
	__u32 nr_mappings, nr_entries;
	__u64 room;
	int files, next_fd;
};

/* Bytes that the user can still charge, when all that was freed is back. */
static inline __u64 room_of(int any)
{
	struct vmmu_info i;

	return _info(any, &i) ? 0 : i.memlock_bytes;
}

static inline __u64 sum_of(const unsigned char *page)
{
	const __u64 *words = (const __u64 *)page;
	__u64 sum = 0;
	int i;

	for (i = 0; i < 512; i++)
		sum = (sum ^ words[i]) * 0x100000001b3ULL + i;
	return sum;
}

static inline int state_translate(struct scene *s, struct state *st)
{
	__u64 vas[PAGES + 3];
	__u32 i, done;

	for (i = 0; i < PAGES; i++)
		vas[i] = i * PAGE;
	vas[i++] = GIB;
	vas[i++] = TIB;
	vas[i++] = BIT_ULL(60);
	return _translate_many(s->g.space, 0, READ, vas, 0, i, st->translated,
			       &done);
}

/* Look at everything; 0 or -errno. Sets ACCESSED in the real map, no more. */
static inline int state_of(struct scene *s, struct state *st)
{
	struct vmmu_mappings ms;
	struct vmmu_real_map m;
	__u32 i;

	memset(st, 0, sizeof(*st));
	/* Translations close page tables that are open. */
	if (state_translate(s, st) ||
	    _real_map(s->g.vm, 0, ~0ULL, ENTRIES_MAX, st->entries, &m) ||
	    m.ra != REAL)
		return -EPROTO;
	for (i = 0; i < m.done; i++)
		st->sums[i] = sum_of(s->g.mem + st->entries[i].ra);
	if (_real_map(s->g.vm, 0, ~0ULL, ENTRIES_MAX, st->entries, &m) ||
	    _mappings(s->g.space, 0, ~0ULL, ARRAY_SIZE(st->mappings),
		      st->mappings, &ms) || ms.more ||
	    _vm_info(s->g.vm, &st->vm) || _space_info(s->g.space, &st->space) ||
	    state_translate(s, st) || _audit(s->g.vm, &st->audit))
		return -EPROTO;
	st->nr_entries = m.done;
	st->nr_mappings = ms.done;
	st->room = room_of(s->g.vm);
	st->files = open_files();
	/* A number that is reserved, and no more, shows by not being given. */
	st->next_fd = dup(s->g.vm);
	close(st->next_fd);
	return 0;
}

/* Number of the @bytes / PAGE real pages from @ra on that have a frame. */
static inline unsigned int frames_within(const struct state *of, __u64 ra,
					 __u64 bytes)
{
	unsigned int i, nr = 0;

	for (i = 0; i < of->nr_entries; i++)
		nr += of->entries[i].ra - ra < bytes;
	return nr;
}

/* What the tracking of page tables is charged as; none is open. */
static inline __u64 tracking_bytes(const struct state *of)
{
	return (of->audit.tables + 15) / 16 * PAGE;
}

/* Charges are what the counters say, no more and no less. */
static inline const char *miscounts(const struct state *was,
				    const struct state *now)
{
	if (now->vm.frames != now->nr_entries)
		return "frames is not the number of entries";
	if (now->vm.charged_bytes != (now->vm.frames + now->vm.tables) * PAGE +
				     tracking_bytes(now))
		return "charged_bytes is not frames and tables";
	if (now->audit.wrong || now->audit.tables_wrong)
		return "the audit finds something wrong";
	if (was->room + was->vm.charged_bytes !=
	    now->room + now->vm.charged_bytes)
		return "locked_vm is not what was charged";
	return NULL;
}

/*
 * What differs among the real pages outside of @bytes from @ra on, and among
 * what counts them; contents below @tables may. Real map tables may be more:
 * they stay, though no frame was to be had to go with them.
 */
static inline const char *real_differs(const struct state *was,
				       const struct state *now, __u64 ra,
				       __u64 bytes, __u64 tables)
{
	__u32 i = 0, k = 0;

	while (i < was->nr_entries || k < now->nr_entries) {
		__u64 old = i < was->nr_entries ? was->entries[i].ra : REAL;
		__u64 new = k < now->nr_entries ? now->entries[k].ra : REAL;

		if (old - ra < bytes) {
			i++;
		} else if (new - ra < bytes) {
			k++;
		} else if (old != new) {
			return old < new ? "a frame has gone" :
					   "a frame has come";
		} else {
			if (memcmp(&was->entries[i], &now->entries[k],
				   sizeof(was->entries[i])))
				return "a real map entry differs";
			if (was->sums[i++] != now->sums[k++] &&
			    old >= tables)
				return "contents differ";
		}
	}
	if (now->vm.tables < was->vm.tables ||
	    now->vm.tables > was->vm.tables + 8)
		return "tables differ";
	return miscounts(was, now);
}

/* What differs among files and settings. */
static inline const char *rest_differs(const struct state *was,
				       const struct state *now)
{
	struct vmmu_vm_info vm = now->vm;

	vm.frames = was->vm.frames;
	vm.tables = was->vm.tables;
	vm.charged_bytes = was->vm.charged_bytes;
	vm.sequence = was->vm.sequence;
	if (memcmp(&was->vm, &vm, sizeof(vm)))
		return "VM_INFO differs";
	if (memcmp(&was->space, &now->space, sizeof(was->space)))
		return "SPACE_INFO differs";
	if (was->files != now->files)
		return "open files differ";
	return was->next_fd == now->next_fd ? NULL : "a descriptor is lost";
}

/* What differs; NULL: nothing does but the number of empty tables. */
static inline const char *differs(const struct state *was,
				  const struct state *now)
{
	const char *wrong = rest_differs(was, now) ?:
			    real_differs(was, now, 0, 0, 0);

	if (wrong)
		return wrong;
	if (was->vm.sequence != now->vm.sequence)
		return "sequence differs";
	if (memcmp(was->translated, now->translated, sizeof(was->translated)))
		return "translations differ";
	return was->nr_mappings == now->nr_mappings &&
	       !memcmp(was->mappings, now->mappings, sizeof(was->mappings)) ?
	       NULL : "mappings differ";
}

#endif /* FAIL_NTH_STATE_H */
