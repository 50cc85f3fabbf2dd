// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ClientHello and ServerHello (RFC 8446, 4.1): bytes of others, of which any may be wrong. */
#include "hello.h"

#include <string.h>

#define RECORD_HEADER 5
#define CLIENT_HELLO 1
#define SERVER_HELLO 2
#define RANDOM_LEN 32

enum { EXT_SERVER_NAME = 0, EXT_ALPN = 16, EXT_PADDING = 21, EXT_SUPPORTED_VERSIONS = 43 };

/* What is left to be read; once BAD it stays empty. */
struct reader {
	const uint8_t *data;
	size_t len;
	bool bad;
};

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *at = r->data;

	if (n > r->len) {
		r->bad = true;
		r->len = 0;
		return NULL;
	}
	r->data += n;
	r->len -= n;
	return at;
}

static unsigned take_number(struct reader *r, size_t bytes)
{
	const uint8_t *at = take(r, bytes);
	unsigned number = 0;

	for (size_t i = 0; at && i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

/* A vector whose length comes first, in BYTES; where less was captured, as much as there is. */
static struct reader take_vector(struct reader *r, size_t bytes)
{
	size_t len = take_number(r, bytes);
	struct reader inner = { .data = r->data, .len = len };

	if (len > r->len) {
		inner.len = r->len;
		inner.bad = true;
		r->bad = true;
	}
	r->data += inner.len;
	r->len -= inner.len;
	return inner;
}

static bool is_printable(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return true;
}

static void read_server_name(struct reader ext, struct tls_hello *out)
{
	struct reader list = take_vector(&ext, 2), name;

	if (take_number(&list, 1) != 0) /* host_name */
		return;
	name = take_vector(&list, 2);
	if (name.bad || !name.len || name.len >= sizeof(out->sni) ||
	    !is_printable(name.data, name.len))
		return;
	memcpy(out->sni, name.data, name.len);
	out->sni[name.len] = '\0';
}

static void read_alpn(struct reader ext, struct tls_hello *out)
{
	struct reader list = take_vector(&ext, 2);
	size_t used = 0;

	while (list.len) {
		struct reader name = take_vector(&list, 1);

		if (name.bad || !name.len || used + name.len + 2 > sizeof(out->alpn) ||
		    !is_printable(name.data, name.len))
			break;
		if (used)
			out->alpn[used++] = ',';
		memcpy(out->alpn + used, name.data, name.len);
		used += name.len;
		out->alpn[used] = '\0';
	}
}

/* GREASE (RFC 8701) has values that are no version. */
static void read_versions(struct reader ext, bool client, struct tls_hello *out)
{
	struct reader list = client ? take_vector(&ext, 1) : ext;

	while (list.len >= 2) {
		uint16_t version = (uint16_t)take_number(&list, 2);

		if (tls_version_name(version) && (version > out->version || !client))
			out->version = version;
	}
}

static void read_extensions(struct reader *r, bool client, struct tls_hello *out)
{
	struct reader all = take_vector(r, 2);

	while (all.len >= 4) {
		unsigned type = take_number(&all, 2);
		struct reader ext = take_vector(&all, 2);

		if (type == EXT_PADDING && ext.bad) { /* nothing but zeros is missing: it comes last */
			r->bad = false;
			return;
		}
		if (type == EXT_SERVER_NAME && client)
			read_server_name(ext, out);
		else if (type == EXT_ALPN)
			read_alpn(ext, out);
		else if (type == EXT_SUPPORTED_VERSIONS && !ext.bad)
			read_versions(ext, client, out);
	}
	r->bad |= all.bad;
}

/* Both begin alike: the record's header, the message's, version, random, session. */
static bool begin(struct reader *r, unsigned message, struct tls_hello *out)
{
	memset(out, 0, sizeof(*out));
	if (take_number(r, 1) != 0x16 || take_number(r, 1) != 3)
		return false;
	take(r, RECORD_HEADER - 2);
	if (take_number(r, 1) != message || r->bad)
		return false;
	take(r, 3);
	out->version = (uint16_t)take_number(r, 2);
	if (!tls_version_name(out->version))
		out->version = 0;
	take(r, RANDOM_LEN);
	take_vector(r, 1);
	return true;
}

/* Of the first message of a record at DATA, of which nine bytes are there. */
static size_t message_length(const uint8_t *data)
{
	return (size_t)data[6] << 16 | (size_t)data[7] << 8 | data[8];
}

bool tls_read_client_hello(const uint8_t *data, size_t len, struct tls_hello *out)
{
	struct reader r = { .data = data, .len = len };

	if (!begin(&r, CLIENT_HELLO, out))
		return false;
	take_vector(&r, 2); /* cipher suites */
	take_vector(&r, 1); /* compression methods */
	if (r.len || r.bad)
		read_extensions(&r, true, out);
	else
		r.bad = len < RECORD_HEADER + 4 + message_length(data);
	out->cut = r.bad;
	return true;
}

bool tls_read_server_hello(const uint8_t *data, size_t len, struct tls_hello *out)
{
	struct reader r = { .data = data, .len = len };
	size_t message;

	if (!begin(&r, SERVER_HELLO, out))
		return false;
	/* other messages may follow it in the same record */
	message = len > 8 ? message_length(data) : 0;
	if (len > RECORD_HEADER + 4 + message && r.len > len - (RECORD_HEADER + 4 + message))
		r.len -= len - (RECORD_HEADER + 4 + message);
	take(&r, 2 + 1); /* cipher suite, compression method */
	if (r.len || r.bad)
		read_extensions(&r, false, out);
	out->cut = r.bad;
	return true;
}

const char *tls_version_name(uint16_t version)
{
	static const char *const names[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };

	return version >> 8 == 3 && (version & 0xff) < sizeof(names) / sizeof(names[0])
		       ? names[version & 0xff]
		       : NULL;
}

/* src/checks.c: its random is this text, twice; the time before it changes. */
bool tls_is_hello_check(const uint8_t *data, size_t len)
{
	static const char random[] = "HAPROXYSSLCHK\n";
	const size_t at = RECORD_HEADER + 4 + 2 + 4;

	_Static_assert(RECORD_HEADER + 4 + 2 + 4 + sizeof(random) - 1 == TLS_HELLO_CHECK_LEN, "");
	return len >= TLS_HELLO_CHECK_LEN && data[0] == 0x16 &&
	       memcmp(data + at, random, sizeof(random) - 1) == 0;
}
