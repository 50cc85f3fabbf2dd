// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace check: one of several addresses is listened on; and libwrap before TCP checks. */
#include "check_fixture.h"

#define V4(a, b, c, d) { [10] = 0xff, 0xff, a, b, c, d }

static void add_address(struct fixture *f, const char *device, const uint8_t addr[16])
{
	struct host_address *a = &f->facts.addresses.a[f->facts.addresses.n++];

	*a = (struct host_address){ .len = 120, .global = true };
	memcpy(a->addr, addr, 16);
	snprintf(a->device, sizeof(a->device), "%s", device);
}

/* The findings of the step. */
static size_t findings(struct fixture *f)
{
	f->n = 0;
	check_listen_addresses(&f->check);
	return f->n;
}

static void one_of_several(void **state)
{
	static const uint8_t first[16] = V4(192, 168, 0, 10), second[16] = V4(192, 168, 0, 11),
			     other[16] = V4(10, 0, 0, 1);
	struct fixture *f = *state;
	struct host_listener *l = f->fake.listeners.l;

	add_address(f, "eth1", other);
	assert_int_equal(findings(f), 0); /* every address */
	memcpy(l->addr, first, 16);
	assert_int_equal(findings(f), 0); /* the only one of that device */
	add_address(f, "eth0", second);
	expect(f, check_listen_addresses, CHECK_WARN, "192.168.0.10, and nobody does on that of "
						      "192.168.0.11 (eth0)");
	l[1] = l[0];
	memcpy(l[1].addr, second, 16);
	f->fake.listeners.n = 2;
	assert_int_equal(findings(f), 0); /* a socket for each */
	l[1].other_netns = true;
	assert_int_equal(findings(f), 1);
	l[1].other_netns = false;
	l[1].port = 81;
	assert_int_equal(findings(f), 1);
	memcpy(l[0].addr, (const uint8_t[16])V4(127, 0, 0, 1), 16);
	assert_int_equal(findings(f), 0); /* that is told by another step */
	memcpy(l[0].addr, first, 16);
	f->settings.n_ports = 0;
	assert_int_equal(findings(f), 0); /* nobody asked for it */
}

static int vsftpd(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .d = { { .name = "vsftpd" } } };
	return 0;
}

static void wrappers_of_a_tcp_check(void **state)
{
	struct fixture *f = *state;
	size_t len;

	f->facts.daemons = vsftpd;
	f->fake.wrappers = (struct host_wrappers){ .file = "/etc/hosts.deny", .line = 1 };
	memset(f->fake.wrappers.text, 'x', sizeof(f->fake.wrappers.text) - 1);
	expect(f, check_wrappers, CHECK_FAIL, "refuses");
	f->settings.check = "http";
	expect(f, check_wrappers, CHECK_FAIL, "refuses");
	f->settings.check = "tcp";
	expect(f, check_wrappers, CHECK_WARN, "refuses");
	assert_non_null(strstr(f->found[0].why, "handshake alone pass"));
	len = strlen(f->found[0].why);
	assert_int_equal(f->found[0].why[len - 1], '.'); /* not cut behind a long line */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_of_several, setup, teardown),
		cmocka_unit_test_setup_teardown(wrappers_of_a_tcp_check, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
