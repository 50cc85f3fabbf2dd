// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The netfilter ladder: BPF links between the standard priorities of every hook. */
#include "attach_netfilter.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf_sys.h"

const int ladder_priority[LADDER_RUNGS] = { -400, -299, -149, -99, 1, 51, 101 };

static const unsigned families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
#define LADDER_LINKS (2 * NF_INET_NUMHOOKS * LADDER_RUNGS)

struct ladder {
	int links[LADDER_LINKS];
	size_t n;
};

/*
 * From the top down, and ladder_free() from the bottom up: packets pass
 * meanwhile, and whoever is told a rung concludes that the next one above was
 * not reached.
 */
struct ladder *ladder_attach(struct bpf_program *const rungs[LADDER_RUNGS])
{
	struct ladder *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (unsigned hook = 0; hook < NF_INET_NUMHOOKS; hook++)
			for (size_t r = LADDER_RUNGS; r-- > 0;) {
				int fd = bpf_sys_link_netfilter(bpf_program__fd(rungs[r]), families[f],
								hook, ladder_priority[r]);

				if (fd < 0) {
					ladder_free(l);
					errno = -fd;
					return NULL;
				}
				l->links[l->n++] = fd;
			}
	return l;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	while (l->n)
		close(l->links[--l->n]);
	free(l);
}
