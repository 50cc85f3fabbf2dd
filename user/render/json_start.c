// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the JSON renderer says of a run's beginning: the check's settings, and the points. */
#include "json_start.h"

#include "cli/presets.h"
#include "diagnose/verdict.h"
#include "format.h"
#include "stream/points.h"

void json_check(struct json_writer *w, const struct settings *c)
{
	char text[16];

	json_open_object(w, "check");
	json_string(w, "preset", c->preset ? c->preset->name : NULL);
	json_seconds(w, "interval_s", c->interval_ns);
	json_seconds(w, "timeout_s", c->timeout_ns);
	json_uint(w, "retries", c->retries);
	json_open_array(w, "expect_codes");
	for (size_t i = 0; i < c->n_expect; i++)
		json_string(w, NULL, format_code_range(text, &c->expect[i]));
	json_close_array(w);
	if (c->preset && c->preset_given) {
		json_string(w, "http_by", judges_name(c->preset->judges));
		json_string(w, "tcp_by", c->preset->tcp == TCP_CHECK_CONNECTS ? "handshake" : NULL);
		json_string(w, "ends_by", c->preset->ends == ENDS_BY_RST ? "rst" :
					  c->preset->ends == ENDS_BY_FIN ? "fin" : NULL);
		json_bool(w, "keeps_connection", c->preset->keeps);
	}
	json_close_object(w);
}

static void put_missing(struct json_writer *w, const struct point_status *status)
{
	enum verdict_id costs[VERDICT_COUNT];
	size_t n;

	n = verdicts_needing(status->point, costs);
	json_open_object(w, NULL);
	json_string(w, "point", point_name(status->point));
	json_string(w, "reason", status->detail);
	json_open_array(w, "verdicts");
	for (size_t i = 0; i < n; i++)
		json_string(w, NULL, verdict_info(costs[i])->id);
	json_close_array(w);
	json_close_object(w);
}

static void put_attached(struct json_writer *w, const struct point_status *status)
{
	json_open_object(w, NULL);
	json_string(w, "point", point_name(status->point));
	json_string(w, "detail", status->detail);
	json_close_object(w);
}

void json_points(struct json_writer *w, const struct point_status *points, size_t n)
{
	json_open_array(w, "points");
	for (size_t i = 0; i < n; i++)
		if (points[i].attached)
			put_attached(w, &points[i]);
	json_close_array(w);
	json_open_array(w, "missing");
	for (size_t i = 0; i < n; i++)
		if (!points[i].attached)
			put_missing(w, &points[i]);
	json_close_array(w);
}

void json_bottle(struct json_writer *w, const struct probe_from *from)
{
	char text[ADDR_TEXT_LEN];

	json_open_object(w, "bottle");
	json_string(w, "addr", format_addr(text, from->alone.addr));
	json_string(w, "device", from->port);
	json_close_object(w);
}
