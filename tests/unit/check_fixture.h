/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A host for the steps of hctrace check, with answers that the test sets; for one test program. */
#ifndef HCT_CHECK_FIXTURE_H
#define HCT_CHECK_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/check_output.h"
#include "include/hct_event.h"

/* A host whose answers the test sets. */
struct fake {
	struct host_listeners listeners;
	struct host_route route;
	struct host_gateway gateway;
	struct host_wrappers wrappers;
	struct {
		const char *name;
		int64_t value;
	} sysctl[8];
	int err, sysctl_err;
};

static inline int fake_listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	struct fake *fake = ctx;

	*out = fake->listeners;
	if (protocol != IPPROTO_TCP)
		out->n = 0;
	return fake->err;
}

static inline int fake_route(void *ctx, const uint8_t target[16], const uint8_t lb[16],
		      struct host_route *out)
{
	*out = ((struct fake *)ctx)->route;
	return ((struct fake *)ctx)->err;
}

static inline int fake_gateway(void *ctx, const uint8_t target[16], const uint8_t lb[16],
			       const char *device, struct host_gateway *out)
{
	*out = ((struct fake *)ctx)->gateway;
	return ((struct fake *)ctx)->err;
}

static inline int fake_wrappers(void *ctx, uint32_t pid, const char *daemon, const uint8_t client[16],
			 struct host_wrappers *out)
{
	*out = ((struct fake *)ctx)->wrappers;
	return ((struct fake *)ctx)->err;
}

static inline int fake_sysctl(void *ctx, const char *name, int64_t *out)
{
	struct fake *fake = ctx;

	for (size_t i = 0; i < 8 && fake->sysctl[i].name; i++)
		if (!strcmp(fake->sysctl[i].name, name)) {
			*out = fake->sysctl[i].value;
			return 0;
		}
	return fake->sysctl_err ? fake->sysctl_err : -ENOENT;
}

static const struct host_ops fake_ops = {
	.listeners = fake_listeners,
	.route_back = fake_route,
	.gateway = fake_gateway,
	.wrappers = fake_wrappers,
	.sysctl = fake_sysctl,
};

static inline int no_daemons(uint32_t pid, struct wrapped_daemons *out)
{
	return -ENOENT;
}

#define MAX_FINDINGS 32

struct fixture {
	struct fake fake;
	struct host host;
	struct settings settings;
	struct check_facts facts;
	struct check check;
	struct finding found[MAX_FINDINGS];
	size_t n;
};

static inline void keep(void *ctx, const struct finding *finding)
{
	struct fixture *f = ctx;

	assert_true(f->n < MAX_FINDINGS);
	f->found[f->n++] = *finding;
}

/* A host that is well: nginx on port 80 of eth0. */
static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *argv[] = { "hctrace", "check", "--port", "80", NULL };

	assert_non_null(f);
	assert_int_equal(options_parse(&f->settings, 4, argv), -1);
	f->host = (struct host){ &fake_ops, &f->fake };
	f->facts.settings = &f->settings;
	f->facts.host = &f->host;
	f->facts.daemons = no_daemons;
	f->facts.cpus = 2;
	f->facts.addresses.n = 1;
	f->facts.addresses.a[0] = (struct host_address){
		.addr = { [10] = 0xff, 0xff, 192, 168, 0, 10 }, .len = 120, .global = true,
		.device = "eth0",
	};
	f->facts.devices.n = 1;
	strcpy(f->facts.devices.d[0].name, "eth0");
	f->fake.listeners.n = 1;
	f->fake.listeners.l[0] = (struct host_listener){ .port = 80, .pid = 7, .comm = "nginx",
							 .backlog_max = 100 };
	strcpy(f->fake.route.device, "eth0");
	f->check = (struct check){ .facts = &f->facts, .report = keep, .ctx = f };
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Runs one step and returns the last of its worst findings. */
static const struct finding *worst(struct fixture *f, void (*step)(struct check *c))
{
	const struct finding *out = NULL;

	f->n = 0;
	f->check.step = "x";
	step(&f->check);
	for (size_t i = 0; i < f->n; i++)
		if (!out || f->found[i].result >= out->result)
			out = &f->found[i];
	return out;
}

/* STEP's worst is RESULT, and one such finding SAYS so. */
static inline void expect(struct fixture *f, void (*step)(struct check *c), enum check_result result,
		   const char *says)
{
	const struct finding *found = worst(f, step);
	bool said = false;

	assert_non_null(found);
	for (size_t i = 0; i < f->n; i++)
		said |= f->found[i].result == result && strstr(f->found[i].what, says);
	if (found->result != result || !said)
		fail_msg("%d '%s', not %d '%s'", found->result, found->what, result, says);
	if (result >= CHECK_WARN) {
		assert_false(fix_is_empty(&found->fix));
		assert_true(command_is_set(&found->fix.show));
	}
}

/* The worst finding of STEP has COMMAND, which alone helps; NULL: there is none, but advice. */
static inline void expect_command(struct fixture *f, void (*step)(struct check *c), const char *command)
{
	const struct fix *fix = &worst(f, step)->fix;

	assert_false(fix->command.too_long || fix->show.too_long);
	assert_string_equal(fix->command.text, command ? command : "");
	assert_true(command || fix->advice[0]);
}

static inline void expect_show(struct fixture *f, void (*step)(struct check *c), const char *command)
{
	assert_string_equal(worst(f, step)->fix.show.text, command);
}

static inline void sysctl_is(struct fixture *f, size_t i, const char *name, int64_t value)
{
	f->fake.sysctl[i].name = name;
	f->fake.sysctl[i].value = value;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
