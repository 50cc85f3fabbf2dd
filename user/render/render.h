/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Renderers: a table of functions each; NULL where one is not interested.
 * They say what was decided, decide nothing, and ask the host nothing: the
 * engine did, in live runs and in replays alike.
 */
#ifndef HCT_RENDER_H
#define HCT_RENDER_H

#include <stdio.h>

#include "diagnose/engine.h"
#include "record/recording_info.h"

struct renderer {
	const char *name;
	bool binary; /* nothing that a terminal should get */
	/* NULL: no memory.  SETTINGS are borrowed until close(). */
	void *(*open)(FILE *out, const struct settings *settings);
	struct engine_listener on; /* their ctx is what open() returned */
	/* Each observation, before the engine sees it; its payload only during the call. */
	void (*obs)(void *ctx, const struct obs *o);
	/* Of a report: once, when all was read, before the engine's end(). */
	void (*recording)(void *ctx, const struct recording_info *info);
	void (*close)(void *ctx);
};

extern const struct renderer render_text;
extern const struct renderer render_json;
extern const struct renderer render_pcapng;
extern const struct renderer render_html;

/* What `report --format` takes, NULL-terminated; the first is the default. */
extern const struct renderer *const renderers[];
const struct renderer *renderer_find(const char *name); /* NULL: there is none */

#endif
