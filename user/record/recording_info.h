/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of a recording besides its stream.  A case file has none of
 * it but its name and its times.
 */
#ifndef HCT_RECORDING_INFO_H
#define HCT_RECORDING_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part that is missing, and that the report therefore does not know of. */
struct recording_gap {
	const char *file; /* in which it was noticed */
	uint64_t from_ns, to_ns; /* CLOCK_MONOTONIC of the records around it; 0: there is none */
	uint64_t records; /* how many are missing; 0: unknown */
	uint64_t bytes; /* of the file that could not be read; 0: it was never written, or unknown */
	const char *why; /* a clause: "the disk was full", "damaged at byte 4711" */
};

/* A part of the host's state, as a tool of the system or a file has it. */
struct recording_state {
	const char *name; /* "routes", "firewall rules (nft)", … */
	bool at_end; /* of the run; else at its start */
	uint64_t time_ns;
	const char *text; /* any bytes but NUL; untrusted */
	size_t len;
};

/* Everything lives as long as the call that hands it over. */
struct recording_info {
	const char *const *files; /* in the order of time */
	size_t n_files;
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC: its first and last moment */
	int64_t wall_offset_ns; /* as struct stream_start's */
	bool has_start; /* the run's own start is there: no older part was dropped or lost */
	bool has_end; /* it was ended, not cut off by a crash or a kill */
	const struct recording_gap *gaps;
	size_t n_gaps; /* further ones may be told in the last */
	const struct recording_state *states;
	size_t n_states;
};

/* Is nothing missing? */
static inline bool recording_complete(const struct recording_info *info)
{
	return info->has_start && info->has_end && !info->n_gaps;
}

#endif
