// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* After the steps: what this kernel lets hctrace see. */
#include <stdio.h>

#include "check.h"

void check_capabilities(struct check *c)
{
	for (size_t i = 0; i < c->facts->n_capabilities; i++) {
		const struct capability *cap = &c->facts->capability[i];
		struct finding out = check_finding(c, cap->result);

		snprintf(out.what, sizeof(out.what), "%s", cap->what);
		snprintf(out.why, sizeof(out.why), "%s", cap->why);
		snprintf(out.fix, sizeof(out.fix), "%s", cap->fix);
		check_say(c, &out);
	}
}
