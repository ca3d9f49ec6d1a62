/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the commands of vmmuctl share: exit codes, messages, arguments, JSON.
 *
 * A command is one file with a run function, and one row of the table in
 * main.c. It gets what follows its name, from argv[1] on, and returns an exit
 * code. A message goes out before the code is returned: complain() and its
 * relatives print one line to stderr and return the code that goes with it.
 */
#ifndef VMMUCTL_CLI_H
#define VMMUCTL_CLI_H

#include <getopt.h>
#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmmu.h"
#include "vmmu_table.h"

/* Exit codes; stated in vmmuctl(1) and in each --help. */
enum {
	CLI_OK = 0,		/* done */
	CLI_NEGATIVE = 1,	/* not translated; another value; not found */
	CLI_USAGE = 2,		/* bad arguments or bad input */
	CLI_REFUSED = 3,	/* the system refused */
};

#define CLI_EXIT_HELP \
	"Exit codes: 0 done; 1 an address did not translate, a value was another\n" \
	"one, or there was nothing to show; 2 bad arguments or bad input; 3 the\n" \
	"system refused.\n"

typedef int command_fn(int argc, char **argv);

command_fn info_run, list_run, show_run, walk_run, dump_run, read_run;
command_fn write_run, who_run, stat_run, trap_run, check_run, image_run;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* messages (message.c) */

/* Print "vmmuctl: " and the message. Return CLI_USAGE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Print what failed, the error @err (positive or negative) in words and, where
 * there is one, the remedy. Return CLI_REFUSED.
 */
int refused(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Like refused(), with a remedy of the caller's. */
int refused_remedy(int err, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like complain(), where the answer is no. Return CLI_NEGATIVE. */
int negative(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say where help is, after getopt_long() has said what is wrong. */
int usage(const char *command);

/* Memory, or a message and the end of the program. */
void *grow(void *memory, size_t nr, size_t bytes);

/* Open the device. Return a descriptor; or -CLI_REFUSED after a message. */
int open_device(void);

/*
 * Flush stdout. Return @code, or CLI_REFUSED, after a message, if the output
 * did not get out.
 */
int finish_output(int code);

/* arguments (parse.c): true, or false after a message that names @what */

bool parse_u64(const char *text, const char *what, uint64_t *number);
bool parse_u32(const char *text, const char *what, uint32_t *number);
bool parse_bytes(const char *text, const char *what, uint64_t *bytes);
bool parse_access(const char *text, uint32_t *access);
/* The value of --count: not 0. */
bool parse_count(const char *text, uint64_t *count);
/* "0.5": into nanoseconds, from a millisecond to a million seconds. */
bool parse_seconds(const char *text, const char *what, uint64_t *nsecs);
/* "store,reread": kinds of installs, as bits (1 << enum vmmu_trap_kind). */
bool parse_kinds(const char *text, const char *what, uint32_t *kinds);

/* The number in @text, 0x for hexadecimal; false if it is none. No message. */
bool number(const char *text, uint64_t *value);

/* "64 MiB": @bytes in the largest unit that divides them. */
char *bytes_text(uint64_t bytes, char *text, size_t room);

/* "title             text": a row of a list of properties. */
void print_property(const char *title, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* JSON (json.c) */

/*
 * A JSON text that is written as it comes. Values are made by json-c; the
 * frame around them is written at once, so that a long list needs no memory.
 */
struct json_out {
	bool has_member;
	bool has_element;
};

void json_begin(struct json_out *json);
void json_member(struct json_out *json, const char *key,
		 struct json_object *value);
void json_list_begin(struct json_out *json, const char *key);
void json_list_add(struct json_out *json, struct json_object *value);
void json_list_end(struct json_out *json);
void json_end(struct json_out *json);

/* An object of its own, on a line of its own. */
void json_line(struct json_object *object);

/* Add a member; @key is a string constant. A NULL @value is null. */
void json_add(struct json_object *object, const char *key,
	      struct json_object *value);
/* "0x...": addresses, entries and frames, which JSON numbers can't hold. */
struct json_object *json_hex(uint64_t value);
void json_add_hex(struct json_object *object, const char *key, uint64_t value);
void json_add_number(struct json_object *object, const char *key,
		     uint64_t value);
void json_add_text(struct json_object *object, const char *key,
		   const char *value);
/* Add "rwxu". */
void json_add_rights(struct json_object *object, const char *key,
		     uint32_t rights);
/* Append a string to an array. */
void json_append_text(struct json_object *array, const char *value);
/* An entry of a page table of @format, on the way of @va. */
struct json_object *json_of_step(uint32_t format, uint64_t va,
				 const struct vmmu_step *step);
void json_add_bool(struct json_object *object, const char *key, bool value);

#endif /* VMMUCTL_CLI_H */
