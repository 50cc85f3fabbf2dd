// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What checks speak: whole answers, cut ones, and hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/protocol.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define B(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct row {
	const char *name;
	struct bytes request, answer;
	size_t greeting;
	bool datagram;
	const char *application;
	enum reading_result result;
	const char *quote;
} rows[] = {
#define QUERY "\x12\x34\1\0\0\1\0\0\0\0\0\0\5check\4test\0\0\1\0\1"
#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define STARTUP "\0\0\0\x21\0\3\0\0user\0postgres\0database\0x\0\0"
#define PG_ERROR "E\0\0\0\x40SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
#define MYSQL_GREETING "\x10\0\0\0\x0a" "5.5.5-10.11\0\1\0\0"
#define MYSQL_1130 "\x1d\0\0\1\xff\x6a\4Host 'x' is not allowed to"
	{ "redis pong", B("PING\r\n"), B("+PONG\r\n"), 0, false, "redis", READ_GOOD, "+PONG" },
	{ "redis in RESP", B("*1\r\n$4\r\nPING\r\n"), B("+PONG\r\n"), 0, false, "redis", READ_GOOD, "+PONG" },
	{ "redis cut", B("PING\r\n"), B("+PO"), 0, false, "redis", READ_INCOMPLETE, "+PO" },
	{ "redis error", B("PING\r\n"), B("-NOAUTH Authentication required.\r\n"), 0, false, "redis",
	  READ_ERROR, "-NOAUTH Authentication required." },
	{ "redis full", B(""), B("-ERR max number of clients reached\r\n"), 0, false, "redis", READ_ERROR,
	  "-ERR max number of clients reached" },
	{ "GET is HTTP's", B("GET / HTTP/1.1\r\n"), B("hello"), 0, false, NULL, READ_OTHER, "hello" },
	{ "redis got HTTP", B("GET / HTTP/1.1\r\n"), B("-ERR unknown command\r\n"), 0, false, "redis",
	  READ_ERROR, "-ERR unknown command" },
	{ "mysql greeting", B(""), B(MYSQL_GREETING), 0, false, "mysql", READ_GOOD, "5.5.5-10.11" },
	{ "mysql refused", B(""), B("\x17\0\0\0\xff\x10\4Too many connections"), 0, false, "mysql", READ_ERROR,
	  "1040 Too many connections" },
	{ "mysql denied", B("\1\0\0\1x"), B(MYSQL_GREETING MYSQL_1130), sizeof(MYSQL_GREETING) - 1, false,
	  "mysql", READ_ERROR, "1130 Host 'x' is not allowed to" },
	{ "mysql mute", B("\1\0\0\1x"), B(MYSQL_GREETING), sizeof(MYSQL_GREETING) - 1, false, "mysql",
	  READ_INCOMPLETE, "" },
	{ "pg ready", B(STARTUP), B("R\0\0\0\x08\0\0\0\0"), 0, false, "postgresql", READ_GOOD,
	  "an authentication request" },
	{ "pg starting", B(STARTUP), B(PG_ERROR), 0, false, "postgresql", READ_ERROR,
	  "FATAL 57P03: the database system is starting up" },
	{ "pg ssl alone", B(SSL_REQUEST), B("S"), 0, false, "postgresql", READ_GOOD, "encryption" },
	{ "pg ssl refused", B(SSL_REQUEST STARTUP), B("N" PG_ERROR), 0, false, "postgresql", READ_ERROR,
	  "FATAL 57P03: the database system is starting up" },
	{ "pg mute", B(SSL_REQUEST STARTUP), B("N"), 0, false, "postgresql", READ_INCOMPLETE, "" },
	{ "smtp", B("HELO x\r\n"), B("220 web ESMTP\r\n250 web\r\n"), 15, false, "smtp", READ_GOOD, "250 web" },
	{ "smtp refused", B("HELO x\r\n"), B("220 web ESMTP\r\n550 go away\r\n"), 15, false, "smtp", READ_ERROR,
	  "550 go away" },
	{ "smtp mute", B("EHLO x\r\n"), B("220 web ESMTP\r\n"), 15, false, "smtp", READ_INCOMPLETE,
	  "220 web ESMTP" },
	{ "smtp in lines", B("EHLO x\r\n"), B("220-web\r\n220 ESMTP\r\n250-web\r\n250 SIZE\r\n"), 20, false, "smtp",
	  READ_GOOD, "250-web" },
	{ "smtp in lines, cut", B(""), B("220-web ESMTP\r\n"), 0, false, "smtp", READ_INCOMPLETE,
	  "220-web ESMTP" },
	{ "ftp", B(""), B("220 (vsFTPd 3.0.3)\r\n"), 0, false, "ftp", READ_GOOD, "220 (vsFTPd 3.0.3)" },
	{ "ftp refused", B(""), B("421 Service not available.\r\n"), 0, false, "ftp", READ_ERROR,
	  "421 Service not available." },
	{ "farewell", B("QUIT\r\n"), B("220 x\r\n221 bye\r\n"), 7, false, "ftp", READ_GOOD, "220 x" },
	{ "ldap", B("\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), B("\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"), 0, false,
	  "ldap", READ_GOOD, "result 0" },
	{ "ldap busy", B("\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), B("\x30\x0c\2\1\1\x61\7\x0a\1\x33\4\0\4\0"), 0,
	  false, "ldap", READ_ERROR, "result 51 (busy)" },
	{ "ssh", B(""), B("SSH-2.0-OpenSSH_9.2\r\n"), 0, false, "ssh", READ_GOOD, "SSH-2.0-OpenSSH_9.2" },
	{ "ssh cut", B("SSH-2.0-x\r\n"), B("SSH-2"), 0, false, "ssh", READ_INCOMPLETE, "SSH-2" },
	{ "ssh full", B("SSH-2.0-x\r\n"), B("Exceeded MaxStartups\r\n"), 0, false, "ssh", READ_ERROR,
	  "Exceeded MaxStartups" },
	{ "memcached", B("version\r\n"), B("VERSION 1.6.18\r\n"), 0, false, "memcached", READ_GOOD,
	  "VERSION 1.6.18" },
	{ "memcached error", B("stats\r\n"), B("SERVER_ERROR out of memory\r\n"), 0, false, "memcached",
	  READ_ERROR, "SERVER_ERROR out of memory" },
	{ "agent", B(""), B("up 75%\n"), 0, false, "haproxy-agent", READ_GOOD, "up 75%" },
	{ "agent down", B("hello\n"), B("down #disk full\n"), 0, false, "haproxy-agent", READ_ERROR,
	  "down #disk full" },
	{ "no agent", B(""), B("upward\n"), 0, false, NULL, READ_OTHER, "upward" },
	{ "dns", B(QUERY), B("\x12\x34\x81\x80\0\1\0\1\0\0\0\0"), 0, true, "dns", READ_GOOD,
	  "NOERROR, 1 answers" },
	{ "dns refused", B(QUERY), B("\x12\x34\x81\x85\0\1\0\0\0\0\0\0"), 0, true, "dns", READ_ERROR, "REFUSED" },
	{ "dns silent", B(QUERY), B(""), 0, true, "dns", READ_NOTHING, "" },
	{ "another's answer", B(QUERY), B("\x12\x35\x81\x80\0\1\0\1\0\0\0\0"), 0, true, "dns", READ_OTHER,
	  "\\x125\\x81\\x80\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x00" },
	{ "no dns", B("health check of 30 bytes......"), B("x"), 0, true, NULL, READ_OTHER, "x" },
	{ "dns over tcp", B("\0\x1c" QUERY), B("\0\x0c\x12\x34\x81\x83\0\1\0\0\0\0\0\0"), 0, false, "dns",
	  READ_ERROR, "NXDOMAIN" },
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
	{ "h2 200", B(PREFACE SETTINGS), B(SETTINGS "\0\0\1\1\5\0\0\0\1\x88"), 0, false, "http2", READ_GOOD,
	  "HTTP status 200" },
	{ "h2 503", B(PREFACE SETTINGS), B(SETTINGS "\0\0\5\1\5\0\0\0\1\x08\3" "503"), 0, false, "http2",
	  READ_GOOD, "HTTP status 503" },
	{ "h2 settings alone", B(PREFACE), B(SETTINGS), 0, false, "http2", READ_INCOMPLETE, "" },
	{ "h2 refused", B(PREFACE), B(SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\7"), 0, false, "http2", READ_ERROR,
	  "RST_STREAM, REFUSED_STREAM" },
	{ "h2 goaway", B(PREFACE), B("\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\1"), 0, false, "http2", READ_ERROR,
	  "GOAWAY, PROTOCOL_ERROR" },
	{ "h2 to HTTP/1", B(PREFACE), B("HTTP/1.1 400 Bad Request\r\n"), 0, false, "http2", READ_OTHER,
	  "HTTP/1.1 400 Bad Request" },
	{ "escaped", B("x"), B("a\x1b[31m\xff"), 0, false, NULL, READ_OTHER, "a\\x1b[31m\\xff" },
};

static struct exchange exchange_of(const struct row *row)
{
	return (struct exchange){ .request = row->request, .answer = row->answer, .greeting = row->greeting,
				  .datagram = row->datagram };
}

static void reads(void **state)
{
	for (size_t i = 0; i < N(rows); i++) {
		struct exchange x = exchange_of(&rows[i]);
		struct reading r;

		protocol_read(&x, &r);
		if (rows[i].application ? !r.application || strcmp(r.application, rows[i].application) :
					  r.application != NULL)
			fail_msg("%s: is %s", rows[i].name, r.application ? r.application : "nothing");
		if (r.result != rows[i].result)
			fail_msg("%s: result %d", rows[i].name, r.result);
		if (strcmp(r.quote, rows[i].quote) != 0)
			fail_msg("%s: '%s'", rows[i].name, r.quote);
	}
}

/* Every beginning of both sides, in memory of just that size; with each byte changed, too. */
static void reads_within_bounds(void **state)
{
	for (size_t i = 0; i < N(rows); i++) {
		for (size_t q = 0; q <= rows[i].request.len; q++) {
			for (size_t a = 0; a <= rows[i].answer.len; a++) {
				uint8_t *request = malloc(q ? q : 1), *answer = malloc(a ? a : 1);
				struct exchange x = exchange_of(&rows[i]);
				struct reading r;

				memcpy(request, rows[i].request.data, q);
				memcpy(answer, rows[i].answer.data, a);
				if (a)
					answer[(q + a) % a] ^= (uint8_t)(1u << (q + a) % 8);
				x.request = (struct bytes){ request, q };
				x.answer = (struct bytes){ answer, a };
				x.greeting = x.greeting < a ? x.greeting : a;
				protocol_read(&x, &r);
				assert_true(memchr(r.quote, 0, sizeof(r.quote)));
				for (const char *c = r.quote; *c; c++)
					assert_in_range(*c, 0x20, 0x7e);
				free(request);
				free(answer);
			}
		}
	}
}

/* gRPC: HEADERS with content-type, DATA with the service or its status, trailers. */
static void grpc(void **state)
{
	static const uint8_t request[] = PREFACE SETTINGS
		"\0\0\x1d\1\4\0\0\0\1\x0f\x10\x10" "application/grpc" "\0\3" "a-b" "\4" "true"
		"\0\0\x0a\0\1\0\0\0\1\0\0\0\0\5\x0a\3web";
	static const uint8_t answer[] = SETTINGS "\0\0\1\1\4\0\0\0\1\x88" "\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\2"
		"\0\0\x0f\1\5\0\0\0\1\0\x0b" "grpc-status" "\1" "0";
	struct exchange x = { .request = { request, sizeof(request) - 1 },
			      .answer = { answer, sizeof(answer) - 1 } };
	struct reading r;

	protocol_read(&x, &r);
	assert_string_equal(r.application, "grpc");
	assert_int_equal(r.result, READ_ERROR);
	assert_int_equal(r.grpc.status, 0);
	assert_int_equal(r.grpc.serving, 2);
	assert_string_equal(r.grpc.service, "web");
	assert_string_equal(r.quote, "serving status 2 (NOT_SERVING)");
}

static void proxy(void **state)
{
	static const uint8_t v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" "aaaabbbbccddGET /";
	static const char v1[] = "PROXY TCP4 100.125.10.5 192.168.0.10 40122 80\r\nGET /";
	unsigned version;

	assert_int_equal(proxy_header_len(v2, sizeof(v2) - 1, &version), 28);
	assert_int_equal(version, 2);
	assert_int_equal(proxy_header_len(v2, 20, &version), 20); /* cut */
	assert_int_equal(proxy_header_len((const uint8_t *)v1, sizeof(v1) - 1, &version), sizeof(v1) - 6);
	assert_int_equal(version, 1);
	assert_int_equal(proxy_header_len((const uint8_t *)"PROXY / HTTP/1.1\r\n", 18, &version), 0);
	assert_int_equal(version, 0);
	for (size_t len = 0; len < sizeof(v2); len++)
		assert_true(proxy_header_len(v2, len, &version) <= len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(reads_within_bounds),
		cmocka_unit_test(grpc),
		cmocka_unit_test(proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
