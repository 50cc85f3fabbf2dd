// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* HTTPS checks.  Load balancers do not verify a backend's certificate, and neither does this. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "gnutls_late.h"

#define REQUEST_MAX 4096

/* A session, and of its errors which kind they are: -errno, or GnuTLS's own. */
struct tls {
	const struct gnutls_calls *calls;
	gnutls_session_t session;
	const struct client *client;
	int fd;
	uint64_t deadline;
	bool shaken;
	bool is_errno;
};

/* After ERR of a call: 0 when it is to be made again. */
static int go_on(struct tls *t, int err)
{
	bool out = t->calls->gnutls_record_get_direction(t->session);
	int waited;

	if (err != GNUTLS_E_AGAIN && err != GNUTLS_E_INTERRUPTED)
		return t->calls->gnutls_error_is_fatal(err) ? err : 0;
	waited = client_wait(t->client, t->fd, out ? POLLOUT : POLLIN, t->deadline);
	t->is_errno = waited != 0;
	return waited;
}

static int shake_hands(struct tls *t)
{
	int err;

	while ((err = t->calls->gnutls_handshake(t->session)) != GNUTLS_E_SUCCESS) {
		err = go_on(t, err);
		if (err)
			return err;
	}
	t->shaken = true;
	return 0;
}

static ssize_t tls_send(void *ctx, const char *bytes, size_t n)
{
	struct tls *t = ctx;
	ssize_t sent;

	while ((sent = t->calls->gnutls_record_send(t->session, bytes, n)) < 0) {
		int err = go_on(t, (int)sent);

		if (err)
			return err;
	}
	return sent;
}

static ssize_t tls_receive(void *ctx, char *out, size_t n)
{
	struct tls *t = ctx;
	ssize_t got;

	while ((got = t->calls->gnutls_record_recv(t->session, out, n)) < 0) {
		int err = go_on(t, (int)got);

		if (err)
			return err;
	}
	return got;
}

static int exchange(struct tls *t, const struct client_check *check, struct client_seen *seen)
{
	const struct client_stream stream = { tls_send, tls_receive, t };
	char request[REQUEST_MAX];
	int n = client_request(check, request, sizeof(request)), err;

	if (n < 0) {
		t->is_errno = true;
		return n;
	}
	err = shake_hands(t);
	return err ? err : client_exchange(&stream, request, (size_t)n, seen);
}

/* A session as load balancers' are.  0 or GnuTLS's error; what was made is to be freed anyhow. */
static int set_up(struct tls *t, gnutls_certificate_credentials_t *credentials,
		  const struct client_check *check)
{
	const struct gnutls_calls *calls = t->calls;
	int err = calls->gnutls_certificate_allocate_credentials(credentials);

	if (!err)
		err = calls->gnutls_init(&t->session,
					 GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (!err)
		err = calls->gnutls_set_default_priority(t->session);
	if (!err)
		err = calls->gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
						    *credentials);
	if (!err && check->server_name)
		err = calls->gnutls_server_name_set(t->session, GNUTLS_NAME_DNS,
						    check->server_name, strlen(check->server_name));
	if (!err)
		calls->gnutls_transport_set_int2(t->session, t->fd, t->fd);
	return err;
}

void client_https(const struct client *c, const struct client_check *check, int fd,
		  uint64_t deadline, struct client_seen *seen)
{
	struct tls tls = { .calls = gnutls_late(), .client = c, .fd = fd, .deadline = deadline };
	gnutls_certificate_credentials_t credentials = NULL;
	int err;

	if (!tls.calls) {
		seen->result = CLIENT_FAILED;
		seen->err = ELIBACC;
		return;
	}
	if (set_up(&tls, &credentials, check)) {
		seen->result = CLIENT_FAILED;
		seen->err = ENOMEM;
		goto cleanup;
	}
	err = exchange(&tls, check, seen);
	if (err && tls.is_errno) {
		seen->err = -err;
		seen->result = client_result_of(-err);
	} else if (err) {
		seen->result = !tls.shaken ? CLIENT_TLS :
			       err == GNUTLS_E_PREMATURE_TERMINATION ? CLIENT_CLOSED : CLIENT_RESET;
	} else {
		tls.calls->gnutls_bye(tls.session, GNUTLS_SHUT_WR);
		client_goodbye(c, fd);
	}
cleanup:
	if (tls.session)
		tls.calls->gnutls_deinit(tls.session);
	if (credentials)
		tls.calls->gnutls_certificate_free_credentials(credentials);
}
