/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An archive: a gzip'ed pax tar that is there when it is complete, and not before. */
#ifndef HCT_TAR_WRITE_H
#define HCT_TAR_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tar_writer;

/*
 * Starts an archive that will be at PATH (borrowed), readable by its owner
 * alone, of one folder TOP.  TIME (seconds): that of all files.  NULL: *ERR is
 * -errno.
 */
struct tar_writer *tar_writer_open(const char *path, const char *top, int64_t time, int *err);
/* Adds a file; 0 or -errno, and then nothing more can be added. */
int tar_writer_data(struct tar_writer *t, const char *name, const void *data, size_t len);
/* The same of the file at PATH. */
int tar_writer_file(struct tar_writer *t, const char *name, const char *path);
/*
 * The name of the file that it is written to; for who has to remove it in a hurry.
 */
const char *tar_writer_temporary(const struct tar_writer *t);
/* Puts it in its place where KEEP and nothing failed, else removes it.  0 or -errno.  Accepts NULL. */
int tar_writer_close(struct tar_writer *t, bool keep);

#endif
