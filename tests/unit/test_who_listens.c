// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who listens where a probe met no socket: what is said of the sockets on its port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/rules.h"

#define SECOND UINT64_C(1000000000)
#define START (100 * SECOND)

/* A host with these sockets, and a probe of 192.168.0.10:80 by eth0 that met none. */
struct scene {
	struct host host;
	struct host_listeners here, there; /* THERE: in namespace 7 */
	struct host_devices devices;
	int64_t l3mdev_accept;
	struct settings settings;
	struct probe p;
	struct served served;
	struct case_facts given;
	struct diagnosis d;
};

static int listeners(void *ctx, uint8_t protocol, uint16_t port, struct host_listeners *out)
{
	*out = ((struct scene *)ctx)->here;
	return 0;
}

static int listeners_in(void *ctx, uint32_t netns, uint8_t protocol, uint16_t port,
			struct host_listeners *out)
{
	*out = ((struct scene *)ctx)->there;
	return netns == 7 ? 0 : -ENOENT;
}

static int devices(void *ctx, struct host_devices *out)
{
	*out = ((struct scene *)ctx)->devices;
	return 0;
}

static int setting(void *ctx, const char *name, int64_t *out)
{
	if (!strstr(name, "l3mdev_accept"))
		return -ENOENT;
	*out = ((struct scene *)ctx)->l3mdev_accept;
	return 0;
}

static const struct host_ops ops = {
	.listeners = listeners,
	.listeners_in = listeners_in,
	.devices = devices,
	.sysctl = setting,
};

static struct host_listener *add(struct host_listeners *to, const char *comm, uint32_t pid)
{
	struct host_listener *l = &to->l[to->n++];

	l->port = 80;
	l->pid = pid;
	strcpy(l->comm, comm);
	l->v4only = true;
	return l;
}

static void set_v4(uint8_t addr[16], uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	memcpy(addr, (uint8_t[16]){ [10] = 0xff, 0xff, a, b, c, d }, 16);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->host = (struct host){ &ops, s };
	s->settings.timeout_ns = 3 * SECOND;
	s->p.start_ns = START;
	s->p.syn_count = 1;
	set_v4(s->p.tuple.lb, 100, 125, 10, 5);
	set_v4(s->p.tuple.target, 192, 168, 0, 10);
	s->p.tuple.protocol = IPPROTO_TCP;
	s->p.tuple.target_port = htons(80);
	strcpy(s->p.device_in, "eth0");
	strcpy(s->p.devices_in[0], "eth0");
	s->p.n_devices_in = 1;
	s->p.has_listener = true;
	s->p.reset.seen = true;
	s->p.drop = (struct probe_incident){ .seen = true, .time_ns = START, .reason = "NO_SOCKET",
					     .function = "tcp_v4_rcv", .device = "eth0" };
	s->p.drop.packet.tcp_flags = HCT_TCP_SYN;
	s->given = (struct case_facts){ .probe = &s->p, .settings = &s->settings, .host = &s->host,
					.served = &s->served, .now_ns = START + SECOND / 50 };
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void judge(struct scene *s)
{
	diagnose(&s->given, &s->d);
	assert_int_equal(s->d.verdict, s->p.tuple.protocol == IPPROTO_UDP ? VERDICT_UDP_NO_LISTENER :
									     VERDICT_NO_LISTENER);
	assert_string_not_equal(s->d.fix.advice, "");
}

static void says(struct scene *s, const char *why, const char *advice)
{
	judge(s);
	if (!strstr(s->d.why, why))
		fail_msg("not '%s': %s", why, s->d.why);
	if (!strstr(s->d.fix.advice, advice))
		fail_msg("not '%s': %s", advice, s->d.fix.advice);
}

static void says_not(struct scene *s, const char *word)
{
	judge(s);
	if (strstr(s->d.why, word) || strstr(s->d.fix.advice, word))
		fail_msg("'%s': %s %s", word, s->d.why, s->d.fix.advice);
}

static void other_device(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "haproxy", 5);

	strcpy(l->device, "eth1");
	says(s, "haproxy (pid 5) listens for eth1 only; the probe came by eth0.",
	     "`interface eth1` out or make it `interface eth0`");
	says_not(s, "by now");
	strcpy(l->comm, "systemd");
	says(s, "systemd (pid 5) listens for eth1 only", "`BindToDevice=eth1`");
	strcpy(l->comm, "web");
	says(s, "web (pid 5) listens for eth1 only", "its socket is bound to eth1");
	/* a second socket, which is further away, does not hide it; another that is as near is named */
	set_v4(add(&s->here, "shy", 6)->addr, 127, 0, 0, 1);
	says_not(s, "shy");
	strcpy(add(&s->here, "other", 7)->device, "eth2");
	says(s, "web (pid 5) listens for eth1 only, other (pid 7) for eth2 only; the probe", "eth0");
	/* the right device */
	strcpy(l->device, "eth0");
	says(s, "web (pid 5) listens on that port by now.", "just starting");
}

/* The bridge has the address, and its socket look-up: a socket bound to its port gets nothing. */
static void bridge(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "haproxy", 5);

	strcpy(s->p.devices_in[1], "br0");
	s->p.n_devices_in = 2;
	strcpy(s->p.drop.device, "br0");
	strcpy(l->device, "eth0");
	says(s, "listens for eth0 only; the probe came by br0.", "`interface br0`");
	strcpy(l->device, "br0");
	says(s, "by now", "just starting");
	/* the bridge itself was not looked at */
	s->p.n_devices_in = 1;
	says(s, "by now", "just starting");
	strcpy(l->device, "eth0");
	says(s, "listens for eth0 only; the probe came by br0.", "`interface br0`");
	/* no drop was seen: the last device that it came in by */
	s->p.drop.seen = false;
	s->p.n_devices_in = 2;
	says(s, "listens for eth0 only; the probe came by br0.", "`interface br0`");
}

static void vrf(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "nginx", 5);

	s->devices.n = 2;
	s->devices.d[0] = (struct host_device){ .name = "eth0" };
	s->devices.d[1] = (struct host_device){ .name = "blue", .vrf = true };
	strcpy(s->p.drop.device, "blue");
	says(s, "nginx (pid 5) listens on that port for no VRF; the probe came by eth0, a member of "
		"the VRF blue, and net.ipv4.tcp_l3mdev_accept=0", "ip vrf exec blue");
	s->l3mdev_accept = 1;
	says(s, "by now", "just starting");
	s->l3mdev_accept = 0;
	s->p.drop.reason = NULL; /* before 5.17 */
	says(s, "for no VRF; the probe came by eth0, a member of the VRF blue", "ip vrf exec blue");
	/* sockets of the VRF or of its member get it */
	strcpy(l->device, "blue");
	says(s, "by now", "just starting");
	strcpy(l->device, "eth0");
	says(s, "by now", "just starting");
	strcpy(l->device, "red");
	says(s, "nginx (pid 5) listens for red only; the probe came by eth0, a member of the VRF blue.",
	     "or on blue");
	/* the other way round: a socket of the VRF, a probe from outside of it */
	strcpy(s->p.drop.device, "eth0");
	strcpy(l->device, "blue");
	says(s, "listens for the VRF blue only; the probe came by eth0.", "eth0");
}

static void datagram(void **state)
{
	struct scene *s = *state;

	s->p.tuple.protocol = IPPROTO_UDP;
	s->p.reset.seen = false;
	s->p.icmp_left_ns = START + 1000;
	strcpy(add(&s->here, "dnsmasq", 5)->device, "eth1");
	says(s, "dnsmasq (pid 5) listens for eth1 only; the probe came by eth0.", "eth1");
}

static void family(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "nginx", 5);

	l->v4only = false;
	l->v6only = true;
	says(s, "nginx (pid 5) listens on that port for IPv6 only.", "0.0.0.0:80");
	l->v6only = false;
	says(s, "by now", "just starting");
	l->v4only = true;
	says(s, "by now", "just starting");
	memset(s->p.tuple.target, 0, 16);
	memset(s->p.tuple.lb, 0, 16);
	s->p.tuple.target[0] = s->p.tuple.lb[0] = 0xfd;
	s->p.tuple.target[15] = 1;
	s->p.tuple.lb[15] = 2;
	says(s, "nginx (pid 5) listens on that port for IPv4 only.", "[::]:80");
}

static void address(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "shy", 5);

	set_v4(l->addr, 127, 0, 0, 1);
	says(s, "shy (pid 5) listens on that port of 127.0.0.1 only.", "0.0.0.0:80");
	set_v4(add(&s->here, "shy", 5)->addr, 10, 0, 0, 1);
	says(s, "listens on that port of 127.0.0.1 only, shy (pid 5) of 10.0.0.1 only.", "0.0.0.0:80");
	/* the wrong device as well */
	strcpy(l->device, "eth1");
	says(s, "of 127.0.0.1 by eth1 only, shy", "its socket is bound to eth1");
	l->device[0] = '\0';
	strcpy(l->comm, "docker-proxy");
	says(s, "docker-proxy (pid 5)", "port mapping leave the address 127.0.0.1 out");
	/* what was asked late is marked */
	s->given.now_ns = START + 3 * SECOND;
	says(s, "That was asked 3 s after the probe.", "");
}

static void other_namespace(void **state)
{
	struct scene *s = *state;
	struct host_listener *l = add(&s->here, "lonely", 5);

	l->other_netns = true;
	l->netns = 9;
	says_not(s, "lonely");
}

static void name_that_hurts(void **state)
{
	struct scene *s = *state;

	strcpy(add(&s->here, "a\033[2J\nb", 5)->device, "eth1");
	judge(s);
	for (const char *c = s->d.why; *c; c++)
		assert_true((unsigned char)*c >= ' ');
	for (const char *c = s->d.fix.advice; *c; c++)
		assert_true((unsigned char)*c >= ' ');
}

static void served_by(struct scene *s, const char *comm, uint32_t pid)
{
	s->served.until_ns = START - 5 * SECOND;
	s->served.spoke = true;
	s->served.pid = pid;
	strcpy(s->served.comm, comm);
	/* the clock of the host began at 18:00 */
	s->given.wall_offset_ns = INT64_C(1795284000) * SECOND;
}

static void served_until(void **state)
{
	struct scene *s = *state;

	served_by(s, "nginx", 12);
	says(s, "nginx (pid 12) answered it until 18:01:35.", "Start nginx again");
	s->served.spoke = false; /* its connections were made, and it hung */
	says(s, "nginx (pid 12) listened on it until 18:01:35.", "Start nginx again");
	s->served.spoke = true;
	/* it goes on elsewhere */
	add(&s->here, "nginx", 12)->port = 81;
	says(s, "until 18:01:35, and listens on port 81, but no longer on this one.", "on port 80 again");
	s->here.l[0].port = 80;
	says(s, "until 18:01:35, and listens by now, but no socket took this probe.",
	     "as for a reload");
	s->here.l[0].pid = 40;
	says(s, "until 18:01:35, and nginx (pid 40) listens by now, but no socket took this probe.",
	     "just restarted");
	strcpy(s->here.l[0].comm, "httpd");
	says(s, "until 18:01:35, and httpd (pid 40) listens by now", "meant to take the port over");
	strcpy(s->here.l[0].comm, "nginx");
	/* both: what changed, and what is wrong now */
	set_v4(s->here.l[0].addr, 127, 0, 0, 1);
	says(s, "until 18:01:35. nginx (pid 40) listens on that port of 127.0.0.1 only", "0.0.0.0:80");
	s->here.n = 0;
	s->served.pid = 0;
	says(s, "A process answered it until 18:01:35.", "Start the service again");
	s->served.until_ns = START;
	s->p.start_ns = START + 40 * 3600 * SECOND;
	says(s, "(40 hours before)", "again");
}

/* The socket was there after an earlier refusal: this service was not just starting. */
static void listens_all_along(void **state)
{
	struct scene *s = *state;

	add(&s->here, "haproxy", 5);
	s->served.listens_ns = START - 4 * SECOND;
	s->served.listens_pid = 5;
	strcpy(s->served.listens_comm, "haproxy");
	says(s, "after an earlier probe had been refused", "SO_REUSEPORT");
	says_not(s, "just starting");
	s->here.l[0].pid = 6;
	says(s, "haproxy (pid 6) does by now: it was restarted in between.", "why it is restarted");
	/* what was seen in time: a socket was there when the SYN came */
	s->served.listens_ns = 0;
	s->p.listener.found = true;
	says(s, "A socket listened on it when the probe came in, but did not get it.", "just restarted");
	s->p.listener.found = false;
	s->given.now_ns = START + 2 * SECOND;
	says(s, "haproxy (pid 6) listens on that port when asked 2 s later.", "just starting");
}

static void former_forward(void **state)
{
	struct scene *s = *state;

	served_by(s, "web", 12);
	s->served.forwarded = true;
	s->served.netns = 7;
	s->served.port = 8080;
	set_v4(s->served.addr, 172, 17, 0, 2);
	says(s, "Until 18:01:35 NAT passed it on to 172.17.0.2:8080; this probe was not passed on.",
	     "NAT rule");
	add(&s->there, "web", 12)->port = 8080;
	says(s, "172.17.0.2:8080, where web (pid 12) still listens; this probe", "NAT rule");
	s->served.netns = 8; /* gone */
	says_not(s, "still listens");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(other_device),   TEST(bridge),	       TEST(vrf),
		TEST(datagram),	      TEST(family),	       TEST(address),
		TEST(other_namespace), TEST(name_that_hurts),  TEST(served_until),
		TEST(listens_all_along), TEST(former_forward),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
