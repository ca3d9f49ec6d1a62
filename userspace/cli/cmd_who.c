// SPDX-License-Identifier: GPL-2.0
/*
 * vmmuctl who: the virtual addresses that map a real page, in every space of
 * its VM. Looking changes nothing: no A or D bit, no frame.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "progress.h"
#include "remote.h"
#include "translation.h"

static const char help[] =
	"Usage: vmmuctl who PID:FD [OPTION...] ADDRESS\n"
	"       vmmuctl who PID:FD [OPTION...] --frame PFN\n\n"
	"List the virtual addresses that map a real page, in every space of the VM,\n"
	"as they are found. Where PID:FD is a VM, ADDRESS is a real address; where it\n"
	"is a space, a virtual address of it, which is translated first. Ctrl-C ends\n"
	"a long search with what was found. Nothing is changed by looking.\n\n"
	TARGET_HELP
	"  -F, --frame PFN     the real page that this physical frame backs; needs\n"
	"                      CAP_SYS_ADMIN\n"
	PRIVILEGE_HELP
	JSON_HELP
	"Numbers are decimal, or hexadecimal with 0x.\n\n"
	CLI_EXIT_HELP;

#define BATCH		1024
#define PAGE_BYTES	4096

static const struct option options[] = {
	OPTION_PID, OPTION_FD, OPTION_USER, OPTION_SUPERVISOR, OPTION_JSON,
	OPTION_HELP,
	{ "frame", required_argument, NULL, 'F' },
	OPTION_END,
};

struct who_options {
	struct common common;
	bool by_frame;
	uint64_t frame;
	uint64_t address;
};

/* What is asked: a real page of a VM. */
struct question {
	int vm;
	uint64_t vm_id;
	uint64_t ra;
	struct json_out *json;	/* NULL: text */
	uint64_t found;
	bool complete;		/* every space was searched */
};

static struct json_object *mapper_json(const struct vmmu_mapper *mapper)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "space", mapper->space);
	json_add_hex(o, "va", mapper->va);
	json_add_number(o, "page_size", 1ULL << (mapper->page_shift & 63));
	json_add_hex(o, "attributes", mapper->attributes);
	json_add_rights(o, "rights", mapper->rights);
	return o;
}

static void print_mapper(const struct vmmu_mapper *mapper)
{
	char rights[8], page[32];

	printf("space %-4" PRIu64 "  va 0x%016" PRIx64 "  %7s page  %s\n",
	       (uint64_t)mapper->space, (uint64_t)mapper->va,
	       bytes_text(1ULL << (mapper->page_shift & 63), page,
			  sizeof(page)),
	       vmmu_rights_text(mapper->rights, rights, sizeof(rights)));
}

/* Print them as they are found, to the end or Ctrl-C. Return 0 or -errno. */
static int search(struct question *q)
{
	struct vmmu_mapper *batch = grow(NULL, BATCH, sizeof(*batch));
	struct vmmu_mappers_from from = { 0 };
	uint32_t more = 1;
	int nr = 0, i;

	progress_begin();
	while (more && nr >= 0 && !interrupted() && !ferror(stdout)) {
		nr = vmmu_mappers(q->vm, q->ra, &from, batch, BATCH, &more);
		if (nr > 0)
			progress_clear();
		for (i = 0; i < nr; i++) {
			if (q->json)
				json_list_add(q->json, mapper_json(&batch[i]));
			else
				print_mapper(&batch[i]);
		}
		if (nr > 0)
			fflush(stdout);
		q->found += nr > 0 ? nr : 0;
		progress_show("space %" PRIu64 ", at 0x%016" PRIx64 ": %" PRIu64
			      " found", from.space, from.va, q->found);
	}
	progress_clear();
	free(batch);
	q->complete = nr >= 0 && !more;
	return nr < 0 ? nr : 0;
}

/* Say which page it is about, and its frame, as far as it may be seen. */
static void tell_page(const struct question *q)
{
	struct vmmu_real_map_entry entry = { 0 };
	uint64_t at = q->ra;
	int nr = vmmu_real_map(q->vm, &at, q->ra + PAGE_BYTES - 1, &entry, 1);
	bool seen = nr == 1 && !(entry.flags & VMMU_REAL_FRAME_HIDDEN);

	if (q->json) {
		json_member(q->json, "ra", json_hex(q->ra));
		json_member(q->json, "frame",
			    seen ? json_hex(entry.frame) : NULL);
		return;
	}
	printf("real page 0x%" PRIx64 " of VM %" PRIu64, q->ra, q->vm_id);
	if (seen)
		printf(", frame 0x%" PRIx64 "\n", (uint64_t)entry.frame);
	else
		puts(nr == 1 ? ", frame hidden" : ", no frame");
}

/* Return the exit code. */
static int answer(struct question *q)
{
	int err;

	tell_page(q);
	if (q->json)
		json_list_begin(q->json, "mappers");
	err = search(q);
	if (q->json) {
		json_list_end(q->json);
		json_member(q->json, "complete",
			    json_object_new_boolean(q->complete));
	}
	if (err)
		return refused(err, "search for real page 0x%" PRIx64, q->ra);
	if (interrupted() && !q->complete)
		return negative("interrupted; the list is incomplete");
	if (!q->found)
		return negative("no space maps real page 0x%" PRIx64, q->ra);
	return CLI_OK;
}

static const char frames_remedy[] =
	"CAP_SYS_ADMIN is needed now, and was when the VM was created; ask by real address instead";

/* The real page that a frame backs. Return an exit code. */
static int by_frame(const struct remote *vm, uint64_t frame, uint64_t *ra)
{
	int err = vmmu_real_of_frame(vm->fd, frame, ra);

	switch (-err) {
	case 0:
		return CLI_OK;
	case ENOENT:
		return negative("frame 0x%" PRIx64 " backs no real page of VM %" PRIu64,
				frame, (uint64_t)vm->vm.id);
	case EPERM:
		return refused_remedy(err, frames_remedy, "frame numbers of VM %" PRIu64,
				      (uint64_t)vm->vm.id);
	default:
		return refused(err, "frame 0x%" PRIx64, frame);
	}
}

/* Ask about a real page of @vm; @json, unless NULL, has begun already. */
static int ask_vm(const struct remote *vm, uint64_t ra, struct json_out *json)
{
	struct question q = {
		.vm = vm->fd,
		.vm_id = vm->vm.id,
		.ra = ra & ~(uint64_t)(PAGE_BYTES - 1),
		.json = json,
	};

	return answer(&q);
}

static int who_of_vm(const struct remote *vm, const struct who_options *o)
{
	struct json_out out, *json = o->common.json ? &out : NULL;
	uint64_t ra = o->address;
	char real[32];
	int code;

	if (o->by_frame) {
		code = by_frame(vm, o->frame, &ra);
		if (code)
			return code;
	}
	if (ra >= vm->vm.real_bytes)
		return complain("who: 0x%" PRIx64 " is beyond the %s of real memory",
				ra, bytes_text(vm->vm.real_bytes, real,
					       sizeof(real)));
	if (json) {
		json_begin(json);
		json_member(json, "vm", remote_json(vm));
	}
	code = ask_vm(vm, ra, json);
	if (json)
		json_end(json);
	return code;
}

static int ask_space(const struct remote *space, const struct remote *vm,
		     const struct answer *answer, bool as_json)
{
	struct json_out out, *json = as_json ? &out : NULL;
	int code;

	if (json) {
		json_begin(json);
		json_member(json, "space", remote_json(space));
		json_member(json, "translation", answer_json(answer));
	} else {
		answer_print_line(answer);
	}
	code = ask_vm(vm, answer->result.ra, json);
	if (json)
		json_end(json);
	return code;
}

static int who_of_space(const struct remote *space, const struct who_options *o)
{
	struct answer answer = {
		.format = space->space.format,
		.va = o->address,
		.flags = common_flags(&o->common, &space->space.mode),
	};
	char text[ANSWER_TEXT_BYTES];
	struct remote vm;
	int err, code;

	if (o->by_frame)
		return complain("descriptor %d of process %d is a space; --frame needs a VM",
				o->common.target.fd, o->common.target.pid);
	err = vmmu_translate(space->fd, answer.va, answer.access, answer.flags,
			     &answer.result);
	if (err)
		return refused(err, "address 0x%" PRIx64, answer.va);
	if (!answer_translated(&answer))
		return negative("0x%016" PRIx64 ": %s", answer.va,
				answer_failure_text(&answer, text));
	code = remote_open_vm_of(space, &vm);
	if (code)
		return code;
	code = ask_space(space, &vm, &answer, o->common.json);
	remote_close(&vm);
	return code;
}

static bool take_option(void *own, int option, const char *text)
{
	struct who_options *o = own;

	(void)option;
	o->by_frame = true;
	return parse_u64(text, "--frame", &o->frame);
}

/* Check what options and arguments say together. Return an exit code. */
static int check(void *own)
{
	struct who_options *o = own;

	if (o->by_frame && o->common.nr_arguments)
		return complain("who: an address or --frame, not both");
	if (o->by_frame)
		return CLI_OK;
	if (!o->common.nr_arguments)
		return complain("who: which address?");
	return parse_u64(o->common.arguments[0], "who", &o->address) ?
		CLI_OK : CLI_USAGE;
}

static int run(const struct remote *remote, void *context)
{
	return remote->kind == REMOTE_VM ? who_of_vm(remote, context) :
		who_of_space(remote, context);
}

int who_run(int argc, char **argv)
{
	static const struct command_line line = {
		.name = "who",
		.help = help,
		.options = options,
		.take = take_option,
		.check = check,
		.most_arguments = 1,
	};
	struct who_options o = { 0 };
	int code = command_line_parse(&line, argc, argv, &o.common, &o);

	if (code < 0)
		code = remote_run(&o.common.target, run, &o);
	progress_end();
	return code;
}
