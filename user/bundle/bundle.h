/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes a bundle of a recording: itself, its reports and the host's state in one archive. */
#ifndef HCT_BUNDLE_H
#define HCT_BUNDLE_H

#include <stdbool.h>

struct bundle_job {
	const char *const *from; /* NULL-terminated absolute paths */
	const char *to; /* absolute */
	bool redact;
	const char *map; /* absolute; NULL: none */
	bool show_progress;
};

/* In a working directory that is the caller's (workdir.h).  An exit status; 0: it is there. */
int bundle_make(const struct bundle_job *job);

#endif
