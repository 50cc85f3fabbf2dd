/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel's reasons for a drop mean to an admin. */
#ifndef HCT_REASONS_H
#define HCT_REASONS_H

/*
 * Why REASON (enum skb_drop_reason without its prefix; may be NULL) drops a
 * packet, as in "dropped: …" or "dropped by …"; NULL: it has no words here.
 */
const char *reason_meaning(const char *reason);
/*
 * The same of a drop in kernel function FUNCTION (either may be NULL): some reasons
 * mean there something else, and without a reason the function is what tells.
 */
const char *drop_meaning(const char *reason, const char *function);
/* What goes between "dropped" and MEANING: ": ", or " " ahead of "by …". */
const char *meaning_joint(const char *meaning);
/* What to do about it; NULL: nothing that always helps. */
const char *reason_fix(const char *reason);
/* The same for the dropping FUNCTION, where the kernel gives no reason; NULL: no words. */
const char *function_meaning(const char *function);

#endif
