/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of other processes, which can put there what they like. */
#ifndef HCT_OPEN_BELOW_H
#define HCT_OPEN_BELOW_H

#include <stdint.h>
#include <stdio.h>

/* The root directory of process PID (0: this one's), as a descriptor for open_below(); or -errno. */
int open_root(uint32_t pid);
/*
 * Opens the file PATH for reading as a process sees it whose root directory is
 * ROOT, symbolic links included.  Waits for nothing and takes nothing: NULL and
 * errno EINVAL for a FIFO, a device and the like, EFBIG for more than 8 MiB.  A
 * directory reads as an empty file.
 */
FILE *open_below(int root, const char *path);
/* The same of a directory, as a descriptor; or -errno. */
int open_folder_below(int root, const char *path);

#endif
