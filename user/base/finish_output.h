/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Was all that was printed delivered?  A full disk and a closed pipe are seen here. */
#ifndef HCT_FINISH_OUTPUT_H
#define HCT_FINISH_OUTPUT_H

#include <stdio.h>

/*
 * As fflush(), but the reason of the first failure is kept for finish_output(): stdio
 * drops what could not be written, and with it the reason.
 */
void flush_output(FILE *out);
/* As fwrite() of LEN bytes, likewise. */
void write_output(FILE *out, const void *data, size_t len);
/*
 * Writes what OUT still holds.  0, or -errno when not all that was ever printed to
 * it could be written, -EIO where the reason is not known any more.
 */
int finish_output(FILE *out);
/*
 * Of a process whose standard descriptors are closed: puts something in their place
 * that cannot be read or written, so that no file that is opened later takes one.
 */
void keep_standard_descriptors(void);

#endif
