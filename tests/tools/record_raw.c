// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* record_raw RECORDING: its records as they are before they are packed, for fuzzing. */
#include <stdio.h>

#include "record/piece.h"

int main(int argc, char **argv)
{
	struct piece_reader *pieces = NULL;
	struct piece_found found;

	if (argc != 2 || piece_reader_open(&pieces, argv[1])) {
		fprintf(stderr, "Usage: record_raw RECORDING > FILE\n");
		return 2;
	}
	while (piece_reader_next(pieces, &found) == 1)
		fwrite(found.raw, 1, found.len, stdout);
	piece_reader_close(pieces);
	return ferror(stdout) ? 1 : 0;
}
