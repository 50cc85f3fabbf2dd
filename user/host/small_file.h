/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Short files of the kernel: /proc and cgroups. */
#ifndef HCT_SMALL_FILE_H
#define HCT_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads up to SIZE - 1 bytes of PATH below DIR_FD and puts a 0 behind them.  Returns how
 * many, or -errno.
 */
ssize_t small_file_read(int dir_fd, const char *path, char *out, size_t size);
/* The number behind KEY at the start of a line of TEXT ("nr_throttled 12").  False: none. */
bool small_file_number(const char *text, const char *key, uint64_t *out);

#endif
