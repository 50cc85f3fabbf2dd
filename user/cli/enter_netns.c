// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --netns: the namespace to look at. */
#include "enter_netns.h"

#include <errno.h>
#include <string.h>

#include "host/netns.h"

int enter_netns(const struct settings *s)
{
	int err;

	if (!s->netns)
		return 0;
	err = netns_enter(s->netns);
	if (err == -EPERM || err == -EACCES)
		fprintf(stderr, "hctrace: cannot enter network namespace '%s': no permission; run as root\n",
			s->netns);
	else if (err)
		fprintf(stderr, "hctrace: no network namespace '%s': %s; give a name of `ip netns list`, "
				"a file, or a process id\n", s->netns, strerror(-err));
	return err;
}
