// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TLS records in a timeline: "ClientHello for www.example.org", "Finished, application data, 110 bytes". */
#include "timeline.h"

#include "tls/alerts.h"
#include "verdict/report.h"

/* One that follows its like is left out, and a ChangeCipherSpec beside others. */
static bool is_told(const struct obs *o, const struct tls *t, size_t i)
{
	if (i && t->told[i] == t->told[i - 1])
		return false;
	return t->told[i] != TLS_WHAT_CHANGE_CIPHER || (!i && !o->records[1]);
}

static void add_record(char out[PROBE_TEXT_LEN], const struct tls *t, enum tls_what what,
		       uint32_t record)
{
	uint8_t number = record >> 16 & 0xff;

	say(out, PROBE_TEXT_LEN, "%s%s", out[0] ? ", " : "", tls_what_name(what));
	if (what == TLS_WHAT_CLIENT_HELLO && t->client.sni[0])
		say(out, PROBE_TEXT_LEN, " for %.60s", t->client.sni);
	else if (what == TLS_WHAT_ALERT)
		say(out, PROBE_TEXT_LEN, ": %s (%u)", tls_alert_name(number), number);
	else if (what == TLS_WHAT_DATA)
		say(out, PROBE_TEXT_LEN, ", %u bytes", record & 0xffff);
}

void timeline_records(char out[PROBE_TEXT_LEN], const struct probe *p, const struct obs *o)
{
	out[0] = '\0';
	for (size_t i = 0; i < HCT_TLS_RECORDS && o->records[i]; i++)
		if (is_told(o, &p->tls, i))
			add_record(out, &p->tls, p->tls.told[i], o->records[i]);
}
