// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HTTPS checks.  Load balancers do not verify a backend's certificate, and neither does this. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "gnutls_late.h"

#define REQUEST_MAX 4096
#define STATUS_LINE 12

/* ERR of GnuTLS says that it waits: does so.  0, GnuTLS's error, or -errno with *OURS set. */
static int go_on(const struct gnutls_calls *tls, const struct client *c, gnutls_session_t session,
		 int fd, int err, uint64_t deadline, bool *ours)
{
	int waited;

	if (err != GNUTLS_E_AGAIN && err != GNUTLS_E_INTERRUPTED)
		return tls->gnutls_error_is_fatal(err) ? err : 0;
	waited = client_wait(c, fd, tls->gnutls_record_get_direction(session) ? POLLOUT : POLLIN,
			     deadline);
	*ours = waited != 0;
	return waited;
}

static int shake_hands(const struct gnutls_calls *tls, const struct client *c,
		       gnutls_session_t session, int fd, uint64_t deadline, bool *ours)
{
	int err;

	while ((err = tls->gnutls_handshake(session)) != GNUTLS_E_SUCCESS) {
		err = go_on(tls, c, session, fd, err, deadline, ours);
		if (err)
			return err;
	}
	return 0;
}

static int ask(const struct gnutls_calls *tls, const struct client *c, gnutls_session_t session,
	       int fd, const char *request, size_t n, uint64_t deadline, bool *ours)
{
	while (n) {
		ssize_t sent = tls->gnutls_record_send(session, request, n);
		int err = sent < 0 ? go_on(tls, c, session, fd, (int)sent, deadline, ours) : 0;

		if (err)
			return err;
		if (sent > 0) {
			request += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

static int receive(const struct gnutls_calls *tls, const struct client *c, gnutls_session_t session,
		   int fd, uint64_t deadline, bool *ours, struct client_seen *seen)
{
	char answer[STATUS_LINE + 1] = "";
	size_t have = 0;

	for (;;) {
		ssize_t n = tls->gnutls_record_recv(session, answer + have, STATUS_LINE - have);
		int err = n < 0 ? go_on(tls, c, session, fd, (int)n, deadline, ours) : 0;

		if (err)
			return err;
		if (n == 0) {
			seen->result = have ? CLIENT_NOT_HTTP : CLIENT_CLOSED;
			return 0;
		}
		have += n > 0 ? (size_t)n : 0;
		if (n > 0 && client_answer(answer, have, seen))
			return 0;
	}
}

static int exchange(const struct gnutls_calls *tls, const struct client *c,
		    const struct client_check *check, gnutls_session_t session, int fd,
		    uint64_t deadline, bool *ours, bool *shaken, struct client_seen *seen)
{
	char request[REQUEST_MAX];
	int n = client_request(check, request, sizeof(request)), err;

	if (n < 0) {
		*ours = true;
		return n;
	}
	err = shake_hands(tls, c, session, fd, deadline, ours);
	*shaken = !err;
	if (!err)
		err = ask(tls, c, session, fd, request, (size_t)n, deadline, ours);
	if (!err)
		err = receive(tls, c, session, fd, deadline, ours, seen);
	return err;
}

void client_https(const struct client *c, const struct client_check *check, int fd,
		  uint64_t deadline, struct client_seen *seen)
{
	const struct gnutls_calls *tls = gnutls_late();
	gnutls_certificate_credentials_t credentials = NULL;
	gnutls_session_t session = NULL;
	bool ours = false, shaken = false;
	int err;

	if (!tls) {
		seen->result = CLIENT_FAILED;
		seen->err = ELIBACC;
		return;
	}
	err = tls->gnutls_certificate_allocate_credentials(&credentials);
	if (!err)
		err = tls->gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (!err)
		err = tls->gnutls_set_default_priority(session);
	if (!err)
		err = tls->gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (!err && check->server_name)
		err = tls->gnutls_server_name_set(session, GNUTLS_NAME_DNS, check->server_name,
					     strlen(check->server_name));
	if (err) {
		seen->result = CLIENT_FAILED;
		seen->err = ENOMEM;
		goto cleanup;
	}
	tls->gnutls_transport_set_int2(session, fd, fd);
	err = exchange(tls, c, check, session, fd, deadline, &ours, &shaken, seen);
	if (err && ours) {
		seen->err = -err;
		seen->result = client_result_of(-err);
	} else if (err) {
		seen->result = !shaken ? CLIENT_TLS :
			       err == GNUTLS_E_PREMATURE_TERMINATION ? CLIENT_CLOSED : CLIENT_RESET;
	}
	if (!err && shaken) {
		tls->gnutls_bye(session, GNUTLS_SHUT_WR);
		client_goodbye(c, fd);
	}
cleanup:
	if (session)
		tls->gnutls_deinit(session);
	if (credentials)
		tls->gnutls_certificate_free_credentials(credentials);
}
