/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What health checks speak besides HTTP/1: from the first bytes of both sides to
 * the protocol, and to what the service answered in it.
 *
 * One file per protocol, and a row in protocols.c.  A reader gets bytes of a
 * stranger, which may be cut anywhere or be hostile: it reads within their
 * bounds, allocates nothing that it does not free, and keeps no state.
 */
#ifndef HCT_PROTOCOL_H
#define HCT_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READING_QUOTE_LEN 96
#define READING_SERVICE_LEN 64

struct bytes {
	const uint8_t *data;
	size_t len;
};

/* The first exchange of a connection, or a datagram and its answer. */
struct exchange {
	struct bytes request; /* from the load balancer's first byte on, without a PROXY header */
	struct bytes answer; /* from the service's first byte on, a greeting included */
	size_t greeting; /* bytes of ANSWER that left before the request came */
	bool request_cut, answer_cut; /* more followed that was not captured */
	bool datagram;
};

enum reading_result {
	READ_NOTHING, /* nothing was answered */
	READ_GOOD,
	READ_ERROR, /* the service reports an error, which the quote has */
	READ_INCOMPLETE, /* the answer has begun, or there is a greeting alone, and more has to come */
	READ_OTHER, /* an answer that this protocol does not know */
};

struct reading {
	const char *application; /* "redis": stable once shipped; NULL: no protocol that is read */
	enum reading_result result;
	char quote[READING_QUOTE_LEN]; /* of the answer, printable; "" none */
	bool foreign; /* the answer is of another protocol */
	int status; /* HTTP/2: ":status"; 0 not known */
	struct {
		bool seen;
		int status; /* grpc-status; -1 not known */
		int serving; /* HealthCheckResponse.ServingStatus; -1 not known */
		char service[READING_SERVICE_LEN]; /* that was asked for; "" the server as a whole */
	} grpc;
};

struct protocol {
	const char *name;
	/* Is X this protocol, by what the load balancer sent, or the service's greeting? */
	bool (*matches)(const struct exchange *x);
	/* Fills all of R but its application. */
	void (*read)(const struct exchange *x, struct reading *r);
};

/* Reads X as the first protocol that matches. */
void protocol_read(const struct exchange *x, struct reading *r);

/*
 * The length of the PROXY header that DATA begins with, and its version; 0: there
 * is none.  A header that is cut is as long as what there is.
 */
size_t proxy_header_len(const uint8_t *data, size_t len, unsigned *version);

/* Does its exchange take several turns, though it is but one request? */
bool protocol_takes_turns(const uint8_t *request, size_t len);

/* ---- for the readers ---- */

/* Quotes B up to the end of its first line, printable and as far as there is room. */
void reading_quote(struct reading *r, struct bytes b);
/* The same of what is added in words. */
void reading_say(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool bytes_begin(struct bytes b, const char *text);
/* Without regard to case. */
bool bytes_begin_word(struct bytes b, const char *word);
/* What follows the first N bytes; nothing where there are fewer. */
struct bytes bytes_after(struct bytes b, size_t n);
/* The line that B begins with, without its end; false: it has no end. */
bool bytes_line(struct bytes b, struct bytes *line);
/* What the service said after the request, or all of it where there was none. */
struct bytes exchange_reply(const struct exchange *x);

extern const struct protocol protocol_http2, protocol_redis, protocol_mysql, protocol_postgresql,
	protocol_smtp, protocol_ftp, protocol_ldap, protocol_ssh, protocol_memcached, protocol_dns,
	protocol_dns_tcp, protocol_agent;

#endif
