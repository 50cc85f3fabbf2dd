// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TLS from outside: alerts by name, hellos cut anywhere, and what records tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tls/alerts.h"
#include "tls/records.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void alerts(void **state)
{
	assert_string_equal(tls_alert_name(0), "close_notify");
	assert_string_equal(tls_alert_name(40), "handshake_failure");
	assert_string_equal(tls_alert_name(48), "unknown_ca");
	assert_string_equal(tls_alert_name(112), "unrecognized_name");
	assert_string_equal(tls_alert_name(116), "certificate_required");
	assert_string_equal(tls_alert_name(121), "ech_required");
	for (unsigned number = 0; number <= UINT8_MAX; number++)
		assert_non_null(tls_alert_name((uint8_t)number));
	assert_string_equal(tls_alert_name(1), "unassigned");
	assert_string_equal(tls_alert_name(255), "unassigned");
}

/* ---- hellos ---- */

struct message {
	uint8_t bytes[600];
	size_t len;
};

static void put(struct message *m, const void *bytes, size_t len)
{
	assert_true(m->len + len <= sizeof(m->bytes));
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void put_length(struct message *m, size_t at, size_t bytes)
{
	size_t len = m->len - at - bytes;

	for (size_t i = 0; i < bytes; i++)
		m->bytes[at + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
}

static void put_extension(struct message *m, uint16_t type, const void *bytes, size_t len)
{
	uint8_t head[] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(len >> 8), (uint8_t)len };

	put(m, head, sizeof(head));
	put(m, bytes, len);
}

/* The beginning up to the extensions, whose length is to be set at *EXTENSIONS. */
static void begin_hello(struct message *m, uint8_t type, size_t *extensions)
{
	static const uint8_t random[32] = { 1 }, zero[4];
	uint8_t head[] = { 0x16, 3, 1, 0, 0, type, 0, 0, 0, 3, 3 };

	memset(m, 0, sizeof(*m));
	put(m, head, sizeof(head));
	put(m, random, sizeof(random));
	put(m, zero, 1); /* session */
	if (type == 1)
		put(m, "\x00\x02\x13\x01\x01\x00", 6);
	else
		put(m, "\x13\x01\x00", 3);
	*extensions = m->len;
	put(m, zero, 2);
}

static void end_hello(struct message *m, size_t extensions)
{
	put_length(m, extensions, 2);
	put_length(m, 6, 3);
	put_length(m, 3, 2);
}

static void client_hello(struct message *m)
{
	size_t extensions;

	begin_hello(m, 1, &extensions);
	put_extension(m, 0x0a0a, "", 0); /* GREASE */
	put_extension(m, 0, "\x00\x12\x00\x00\x0fwww.example.org", 20);
	put_extension(m, 16, "\x00\x0c\x02h2\x08http/1.1", 14);
	put_extension(m, 43, "\x06\x1a\x1a\x03\x04\x03\x03", 7);
	end_hello(m, extensions);
}

static void hellos(void **state)
{
	struct tls_hello hello;
	struct message m;
	size_t extensions;

	client_hello(&m);
	assert_true(tls_read_client_hello(m.bytes, m.len, &hello));
	assert_string_equal(hello.sni, "www.example.org");
	assert_string_equal(hello.alpn, "h2,http/1.1");
	assert_int_equal(hello.version, TLS_1_3);
	assert_false(hello.cut);
	assert_false(tls_read_server_hello(m.bytes, m.len, &hello));

	begin_hello(&m, 2, &extensions);
	put_extension(&m, 43, "\x03\x04", 2);
	end_hello(&m, extensions);
	assert_true(tls_read_server_hello(m.bytes, m.len, &hello));
	assert_int_equal(hello.version, TLS_1_3);

	begin_hello(&m, 2, &extensions);
	put_extension(&m, 16, "\x00\x03\x02h2", 5);
	end_hello(&m, extensions);
	put(&m, "\x0b\x00\x00\x06\x00\x2b\x00\x02\x03\x00", 10); /* the next message is no extension */
	assert_true(tls_read_server_hello(m.bytes, m.len, &hello));
	assert_int_equal(hello.version, TLS_1_2);
	assert_string_equal(hello.alpn, "h2");
}

/* What is cut is said to be, and of what comes before nothing is lost. */
static void cut_hellos(void **state)
{
	struct tls_hello hello;
	struct message m;

	client_hello(&m);
	for (size_t len = 0; len < m.len; len++) {
		uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees a read beyond */

		assert_non_null(copy);
		memcpy(copy, m.bytes, len);
		copy = realloc(copy, len ? len : 1);
		assert_non_null(copy);
		if (tls_read_client_hello(copy, len, &hello))
			assert_true(hello.cut);
		assert_true(!hello.sni[0] || strcmp(hello.sni, "www.example.org") == 0);
		free(copy);
	}
}

static void padded_hello(void **state)
{
	static const uint8_t zeros[300];
	struct tls_hello hello;
	struct message m;
	size_t extensions;

	begin_hello(&m, 1, &extensions);
	put_extension(&m, 43, "\x02\x03\x04", 3);
	put_extension(&m, 21, zeros, sizeof(zeros));
	end_hello(&m, extensions);
	assert_true(tls_read_client_hello(m.bytes, 200, &hello));
	assert_false(hello.cut); /* what is missing are zeros */
	assert_string_equal(hello.sni, "");
}

/* Every byte wrong in turn, and names that are none. */
static void hostile_hellos(void **state)
{
	struct tls_hello hello;
	struct message m, turned;
	size_t extensions;

	client_hello(&m);
	for (size_t i = 0; i < m.len; i++) {
		static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };

		for (size_t k = 0; k < N(values); k++) {
			turned = m;
			turned.bytes[i] = values[k];
			tls_read_client_hello(turned.bytes, turned.len, &hello);
			tls_read_server_hello(turned.bytes, turned.len, &hello);
			assert_true(memchr(hello.sni, '\0', sizeof(hello.sni)));
			assert_true(memchr(hello.alpn, '\0', sizeof(hello.alpn)));
		}
	}
	begin_hello(&m, 1, &extensions);
	put_extension(&m, 0, "\x00\x08\x00\x00\x05" "a\x1b[2J", 10);
	put_extension(&m, 16, "\x00\x04\x03" "a\nb", 6);
	end_hello(&m, extensions);
	assert_true(tls_read_client_hello(m.bytes, m.len, &hello));
	assert_string_equal(hello.sni, "");
	assert_string_equal(hello.alpn, "");
	assert_false(tls_read_client_hello(NULL, 0, &hello));
}

static void hello_check(void **state)
{
	static const uint8_t sent[] = "\x16\x03\x00\x00\x79\x01\x00\x00\x75\x03\x00\x12\x34\x56\x78"
				      "HAPROXYSSLCHK\nHAPROXYSSLCHK\n";
	struct message m;

	assert_true(tls_is_hello_check(sent, sizeof(sent) - 1));
	assert_false(tls_is_hello_check(sent, 20));
	client_hello(&m);
	assert_false(tls_is_hello_check(m.bytes, m.len));
}

/* ---- records ---- */

#define LB false
#define SERVICE true

/* A packet with one record, a millisecond after the last. */
static void record(struct tls *t, bool service, uint8_t type, uint8_t what, uint16_t len)
{
	static uint64_t now;
	uint32_t records[HCT_TLS_RECORDS] = { HCT_TLS_RECORD(type, what, len) };

	t->state |= HCT_TLS_SEEN;
	tls_add_records(t, records, service, now += 1000000);
}

static void handshake_1_2(struct tls *t)
{
	memset(t, 0, sizeof(*t));
	record(t, LB, 22, 1, 200);
	record(t, SERVICE, 22, 2, 90);
	record(t, SERVICE, 22, 11, 800);
	record(t, SERVICE, 22, 14, 4);
	record(t, LB, 22, 16, 37);
	record(t, LB, 20, 0, 1);
	record(t, LB, 22, 1, 40); /* encrypted: its first byte is noise */
	assert_int_equal(t->complete_ns, 0);
	record(t, SERVICE, 20, 0, 1);
	record(t, SERVICE, 22, 2, 40);
}

static void start_1_3(struct tls *t)
{
	memset(t, 0, sizeof(*t));
	record(t, LB, 22, 1, 512);
	record(t, SERVICE, 22, 2, 122);
	record(t, SERVICE, 20, 0, 1);
	record(t, SERVICE, 23, 0, 23);
	record(t, SERVICE, 23, 0, 800);
	record(t, SERVICE, 23, 0, 53);
	record(t, LB, 20, 0, 1);
}

static void tls_1_2(void **state)
{
	struct tls t;

	handshake_1_2(&t);
	assert_true(t.complete_ns);
	assert_false(t.is_1_3);
	assert_int_equal(t.alert.by, TLS_BY_NOBODY);
	record(&t, LB, 23, 0, 110);
	assert_false(tls_answered(&t, false));
	record(&t, SERVICE, 23, 0, 180);
	assert_true(tls_answered(&t, true));
	record(&t, SERVICE, 21, 0x5a, 26); /* encrypted: a close_notify by its place */
	assert_int_equal(t.alert.by, TLS_BY_NOBODY);
	assert_true(t.service.closing_ns);
}

static void tls_1_3(void **state)
{
	struct tls t;

	start_1_3(&t);
	assert_int_equal(t.complete_ns, 0);
	record(&t, LB, 23, 0, 69);
	assert_true(t.is_1_3 && t.complete_ns);
	record(&t, LB, 23, 0, 110);
	record(&t, SERVICE, 23, 0, 255);
	assert_true(tls_answered(&t, false));
	assert_false(tls_answered(&t, true)); /* it may be a ticket */
	record(&t, SERVICE, 23, 0, 255);
	assert_int_equal(tls_tickets(&t), 2);
	assert_false(tls_answered(&t, false));
	record(&t, SERVICE, 23, 0, 180);
	assert_true(tls_answered(&t, true));
	assert_string_equal(tls_version(&t), "TLS 1.3");
}

/* A second hello follows the ChangeCipherSpec: the service wanted another group. */
static void second_hello(void **state)
{
	struct tls t = { 0 };

	record(&t, LB, 22, 1, 512);
	record(&t, SERVICE, 22, 2, 88);
	record(&t, SERVICE, 20, 0, 1);
	record(&t, LB, 20, 0, 1);
	record(&t, LB, 22, 1, 545);
	assert_int_equal(t.lb.finished_ns, 0);
	record(&t, SERVICE, 22, 2, 155);
	assert_int_equal(t.service.finished_ns, 0);
	record(&t, SERVICE, 23, 0, 23);
	record(&t, LB, 23, 0, 53);
	assert_true(t.is_1_3 && t.complete_ns);
}

static void client_certificate(void **state)
{
	struct tls t;

	start_1_3(&t);
	record(&t, LB, 23, 0, 25);
	record(&t, LB, 23, 0, 53);
	record(&t, LB, 23, 0, 110);
	record(&t, SERVICE, 23, 0, 19);
	assert_int_equal(t.alert.by, TLS_BY_SERVICE);
	assert_true(t.alert.hidden && t.no_certificate && t.wants_certificate);
	assert_int_equal(t.alert.after, TLS_WHAT_DATA);

	start_1_3(&t); /* the look-alike: none was demanded, and it closes politely */
	record(&t, LB, 23, 0, 53);
	record(&t, LB, 23, 0, 110);
	record(&t, SERVICE, 23, 0, 19);
	assert_int_equal(t.alert.by, TLS_BY_NOBODY);
	assert_true(t.service.closing_ns);

	memset(&t, 0, sizeof(t)); /* in clear, up to 1.2 */
	record(&t, LB, 22, 1, 200);
	record(&t, SERVICE, 22, 2, 90);
	record(&t, SERVICE, 22, 13, 50);
	record(&t, LB, 22, 11, 7);
	record(&t, SERVICE, 21, 40, 2);
	assert_int_equal(t.alert.number, 40);
	assert_true(t.no_certificate && !t.alert.hidden);
	assert_int_equal(t.alert.after, TLS_WHAT_NO_CLIENT_CERTIFICATE);
	assert_string_equal(tls_after_words(t.alert.after, t.alert.after_by),
			    "the load balancer's empty certificate");
}

static void refused_by_the_load_balancer(void **state)
{
	struct tls t;

	start_1_3(&t);
	record(&t, LB, 23, 0, 19);
	assert_int_equal(t.alert.by, TLS_BY_LB);
	assert_true(t.alert.hidden);
	start_1_3(&t);
	record(&t, LB, 21, 48, 2); /* OpenSSL says it in clear */
	assert_int_equal(t.alert.by, TLS_BY_LB);
	assert_int_equal(t.alert.number, 48);
	assert_false(t.alert.hidden);
	start_1_3(&t);
	record(&t, LB, 21, 0, 2); /* close_notify is no failure */
	assert_int_equal(t.alert.by, TLS_BY_NOBODY);
}

/* Any records in any order: nothing but what they are. */
static void hostile_records(void **state)
{
	static const uint8_t types[] = { 0, 19, 20, 21, 22, 23, 24, 25, 255 };
	static const uint16_t lengths[] = { 0, 2, 19, 25, 53, 100, 65535 };
	uint32_t seed = 1;
	struct tls t;

	for (int run = 0; run < 2000; run++) {
		memset(&t, 0, sizeof(t));
		for (int i = 0; i < 40; i++) {
			uint32_t records[HCT_TLS_RECORDS] = { 0 };

			for (size_t k = 0; k < HCT_TLS_RECORDS; k++) {
				seed = seed * 1103515245 + 12345;
				records[k] = HCT_TLS_RECORD(types[(seed >> 8) % N(types)], seed >> 16 & 0xff,
							    lengths[(seed >> 24) % N(lengths)]);
			}
			tls_add_records(&t, records, seed & 0x10000, (uint64_t)i + 1);
			assert_true(tls_tickets(&t) <= t.service.data || !tls_tickets(&t));
			assert_non_null(tls_after_words(t.last, t.last_by));
			for (size_t k = 0; k < HCT_TLS_RECORDS; k++)
				assert_non_null(tls_what_name(t.told[k]));
		}
	}
	assert_false(tls_followed(&t));
	t.state = HCT_TLS_SEEN;
	assert_true(tls_followed(&t));
	t.state |= HCT_TLS_LOST_HOST;
	assert_false(tls_followed(&t));
	assert_null(tls_version_name(0x0a0a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts),
		cmocka_unit_test(hellos),
		cmocka_unit_test(cut_hellos),
		cmocka_unit_test(padded_hello),
		cmocka_unit_test(hostile_hellos),
		cmocka_unit_test(hello_check),
		cmocka_unit_test(tls_1_2),
		cmocka_unit_test(tls_1_3),
		cmocka_unit_test(second_hello),
		cmocka_unit_test(client_certificate),
		cmocka_unit_test(refused_by_the_load_balancer),
		cmocka_unit_test(hostile_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
