// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hosts.allow and hosts.deny: rules beside what libwrap makes of them, each
 * also put to the real thing (`tcpdmatch -d`) where it is installed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/wrappers.h"

#define LB "100.125.10.5"

/* What the files hold; NULL: there is no such file. */
struct files {
	const char *allow, *deny, *patterns;
	size_t allow_len, deny_len, patterns_len;
};

static FILE *open_text(const char *text, size_t len)
{
	if (!text) {
		errno = ENOENT;
		return NULL;
	}
	return len ? fmemopen((void *)text, len, "r") : fopen("/dev/null", "r");
}

static FILE *open_file(void *ctx, const char *path)
{
	const struct files *f = ctx;

	if (!strcmp(path, "/etc/hosts.allow"))
		return open_text(f->allow, f->allow_len);
	if (!strcmp(path, "/etc/hosts.deny"))
		return open_text(f->deny, f->deny_len);
	if (!strcmp(path, "/patterns"))
		return open_text(f->patterns, f->patterns_len);
	errno = ENOENT;
	return NULL;
}

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

struct test_case {
	const char *allow, *deny;
	const char *client; /* NULL: LB */
	/* expected */
	bool granted;
	const char *file; /* NULL: no line matched */
	unsigned line;
	bool uncertain;
};

/* The daemon is "sshd"; where it was connected to is not known. */
#define ALLOW "/etc/hosts.allow"
#define DENY "/etc/hosts.deny"
static const struct test_case cases[] = {
	/* the order of things */
	{ NULL, NULL, NULL, true },
	{ "", "", NULL, true },
	{ "sshd: 100.125.\n", "ALL: ALL\n", NULL, true, ALLOW, 1 },
	{ "sshd: 10.\n", "ALL: ALL\n", NULL, false, DENY, 1 },
	{ "vsftpd: ALL\n", "sshd: ALL\nALL: ALL\n", NULL, false, DENY, 1 },
	{ NULL, "# ALL: ALL\n\n  \t\nsshd: 100.125.\n", NULL, false, DENY, 4 },
	{ NULL, " # ALL: ALL\n", NULL, false, DENY, 1 }, /* daemons "#" and "ALL" */
	{ NULL, "no separator\n", NULL, true },
	{ NULL, "ALL:\n", NULL, true },
	/* the ways to write the load balancer's range */
	{ NULL, "ALL: 100.125.\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.12.\n", NULL, true },
	{ NULL, "ALL: 100.125.0.0/255.255.0.0\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.0.0/16\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.10.0/24\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.1.0/16\n", NULL, true }, /* host bits set: matches nothing */
	{ NULL, "ALL: 0.0.0.0/0\n", NULL, true }, /* /0 is no mask */
	{ NULL, "ALL: 100.125.10.5/255.255.255.255\n", NULL, true }, /* nor is this */
	{ NULL, "ALL: 100.125.10.5/32\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.10.5\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.*\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.1?5.*.?\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.10.5*\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: 100.125.10.5**\n", NULL, true },
	{ NULL, "ALL: 100.125\n", NULL, true },
	{ NULL, "ALL: [100.125.10.5]\n", NULL, true },
	/* lists and exceptions */
	{ NULL, "vsftpd, sshd: 10.0.0.1 100.125.\n", NULL, false, DENY, 1 },
	{ NULL, "vsftpd sshd ,x:ALL\n", NULL, false, DENY, 1 },
	{ NULL, "ALL EXCEPT sshd: ALL\n", NULL, true },
	{ NULL, "ALL EXCEPT vsftpd: ALL EXCEPT 100.125.\n", NULL, true },
	{ NULL, "ALL: ALL EXCEPT 100.125. EXCEPT 100.125.10.5\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: ALL EXCEPT 100.125. EXCEPT 100.125.9.9\n", NULL, true },
	{ NULL, "ALL: 100.125. except 100.125.10.5\n", NULL, true },
	{ NULL, "ALL: EXCEPT ALL\n", NULL, true },
	{ NULL, "ALL: ALL EXCEPT\n", NULL, false, DENY, 1 },
	{ NULL, "SSHD: all\n", NULL, false, DENY, 1 },
	{ NULL, "ss*d: ALL\n", NULL, false, DENY, 1 },
	/* names: the load balancer has none */
	{ NULL, "ALL: UNKNOWN\n", NULL, false, DENY, 1, true },
	{ NULL, "ALL: KNOWN\n", NULL, true, NULL, 0, true },
	{ NULL, "ALL: LOCAL\n", NULL, true, NULL, 0, true },
	{ NULL, "ALL: PARANOID\n", NULL, true, NULL, 0, true },
	{ NULL, "ALL: .example.com\n", NULL, true, NULL, 0, true },
	{ "ALL: .example.com\n", NULL, NULL, true }, /* granted either way */
	{ "ALL: .example.com, localhost\n", "ALL: ALL\n", NULL, false, DENY, 1, true },
	{ "ALL: 100.125. localhost\n", "ALL: ALL\n", NULL, true, ALLOW, 1 },
	{ NULL, "ALL: ALL EXCEPT .example.com\n", NULL, false, DENY, 1, true },
	{ NULL, "ALL: @trusted\n", NULL, true, NULL, 0, true },
	/* users: no ident service says who */
	{ NULL, "ALL: ALL@100.125.\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: UNKNOWN@100.125.\n", NULL, false, DENY, 1, true },
	{ NULL, "ALL: root@100.125.\n", NULL, true, NULL, 0, true },
	{ NULL, "ALL: root@10.\n", NULL, true },
	/* the server's side is not known here */
	{ NULL, "sshd@ALL: ALL\n", NULL, false, DENY, 1 },
	{ NULL, "sshd@192.168.0.10: ALL\n", NULL, true, NULL, 0, true },
	{ NULL, "vsftpd@192.168.0.10: ALL\n", NULL, true },
	{ NULL, "22: ALL\n", NULL, true, NULL, 0, true },
	/* lines */
	{ NULL, "vsftpd: ALL\nALL: 10. \\\n 100.125.\n", NULL, false, DENY, 3 },
	{ NULL, "# comment \\\nALL: ALL\n", NULL, true }, /* the comment goes on */
	{ NULL, "ALL: 100.125.", NULL, false, DENY, 1 }, /* no newline: the file is given up … */
	{ NULL, "ALL: 9.9.9.9", NULL, false, DENY, 1 }, /* … and refuses */
	{ NULL, "# one\nALL: 9.9.9.9", NULL, false, DENY, 2 },
	{ "ALL: ALL", NULL, NULL, true }, /* given up too, but nothing refuses */
	{ "ALL: ALL", "ALL: ALL\n", NULL, false, DENY, 1 },
	{ NULL, "ALL: ALL\\\n", NULL, false, DENY, 1 },
	/* options */
	{ "ALL: 100.125.: deny\n", NULL, NULL, false, ALLOW, 1 },
	{ "ALL: ALL: DENY\n", NULL, NULL, false, ALLOW, 1 },
	{ NULL, "ALL: ALL: allow\n", NULL, true, DENY, 1 },
	{ "ALL: 10.: allow\nALL: ALL: deny\n", NULL, NULL, false, ALLOW, 2 },
	{ "sshd: ALL: spawn (echo %h | mail root) &: allow\n", NULL, NULL, true, ALLOW, 1 },
	{ "sshd: ALL: spawn echo a\\:b: deny\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: severity auth.info: deny\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: severity=info\n", "ALL: ALL\n", NULL, true, ALLOW, 1 },
	{ "sshd: ALL: severity nonsense\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: twist /bin/echo 421 no\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL:\n", NULL, NULL, false, ALLOW, 1 }, /* an empty option: an error refuses */
	{ "sshd: ALL: allow: \n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: allow: severity info\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: linger -1\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: nosuchoption\n", NULL, NULL, false, ALLOW, 1 },
	{ "sshd: ALL: aclexec /bin/true\n", "ALL: ALL\n", NULL, true, ALLOW, 1, true },
	{ "sshd: ALL: aclexec /bin/true: deny\n", NULL, NULL, false, ALLOW, 1 },
	/* IPv6 */
	{ NULL, "ALL: [2001:db8::1]\n", "2001:db8::1", false, DENY, 1 },
	{ NULL, "ALL: [2001:DB8:0::1]\n", "2001:db8::1", false, DENY, 1 },
	{ NULL, "ALL: [2001:db8::]/32\n", "2001:db8::1", false, DENY, 1 },
	{ NULL, "ALL: [2001:db8::]/128\n", "2001:db8::1", true },
	{ NULL, "ALL: [2001:db8::]/129\n", "2001:db8::1", true },
	{ NULL, "ALL: [::]/0\n", "2001:db8::1", false, DENY, 1 },
	{ NULL, "ALL: [::]/0\n", NULL, true },
	{ NULL, "ALL: 2001:db8:*\n", "2001:db8::1", true }, /* the colon ends the list */
	{ NULL, "ALL: 100.125.\n", "::ffff:100.125.10.5", false, DENY, 1 },
};

static int judge(const struct test_case *c, const struct files *files, struct host_wrappers *out)
{
	struct wrappers_query query = {
		.daemon = "sshd",
		.client = c->client ? c->client : LB,
		.open = open_file,
		.ctx = (void *)files,
	};

	return wrappers_judge(&query, out);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct test_case *c = &cases[i];
		struct files files = { c->allow, c->deny, NULL, length(c->allow), length(c->deny) };
		struct host_wrappers got;

		assert_int_equal(judge(c, &files, &got), 0);
		if (got.granted != c->granted || strcmp(got.file, c->file ? c->file : "") ||
		    got.line != c->line || got.uncertain != c->uncertain)
			fail_msg("allow «%s» deny «%s»: %s by %s:%u%s", c->allow ? c->allow : "",
				 c->deny ? c->deny : "", got.granted ? "granted" : "refused",
				 got.file, got.line, got.uncertain ? ", uncertain" : "");
	}
}

static void test_text_is_the_joined_rule(void **state)
{
	static const char deny[] = "ALL: 10.0.0.1,\\\n\t100.125.10.5 : severity info \n";
	struct files files = { NULL, deny, NULL, 0, sizeof(deny) - 1 };
	struct host_wrappers got;

	assert_int_equal(judge(&(struct test_case){ 0 }, &files, &got), 0);
	assert_false(got.granted);
	assert_string_equal(got.text, "ALL: 10.0.0.1,\t100.125.10.5 : severity info");
}

static void test_server_and_port_when_known(void **state)
{
	static const char deny[] = "sshd@192.168.0.0/24: 100.125.\n80: ALL\n";
	struct files files = { NULL, deny, NULL, 0, sizeof(deny) - 1 };
	struct wrappers_query query = {
		.daemon = "sshd", .client = LB, .open = open_file, .ctx = &files
	};
	struct host_wrappers got;

	query.server = "192.168.0.10";
	assert_int_equal(wrappers_judge(&query, &got), 0);
	assert_false(got.granted);
	assert_int_equal(got.line, 1);
	query.server = "192.168.1.10";
	query.port = 80;
	assert_int_equal(wrappers_judge(&query, &got), 0);
	assert_false(got.granted);
	assert_int_equal(got.line, 2);
	query.port = 8080;
	assert_int_equal(wrappers_judge(&query, &got), 0);
	assert_true(got.granted);
	assert_false(got.uncertain);
}

static void test_pattern_file(void **state)
{
	static const char deny[] = "ALL: /patterns\n";
	static const struct {
		const char *patterns;
		bool granted, uncertain;
	} rows[] = {
		{ "10.0.0.0/8\n 100.125.0.0/16 192.168.\n", false, false },
		{ "10.0.0.0/8", true, false },
		{ "host.example.com\n", true, true },
		{ "/patterns 100.125.\n", false, false }, /* names itself */
		{ "/patterns /patterns /patterns\n", true, true },
		{ NULL, true, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct files files = {
			NULL, deny, rows[i].patterns, 0, sizeof(deny) - 1, length(rows[i].patterns)
		};
		struct host_wrappers got;

		assert_int_equal(judge(&(struct test_case){ 0 }, &files, &got), 0);
		assert_int_equal(got.granted, rows[i].granted);
		assert_int_equal(got.uncertain, rows[i].uncertain);
	}
}

static FILE *open_fails(void *ctx, const char *path)
{
	errno = EIO;
	return NULL;
}

static void test_unreadable_is_an_error(void **state)
{
	struct wrappers_query query = { .daemon = "sshd", .client = LB, .open = open_fails };
	struct host_wrappers got;

	assert_int_equal(wrappers_judge(&query, &got), -EIO);
}

/* Judges DENY, LEN bytes of anything; it must end soon and stay within its buffers. */
static void survive(const char *what, const char *deny, size_t len)
{
	struct files files = { NULL, deny, deny, 0, len, len };
	struct timespec from, to;
	struct host_wrappers got;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(judge(&(struct test_case){ 0 }, &files, &got), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	if (seconds > 5)
		fail_msg("%s took %.1f s", what, seconds);
}

#define BIG (1024 * 1024)

/* Fills BUF with PIECE again and again, a newline every LINE bytes (0: never). */
static void fill(char *buf, const char *piece, size_t line)
{
	size_t len = strlen(piece);

	for (size_t i = 0; i < BIG; i++)
		buf[i] = line && i % line == line - 1 ? '\n' : piece[(line ? i % line : i) % len];
}

static void test_hostile_input(void **state)
{
	static const char *const pieces[] = {
		"ALL EXCEPT ", "ALL: ALL EXCEPT ",  "ALL:*1*1*1*1*1*1", "ALL: /patterns ",
		"ALL: ALL: ",  "ALL: 1.2.3.4/5/6 ", "ALL: a@b@",	"\\\n",
		"[[[[",	       ":",		    "@",		",",
		"*",	       "?",
	};
	char *buf = malloc(BIG);
	uint32_t random = 1;

	assert_non_null(buf);
	for (size_t i = 0; i < BIG; i++) {
		random = random * 1664525 + 1013904223;
		buf[i] = random >> 24;
	}
	survive("garbage", buf, BIG);
	memset(buf, 0, BIG);
	survive("NULs", buf, BIG);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		fill(buf, pieces[i], 0);
		survive(pieces[i], buf, BIG);
		fill(buf, pieces[i], 2040);
		survive(pieces[i], buf, BIG);
	}
	free(buf);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (!text)
		return 0;
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(text, f);
	return fclose(f) ? -errno : 0;
}

/* What tcpdmatch says of the files in DIR: "granted", "denied", "delegated", "" nothing. */
static void ask_tcpdmatch(const char *tool, const char *dir, const char *client, char answer[16])
{
	char command[1024], line[256];
	FILE *p;

	answer[0] = '\0';
	snprintf(command, sizeof(command), "cd '%s' && %s -d sshd %s 2>/dev/null", dir, tool,
		 client);
	p = popen(command, "r");
	if (!p)
		return;
	while (fgets(line, sizeof(line), p))
		sscanf(line, "access: %15s", answer);
	pclose(p);
}

static void test_against_tcpdmatch(void **state)
{
	static const char *const places[] = { "/usr/sbin/tcpdmatch", "/usr/bin/tcpdmatch" };
	char dir[] = "/tmp/hctrace-wrappers-XXXXXX", answer[16];
	const char *tool = NULL;

	for (size_t i = 0; i < 2; i++)
		if (!access(places[i], X_OK))
			tool = places[i];
	if (!tool) {
		print_message(
			"tcpdmatch is not installed (package tcpd): not compared with libwrap\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct test_case *c = &cases[i];

		/* For an IPv6 address it would ask DNS for the name. */
		if (c->client)
			continue;
		assert_int_equal(write_file(dir, "hosts.allow", c->allow), 0);
		assert_int_equal(write_file(dir, "hosts.deny", c->deny), 0);
		ask_tcpdmatch(tool, dir, LB, answer);
		assert_true(answer[0]);
		/* "delegated": another program would take over, the daemon does not answer. */
		if (!strcmp(answer, "granted") != c->granted)
			fail_msg("allow «%s» deny «%s»: libwrap says %s", c->allow ? c->allow : "",
				 c->deny ? c->deny : "", answer);
	}
	write_file(dir, "hosts.allow", NULL);
	write_file(dir, "hosts.deny", NULL);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_text_is_the_joined_rule),
		cmocka_unit_test(test_server_and_port_when_known),
		cmocka_unit_test(test_pattern_file),
		cmocka_unit_test(test_unreadable_is_an_error),
		cmocka_unit_test(test_hostile_input),
		cmocka_unit_test(test_against_tcpdmatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
