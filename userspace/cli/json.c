// SPDX-License-Identifier: GPL-2.0
/*
 * JSON on stdout: one object with members and lists, an element a line; or an
 * object a line.
 */
#include <inttypes.h>

#include "cli.h"

static void print(struct json_object *value)
{
	if (!value) {
		fputs("null", stdout);
		return;
	}
	fputs(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
				JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
	json_object_put(value);
}

void json_begin(struct json_out *json)
{
	*json = (struct json_out){ 0 };
	putchar('{');
}

static void key_of(struct json_out *json, const char *key)
{
	printf("%s\"%s\":", json->has_member ? ",\n" : "", key);
	json->has_member = true;
}

void json_member(struct json_out *json, const char *key,
		 struct json_object *value)
{
	key_of(json, key);
	print(value);
}

void json_list_begin(struct json_out *json, const char *key)
{
	key_of(json, key);
	putchar('[');
	json->has_element = false;
}

void json_list_add(struct json_out *json, struct json_object *value)
{
	fputs(json->has_element ? ",\n" : "\n", stdout);
	json->has_element = true;
	print(value);
}

void json_list_end(struct json_out *json)
{
	fputs(json->has_element ? "\n]" : "]", stdout);
}

void json_end(struct json_out *json)
{
	(void)json;
	fputs("}\n", stdout);
}

void json_line(struct json_object *object)
{
	print(object);
	putchar('\n');
}

void json_add(struct json_object *object, const char *key,
	      struct json_object *value)
{
	json_object_object_add_ex(object, key, value,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW |
				  JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

struct json_object *json_hex(uint64_t value)
{
	char text[20];
	int length = snprintf(text, sizeof(text), "0x%" PRIx64, value);

	return json_object_new_string_len(text, length);
}

void json_add_hex(struct json_object *object, const char *key, uint64_t value)
{
	json_add(object, key, json_hex(value));
}

void json_add_number(struct json_object *object, const char *key,
		     uint64_t value)
{
	json_add(object, key, json_object_new_uint64(value));
}

void json_add_text(struct json_object *object, const char *key,
		   const char *value)
{
	json_add(object, key, value ? json_object_new_string(value) : NULL);
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
	json_add(object, key, json_object_new_boolean(value));
}

void json_add_rights(struct json_object *object, const char *key,
		     uint32_t rights)
{
	char text[8];

	json_add_text(object, key,
		      vmmu_rights_text(rights, text, sizeof(text)));
}

void json_append_text(struct json_object *array, const char *value)
{
	json_object_array_add(array, json_object_new_string(value));
}

struct json_object *json_of_step(uint32_t format, uint64_t va,
				 const struct vmmu_step *step)
{
	struct json_object *o = json_object_new_object();
	char flags[VMMU_TEXT_BYTES];

	vmmu_table_entry_text(format, step->level, step->value, flags,
			      sizeof(flags));
	json_add_number(o, "level", step->level);
	json_add_text(o, "name", vmmu_level_name(format, step->level));
	json_add_number(o, "index", vmmu_table_index(format, va, step->level));
	json_add_hex(o, "ra", step->ra);
	json_add_hex(o, "value", step->value);
	json_add_text(o, "flags", flags);
	json_add_rights(o, "rights", step->rights);
	return o;
}
