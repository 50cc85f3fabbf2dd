/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose an XDP or tc program is, by the name that its author gave it. */
#ifndef HCT_BPF_OWNER_H
#define HCT_BPF_OWNER_H

#include "verdict.h"

/*
 * Adds to FIX what lets RANGE through in the terms of PROGRAM's owner, and what shows
 * its drops, and returns who that is; NULL, and nothing added: not known.
 */
const char *bpf_owner_advise(const char *program, const char *range, struct fix *fix);

#endif
