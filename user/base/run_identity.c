// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which run it is, and on which host. */
#include "run_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

void run_identity_make(struct run_identity *out)
{
	struct utsname host;
	uint64_t id;

	memset(out, 0, sizeof(*out));
	if (uname(&host) == 0)
		snprintf(out->host, sizeof(out->host), "%s", host.nodename);
	if (getrandom(&id, sizeof(id), 0) == sizeof(id))
		snprintf(out->run, sizeof(out->run), "%016" PRIx64, id);
}
