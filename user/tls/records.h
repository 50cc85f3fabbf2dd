/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the headers of a connection's TLS records tell: how far the handshake came,
 * who ended it, whether something was asked behind it and whether it was answered.
 *
 * In TLS 1.3 all that follows the ServerHello looks like application data: there
 * the sizes tell.  A Finished is a hash long, an alert two bytes, a client's empty
 * certificate eight; session tickets come first, in pairs of one size.
 */
#ifndef HCT_TLS_RECORDS_H
#define HCT_TLS_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "hello.h"
#include "include/hct_event.h"

enum tls_by { TLS_BY_NOBODY, TLS_BY_LB, TLS_BY_SERVICE };

/* What a record was, as far as it can be told from outside. */
enum tls_what {
	TLS_WHAT_NOTHING,
	TLS_WHAT_CLIENT_HELLO,
	TLS_WHAT_SERVER_HELLO,
	TLS_WHAT_CERTIFICATE, /* and what else the service's flight has */
	TLS_WHAT_CERTIFICATE_REQUEST, /* a client's is demanded; in clear up to TLS 1.2 */
	TLS_WHAT_SERVER_FLIGHT, /* encrypted */
	TLS_WHAT_TICKET,
	TLS_WHAT_CHANGE_CIPHER,
	TLS_WHAT_CLIENT_CERTIFICATE,
	TLS_WHAT_NO_CLIENT_CERTIFICATE, /* demanded, and the client has none */
	TLS_WHAT_CLIENT_KEY,
	TLS_WHAT_FINISHED,
	TLS_WHAT_DATA,
	TLS_WHAT_ALERT, /* in clear */
	TLS_WHAT_HIDDEN_ALERT, /* something of an alert's size */
	TLS_WHAT_HANDSHAKE, /* another message of it */
	TLS_WHAT_OTHER,
	TLS_WHAT_COUNT
};

struct tls_alert {
	enum tls_by by; /* TLS_BY_NOBODY: there is none */
	bool hidden; /* encrypted: its number is not known */
	uint8_t number;
	enum tls_what after; /* the record before it, whoever sent it */
	enum tls_by after_by;
	uint64_t time_ns;
};

/* One direction. */
struct tls_way {
	unsigned records;
	unsigned data; /* records of application data, behind the handshake */
	bool changed; /* a ChangeCipherSpec: up to TLS 1.2 the rest is encrypted */
	uint64_t closing_ns; /* a close_notify, or what must be one */
	uint64_t finished_ns; /* its Finished; of the service in TLS 1.3 not to be told */
};

struct tls {
	uint8_t state; /* HCT_TLS_*; 0: no records were told */
	bool is_1_3; /* by its records, whatever the hellos say */
	bool hello_check; /* tls_is_hello_check() */
	bool wants_certificate; /* the service demanded a client's */
	bool no_certificate; /* and the load balancer had none */
	enum tls_what last;
	enum tls_by last_by;
	uint64_t hello_ns; /* the ServerHello */
	uint64_t complete_ns; /* the handshake */
	uint64_t asked_ns; /* the load balancer's first application data */
	uint64_t data_ns; /* the service's last */
	/* TLS 1.3: of what the service sent behind the handshake, records of one size from the first on */
	unsigned run;
	uint16_t run_len;
	bool run_over;
	uint8_t told[HCT_TLS_RECORDS]; /* enum tls_what of the packet that was added last */
	struct tls_way lb, service;
	struct tls_alert alert; /* the first that ended it */
	struct tls_hello client;
	uint16_t version; /* the ServerHello's; 0 not known */
	char alpn[16]; /* the same up to TLS 1.2 */
};

/* Adds the records (HCT_TLS_RECORD, 0 behind the last) of a packet of the service or the load balancer. */
void tls_add_records(struct tls *t, const uint32_t records[HCT_TLS_RECORDS], bool service,
		     uint64_t time_ns);
/* Were all records seen that matter?  Else nothing follows from one that is missing. */
bool tls_followed(const struct tls *t);
/* The service answered what it was asked.  With SURE not, should that have been a session ticket. */
bool tls_answered(const struct tls *t, bool sure);
/* Session tickets that the service sent behind the handshake. */
unsigned tls_tickets(const struct tls *t);
/* "TLS 1.3", by the ServerHello or its records; NULL: not known. */
const char *tls_version(const struct tls *t);
/* "the ServerHello", for what comes after it; never NULL. */
const char *tls_after_words(enum tls_what what, enum tls_by by);
/* "ServerHello", as a timeline has it; never NULL. */
const char *tls_what_name(enum tls_what what);

#endif
