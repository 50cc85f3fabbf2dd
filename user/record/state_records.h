/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A section of the host's state as records of a recording. */
#ifndef HCT_RECORD_STATE_RECORDS_H
#define HCT_RECORD_STATE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/*
 * Appends a section's records to OUT, each behind its length as a varint.  TEXT
 * behind MOST bytes is cut off, and says so.  0 or -ENOMEM.
 */
int state_records_add(struct store *out, bool at_end, uint64_t time_ns, const char *name,
		      const char *text, size_t most);

#endif
