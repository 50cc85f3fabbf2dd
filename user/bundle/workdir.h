/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A folder for what goes into a bundle, for its owner alone.  It is removed at
 * the end, also when a signal ends the program.
 */
#ifndef HCT_WORKDIR_H
#define HCT_WORKDIR_H

/*
 * Makes one (in $TMPDIR, else /var/tmp) and changes into it: what is to be
 * found later must have an absolute path.  0 or -errno.  There can be one only.
 */
int workdir_open(void);
/* A file elsewhere that a signal is to remove, too; borrowed; NULL: none any more. */
void workdir_guard(const char *path);
void workdir_close(void); /* removes it and all that is in it; also when there is none */

#endif
