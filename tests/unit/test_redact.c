// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Redaction: addresses, payload and texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ctype.h>
#include <sys/random.h>

#include "bundle/redact.h"
#include "bundle/redact_http.h"
#include "diagnose/http.h"
#include "tls/hello.h"

static struct settings settings;
static uint64_t seed;

/* The keys of these tests, ahead of the C library's: no test may fail by chance. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		((uint8_t *)buffer)[i] = (uint8_t)(seed >> 56);
	}
	return (ssize_t)size;
}

static int setup(void **state)
{
	char *argv[] = { "hctrace", "--from", "100.125.0.0/16,2001:db8:100::/48", "--path", "/health",
			 NULL };

	if (options_parse(&settings, 5, argv) >= 0)
		return -1;
	seed = 1;
	*state = redact_new(&settings);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	redact_free(*state);
	return 0;
}

static void set_addr(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	memset(out + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static unsigned common(const uint8_t a[16], const uint8_t b[16])
{
	unsigned n = 0;

	while (n < 128 && !((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

static void addresses_that_stay(void **state)
{
	static const char *const kept[] = { "100.125.0.1", "100.125.255.255", "127.0.0.1", "0.0.0.0",
					    "255.255.255.255", "224.0.0.1", "::", "::1", "ff02::1",
					    "2001:db8:100::5" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		uint8_t addr[16], before[16];

		set_addr(before, kept[i]);
		memcpy(addr, before, 16);
		assert_false(pseudo_addr(redact_addrs(*state), addr));
		assert_memory_equal(addr, before, 16);
	}
}

/* Any two have as many bits in common as their pseudonyms: so no two are the same. */
static void prefixes_are_kept(void **state)
{
	static uint8_t real[400][16], pseudo[400][16];

	srand(1);
	for (size_t i = 0; i < 400; i++) {
		char text[48];

		if (i % 4 == 3)
			snprintf(text, sizeof(text), "2a0%d:%x::%x", rand() % 3, rand() % 4, rand() % 65536);
		else
			snprintf(text, sizeof(text), "%d.%d.%d.%d", i % 4 ? 10 : 100, rand() % 3,
				 rand() % 4, rand() % 256);
		set_addr(real[i], text);
		memcpy(pseudo[i], real[i], 16);
		assert_true(pseudo_addr(redact_addrs(*state), pseudo[i]));
		/* nobody gets into the range */
		assert_false(pseudo[i][12] == 100 && pseudo[i][13] == 125 && i % 4 != 3);
	}
	for (size_t i = 0; i < 400; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(common(real[i], real[j]), common(pseudo[i], pseudo[j]));
}

/* With some keys one host's pseudonym is another host: then there has to be another key. */
static void keys_are_settled(void **state)
{
	unsigned changed = 0;

	for (seed = 0; seed < 40; seed++) {
		uint64_t this_seed = seed;
		struct redact *r = redact_new(&settings);

		assert_non_null(r);
		for (unsigned i = 0; i < 200; i++) {
			char text[32];
			uint8_t addr[16];

			snprintf(text, sizeof(text), "192.168.%u.%u", i % 100, i);
			set_addr(addr, text);
			pseudo_addr(redact_addrs(r), addr);
		}
		changed += !pseudo_addr_settle(redact_addrs(r));
		assert_true(pseudo_addr_settle(redact_addrs(r)));
		redact_free(r);
		seed = this_seed;
	}
	assert_in_range(changed, 1, 39);
}

/* By itself: a pseudonym may well be a longer number that starts so. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[len]))
			return true;
	return false;
}

/* TEXT redacted has not got WORD. */
static void gone(void **state, enum redact_text_kind kind, const char *text, const char *word)
{
	char *out = redact_text(*state, kind, text);

	assert_non_null(out);
	if (has_word(out, word))
		fail_msg("%s is in: %s", word, out);
	free(out);
}

static void becomes(void **state, enum redact_text_kind kind, const char *text, const char *wanted)
{
	char *out = redact_text(*state, kind, text);

	assert_non_null(out);
	assert_string_equal(out, wanted);
	free(out);
}

static void texts(void **state)
{
	struct pseudo_names *names = redact_names(*state);

	pseudo_name(names, NAME_PROCESS, "nginx", 5);
	pseudo_name(names, NAME_PROCESS, "tcp", 3);
	pseudo_name_keep(names, "eth0");
	becomes(state, REDACT_PLAIN, "nginx listens, tcp nginxes", "proc-1 listens, tcp nginxes");
	becomes(state, REDACT_PLAIN, "100.125.1.2 dev eth0 src 127.0.0.1/8 at 12:30:45",
		"100.125.1.2 dev eth0 src 127.0.0.1/8 at 12:30:45");
	becomes(state, REDACT_PLAIN, "via 100.64.0.0/10 255.255.255.0", "via 100.64.0.0/10 255.255.255.0");
	becomes(state, REDACT_RULES, "-m owner --uid-owner bob -m comment --comment \"for ACME\" -j DROP",
		"-m owner --uid-owner user-1 -m comment --comment \"text-1\" -j DROP");
	becomes(state, REDACT_RULES, "iifname \"eth0\" log prefix \"ACME \" drop # handle 4",
		"iifname \"eth0\" log prefix \"text-2\" drop # handle 4");
	becomes(state, REDACT_RULES, "meta skuid 33 drop", "meta skuid 33 drop");
	becomes(state, REDACT_LISTENERS, "users:((\"nginx\",pid=8,fd=6),(\"acme\",pid=9,fd=7))",
		"users:((\"proc-1\",pid=8,fd=6),(\"proc-3\",pid=9,fd=7))");
	becomes(state, REDACT_WRAPPERS, "# ours\nnginx, ALL: .acme.com EXCEPT 100.125.1.1 : spawn (mail bob)",
		"# (a comment)\nproc-1, ALL: host-1 EXCEPT 100.125.1.1 : spawn command-1");
	gone(state, REDACT_PLAIN, "[2a00:1:2::3]:80 and 10.1.2.3:80", "2a00:1:2::3");
	gone(state, REDACT_PLAIN, "[2a00:1:2::3]:80 and 10.1.2.3:80", "10.1.2.3");
	gone(state, REDACT_PLAIN, "lladdr 52:54:00:12:34:56 REACHABLE", "12:34:56");
	gone(state, REDACT_PLAIN, "designated_root 8000.2:42:ac:11:0:2 x", "42:ac");
	gone(state, REDACT_RULES, "--to-destination 10.1.2.3:8080", "10.1.2.3");
	gone(state, REDACT_RULES, "@nh,128,32 0x0a010203 drop", "0x0a010203");
	gone(state, REDACT_WRAPPERS, "sshd: 10.20. 192.168.7.0/255.255.255.0 bob@acme.com", "10.20.");
	gone(state, REDACT_WRAPPERS, "sshd: 10.20. 192.168.7.0/255.255.255.0 bob@acme.com", "192.168.7");
	gone(state, REDACT_PLAIN, "built by root@buildhost.acme.com", "acme");
	gone(state, REDACT_PLAIN, "see https://www.acme.com/secret?x=1", "acme");
	gone(state, REDACT_LINKS, "link-netns customer\n    alias to customer", "customer");
}

static size_t payload(void **state, bool reply, const char *text, char out[HCT_PAYLOAD_MAX + 1])
{
	size_t len = redact_payload(*state, reply, (const uint8_t *)text, strlen(text), (uint8_t *)out);

	out[len] = '\0';
	return len;
}

static void requests(void **state)
{
	static const char text[] = "GET /health?key=42 HTTP/1.1\r\nHost: www.acme.com:8080\r\n"
				   "User-Agent: Acme-Checker/1.0\r\nX-Acme: 17\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
	char out[HCT_PAYLOAD_MAX + 1];
	struct http_request request;

	assert_int_equal(payload(state, false, text, out), strlen(text));
	assert_true(http_parse_request((uint8_t *)out, strlen(out), &request));
	assert_string_equal(request.method, "GET");
	assert_string_equal(request.path, "/path-1?query-1");
	assert_string_equal(request.host, "host-1:8080");
	assert_true(request.forwarded);
	assert_null(strcasestr(out, "acme"));
	assert_null(strstr(out, "1.2.3.4"));
	payload(state, false, "GET /health HTTP/1.0\r\n\r\n", out);
	assert_string_equal(out, "GET /path-1 HTTP/1.0\r\n\r\n");
	payload(state, false, "GET / HTTP/1.0\r\n\r\n", out);
	assert_string_equal(out, "GET / HTTP/1.0\r\n\r\n");
}

static void responses(void **state)
{
	char out[HCT_PAYLOAD_MAX + 1];
	struct http_response response;

	payload(state, true, "HTTP/1.1 302 Acme moved\r\nServer: Acme\r\nLocation: https://a.acme.com/in\r\n\r\nAcme",
		out);
	assert_true(http_parse_response((uint8_t *)out, strlen(out), &response));
	assert_int_equal(response.status, 302);
	assert_string_equal(response.location, "https://host-1/path-1");
	assert_null(strcasestr(out, "acme"));
	payload(state, true, "HTTP/1.1 400 Bad\r\n\r\n<p>The plain HTTP request was sent to HTTPS port</p>", out);
	assert_true(http_parse_response((uint8_t *)out, strlen(out), &response));
	assert_true(response.wants_tls);
	assert_int_equal(payload(state, true, "SSH-2.0-AcmeSSH", out), 15);
	assert_string_equal(out, "SSH-");
}

static void hello(void **state)
{
	uint8_t in[80] = { 0x16, 3, 1, 0, 70, 1 }, out[HCT_PAYLOAD_MAX], zero[74] = { 0 };

	memcpy(in + 40, "www.acme.com", 12);
	assert_int_equal(redact_payload(*state, false, in, sizeof(in), out), sizeof(in));
	assert_memory_equal(out, in, 6);
	assert_memory_equal(out + 6, zero, 74);

	/* what HAProxy's ssl-hello-chk goes by is known by its text */
	memcpy(in + 15, "HAPROXYSSLCHK\nHAPROXYSSLCHK\n", 28);
	assert_int_equal(redact_payload(*state, false, in, sizeof(in), out), sizeof(in));
	assert_true(tls_is_hello_check(out, sizeof(in)));
	assert_memory_equal(out + 29, zero, 51);
}

/* Whatever the bytes, it comes to an end, within its room. */
static void noise(void **state)
{
	static const char letters[] = "0123456789abcdef::..//\"\\ \n-@x,[]%GETHTP/1. ";
	char text[400], out[HCT_PAYLOAD_MAX + 1];

	srand(7);
	for (unsigned i = 0; i < 4000; i++) {
		size_t len = (size_t)rand() % 384;

		for (size_t n = 0; n < len; n++)
			text[n] = letters[(size_t)rand() % (sizeof(letters) - 1)];
		text[len] = '\0';
		if (i % 3 == 0 && len > 20)
			memcpy(text, i % 2 ? "HTTP/1.1 200 OK\r\n" : "GET /a HTTP/1.1\r\n", 17);
		for (int kind = REDACT_ADDRESSES; kind <= REDACT_WRAPPERS; kind++)
			free(redact_text(*state, kind, text));
		assert_true(payload(state, i % 2, text, out) <= HCT_PAYLOAD_MAX);
	}
}

static void questions(void **state)
{
	struct answer in, out, wanted;
	uint8_t target[16], lb[16];

	set_addr(target, "10.1.2.3");
	set_addr(lb, "100.125.0.9");
	question_route_back(&in, target, lb);
	redact_answer(*state, &in, &out);
	pseudo_addr(redact_addrs(*state), target);
	question_route_back(&wanted, target, lb);
	assert_string_equal(out.question, wanted.question);
	question_wrappers(&in, 7, "nginx", lb);
	redact_answer(*state, &in, &out);
	question_wrappers(&wanted, 7, "proc-1", lb);
	assert_string_equal(out.question, wanted.question);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_that_stay), TEST(prefixes_are_kept), TEST(keys_are_settled),
		TEST(texts), TEST(requests), TEST(responses), TEST(hello), TEST(noise),
		TEST(questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
