// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace live: a run that prints each probe as it ends. */
#include "cmd_live.h"

#include "run_live.h"

int cmd_live(const struct settings *settings)
{
	const struct live_view view = { .renderer = settings->json ? &render_json : &render_text,
					.out = stdout };

	return run_live(settings, &view);
}
