// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The command line: what settings it gives, and what is said of what it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/hct_event.h"
#include "render/format.h"
#include "cli/options.h"
#include "cli/option_table.h"
#include "cli/presets.h"

#define MS UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define TRY_HELP "Try 'hctrace --help'.\n"

/* Parses the words of LINE behind "hctrace"; they stay valid until the next call. */
static int parse(struct settings *s, const char *line)
{
	static char copy[1024], *argv[64];
	int argc = 0;

	snprintf(copy, sizeof(copy), "hctrace %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(s, argc, argv);
}

/* Parses LINE with FD sent to a file, whose text is OUT. */
static int parse_captured(const char *line, int fd, char out[8192])
{
	FILE *file = tmpfile();
	struct settings s;
	int saved, status;

	assert_non_null(file);
	fflush(NULL);
	saved = dup(fd);
	dup2(fileno(file), fd);
	status = parse(&s, line);
	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	rewind(file);
	out[fread(out, 1, 8191, file)] = '\0';
	fclose(file);
	return status;
}

/* LINE is refused with MESSAGE. */
static void refused(const char *line, const char *message)
{
	char out[8192], wanted[1024];

	snprintf(wanted, sizeof(wanted), "hctrace: %s\n" TRY_HELP, message);
	assert_int_equal(parse_captured(line, STDERR_FILENO, out), EXIT_USAGE);
	assert_string_equal(out, wanted);
}

static void defaults(void **state)
{
	struct settings s;

	assert_int_equal(parse(&s, ""), -1);
	assert_string_equal(s.command, "live");
	assert_null(s.args[0]);
	assert_string_equal(s.preset->name, "elb");
	assert_string_equal(s.from_text, "100.125.0.0/16");
	assert_int_equal(s.n_from, 1);
	assert_int_equal(s.interval_ns, 5 * SEC);
	assert_int_equal(s.timeout_ns, 3 * SEC);
	assert_int_equal(s.retries, 3);
	assert_int_equal(s.n_expect, 3);
	assert_int_equal(s.expect[2].first, 401);
	assert_int_equal(s.n_ports, 0);
	assert_int_equal(s.protocols, 0);
	assert_int_equal(s.duration_ns, 0);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.color, COLOR_AUTO);
	assert_false(s.json || s.passive || s.xdp || s.expect_http);
	assert_null(s.netns);
	assert_null(s.path);
	assert_null(s.save);
}

static void everything(void **state)
{
	struct settings s;

	assert_int_equal(parse(&s, "live --from 10.0.0.0/8 --from=fd00::1 --port 80,443 --port 8080 "
				   "--port 80 --protocol http --protocol udp,icmp -i eth0 "
				   "--interface=eth1 --netns web -d 1.5m -c 7 --interval 500ms "
				   "--timeout 2 --retries 2 --expect-codes 200,300-399 --path /health "
				   "-j --passive --xdp --color=never -vv --save run.case"), -1);
	assert_string_equal(s.command, "live");
	assert_string_equal(s.from_text, "10.0.0.0/8, fd00::1/128");
	assert_int_equal(s.from[0].len, 104);
	assert_int_equal(s.from[1].len, 128);
	assert_int_equal(s.n_ports, 3);
	assert_int_equal(s.ports[1], 443);
	assert_int_equal(s.ports[2], 8080);
	assert_int_equal(s.protocols, HCT_PROTO_TCP | HCT_PROTO_UDP | HCT_PROTO_ICMP);
	assert_true(s.expect_http);
	assert_int_equal(s.n_interfaces, 2);
	assert_string_equal(s.interfaces[1], "eth1");
	assert_string_equal(s.netns, "web");
	assert_int_equal(s.duration_ns, 90 * SEC);
	assert_int_equal(s.count, 7);
	assert_int_equal(s.interval_ns, 500 * MS);
	assert_int_equal(s.timeout_ns, 2 * SEC);
	assert_int_equal(s.retries, 2);
	assert_int_equal(s.n_expect, 2);
	assert_int_equal(s.expect[1].first, 300);
	assert_int_equal(s.expect[1].last, 399);
	assert_string_equal(s.path, "/health");
	assert_true(s.json && s.passive && s.xdp);
	assert_int_equal(s.color, COLOR_NEVER);
	assert_int_equal(s.verbose, 2);
	assert_string_equal(s.save, "run.case");
}

static void commands(void **state)
{
	struct settings s;

	assert_int_equal(parse(&s, "replay --json run.case -v"), -1);
	assert_string_equal(s.command, "replay");
	assert_string_equal(s.args[0], "run.case");
	assert_null(s.args[1]);
	assert_int_equal(parse(&s, "check --port 80 --from 10.0.0.0/8 -i eth0 --netns web --json"), -1);
	assert_string_equal(s.command, "check");
	assert_int_equal(s.ports[0], 80);
	assert_int_equal(parse(&s, "explain"), -1);
	assert_string_equal(s.command, "explain");
	assert_null(s.args[0]);
	assert_int_equal(parse(&s, "explain firewall-drop --color"), -1);
	assert_string_equal(s.args[0], "firewall-drop");
	assert_int_equal(s.color, COLOR_ALWAYS);
	assert_int_equal(parse(&s, "--prot tcp"), -1); /* an abbreviation that is clear */
	assert_int_equal(s.protocols, HCT_PROTO_TCP);
}

static void presets_apply(void **state)
{
	struct settings s;

	assert_int_equal(parse(&s, "--lb gcp"), -1);
	assert_int_equal(s.n_from, 4);
	assert_int_equal(s.retries, 2);
	assert_int_equal(parse(&s, "--lb aws-nlb:10.0.1.0/24,10.0.2.0/24 --from 10.0.3.0/24 "
				   "--timeout 6"), -1);
	assert_string_equal(s.from_text, "10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24");
	assert_int_equal(s.interval_ns, 30 * SEC);
	assert_int_equal(s.timeout_ns, 6 * SEC);
	assert_int_equal(parse(&s, "--lb haproxy:2001:db8::5"), -1);
	assert_string_equal(s.from_text, "2001:db8::5/128");
	assert_int_equal(parse(&s, "--lb kubelet --from 10.244.0.1"), -1);
	assert_string_equal(s.from_text, "10.244.0.1/32");
	assert_int_equal(parse(&s, "--lb elb-classic"), -1); /* the public one */
	assert_string_equal(s.from_text, "100.125.0.0/16");
	assert_int_equal(s.n_expect, 1);
	assert_int_equal(s.expect[0].first, 200);
	assert_int_equal(s.expect[0].last, 399);
	assert_true(s.preset_given);
	assert_int_equal(parse(&s, "--lb elb-classic:192.168.0.0/16"), -1); /* the private one */
	assert_string_equal(s.from_text, "192.168.0.0/16");
	assert_int_equal(s.preset->tcp, TCP_CHECK_CONNECTS);
	assert_int_equal(parse(&s, "--from 100.126.0.0/16"), -1); /* instead of the preset's */
	assert_string_equal(s.from_text, "100.126.0.0/16");
}

/* Every row can be parsed and has what a check needs. */
static void presets_are_complete(void **state)
{
	for (size_t i = 0; i < n_presets; i++) {
		const struct preset *preset = &presets[i];
		char line[128];
		struct settings s;

		snprintf(line, sizeof(line), "--lb %s%s", preset->name,
			 preset_argument(preset) ? ":192.0.2.1" : "");
		assert_int_equal(parse(&s, line), -1);
		assert_ptr_equal(s.preset, preset);
		assert_true(s.n_from && s.n_expect && s.interval_ns && s.timeout_ns && s.retries);
		assert_non_null(preset->words.name);
		/* a cloud's filter is no use without the way to it */
		assert_int_equal(!!preset->words.group, !!preset->words.add);
		for (size_t n = 0; preset->from[n]; n++) {
			char text[PREFIX_TEXT_LEN];

			assert_string_equal(format_prefix(text, &s.from[n]), preset->from[n]);
		}
	}
}

static void buffer_sizes(void **state)
{
	static const struct {
		const char *line;
		uint32_t bytes; /* 0: refused */
	} rows[] = {
		{ "--buffer 4k", 4096 },      { "--buffer 65536", 65536 }, { "--buffer 8M", 8 << 20 },
		{ "--buffer 1024m", 1 << 30 }, { "--buffer 2048M", 0 },    { "--buffer 2k", 0 },
		{ "--buffer 0", 0 },	      { "--buffer 5000", 0 },	   { "--buffer M", 0 },
		{ "--buffer 4kk", 0 },	      { "--buffer -4k", 0 },
		{ "--buffer 99999999999999999999", 0 },
	};
	char out[8192];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings s;

		if (rows[i].bytes) {
			assert_int_equal(parse(&s, rows[i].line), -1);
			assert_int_equal(s.buffer, rows[i].bytes);
		} else {
			assert_int_equal(parse_captured(rows[i].line, STDERR_FILENO, out), EXIT_USAGE);
		}
	}
}

static void bad_values(void **state)
{
	refused("--port 80,99999",
		"--port: '99999' is not a port from 1 to 65535; example: --port 80,8443");
	refused("--port 0", "--port: '0' is not a port from 1 to 65535; example: --port 80,8443");
	refused("--port 80,",
		"--port: '80,' is not a port from 1 to 65535; example: --port 80,8443");
	refused("--port 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		"--port: '17' is one too many: at most 16 ports");
	refused("--from 100.125",
		"--from: '100.125' is not an address or network; example: --from 100.125.0.0/16");
	refused("--from 100.125.10.5/16",
		"--from: '100.125.10.5/16' has bits set behind its prefix length; "
		"did you mean 100.125.0.0/16, or 100.125.10.5 for that host alone?");
	refused("--lb haprox:10.0.0.1",
		"--lb: 'haprox:10.0.0.1' is not a known load balancer; did you mean haproxy?");
	refused("--lb nobody",
		"--lb: 'nobody' is not a known load balancer; --help lists them; example: --lb elb");
	refused("--lb elb --lb gcp", "--lb: 'gcp' is a second load balancer after elb: give one, "
		"and further sources with --from");
	refused("--lb aws-alb:",
		"--lb: 'aws-alb:' does not end in a network; example: --lb aws-alb:10.0.1.0/24");
	refused("--lb haproxy",
		"--lb haproxy: say where it probes from; example: --lb haproxy:10.0.1.5, or --from");
	refused("--protocol sctp", "--protocol: 'sctp' is not tcp, http, https, udp or icmp; "
		"example: --protocol http");
	refused("-i eth0/1", "--interface: 'eth0/1' is not the name of a network interface; "
		"example: --interface eth0");
	refused("-d 3x", "--duration: '3x' is not a time above zero; "
		"examples: 500ms, 3s, 1m, 2h, or a number of seconds");
	refused("-c 0", "--count: '0' is not a number from 1 up; example: --count 10");
	refused("--retries 101",
		"--retries: '101' is not a number from 1 to 100; example: --retries 3");
	refused("--expect-codes 200,399-300",
		"--expect-codes: '399-300' is not a status code or range from "
		"100 to 599; example: --expect-codes 200,202,300-399");
	refused("--buffer 3M", "--buffer: '3M' is not a power of two from a page (4k) to 1024M; "
		"example: --buffer 8M");
	refused("--path health",
		"--path: 'health' is not a path, which starts with '/'; example: --path /health");
	refused("--color=blue",
		"--color: 'blue' is not auto, always or never; example: --color=never");
}

static void bad_times(void **state)
{
	static const char *const lines[] = {
		"-d -1", "-d 1.", "-d .5", "-d 1..5", "-d 1.5.5", "-d 0.0", "-d 0.0000000001",
		"-d 5sec", "-d 9999999999999999999999", "-d 366000h", "-d s",
	};
	struct settings s;
	char out[8192];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse_captured(lines[i], STDERR_FILENO, out), EXIT_USAGE);
	assert_int_equal(parse(&s, "-d 8760h --interval 0.25 --timeout 1min"), -1);
	assert_int_equal(s.duration_ns, 365 * 24 * 3600 * SEC);
	assert_int_equal(s.interval_ns, 250 * MS);
	assert_int_equal(s.timeout_ns, 60 * SEC);
}

static void bad_words(void **state)
{
	refused("lvie2", "unknown command 'lvie2'; "
			 "the commands are live, record, probe, check, explain, replay, report, bundle");
	refused("rcord", "unknown command 'rcord'; did you mean record?");
	refused("explian2", "unknown command 'explian2'; "
			    "the commands are live, record, probe, check, explain, replay, report, bundle");
	refused("explane", "unknown command 'explane'; did you mean explain?");
	refused("replay", "replay needs FILE; example: hctrace replay run.case");
	refused("replay a b", "replay: 'b' is one word too many");
	refused("live a", "live: 'a' is one word too many");
	refused("explain --port 80", "--port means nothing to 'hctrace explain'");
	refused("report", "report needs FILE...; example: hctrace report run.case");
	refused("report x --output=", "--output: '' names no file; example: -o FILE");
	refused("replay x --format json", "--format means nothing to 'hctrace replay'");
	refused("replay x --xdp", "--xdp means nothing to 'hctrace replay'");
	refused("replay x --timeout 1", "--timeout means nothing to 'hctrace replay'");
	refused("replay x --port 80", "--port means nothing to 'hctrace replay'");
	refused("replay x -c 1", "--count means nothing to 'hctrace replay'");
	refused("replay x --save y", "--save means nothing to 'hctrace replay'");
	refused("check --timeout 1", "--timeout means nothing to 'hctrace check'");
	refused("check x", "check: 'x' is one word too many");
	refused("--frobnicate", "unknown option '--frobnicate'");
	refused("--timeot 3", "unknown option '--timeot'; did you mean --timeout?");
	refused("--p 3", "option '--p' could be any of --port, --protocol, --path, --passive");
	refused("-x", "unknown option '-x'");
	refused("--json=1", "option --json takes no value");
	refused("--path", "option --path needs a value, PATH; example: --path /health");
	refused("-c", "option --count needs a value, N; example: --count 10");
}

static void help_and_version(void **state)
{
	char out[8192];

	assert_int_equal(parse_captured("--version", STDOUT_FILENO, out), 0);
	assert_string_equal(out, "hctrace " HCT_VERSION "\n");
	assert_int_equal(parse_captured("live --help --frobnicate", STDOUT_FILENO, out), 0);
	for (size_t i = 0; i < n_option_rows; i++) {
		char option[64];

		snprintf(option, sizeof(option), "--%s", option_rows[i].name);
		assert_non_null(strstr(out, option));
	}
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 1, 80);
}

static void recordings(void **state)
{
	struct settings s;

	assert_int_equal(parse(&s, "record -o run.hct --max-size 64M -d 10 --port 80"), -1);
	assert_string_equal(s.command, "record");
	assert_string_equal(s.output, "run.hct");
	assert_int_equal(s.max_size, 64 << 20);
	assert_int_equal(parse(&s, "live -o run.hct --max-size 4194304 --json"), -1);
	assert_int_equal(s.max_size, 4 << 20);
	assert_int_equal(parse(&s, "record -o run.hct --max-size 2g"), -1);
	assert_int_equal(s.max_size, INT64_C(2) << 30);
	refused("record", "record needs a file to write to; example: hctrace record -o run.hct");
	refused("record -o -", "-o -: a recording cannot be printed; name a file: -o run.hct");
	refused("--max-size 8M", "--max-size limits a recording; name its file: -o run.hct");
	refused("record -o f --json", "--json means nothing to 'hctrace record'");
	refused("record -o f -v", "--verbose means nothing to 'hctrace record'");
	refused("check -o f", "--output means nothing to 'hctrace check'");
	refused("record -o f --max-size 3M", "--max-size: '3M' is not a size from 4M up; examples: "
					     "--max-size 64M, --max-size 2G");
	refused("record -o f --max-size 9999999T", "--max-size: '9999999T' is not a size from 4M up; "
						   "examples: --max-size 64M, --max-size 2G");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(commands),
		cmocka_unit_test(presets_apply),
		cmocka_unit_test(presets_are_complete),
		cmocka_unit_test(buffer_sizes),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(bad_times),
		cmocka_unit_test(bad_words),
		cmocka_unit_test(recordings),
		cmocka_unit_test(help_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
