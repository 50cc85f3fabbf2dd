/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does the kernel let its functions be watched (fentry, fexit)? */
#ifndef HCT_FUNCTION_TRY_H
#define HCT_FUNCTION_TRY_H

struct btf;

/*
 * NULL when it does, else why not.  Found out by attaching an empty program for
 * a moment: no version tells, as lockdown and the kernel's configuration decide.
 */
const char *function_try(const struct btf *btf);

#endif
