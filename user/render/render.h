/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Renderers: a table of functions each; NULL where one is not interested.
 * They say what was decided and decide nothing.
 */
#ifndef HCT_RENDER_H
#define HCT_RENDER_H

#include <stdio.h>

#include "diagnose/engine.h"

struct renderer {
	const char *name;
	void *(*open)(FILE *out, const struct settings *settings, const struct host *host);
	struct engine_listener on; /* their ctx is what open() returned */
	void (*close)(void *ctx);
};

extern const struct renderer render_text;
extern const struct renderer render_json;

#endif
