/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of BPF programs: what each needs of the kernel.  All that differs between kernels is here. */
#ifndef HCT_PROGRAM_TABLE_H
#define HCT_PROGRAM_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "include/hct_points.h"

struct btf;

#define MAX_PROGRAM_ROWS 64 /* room for the rows; how many there are the table itself knows */

/* How a program gets to where it observes. */
enum how {
	BY_TRACEPOINT,
	BY_TC,
	BY_TC_L3,
	BY_XDP,
	BY_LADDER,
	BY_LIBWRAP,
	BY_FUNCTION, /* fentry, fexit: where the kernel lets its functions be watched */
	BY_REASON_FUNCTION, /* the same, only where the kernel does not give that reason of a drop */
	BY_XDP_PROGRAM, /* fexit on another's BPF program */
	BY_RULE_FUNCTION, /* of nftables */
	BY_TABLE_FUNCTION, /* of iptables-legacy */
};

/*
 * Every program of the object, with what the kernel must have for it.  Several
 * programs of one point stand for several versions of a tracepoint or function: the
 * one whose argument count fits is used.
 */
struct program_row {
	const char *program;
	enum hct_point point;
	enum how how;
	const char *needs; /* tracepoint, function, or a type that must be in BTF; NULL nothing */
	int min_args, max_args; /* of the tracepoint or function */
	const char *module; /* that has the function where it is not built in; it may be loaded later */
	const char *reason; /* of a drop, in whose place it is; NULL: in that of all */
};

extern const struct program_row program_rows[];
extern const size_t n_program_rows;

bool program_is_function(enum how how);
/* NULL when the kernel whose types BTF are can take the program of ROW, else why not. */
const char *program_lacks(const struct btf *btf, const struct program_row *row);
/* The same of a row with a module, as it is at this moment. */
bool program_module_is_there(const struct program_row *row);
bool program_fits_now(struct btf *kernel, const struct program_row *row);

#endif
