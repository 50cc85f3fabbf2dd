// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an observation tells of a probe's TLS. */
#include "probe.h"

#include <string.h>

/* The hello's own words stand in the captured bytes, if these begin with it. */
static void read_hello(struct tls *t, const struct obs *o)
{
	struct tls_hello hello;

	if (o->reply && !t->version && t->told[0] == TLS_WHAT_SERVER_HELLO &&
	    tls_read_server_hello(o->payload, o->payload_len, &hello)) {
		t->version = hello.version;
		memcpy(t->alpn, hello.alpn, sizeof(t->alpn));
		t->alpn[sizeof(t->alpn) - 1] = '\0';
	}
	if (o->reply || t->told[0] != TLS_WHAT_CLIENT_HELLO || t->client.version)
		return;
	t->hello_check = tls_is_hello_check(o->payload, o->payload_len);
	if (tls_read_client_hello(o->payload, o->payload_len, &hello))
		t->client = hello;
}

void probe_take_tls(struct probe *p, const struct obs *o)
{
	p->tls.state |= o->tls;
	if (!o->records[0])
		return;
	tls_add_records(&p->tls, o->records, o->reply, o->time_ns);
	if (o->payload)
		read_hello(&p->tls, o);
}
