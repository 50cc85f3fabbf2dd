/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a run can see. */
#ifndef HCT_COVERAGE_H
#define HCT_COVERAGE_H

#include "stream/stream.h"

/* A bit per enum hct_point that is missing, and whose packets no other point sees. */
uint32_t coverage_missing(const struct stream_start *start);

/* A bit per enum hct_point that is attached. */
uint32_t coverage_attached(const struct stream_start *start);

#endif
