/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the stream of a live run goes: it is kept (-o, --save), diagnosed, and
 * what came of it is told.
 */
#ifndef HCT_LIVE_STREAM_H
#define HCT_LIVE_STREAM_H

#include "diagnose/engine.h"
#include "live_guest.h"
#include "options.h"
#include "record/recorder.h"
#include "render/render.h"
#include "stream/case_write.h"
#include "trace/rule_live.h"
#include "trace/source_live.h"

struct live_stream {
	const struct settings *settings;
	struct recorder *recorder; /* NULL without -o */
	struct case_writer *writer; /* NULL without --save */
	struct engine *engine;
	struct source_live *source; /* the caller's: is told which connections to follow; may be NULL */
	struct rule_live *rules; /* the caller's: hears of each observation and probe */
	const struct live_guest *guest; /* the caller's; NULL: none */
	const struct renderer *renderer;
	void *render_ctx;
};

/*
 * SETTINGS, HOST and OUT are borrowed; RENDERER writes to OUT.  0, or an exit
 * status after a message on stderr; live_stream_close() in both cases.
 */
int live_stream_open(struct live_stream *s, const struct settings *settings,
		     const struct host *host, const struct renderer *renderer, FILE *out);
/*
 * Ends what is kept, with a message where that is not complete.  The renderer stays.
 * 0, or EXIT_OUTPUT: what -o or --save asked for is not all there.
 */
int live_stream_keep(struct live_stream *s);
void live_stream_close(struct live_stream *s); /* all of it */

extern const struct stream_sink live_stream_sink; /* its ctx is a struct live_stream * */

#endif
