/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A load balancer's checks, as its own client makes them.  All of this runs in the
 * bottle's thread, knows nothing of tracing, and writes only what it was given.
 */
#ifndef HCT_CLIENT_H
#define HCT_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "include/hct_bottle.h"

enum client_kind { CLIENT_TCP, CLIENT_HTTP, CLIENT_HTTPS, CLIENT_UDP, CLIENT_ICMP };

/* What differs between load balancers' checks. */
struct client_manner {
	const char *preset; /* NULL: any other */
	const char *method;
	const char *version; /* of HTTP */
	bool ends_by_fin; /* a TCP check; else by a reset */
};

struct client_check {
	enum client_kind kind;
	uint8_t from[16], target[16]; /* v4-mapped */
	uint16_t port; /* host byte order; not of ICMP */
	const struct client_manner *manner;
	const char *path, *host;
	const char *server_name; /* told in the TLS handshake; NULL: none */
	uint64_t timeout_ns;
};

enum client_result {
	CLIENT_OK, /* connected; answered; of UDP also silence */
	CLIENT_REFUSED,
	CLIENT_TIMEOUT,
	CLIENT_CLOSED, /* without an answer */
	CLIENT_RESET,
	CLIENT_NOT_HTTP,
	CLIENT_TLS, /* no handshake */
	CLIENT_STOPPED, /* by us */
	CLIENT_FAILED /* otherwise: ERR */
};

/* What the client saw of one flow. */
struct client_seen {
	struct hct_bottle_flow flow;
	uint16_t port; /* of the target, host byte order */
	enum client_kind kind;
	enum client_result result;
	int err; /* errno */
	int status; /* HTTP's; 0 none */
	uint64_t end_ns;
};

struct client {
	int stop_fd; /* readable: end at once */
	/*
	 * A flow is about to begin, 0 or -errno; and what came of it, before its end can be
	 * seen.
	 */
	int (*begin)(void *ctx, const struct hct_bottle_flow *flow);
	void (*end)(void *ctx, const struct client_seen *seen);
	void *ctx;
};

const struct client_manner *client_manner(const char *preset);
/*
 * One check; a UDP check is two flows.  False: it was stopped, or could not be made: -errno in
 * *ERR.
 */
bool client_run(const struct client *client, const struct client_check *check, int *err);

/* ---- between the files of the client ---- */

uint64_t client_now(void);
/* Waits for EVENTS at FD until DEADLINE.  0, -ETIMEDOUT, or -ECANCELED. */
int client_wait(const struct client *c, int fd, short events, uint64_t deadline);
socklen_t client_address(struct sockaddr_storage *out, const uint8_t addr[16], uint16_t port);
/*
 * A socket of TYPE with the check's source address and a port of its own, told to begin().
 * -errno.
 */
int client_socket(const struct client *c, const struct client_check *check, int type, int protocol,
		  struct client_seen *seen);
/* Connects within the deadline; sets SEEN's result when it does not.  0 or -errno. */
int client_connect(const struct client *c, const struct client_check *check, int fd,
		   uint64_t deadline, struct client_seen *seen);
/* What a failed call's ERR means to a check. */
enum client_result client_result_of(int err);

/* Over a connected FD; they set SEEN's result. */
void client_http(const struct client *c, const struct client_check *check, int fd,
		 uint64_t deadline, struct client_seen *seen);
void client_https(const struct client *c, const struct client_check *check, int fd,
		  uint64_t deadline, struct client_seen *seen);

/* Takes the rest of the answer, so that the server meets no reset while it writes. */
void client_goodbye(const struct client *c, int fd);

/* The request of CHECK; its length, or -ENAMETOOLONG. */
int client_request(const struct client_check *check, char *out, size_t size);
/* Looks at what has come of the answer: true when it is known what it is. */
bool client_answer(const char *bytes, size_t n, struct client_seen *seen);

/*
 * A connection that HTTP is spoken over.  Both calls wait, within the deadline, and return how
 * many bytes; 0 at the end; or an error, negative, whose meaning is the stream's own.
 */
struct client_stream {
	ssize_t (*send)(void *ctx, const char *bytes, size_t n);
	ssize_t (*receive)(void *ctx, char *out, size_t n);
	void *ctx;
};

/* Sends REQUEST and reads until the answer is known for what it is.  0, or the stream's error. */
int client_exchange(const struct client_stream *stream, const char *request, size_t n,
		    struct client_seen *seen);

int client_echo(const struct client *c, const struct client_check *check, uint64_t deadline,
		struct client_seen *seen);
int client_datagram(const struct client *c, const struct client_check *check, uint64_t deadline,
		    struct client_seen *seen);

#endif
