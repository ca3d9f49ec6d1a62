/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: every change of a guest's page table that the module makes, and
 * every change of a real map table.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmmu

#if !defined(VMMU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VMMU_TRACE_H

#include <linux/tracepoint.h>
#include <linux/vmmu.h>

#define show_vmmu_outcome(outcome)					\
	__print_symbolic(outcome,					\
			 { VMMU_OUTCOME_CLEARED, "cleared" },		\
			 { VMMU_OUTCOME_TABLE, "table" },		\
			 { VMMU_OUTCOME_PAGE, "page" },			\
			 { VMMU_OUTCOME_RESERVED, "reserved" },		\
			 { VMMU_OUTCOME_BEYOND_REAL, "beyond-real" })

/* The causes are install.h's. */
#define show_vmmu_cause(cause)						\
	__print_symbolic(cause, { 0, "hypercall" }, { 1, "rollback" },	\
			 { 2, "store" }, { 3, "reread" }, { 4, "discard" })

TRACE_EVENT(vmmu_install,
	TP_PROTO(u64 vm, u64 space, u64 va, u32 level, u64 entry_ra, u64 old,
		 u64 new, u32 cause, u32 outcome),
	TP_ARGS(vm, space, va, level, entry_ra, old, new, cause, outcome),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u64, space)
		__field(u64, va)
		__field(u64, entry_ra)
		__field(u64, old)
		__field(u64, new)
		__field(u32, level)
		__field(u32, cause)
		__field(u32, outcome)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->space = space;
		__entry->va = va;
		__entry->entry_ra = entry_ra;
		__entry->old = old;
		__entry->new = new;
		__entry->level = level;
		__entry->cause = cause;
		__entry->outcome = outcome;
	),
	TP_printk("vm=%llu space=%llu va=%#llx level=%u entry=%#llx old=%#llx new=%#llx cause=%s outcome=%s",
		  __entry->vm, __entry->space, __entry->va, __entry->level,
		  __entry->entry_ra, __entry->old, __entry->new,
		  show_vmmu_cause(__entry->cause),
		  show_vmmu_outcome(__entry->outcome))
);

DECLARE_EVENT_CLASS(vmmu_realmap,
	TP_PROTO(u64 vm, u64 index, u64 real_map_entry),
	TP_ARGS(vm, index, real_map_entry),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u64, index)
		__field(u64, real_map_entry)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->index = index;
		__entry->real_map_entry = real_map_entry;
	),
	TP_printk("vm=%llu real_page=%#llx entry=%#llx", __entry->vm,
		  __entry->index, __entry->real_map_entry)
);

DEFINE_EVENT(vmmu_realmap, vmmu_realmap_set,
	TP_PROTO(u64 vm, u64 index, u64 real_map_entry),
	TP_ARGS(vm, index, real_map_entry)
);

DEFINE_EVENT(vmmu_realmap, vmmu_realmap_clear,
	TP_PROTO(u64 vm, u64 index, u64 real_map_entry),
	TP_ARGS(vm, index, real_map_entry)
);

TRACE_EVENT(vmmu_zap,
	TP_PROTO(u64 vm, u64 space, u64 first, u64 last),
	TP_ARGS(vm, space, first, last),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u64, space)
		__field(u64, first)
		__field(u64, last)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->space = space;
		__entry->first = first;
		__entry->last = last;
	),
	TP_printk("vm=%llu space=%llu first_page=%#llx last_page=%#llx",
		  __entry->vm, __entry->space, __entry->first, __entry->last)
);

TRACE_EVENT(vmmu_window_fault,
	TP_PROTO(u64 vm, u64 space, u64 va, u32 access, u32 reason, u32 pages),
	TP_ARGS(vm, space, va, access, reason, pages),
	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u64, space)
		__field(u64, va)
		__field(u32, access)
		__field(u32, reason)
		__field(u32, pages)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->space = space;
		__entry->va = va;
		__entry->access = access;
		__entry->reason = reason;
		__entry->pages = pages;
	),
	TP_printk("vm=%llu space=%llu va=%#llx access=%u reason=%u pages=%u",
		  __entry->vm, __entry->space, __entry->va, __entry->access,
		  __entry->reason, __entry->pages)
);

#endif /* VMMU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
