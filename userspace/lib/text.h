/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A text that grows in a buffer of the caller's and is cut off at its end.
 * Internal to the library.
 */
#ifndef VMMU_TEXT_H
#define VMMU_TEXT_H

#include <stddef.h>

struct text {
	char *start;
	size_t bytes;
	size_t used;
};

static inline struct text text_in(char *buffer, size_t bytes)
{
	if (bytes)
		buffer[0] = '\0';
	return (struct text){ .start = buffer, .bytes = bytes };
}

/* Append, as printf() does. */
void vmmu_text_add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3), visibility("hidden")));

/* Append @word, with a blank before it unless it is the first. */
void vmmu_text_word(struct text *text, const char *word)
	__attribute__((visibility("hidden")));

#endif /* VMMU_TEXT_H */
