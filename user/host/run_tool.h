/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs a tool of the system and reads what it prints. */
#ifndef HCT_RUN_TOOL_H
#define HCT_RUN_TOOL_H

/*
 * Runs ARGV (NULL-terminated, looked up in PATH and the sbin folders) without a
 * shell and stores in *OUT what it printed on stdout, terminated; free() it.
 * 0, -ENOENT no such tool, -EIO it failed, -EFBIG it printed more than 32 MiB,
 * -ETIMEDOUT it took more than 5 s, or -errno.
 */
int run_tool(const char *const argv[], char **out);

#endif
