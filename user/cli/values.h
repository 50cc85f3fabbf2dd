/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The values of options, from text.  All return 0, or -EINVAL and leave OUT undefined. */
#ifndef HCT_VALUES_H
#define HCT_VALUES_H

#include "options.h"

/* A decimal number from MIN to MAX, nothing around it. */
int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "500ms", "3s", "1.5m", "2h", or a plain number of seconds; more than zero, at most a year. */
int value_time(const char *text, uint64_t *ns);
/* "65536", "512k", "2M": a power of two of bytes, from a page to 1 GiB. */
int value_size(const char *text, uint32_t *bytes);
/* Any number of bytes from MIN up: "4194304", "64M", "2G", "1T". */
int value_bytes(const char *text, uint64_t min, uint64_t *bytes);
/* "200" or "300-399", within 100 to 599. */
int value_codes(const char *text, struct code_range *out);
/* Like prefix_parse(), but bits beyond the length are cleared; *HOST_BITS: there were some. */
int value_prefix(const char *text, struct prefix *out, bool *host_bits);

/* The candidate most like WORD, NULL when none is near.  CANDIDATE(i) gives the i-th, NULL at the end. */
const char *value_nearest(const char *word, const char *(*candidate)(size_t i));

#endif
