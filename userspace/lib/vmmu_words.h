/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvmmu: words for what the calls say. Included by vmmu.h.
 */
#ifndef VMMU_WORDS_H
#define VMMU_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vmmu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are constant and never NULL unless it says so. */

/* Bytes that always suffice for the texts that are written to a buffer. */
#define VMMU_TEXT_BYTES	96

/**
 * vmmu_reason_name() - name of a reason
 * @reason: enum vmmu_reason.
 *
 * Return: as in the header, without the prefix: "NOT_PRESENT"; "?" for a value
 * that the library does not know.
 */
const char *vmmu_reason_name(uint32_t reason);

/**
 * vmmu_reason_text() - the rule behind a reason, as a sentence
 * @reason: enum vmmu_reason.
 *
 * Return: a sentence without a capital at its start and a full stop at its
 * end; it speaks of "this level's entry".
 */
const char *vmmu_reason_text(uint32_t reason);

/**
 * vmmu_outcome_name() - name of an install's outcome
 * @outcome: enum vmmu_outcome.
 *
 * Return: as in the header, without the prefix: "PAGE"; "?" for a value that
 * the library does not know.
 */
const char *vmmu_outcome_name(uint32_t outcome);

/**
 * vmmu_access_name() - name of an access
 * @access: enum vmmu_access.
 *
 * Return: "read", "write", "fetch"; "?" for a value that the library does not
 * know.
 */
const char *vmmu_access_name(uint32_t access);

/**
 * vmmu_delivery_name() - name of a style of delivery
 * @delivery: enum vmmu_delivery.
 *
 * Return: "signal", "record", "none", "notify", "ask"; "?" for a value that the
 * library does not know.
 */
const char *vmmu_delivery_name(uint32_t delivery);

/**
 * vmmu_trap_kind_name() - name of a kind of trap
 * @kind: enum vmmu_trap_kind.
 *
 * Return: "fault", "hypercall", "store", "reread", "discard"; "?" for a value
 * that the library does not know.
 */
const char *vmmu_trap_kind_name(uint32_t kind);

/**
 * vmmu_verdict_name() - name of an answer to a record
 * @verdict: enum vmmu_trap_verdict.
 *
 * Return: "retry", "signal", "allow", "deny", "rewrite"; "?" for a value that
 * the library does not know.
 */
const char *vmmu_verdict_name(uint32_t verdict);

/**
 * vmmu_format_name() - name of a page-table format
 * @format: enum vmmu_format_id.
 *
 * Return: "x86-64-4level", "x86-64-5level"; NULL for a value that the library
 * does not know.
 */
const char *vmmu_format_name(uint32_t format);

/**
 * vmmu_format_from_name() - page-table format of a name
 * @name: as vmmu_format_name() gives it.
 *
 * Return: enum vmmu_format_id; -EINVAL for an unknown name.
 */
int vmmu_format_from_name(const char *name);

/**
 * vmmu_level_name() - what the architecture calls an entry of a level
 * @format: enum vmmu_format_id.
 * @level: level, 1 for the last.
 *
 * Return: "PTE", "PDE", "PDPTE", "PML4E", "PML5E"; "?" for a level that the
 * format does not have.
 */
const char *vmmu_level_name(uint32_t format, uint32_t level);

/**
 * vmmu_error_code_text() - spell out an architectural error code
 * @error_code: VMMU_PF_*.
 * @text: receives names separated by blanks, "P W U"; "none" when no bit is
 *	set.
 * @bytes: room in @text; what does not fit is cut off.
 *
 * Return: @text.
 */
char *vmmu_error_code_text(uint32_t error_code, char *text, size_t bytes);

/**
 * vmmu_rights_text() - spell out rights
 * @rights: VMMU_RIGHT_*.
 * @text: receives four letters, "rwxu", with "-" for what is missing.
 * @bytes: room in @text; what does not fit is cut off.
 *
 * Return: @text.
 */
char *vmmu_rights_text(uint32_t rights, char *text, size_t bytes);

/**
 * vmmu_mode_text() - spell out a mode
 * @mode: the mode.
 * @text: receives names separated by blanks: "WP NXE CPL3 MAXPHYADDR=40";
 *	"PKRU=0x..." is there when PKE or a bit of PKRU is set.
 * @bytes: room in @text; what does not fit is cut off.
 *
 * Return: @text.
 */
char *vmmu_mode_text(const struct vmmu_mode *mode, char *text, size_t bytes);

/**
 * vmmu_mode_from_text() - parse a mode
 * @text: names as vmmu_mode_text() writes them, in any order, upper or lower
 *	case, separated by blanks or commas.
 * @mode: receives the mode; bits and pkru are 0 and maxphyaddr is 52 unless
 *	@text says otherwise. Unchanged on failure.
 *
 * Return: 0; -EINVAL for an unknown name or a number that does not fit.
 */
int vmmu_mode_from_text(const char *text, struct vmmu_mode *mode);

#ifdef __cplusplus
}
#endif

#endif /* VMMU_WORDS_H */
