// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hctrace check: each step on facts made up, without a host and without root. */
#include "check_fixture.h"

static int sshd(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .d = { { .name = "sshd" } } };
	return 0;
}

static int boxed_sshd(uint32_t pid, struct wrapped_daemons *out)
{
	sshd(pid, out);
	out->other_root = true;
	return 0;
}

static int some_python(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .d = { { .name = "python3" } } };
	return 0;
}

static int tftpd(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .d = { { .name = "in.tftpd" } } };
	return 0;
}

static int unreadable_xinetd(uint32_t pid, struct wrapped_daemons *out)
{
	*out = (struct wrapped_daemons){ .n = 1, .unreadable = true, .err = -EINVAL,
					 .d = { { .name = "xinetd" } } };
	return 0;
}

static void well(void **state)
{
	struct fixture *f = *state;

	check_run(&f->check);
	assert_int_equal(f->check.count[CHECK_FAIL], 0);
	assert_int_equal(f->check.count[CHECK_WARN], 0);
	assert_true(f->check.count[CHECK_OK] >= 5);
}

static void conntrack(void **state)
{
	struct fixture *f = *state;

	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 79);
	sysctl_is(f, 1, "net.netfilter.nf_conntrack_max", 100);
	expect(f, check_filters, CHECK_OK, "79 of at most 100");
	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 80);
	expect(f, check_filters, CHECK_WARN, "80 of at most 100");
	sysctl_is(f, 0, "net.netfilter.nf_conntrack_count", 100);
	expect(f, check_filters, CHECK_FAIL, "100 of at most 100");
	expect_command(f, check_filters, "sysctl -w net.netfilter.nf_conntrack_max=200");
	f->facts.own_netns = true; /* there it can only be read */
	expect_command(f, check_filters, NULL);
	f->facts.first_netns_is_seen = true;
	expect_command(f, check_filters,
		       "nsenter -t 1 -n sysctl -w net.netfilter.nf_conntrack_max=200");
}

static void queues(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	l->backlog = 80;
	expect(f, check_load, CHECK_OK, "80 of at most 100");
	l->backlog = 81;
	expect(f, check_load, CHECK_WARN, "81 of at most 100");
	l->backlog = 100; /* one more fits */
	expect(f, check_load, CHECK_WARN, "100 of at most 100");
	l->backlog = 101;
	expect(f, check_load, CHECK_FAIL, "101 of at most 100");
	/* the IPv6 socket beside it is empty: it does not hide the full one */
	f->fake.listeners.l[1] = *l;
	f->fake.listeners.l[1].v6only = true;
	f->fake.listeners.l[1].backlog = 0;
	f->fake.listeners.n = 2;
	expect(f, check_load, CHECK_FAIL, "101 of at most 100");
	l->backlog = 0;
	f->facts.load = 4.1;
	expect(f, check_load, CHECK_WARN, "4.10, on 2 CPUs");
}

static void listening(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	expect(f, check_listeners, CHECK_OK, "nginx (pid 7) listens");
	l->v6only = true;
	expect(f, check_listeners, CHECK_FAIL, "not for the load balancer's kind of address");
	l->v6only = false;
	memcpy(l->addr, (uint8_t[]){ [10] = 0xff, 0xff, 127, 0, 0, 1 }, 16);
	expect(f, check_listeners, CHECK_FAIL, "127.0.0.1 only");
	memset(l->addr, 0, 16);
	/* what listens in some other namespace has nothing to do with it */
	l->other_netns = true;
	expect(f, check_listeners, CHECK_FAIL, "Nobody listens on port 80");
	l->other_netns = false;
	l->port = 81;
	expect(f, check_listeners, CHECK_FAIL, "Nobody listens on port 80");
	f->settings.n_ports = 0;
	expect(f, check_listeners, CHECK_OK, "port 81");
	f->fake.listeners.n = 0;
	expect(f, check_listeners, CHECK_FAIL, "Nothing listens");
	f->settings.n_ports = 1;
	f->fake.err = -EPERM;
	expect(f, check_listeners, CHECK_UNREAD, "could not be read");
	f->settings.n_ports = 0;
	expect(f, check_listeners, CHECK_UNREAD, "could not be read");
	f->fake.err = 0;
	f->fake.listeners.n = 1;
	f->fake.listeners.truncated = true;
	expect(f, check_listeners, CHECK_UNREAD, "too many");
}

/* The way back leads by eth0, which has an address; eth1 is added by the test. */
static void bound_to_device(void **state)
{
	struct fixture *f = *state;
	struct host_listener *l = &f->fake.listeners.l[0];

	strcpy(l->device, "eth0");
	strcpy(l->comm, "haproxy");
	expect(f, check_listeners, CHECK_OK, "for eth0 only.");
	strcpy(l->device, "eth1");
	expect(f, check_listeners, CHECK_FAIL, "for eth1 only; checks come by eth0.");
	assert_non_null(strstr(f->found[0].fix.advice, "`interface eth1` out"));
	/* checks can come by eth1, too, but a network of containers is no such way */
	f->facts.addresses.a[1] = f->facts.addresses.a[0];
	strcpy(f->facts.addresses.a[1].device, "docker0");
	f->facts.addresses.n = 2;
	expect(f, check_listeners, CHECK_FAIL, "for eth1 only; checks come by eth0.");
	/* a second socket takes the others */
	f->fake.listeners.l[1] = *l;
	strcpy(f->fake.listeners.l[1].device, "eth0");
	f->fake.listeners.n = 2;
	expect(f, check_listeners, CHECK_OK, "for eth1 and eth0 only.");
	f->fake.listeners.l[1].device[0] = '\0';
	expect(f, check_listeners, CHECK_OK, "of every address");
	/* eth0 in a VRF */
	f->fake.listeners.n = 1;
	f->facts.addresses.n = 1;
	f->facts.devices.n = 2;
	f->facts.devices.d[0] = (struct host_device){ .name = "eth0", .member_of = "blue" };
	f->facts.devices.d[1] = (struct host_device){ .name = "blue", .vrf = true };
	strcpy(l->device, "blue");
	expect(f, check_listeners, CHECK_OK, "for the VRF blue only");
	strcpy(l->device, "eth0");
	expect(f, check_listeners, CHECK_OK, "for eth0 only");
	strcpy(l->device, "eth1");
	expect(f, check_listeners, CHECK_FAIL, "checks come by eth0, a member of the VRF blue.");
	l->device[0] = '\0';
	expect(f, check_listeners, CHECK_FAIL, "for no VRF; checks come by eth0, a member of the VRF");
	f->fake.sysctl[0].name = "net.ipv4.tcp_l3mdev_accept";
	f->fake.sysctl[0].value = 1;
	expect(f, check_listeners, CHECK_OK, "of every address");
}

static void routes(void **state)
{
	struct fixture *f = *state;
	struct host_route *r = &f->fake.route;

	expect(f, check_routes, CHECK_OK, "way back");
	strcpy(r->neighbour, "INCOMPLETE");
	expect(f, check_routes, CHECK_WARN, "does not answer ARP");
	strcpy(r->neighbour, "FAILED");
	expect(f, check_routes, CHECK_FAIL, "does not answer ARP");
	r->neighbour[0] = '\0';
	r->err = -ENETUNREACH;
	expect(f, check_routes, CHECK_FAIL, "no route back");
	r->err = 0;
	strcpy(r->device, "eth1");
	expect(f, check_routes, CHECK_WARN, "leave by eth1, not by eth0");
	sysctl_is(f, 0, "net.ipv4.conf.all.rp_filter", 1);
	sysctl_is(f, 1, "net.ipv4.conf.eth0.rp_filter", 0);
	expect(f, check_routes, CHECK_FAIL, "Strict reverse-path");
	sysctl_is(f, 1, "net.ipv4.conf.eth0.rp_filter", 2); /* the greater counts: loose */
	expect(f, check_routes, CHECK_WARN, "leave by eth1");
	f->settings.interfaces[0] = "eth9";
	f->settings.n_interfaces = 1;
	expect(f, check_routes, CHECK_FAIL, "no IPv4 address");
	f->facts.addresses_err = -EPERM;
	expect(f, check_routes, CHECK_UNREAD, "could not be read");
	f->facts.addresses_err = 0;
	f->settings.n_interfaces = 0;
	f->fake.err = -ENOBUFS;
	expect(f, check_routes, CHECK_UNREAD, "no memory");
}

#define ROUTE "ip route add 100.125.0.0/16 via 192.168.0.1 dev eth0"
#define OWN_TABLE "ip route replace 100.125.0.0/16 via 192.168.0.1 dev eth0 table "

static void route_fixes(void **state)
{
	static const uint8_t router[16] = { [10] = 0xff, 0xff, 192, 168, 0, 1 };
	struct fixture *f = *state;
	struct host_route *r = &f->fake.route;
	struct host_gateway *g = &f->fake.gateway;

	r->err = -ENETUNREACH;
	expect_command(f, check_routes, NULL); /* which gateway, nothing here tells */
	g->n = 1;
	memcpy(g->addr, router, 16);
	expect_command(f, check_routes, ROUTE);
	g->table = 7; /* that a rule has the answers looked up in */
	strcpy(g->rule, "from 192.168.0.10 lookup 7");
	g->rule_priority = 50;
	expect_command(f, check_routes, ROUTE " table 7");
	expect(f, check_routes, CHECK_FAIL, "where the routing rule 50 (from 192.168.0.10 lookup 7) leads");
	g->n_denials = 1;
	g->denial = (struct host_denial){ .type = "prohibit", .by_rule = true };
	strcpy(g->rule, "from 192.168.0.10 prohibit");
	g->next_table = 254;
	r->err = -EACCES;
	expect(f, check_routes, CHECK_FAIL, "the routing rule 50 (from 192.168.0.10 prohibit) forbids it");
	expect_command(f, check_routes, "ip rule add from 192.168.0.10 to 100.125.0.0/16 table main");
	memset(g, 0, sizeof(*g));

	/* strict filtering: the answers' way is what helps, whatever rp_filter is */
	r->err = 0;
	strcpy(r->device, "wg0");
	sysctl_is(f, 0, "net.ipv4.conf.all.rp_filter", 1);
	expect_command(f, check_routes, NULL);
	g->n = 1;
	g->free_table = 101;
	memcpy(g->addr, router, 16);
	expect_command(f, check_routes, OWN_TABLE "101 && ip rule add from 192.168.0.10 table 101");
	expect_show(f, check_routes, "sysctl net/ipv4/conf/all/rp_filter "
				     "net/ipv4/conf/eth0/rp_filter; ip route get 100.125.0.1 from "
				     "192.168.0.10");
	f->facts.addresses.a[1] = f->facts.addresses.a[0];
	f->facts.addresses.a[1].addr[15] = 11;
	f->facts.addresses.n = 2;
	expect_command(f, check_routes, OWN_TABLE "101 && ip rule add from 192.168.0.10 table 101 && "
					"ip rule add from 192.168.0.11 table 101");
	g->table = 9;
	expect_command(f, check_routes, OWN_TABLE "9");
	g->n = 0;
	expect_command(f, check_routes, NULL);
}

/* Of several next hops the one that does not answer is named, and another taken. */
static void next_hops(void **state)
{
	static const uint8_t living[16] = { [10] = 0xff, 0xff, 192, 168, 0, 1 },
			     dead[16] = { [10] = 0xff, 0xff, 192, 168, 0, 99 };
	struct fixture *f = *state;
	struct host_route *r = &f->fake.route;

	r->n = 2;
	r->has_gateway = r->hop[0].has_gateway = r->hop[1].has_gateway = true;
	memcpy(r->gateway, living, 16);
	memcpy(r->hop[0].gateway, living, 16);
	memcpy(r->hop[1].gateway, dead, 16);
	strcpy(r->hop[0].device, "eth0");
	strcpy(r->hop[1].device, "eth0");
	strcpy(r->neighbour, "REACHABLE");
	strcpy(r->hop[0].neighbour, "REACHABLE");
	expect(f, check_routes, CHECK_OK, "one of several next hops: 192.168.0.1 dev eth0, 192.168.0.99");
	strcpy(r->hop[1].neighbour, "INCOMPLETE");
	expect(f, check_routes, CHECK_WARN, "to 192.168.0.99 on eth0, which does not answer ARP");
	strcpy(r->hop[1].neighbour, "FAILED");
	expect(f, check_routes, CHECK_FAIL, "for some of the checks to 192.168.0.99 on eth0");
	expect_command(f, check_routes, NULL);
	f->fake.gateway.found_table = 254;
	expect_command(f, check_routes, "ip route replace 100.125.0.0/16 via 192.168.0.1 dev eth0");
	f->fake.gateway.found_table = 100;
	f->fake.gateway.found_len = 24; /* a route to the range would not be taken */
	expect_command(f, check_routes, NULL);
	strcpy(r->hop[1].device, "eth1");
	expect(f, check_routes, CHECK_WARN, "leave by eth1, not by eth0");
}

static void wrappers(void **state)
{
	struct fixture *f = *state;
	struct host_wrappers *w = &f->fake.wrappers;

	expect(f, check_wrappers, CHECK_OK, "No process");
	f->facts.daemons = sshd;
	w->granted = true;
	expect(f, check_wrappers, CHECK_OK, "lets in");
	w->uncertain = true;
	expect(f, check_wrappers, CHECK_WARN, "unless");
	*w = (struct host_wrappers){ .file = "/etc/hosts.deny", .line = 3, .text = "ALL: ALL" };
	expect(f, check_wrappers, CHECK_FAIL, "line 3 of /etc/hosts.deny");
	expect_command(f, check_wrappers,
		       "printf '\\n%s\\n' 'sshd: 100.125.0.0/16' >>/etc/hosts.allow");
	f->facts.daemons = tftpd;
	expect_command(f, check_wrappers,
		       "printf '\\n%s\\n' 'in.tftpd: 100.125.0.0/16' >>/etc/hosts.allow");
	f->facts.daemons = some_python; /* what it calls itself cannot be known */
	expect(f, check_wrappers, CHECK_WARN, "refuses 100.125.0.1 if it asks for itself as 'python3'");
	expect_command(f, check_wrappers, NULL);
	w->granted = true;
	expect(f, check_wrappers, CHECK_NOTE, "lets in 100.125.255.254 if it asks for itself as 'python3'");
	w->granted = false;
	f->facts.daemons = sshd;
	strcpy(w->file, "/etc/hosts.allow");
	expect_command(f, check_wrappers, "old=$(cat /etc/hosts.allow) && printf '%s\\n' 'sshd: 100.125.0.0/16' "
					  "\"$old\" >/etc/hosts.allow");
	expect_show(f, check_wrappers, "cat /etc/hosts.allow /etc/hosts.deny");
	f->facts.daemons = boxed_sshd; /* in a container */
	expect_command(f, check_wrappers,
		       "old=$(cat /proc/7/root/etc/hosts.allow) && printf '%s\\n' 'sshd: 100.125.0.0/16' "
		       "\"$old\" >/proc/7/root/etc/hosts.allow");
	expect_show(f, check_wrappers, "cat /proc/7/root/etc/hosts.allow /proc/7/root/etc/hosts.deny");
	f->facts.daemons = sshd;
	f->settings.n_ports = 0;
	expect(f, check_wrappers, CHECK_WARN, "refuses 100.125.0.1");
	f->fake.listeners.l[0].pid = 0; /* of the kernel: no process can be found */
	expect(f, check_wrappers, CHECK_OK, "No process");
	f->facts.processes_err = -EACCES;
	expect(f, check_wrappers, CHECK_UNREAD, "needs root");
	f->facts.processes_err = -EMFILE;
	expect(f, check_wrappers, CHECK_UNREAD, "Too many open files");
	f->fake.listeners.l[0].pid = 7;
	f->facts.daemons = unreadable_xinetd;
	expect(f, check_wrappers, CHECK_WARN, "refuses 100.125.0.1");
	assert_int_equal(f->found[0].result, CHECK_UNREAD);
	f->fake.err = -ENOBUFS;
	expect(f, check_wrappers, CHECK_UNREAD, "no memory");
}

static void icmp(void **state)
{
	struct fixture *f = *state;

	sysctl_is(f, 0, "net.ipv4.icmp_echo_ignore_all", 1);
	sysctl_is(f, 1, "net.ipv4.icmp_ratelimit", 1000);
	sysctl_is(f, 2, "net.ipv4.icmp_ratemask", 6168);
	expect(f, check_icmp, CHECK_FAIL, "no ping");
	f->settings.protocols = HCT_PROTO_TCP; /* TCP checks do not ping */
	expect(f, check_icmp, CHECK_WARN, "no ping");
	sysctl_is(f, 0, "net.ipv4.icmp_echo_ignore_all", 0);
	expect(f, check_icmp, CHECK_OK, "answers ping");
	f->settings.protocols = HCT_PROTO_UDP;
	expect(f, check_icmp, CHECK_WARN, "rate-limited");
	expect_command(f, check_icmp, "sysctl -w net.ipv4.icmp_ratemask=6160");
	sysctl_is(f, 2, "net.ipv4.icmp_ratemask", 6160);
	expect(f, check_icmp, CHECK_OK, "");
}

/* What could not be read is said, and never taken for good. */
static void unread(void **state)
{
	struct fixture *f = *state;

	f->facts.rules_err[0] = -EPERM;
	expect(f, check_firewall, CHECK_UNREAD, "needs root");
	f->facts.programs_err = -EPERM;
	expect(f, check_filters, CHECK_UNREAD, "needs root");
	f->facts.programs_err = 0;
	f->facts.devices_err = -ENOBUFS;
	expect(f, check_filters, CHECK_UNREAD, "no memory");
	f->facts.devices_err = 0;
	f->facts.devices.truncated = true;
	expect(f, check_filters, CHECK_UNREAD, "too many");
	f->settings.interfaces[0] = "eth0"; /* which is looked at, whatever is not */
	f->settings.n_interfaces = 1;
	expect(f, check_filters, CHECK_OK, "No XDP");
	f->facts.load_err = -EMFILE;
	expect(f, check_load, CHECK_UNREAD, "The load");
	f->fake.sysctl_err = -EMFILE;
	expect(f, check_icmp, CHECK_UNREAD, "net.ipv4.icmp_echo_ignore_all");
	f->facts.proc_err = -ENOENT;
	expect(f, check_capabilities, CHECK_UNREAD, "/proc/sys");
	f->facts.proc_err = 0;
	f->facts.n_capabilities = 1;
	f->facts.capability[0] = (struct capability){ CHECK_UNREAD, -EMFILE, "What is seen" };
	expect(f, check_capabilities, CHECK_UNREAD, "What is seen could not be read: Too many open");
	f->facts.rules_err[0] = 0;
	f->facts.rules[0].incomplete = true;
	strcpy(f->facts.rules[0].why, "iptables-legacy-save is not installed");
	worst(f, check_firewall);
	assert_int_equal(f->found[0].result, CHECK_UNREAD);
	assert_non_null(strstr(f->found[0].what, "not installed"));
	f->facts.rules[0].incomplete = false;
	f->settings.n_ports = 0;
	f->fake.err = -ENOBUFS;
	expect(f, check_firewall, CHECK_UNREAD, "Which ports");
}

static void firewall(void **state)
{
	struct fixture *f = *state;
	char text[] = "*filter\n:INPUT DROP\n:OUTPUT ACCEPT\n-A INPUT -p tcp --dport 22 -j "
		      "ACCEPT\n";

	assert_int_equal(fw_parse_save(&f->facts.rules[0], "iptables-legacy", false, text), 0);
	expect(f, check_firewall, CHECK_FAIL, "The policy of chain INPUT");
	expect_command(f, check_firewall, "iptables-legacy -t filter -I INPUT -s 100.125.0.0/16 -p tcp "
					  "--dport 80 -j ACCEPT");
	f->settings.ports[1] = 443;
	f->settings.n_ports = 2;
	expect_command(f, check_firewall, "iptables-legacy -t filter -I INPUT -s 100.125.0.0/16 -p tcp "
					  "-m multiport --dports 80,443 -j ACCEPT");
	/* of what only listens, it is not known whether it is checked */
	f->settings.n_ports = 0;
	f->fake.listeners.l[1] = f->fake.listeners.l[0];
	f->fake.listeners.l[1].port = 22;
	f->fake.listeners.n = 2;
	expect(f, check_firewall, CHECK_WARN, "tcp port 80.");
	fw_rules_free(&f->facts.rules[0]);
}

static void output(void **state)
{
	struct fixture *f = *state;
	struct finding finding = { .step = "4", .result = CHECK_FAIL, .what = "a\033[1mb\"",
				   .fix = { .command = { "do \\ it" }, .advice = "Or do not.",
					    .show = { "look" } } };
	struct check_text *text;
	struct json_object *o;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	f->check.count[CHECK_FAIL] = 1;
	f->check.count[CHECK_UNREAD] = 2;
	check_json_report(&(struct check_json){ .out = file }, &finding);
	fflush(file);
	o = json_tokener_parse(out);
	assert_non_null(o);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "what")), "a?[1mb\"");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "result")), "fail");
	assert_null(json_object_object_get(o, "why"));
	assert_null(json_object_object_get(o, "undo_command"));
	assert_string_equal(json_object_get_string(json_object_object_get(o, "fix_command")),
			    "do \\ it");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "fix_advice")),
			    "Or do not.");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "show_command")), "look");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "show")), "look");
	json_object_put(o);
	fclose(file);
	free(out);

	file = open_memstream(&out, &size);
	f->settings.color = COLOR_NEVER;
	text = check_text_open(file, &f->settings);
	check_text_report(text, &finding);
	check_text_close(text, &f->check);
	fclose(file);
	assert_string_equal(out, "Checks from 100.125.0.0/16, port 80\n\nStep 4: Firewall\n"
				 "  FAIL    a?[1mb\"\n          run  do \\ it\n"
				 "          also Or do not.\n          see  look\n\n"
				 "1 thing here makes checks fail, but 2 things could not be looked "
				 "at.\n"
				 "To try it at once: hctrace probe --port 80\n");
	free(out);
	check_text_close(NULL, &f->check);
}

static void samples(void **state)
{
	struct prefix p;
	uint8_t first[16], last[16];

	assert_int_equal(prefix_parse(&p, "100.125.0.0/16"), 0);
	prefix_sample(&p, false, first);
	prefix_sample(&p, true, last);
	assert_memory_equal(first + 12, ((uint8_t[]){ 100, 125, 0, 1 }), 4);
	assert_memory_equal(last + 12, ((uint8_t[]){ 100, 125, 255, 254 }), 4);
	assert_true(prefix_contains(&p, last));
	assert_int_equal(prefix_parse(&p, "10.0.0.5"), 0);
	prefix_sample(&p, true, last);
	assert_memory_equal(last, p.addr, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(well),	TEST(conntrack), TEST(queues), TEST(listening), TEST(bound_to_device), TEST(routes),
		TEST(wrappers), TEST(icmp),	 TEST(unread), TEST(firewall),	TEST(output),
		TEST(samples),	TEST(route_fixes),	TEST(next_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
