// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* After the steps: what this kernel lets hctrace see. */
#include <stdio.h>

#include "check.h"

void check_capabilities(struct check *c)
{
	if (c->facts->proc_err) /* a setting that is not there seems not to be set */
		check_unread(c, c->facts->proc_err, "The settings of the kernel (/proc/sys)");
	for (size_t i = 0; i < c->facts->n_capabilities; i++) {
		const struct capability *cap = &c->facts->capability[i];
		struct finding out = check_finding(c, cap->result);

		if (cap->result == CHECK_UNREAD) {
			check_unread(c, cap->err, "%s", cap->what);
			continue;
		}
		snprintf(out.what, sizeof(out.what), "%s", cap->what);
		snprintf(out.why, sizeof(out.why), "%s", cap->why);
		snprintf(out.fix.advice, sizeof(out.fix.advice), "%s", cap->advice);
		check_say(c, &out);
	}
}
