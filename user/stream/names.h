/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interned strings: equal strings are one pointer that lives as long as the run. */
#ifndef HCT_NAMES_H
#define HCT_NAMES_H

/* NULL stays NULL; out of memory gives "?". */
const char *names_intern(const char *text);
void names_free(void);

#endif
