// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A probe's TLS, in JSON: what is said in clear, and how it was ended. */
#include "json_tls.h"

#include "tls/alerts.h"

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void put_alert(struct json_writer *w, const struct tls_alert *alert)
{
	if (alert->by == TLS_BY_NOBODY) {
		json_null(w, "alert");
		return;
	}
	json_open_object(w, "alert");
	json_string(w, "by", alert->by == TLS_BY_LB ? "lb" : "service");
	json_string(w, "name", alert->hidden ? NULL : tls_alert_name(alert->number));
	if (alert->hidden)
		json_null(w, "number");
	else
		json_uint(w, "number", alert->number);
	json_close_object(w);
}

void json_tls(struct json_writer *w, const struct probe *p)
{
	const struct tls *t = &p->tls;

	if (!(t->state & HCT_TLS_SEEN))
		return;
	json_open_object(w, "tls");
	json_string(w, "version", tls_version(t));
	json_string(w, "sni", or_null(t->client.sni));
	json_string(w, "alpn", t->alpn[0] ? t->alpn : or_null(t->client.alpn));
	put_alert(w, &t->alert);
	json_string(w, "plaintext", "not seen: only the records of the connection were looked at");
	json_close_object(w);
}
