// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From the headers of TLS records to what happened. */
#include "records.h"

#include "alerts.h"

enum { TYPE_CHANGE_CIPHER = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23 };

/* Handshake messages (RFC 8446, B.3; RFC 5246, 7.4). */
enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_NEW_SESSION_TICKET = 4,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_CERTIFICATE_REQUEST = 13,
	MESSAGE_CERTIFICATE_VERIFY = 15,
	MESSAGE_CLIENT_KEY_EXCHANGE = 16,
	MESSAGE_FINISHED = 20,
};

/* TLS 1.3: what a record has besides its message, the tag of all usual ciphers and the type. */
#define INNER(len) ((len) + 16 + 1)
#define ALERT_1_3 INNER(2)
#define EMPTY_CERTIFICATE INNER(4 + 1 + 3)
#define FINISHED_SHA256 INNER(4 + 32)
#define FINISHED_SHA384 INNER(4 + 48)
#define BOTH_SHA256 INNER(8 + 4 + 32) /* in one record, as some libraries do */
#define BOTH_SHA384 INNER(8 + 4 + 48)
#define ALERT_CLEAR_LEN 2
#define EMPTY_CERTIFICATE_LEN 7 /* up to TLS 1.2, in clear */
#define HELLO_MIN 100 /* of one that follows a ChangeCipherSpec; no Finished is as long */
#define TICKET_MAX 4096 /* it may have the client's certificate in it */

static uint8_t type_of(uint32_t record)
{
	return record >> 24;
}

static uint8_t first_of(uint32_t record)
{
	return record >> 16 & 0xff;
}

static uint16_t length_of(uint32_t record)
{
	return record & 0xffff;
}

static void complete(struct tls *t, uint64_t time_ns)
{
	if (!t->complete_ns)
		t->complete_ns = time_ns;
}

static enum tls_what finished(struct tls *t, struct tls_way *way, uint64_t time_ns)
{
	if (!way->finished_ns)
		way->finished_ns = time_ns;
	if (t->is_1_3 || (t->lb.finished_ns && t->service.finished_ns))
		complete(t, time_ns);
	return TLS_WHAT_FINISHED;
}

static enum tls_what client_certificate(struct tls *t, bool empty)
{
	t->wants_certificate = true;
	t->no_certificate |= empty;
	return empty ? TLS_WHAT_NO_CLIENT_CERTIFICATE : TLS_WHAT_CLIENT_CERTIFICATE;
}

/* A handshake message in clear. */
static enum tls_what handshake(struct tls *t, uint32_t record, bool service, uint64_t time_ns)
{
	switch (first_of(record)) {
	case MESSAGE_CLIENT_HELLO:
		return TLS_WHAT_CLIENT_HELLO;
	case MESSAGE_SERVER_HELLO:
		if (!t->hello_ns)
			t->hello_ns = time_ns;
		return TLS_WHAT_SERVER_HELLO;
	case MESSAGE_NEW_SESSION_TICKET:
		return TLS_WHAT_TICKET;
	case MESSAGE_CERTIFICATE:
		return service ? TLS_WHAT_CERTIFICATE :
				 client_certificate(t, length_of(record) == EMPTY_CERTIFICATE_LEN);
	case MESSAGE_CERTIFICATE_REQUEST:
		t->wants_certificate = true;
		return TLS_WHAT_CERTIFICATE_REQUEST;
	case MESSAGE_CLIENT_KEY_EXCHANGE:
		return TLS_WHAT_CLIENT_KEY;
	default:
		return TLS_WHAT_HANDSHAKE;
	}
}

/* TLS 1.3: the client's certificate is judged behind its Finished, before anything else is sent. */
static bool refuses_certificate(const struct tls *t)
{
	return t->is_1_3 && t->wants_certificate && !t->service.data;
}

/* Both sides may close politely: that is no alert that ends something. */
static enum tls_what ended_by(struct tls *t, struct tls_way *way, bool service, bool hidden,
			      uint8_t number, uint64_t time_ns)
{
	bool polite = hidden ? t->complete_ns && !(service && refuses_certificate(t)) :
			       number == TLS_ALERT_CLOSE_NOTIFY;

	if (polite && !way->closing_ns)
		way->closing_ns = time_ns;
	if (!polite && t->alert.by == TLS_BY_NOBODY)
		t->alert = (struct tls_alert){ .by = service ? TLS_BY_SERVICE : TLS_BY_LB,
					       .hidden = hidden, .number = number,
					       .after = t->last, .after_by = t->last_by,
					       .time_ns = time_ns };
	return hidden ? TLS_WHAT_HIDDEN_ALERT : TLS_WHAT_ALERT;
}

/* Application data behind the handshake. */
static enum tls_what data(struct tls *t, struct tls_way *way, bool service, uint64_t time_ns)
{
	way->data++;
	if (service)
		t->data_ns = time_ns;
	else if (!t->asked_ns)
		t->asked_ns = time_ns;
	return TLS_WHAT_DATA;
}

/* TLS 1.3, of the load balancer, behind the ServerHello. */
static enum tls_what hidden_of_lb(struct tls *t, uint16_t len, uint64_t time_ns)
{
	if (len == ALERT_1_3)
		return ended_by(t, &t->lb, false, true, 0, time_ns);
	if (t->lb.finished_ns)
		return data(t, &t->lb, false, time_ns);
	switch (len) {
	case EMPTY_CERTIFICATE:
		return client_certificate(t, true);
	case BOTH_SHA256:
	case BOTH_SHA384:
		client_certificate(t, true);
		return finished(t, &t->lb, time_ns);
	case FINISHED_SHA256:
	case FINISHED_SHA384:
		return finished(t, &t->lb, time_ns);
	default:
		return client_certificate(t, false);
	}
}

/* The same of the service. */
static enum tls_what hidden_of_service(struct tls *t, uint16_t len, uint64_t time_ns)
{
	if (len == ALERT_1_3)
		return ended_by(t, &t->service, true, true, 0, time_ns);
	if (!t->lb.finished_ns)
		return TLS_WHAT_SERVER_FLIGHT;
	if (!t->run)
		t->run_len = len;
	if (!t->run_over && len == t->run_len && len <= TICKET_MAX)
		t->run++;
	else
		t->run_over = true;
	data(t, &t->service, true, time_ns);
	return t->asked_ns ? TLS_WHAT_DATA : TLS_WHAT_TICKET;
}

static enum tls_what encrypted_data(struct tls *t, struct tls_way *way, uint16_t len, bool service,
				    uint64_t time_ns)
{
	bool behind_handshake = t->lb.finished_ns && t->service.finished_ns;

	if (!t->hello_ns)
		return TLS_WHAT_OTHER; /* early data: no check sends any */
	if (!behind_handshake && !t->lb.finished_ns && !t->service.finished_ns)
		t->is_1_3 = true;
	if (t->is_1_3)
		return service ? hidden_of_service(t, len, time_ns) : hidden_of_lb(t, len, time_ns);
	return data(t, way, service, time_ns);
}

/* A second hello may follow the ChangeCipherSpec of TLS 1.3 (RFC 8446, D.4). */
static bool is_hello(uint32_t record, bool service)
{
	return first_of(record) == (service ? MESSAGE_SERVER_HELLO : MESSAGE_CLIENT_HELLO) &&
	       length_of(record) >= HELLO_MIN;
}

static enum tls_what take(struct tls *t, struct tls_way *way, uint32_t record, bool service,
			  uint64_t time_ns)
{
	uint16_t len = length_of(record);

	switch (type_of(record)) {
	case TYPE_CHANGE_CIPHER:
		way->changed = true;
		return TLS_WHAT_CHANGE_CIPHER;
	case TYPE_ALERT:
		return ended_by(t, way, service, len != ALERT_CLEAR_LEN, first_of(record), time_ns);
	case TYPE_HANDSHAKE:
		if (way->changed && !is_hello(record, service))
			return finished(t, way, time_ns);
		return handshake(t, record, service, time_ns);
	case TYPE_DATA:
		return encrypted_data(t, way, len, service, time_ns);
	default:
		return TLS_WHAT_OTHER;
	}
}

static void add_record(struct tls *t, uint32_t record, bool service, uint64_t time_ns,
		       uint8_t *told)
{
	struct tls_way *way = service ? &t->service : &t->lb;
	enum tls_what what = take(t, way, record, service, time_ns);

	*told = (uint8_t)what;
	way->records++;
	if (what == TLS_WHAT_CHANGE_CIPHER)
		return; /* says nothing, and in TLS 1.3 comes anywhere */
	t->last = what;
	t->last_by = service ? TLS_BY_SERVICE : TLS_BY_LB;
}

void tls_add_records(struct tls *t, const uint32_t records[HCT_TLS_RECORDS], bool service,
		     uint64_t time_ns)
{
	for (size_t i = 0; i < HCT_TLS_RECORDS; i++)
		t->told[i] = TLS_WHAT_NOTHING;
	for (size_t i = 0; i < HCT_TLS_RECORDS && records[i]; i++)
		add_record(t, records[i], service, time_ns, &t->told[i]);
}

bool tls_followed(const struct tls *t)
{
	return t->state & HCT_TLS_SEEN && !(t->state & (HCT_TLS_LOST_LB | HCT_TLS_LOST_HOST));
}

unsigned tls_tickets(const struct tls *t)
{
	return t->is_1_3 && t->run > 1 ? t->run : 0;
}

bool tls_answered(const struct tls *t, bool sure)
{
	unsigned tickets = tls_tickets(t);

	if (!t->is_1_3)
		return t->service.data > 0;
	if (sure && t->service.data == 1 && t->run == 1)
		return false;
	return t->service.data > tickets;
}

const char *tls_version(const struct tls *t)
{
	if (t->version)
		return tls_version_name(t->version);
	return t->is_1_3 ? tls_version_name(TLS_1_3) : NULL;
}

static const struct {
	const char *after, *name;
} words[TLS_WHAT_COUNT] = {
	[TLS_WHAT_NOTHING] = { "nothing", "nothing" },
	[TLS_WHAT_CLIENT_HELLO] = { "the ClientHello", "ClientHello" },
	[TLS_WHAT_SERVER_HELLO] = { "the ServerHello", "ServerHello" },
	[TLS_WHAT_CERTIFICATE] = { "the service's certificate", "certificate" },
	[TLS_WHAT_CERTIFICATE_REQUEST] = { "the demand for a client certificate",
					   "demand for a client certificate" },
	[TLS_WHAT_SERVER_FLIGHT] = { "the service's certificate and Finished",
				     "encrypted handshake" },
	[TLS_WHAT_TICKET] = { "a session ticket", "session ticket" },
	[TLS_WHAT_CHANGE_CIPHER] = { "the ChangeCipherSpec", "ChangeCipherSpec" },
	[TLS_WHAT_CLIENT_CERTIFICATE] = { "the load balancer's certificate",
					  "client certificate" },
	[TLS_WHAT_NO_CLIENT_CERTIFICATE] = { "the load balancer's empty certificate",
					     "empty client certificate" },
	[TLS_WHAT_CLIENT_KEY] = { "the load balancer's key exchange", "key exchange" },
	[TLS_WHAT_FINISHED] = { "the service's Finished", "Finished" },
	[TLS_WHAT_DATA] = { "application data", "application data" },
	[TLS_WHAT_ALERT] = { "an alert", "alert" },
	[TLS_WHAT_HIDDEN_ALERT] = { "something of an alert's size",
				    "something of an alert's size" },
	[TLS_WHAT_HANDSHAKE] = { "the service's part of the handshake", "handshake message" },
	[TLS_WHAT_OTHER] = { "a record", "record" },
};

const char *tls_after_words(enum tls_what what, enum tls_by by)
{
	if (what == TLS_WHAT_FINISHED && by == TLS_BY_LB)
		return "the load balancer's Finished";
	if (what == TLS_WHAT_HANDSHAKE && by == TLS_BY_LB)
		return "a handshake message of the load balancer";
	return words[what < TLS_WHAT_COUNT ? what : TLS_WHAT_OTHER].after;
}

const char *tls_what_name(enum tls_what what)
{
	return words[what < TLS_WHAT_COUNT ? what : TLS_WHAT_OTHER].name;
}
