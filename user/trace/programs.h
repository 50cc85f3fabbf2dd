/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF programs: which of them this kernel and these settings call for, and
 * loading those.  A program that the kernel refuses does not stop the others.
 */
#ifndef HCT_PROGRAMS_H
#define HCT_PROGRAMS_H

#include "cli/options.h"
#include "point_list.h"
#include "program_table.h"

struct bpf_program;
struct hctrace_bpf;

/*
 * Most of a start is the verifier's: programs that few runs need are loaded when
 * they are needed, into an object of their own that shares the maps.
 */
struct programs {
	const char *btf; /* file of the kernel's types where it has none itself; NULL: its own */
	struct hctrace_bpf *object; /* NULL until loaded */
	struct hctrace_bpf *l3, *ladder, *modules; /* NULL until needed */
	bool preallocate; /* the map of flows: this kernel wants that, or it warns in its log */
	bool looked[MAX_PROGRAM_ROWS]; /* of a module that was there when it was looked for */
	bool wanted[MAX_PROGRAM_ROWS]; /* to be loaded; after programs_load(): loaded, or to be when needed */
};

/* Marks what SETTINGS ask for and the kernel of BTF has; the others go to LIST with the reason. */
void programs_choose(struct programs *p, const struct settings *settings, const struct btf *btf,
		     struct point_list *list);
/* tc could not be attached: arrival and departure are left to the tracepoints.  To be loaded again. */
void programs_replace_tc(struct programs *p);
/* 0, or -errno of the kernel when it takes not one program.  NETNS: the namespace to watch. */
int programs_load(struct programs *p, const struct settings *settings, uint32_t netns,
		  struct point_list *list);
/*
 * Loads those of HOW, which are not loaded at the start, unless they are: BY_TC_L3, BY_LADDER,
 * BY_RULE_FUNCTION, BY_TABLE_FUNCTION.  0, -ENOTSUP when not wanted, or -errno.
 */
int programs_load_late(struct programs *p, enum how how);
/* Modules were loaded since?  Then those of BY_RULE_FUNCTION and BY_TABLE_FUNCTION are to be loaded anew. */
void programs_look_again(struct programs *p);
/*
 * Loads what watches the XDP program behind descriptor TARGET, whose main function is
 * FUNCTION; ID and NAME are what events tell of it.  0: *OUT is loaded, not attached.
 */
int programs_load_xdp(const struct programs *p, int target, const char *function, uint32_t id,
		      const char *name, struct hctrace_bpf **out);
/* Is any of HOW loaded, or to be when it is needed? */
bool programs_want(const struct programs *p, enum how how);
void programs_unload(struct programs *p);
/* NULL: of an object that is not loaded. */
struct bpf_program *programs_get(const struct programs *p, size_t row);

#endif
