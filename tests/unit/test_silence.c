// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdict no-probe: what on this host could explain it, and when it is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "diagnose/silence.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (100 * SECOND)

static struct host_devices now_there;

static int give_devices(void *ctx, struct host_devices *out)
{
	*out = now_there;
	return 0;
}

static const struct host_ops ops = { .devices = give_devices };
static const struct host host = { .ops = &ops };

static void suspects(void **state)
{
	static const struct {
		const char *name;
		struct host_device before, now;
		const char *says; /* NULL: names no suspect */
	} rows[] = {
		{ "nothing", { "eth0", true, 0, 10, 0 }, { "eth0", true, 0, 20, 0 }, NULL },
		{ "xdp", { "eth0", true, 7, 10, 0 }, { "eth0", true, 7, 20, 0 },
		  "On eth0 the XDP program 7 sees packets first and may drop them." },
		{ "drops", { "eth0", true, 0, 10, 1 }, { "eth0", true, 0, 20, 8 },
		  "eth0 dropped 7 received packets meanwhile." },
		{ "down now", { "eth0", true, 0, 10, 0 }, { "eth0", false, 0, 10, 0 },
		  "eth0 went down." },
		{ "down all the time", { "eth0", false, 0, 10, 0 }, { "eth0", false, 0, 10, 0 },
		  "eth0, which was in use once, is down." },
		{ "never used", { "eth0", false, 0, 0, 0 }, { "eth0", false, 0, 0, 0 }, NULL },
		{ "quiet", { "eth0", true, 0, 10, 0 }, { "eth0", true, 0, 10, 0 },
		  "No interface received a single packet meanwhile." },
	};
	static const char *const all[] = { "XDP", "dropped", "down", "single packet" };
	static const struct settings settings = { .interval_ns = 5 * SECOND,
						  .from_text = "100.125.0.0/16" };
	static const struct service service = { .expected = true, .last_ns = START };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host_devices before = { .n = 1, .d = { rows[i].before } };
		struct silence silence = { .settings = &settings,
					   .host = &host,
					   .service = &service,
					   .devices_before = &before,
					   .now_ns = START + 17 * SECOND };
		struct diagnosis d;

		now_there = (struct host_devices){ .n = 1, .d = { rows[i].now } };
		diagnose_silence(&silence, &d);
		assert_int_equal(d.verdict, VERDICT_NO_PROBE);
		assert_int_equal(d.confidence, CONFIDENCE_CERTAIN);
		for (size_t j = 0; j < sizeof(all) / sizeof(all[0]); j++)
			if (!rows[i].says)
				assert_null(strstr(d.why, all[j]));
		if (rows[i].says)
			assert_non_null(strstr(d.why, rows[i].says));
		assert_non_null(strstr(d.fix.advice, "security group"));
		assert_non_null(strstr(d.fix.advice, "network ACL"));
		silence.lossy = true;
		diagnose_silence(&silence, &d);
		assert_int_equal(d.confidence, CONFIDENCE_GUESS);
	}
}

static struct probe probe_at(uint64_t start_ns)
{
	struct probe p = { .start_ns = start_ns };

	p.tuple.protocol = IPPROTO_TCP;
	p.tuple.target[15] = 10;
	p.tuple.target_port = htons(80);
	return p;
}

static void saw(struct services *s, uint64_t start_ns, bool was_probe)
{
	struct probe p = probe_at(start_ns);

	services_saw(s, &p.tuple, start_ns, true);
	if (was_probe)
		services_probed(s, services_find(s, &p.tuple), &p);
	services_over(s, &p.tuple, start_ns);
}

static const struct settings port_80 = { .interval_ns = 5 * SECOND,
					 .timeout_ns = 3 * SECOND,
					 .retries = 3,
					 .ports = { 80 },
					 .n_ports = 1 };

/* The window is 17.5 s; users' requests do not stand in for probes. */
static void expected_but_only_traffic(void **state)
{
	struct services *s = services_new(&port_80);
	const struct service *silent;

	services_start(s, START);
	for (unsigned i = 1; i < 17; i++)
		saw(s, START + i * SECOND, false);
	assert_null(services_silent(s, START + 17 * SECOND));
	/* what began just before may yet turn out to be a probe: one timeout more */
	assert_null(services_silent(s, START + 18 * SECOND));
	silent = services_silent(s, START + 20 * SECOND);
	assert_non_null(silent);
	assert_true(silent->expected);
	assert_null(services_silent(s, START + 21 * SECOND)); /* once */
	services_free(s);
}

static void stops_being_probed(void **state)
{
	struct services *s = services_new(&port_80);
	const struct service *silent;

	services_start(s, START);
	saw(s, START + SECOND, true);
	assert_null(services_silent(s, START + 18 * SECOND)); /* it is not only expected any more */
	silent = services_silent(s, START + 19 * SECOND);
	assert_non_null(silent);
	assert_false(silent->expected);
	saw(s, START + 30 * SECOND, true);
	assert_null(services_silent(s, START + 40 * SECOND));
	assert_non_null(services_silent(s, START + 48 * SECOND)); /* and once more */
	services_free(s);
}

/* Probes that come every 20 s are not missed after 17.5 s. */
static void a_longer_interval_that_was_learned(void **state)
{
	struct services *s = services_new(&port_80);
	struct probe p = probe_at(START + SECOND);

	services_start(s, START);
	saw(s, p.start_ns, true);
	services_learn(s, services_find(s, &p.tuple), 20 * SECOND);
	assert_null(services_silent(s, START + 60 * SECOND));
	assert_non_null(services_silent(s, START + 72 * SECOND));
	services_free(s);
}

/* A client that waits out its timeout begins its next check when that is over. */
static void a_probe_is_under_way(void **state)
{
	struct settings settings = port_80;
	struct services *s = services_new(&settings);
	struct probe p = probe_at(START);

	settings.interval_ns = SECOND;
	settings.timeout_ns = 4 * SECOND; /* longer than the window, which is 3.5 s */
	services_start(s, START - SECOND);
	for (unsigned i = 0; i < 3; i++) {
		services_saw(s, &p.tuple, p.start_ns, true);
		assert_null(services_silent(s, p.start_ns + 4 * SECOND));
		/* the next one is there when this one is decided */
		p.end_ns = p.start_ns + 4 * SECOND;
		services_saw(s, &p.tuple, p.end_ns + 10 * MS, true);
		services_probed(s, services_find(s, &p.tuple), &p);
		services_over(s, &p.tuple, p.start_ns);
		assert_null(services_silent(s, p.end_ns + 20 * MS));
		p.start_ns = p.end_ns + 10 * MS;
	}
	/* the last one is over, and none follows: its timeout and the window */
	p.end_ns = p.start_ns + 4 * SECOND;
	services_probed(s, services_find(s, &p.tuple), &p);
	services_over(s, &p.tuple, p.start_ns);
	assert_null(services_silent(s, p.end_ns + 3 * SECOND));
	assert_non_null(services_silent(s, p.end_ns + 4 * SECOND));
	services_free(s);
}

/* Of users' requests there may always be one under way. */
static void users_without_end(void **state)
{
	struct services *s = services_new(&port_80);
	bool told = false;

	services_start(s, START);
	saw(s, START + SECOND, true);
	for (unsigned i = 2; i < 40 && !told; i++) {
		struct probe user = probe_at(START + i * SECOND);

		services_saw(s, &user.tuple, user.start_ns, true);
		told = services_silent(s, user.start_ns + SECOND / 2) != NULL;
		assert_false(told && i < 18);
	}
	assert_true(told);
	services_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suspects),
		cmocka_unit_test(expected_but_only_traffic),
		cmocka_unit_test(stops_being_probed),
		cmocka_unit_test(a_longer_interval_that_was_learned),
		cmocka_unit_test(a_probe_is_under_way),
		cmocka_unit_test(users_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
