/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions of the kernel and its modules that are watched for a while only. */
#ifndef HCT_ATTACH_FUNCTIONS_H
#define HCT_ATTACH_FUNCTIONS_H

#include "programs.h"

struct bpf_link;

/*
 * Loads and attaches those of HOW that this kernel has now; LINKS has one for each row.
 * 0, or -errno: there is none.
 */
int functions_attach(struct programs *p, struct bpf_link *links[MAX_PROGRAM_ROWS], enum how how);
/* Detaches them; nothing attached is fine. */
void functions_detach(struct programs *p, struct bpf_link *links[MAX_PROGRAM_ROWS], enum how how);

#endif
