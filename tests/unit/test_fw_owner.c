// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose a chain is, and the owner's own command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/fw_owner.h"

static struct host_rule rule_in(const char *backend, const char *table, const char *chain,
				const char *text)
{
	struct host_rule r = { .kind = RULE_DROP, .number = 2 };

	snprintf(r.backend, sizeof(r.backend), "%s", backend);
	snprintf(r.table, sizeof(r.table), "%s", table);
	snprintf(r.chain, sizeof(r.chain), "%s", chain);
	snprintf(r.text, sizeof(r.text), "%s", text);
	return r;
}

static void names(void **state)
{
	static const struct {
		const char *table, *chain, *text, *words; /* NULL: nobody's */
	} rows[] = {
		{ "firewalld", "filter_IN_public_deny", "", "firewalld, zone public" },
		{ "firewalld", "filter_IN_my_zone", "", "firewalld, zone my_zone" },
		{ "firewalld", "filter_FWD_public_allow", "", "firewalld, zone public" },
		{ "firewalld", "filter_IN_policy_allow-host-ipv6", "",
		  "firewalld, policy allow-host-ipv6" },
		{ "firewalld", "filter_INPUT", "", "firewalld" },
		{ "filter", "IN_public_deny", "", "firewalld, zone public" },
		{ "filter", "INPUT_ZONES", "", "firewalld" },
		{ "filter", "ufw-user-input", "", "ufw" },
		{ "filter", "ufw6-reject-input", "", "ufw" },
		{ "filter", "DOCKER-USER", "", "Docker" },
		{ "filter", "DOCKER", "", "Docker" },
		{ "filter", "KUBE-SERVICES", "", "kube-proxy" },
		{ "kube-proxy", "reject-chain", "", "kube-proxy" },
		{ "filter", "KUBE-POD-FW-ABCD", "", "kube-router" },
		{ "filter", "cali-tw-cali1234", "", "Calico" },
		{ "filter", "LIBVIRT_FWI", "", "libvirt" },
		{ "filter", "f2b-nginx-limit", "", "fail2ban, jail nginx-limit" },
		{ "f2b-table", "f2b-chain", "tcp dport 80 ip saddr @addr-set-web reject",
		  "fail2ban, jail web" },
		{ "crowdsec6", "crowdsec6-chain-input", "", "CrowdSec" },
		{ "filter", "f2b-$(id)", "", "fail2ban" },
		{ "filter", "ts-input", "-s 100.64.0.0/10 ! -i tailscale0 -j DROP", "Tailscale" },
		{ "filter", "NETAVARK_FORWARD", "", "podman" },
		{ "filter", "PVEFW-HOST-IN", "", "Proxmox VE" },
		{ "filter", "net-fw", "", "Shorewall" },
		{ "filter", "LOGDROPIN", "", "ConfigServer Firewall" },
		{ "filter", "CILIUM_INPUT", "", "Cilium" },
		{ "filter", "FLANNEL-FWD", "", "flannel" },
		{ "fw4", "input_wan", "", "OpenWrt" },
		{ "raw", "PREROUTING", "-d 172.17.0.2/32 ! -i docker0 -j DROP", "Docker" },
		{ "raw", "PREROUTING", "-d 172.18.0.2/32 ! -i br-0a1b2c3d4e5f -j DROP", "Docker" },
		{ "raw", "PREROUTING", "-d 10.0.0.1/32 ! -i eth1 -j DROP", NULL },
		/* by what they say, in anybody's chain */
		{ "filter", "INPUT", "-p tcp -m set --match-set f2b-sshd src -j REJECT",
		  "fail2ban, jail sshd" },
		{ "filter", "INPUT", "-m set --match-set crowdsec-blacklists src -j DROP",
		  "CrowdSec" },
		{ "filter", "INPUT", "-m comment --comment \"cali:Cz_u1IQiXIMmKD4c\" -j DROP",
		  "Calico" },
		{ "f2b-table", "f2b-chain", "ip6 saddr @addr6-set-web reject", "fail2ban, jail web" },
		{ "filter", "INPUT", "ip saddr @addr-set-web drop", NULL },
		{ "filter", "INPUT", "", NULL },
		{ "filter", "IN", "", NULL },
		{ "guard", "docker", "", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host_rule r = rule_in("nft", rows[i].table, rows[i].chain, rows[i].text);
		struct fw_owner owner;
		char words[128];

		assert_int_equal(fw_owner_of(&r, &owner), rows[i].words != NULL);
		if (rows[i].words)
			assert_string_equal(fw_owner_words(&owner, words, sizeof(words)),
					    rows[i].words);
	}
}

static const struct fw_pass request = { .range = "100.125.0.0/16", .lb = "100.125.10.5",
					.protocol = "tcp", .port = 80 };

static void assert_fix(const struct host_rule *rule, const struct fw_pass *pass, const char *fix)
{
	struct fw_owner owner;
	struct fix got = { 0 };
	char out[FIX_TEXT_LEN];

	assert_true(fw_owner_of(rule, &owner));
	assert_int_equal(fw_owner_fix(&owner, rule, pass, &got), fix != NULL);
	assert_string_equal(fix_text(out, &got), fix ? fix : "");
}

static void firewalld(void **state)
{
	struct host_rule r = rule_in("nft", "firewalld", "filter_IN_public_deny", "drop");
	struct fw_pass pass = request;

	assert_fix(&r, &pass,
		   "firewall-cmd --zone=public --add-rich-rule='rule priority=\"-100\" "
		   "family=\"ipv4\" source address=\"100.125.0.0/16\" port port=\"80\" "
		   "protocol=\"tcp\" accept'  # To keep it: firewall-cmd --runtime-to-permanent");
	pass.port = 0;
	pass.protocol = "icmp";
	pass.v6 = true;
	strcpy(r.chain, "filter_INPUT");
	assert_fix(&r, &pass,
		   "firewall-cmd --add-rich-rule='rule priority=\"-100\" family=\"ipv6\" source "
		   "address=\"100.125.0.0/16\" icmp-type name=\"echo-request\" accept'  # To keep "
		   "it: firewall-cmd --runtime-to-permanent");
	pass.reply = true; /* rich rules know no output */
	assert_fix(&r, &pass, NULL);
}

static void ufw(void **state)
{
	struct host_rule r = rule_in("iptables-nft", "filter", "ufw-user-input", "-j DROP");
	struct fw_pass pass = request;
	struct fw_owner owner;

	assert_fix(&r, &pass, "ufw prepend allow proto tcp from 100.125.0.0/16 to any port 80");
	/* `ufw prepend` leaves a rule on the same alone, `ufw allow` changes it */
	strcpy(r.text, "-s 100.125.0.0/16 -p tcp -m tcp --dport 80 -j DROP");
	assert_fix(&r, &pass, "ufw allow proto tcp from 100.125.0.0/16 to any port 80");
	strcpy(r.text, "-s 100.125.0.0/16 -p tcp -m tcp --dport 8080 -j DROP");
	assert_fix(&r, &pass, "ufw prepend allow proto tcp from 100.125.0.0/16 to any port 80");
	strcpy(r.chain, "ufw-reject-input");
	assert_fix(&r, &pass, "ufw allow proto tcp from 100.125.0.0/16 to any port 80");
	pass.forwarded = true;
	assert_fix(&r, &pass, "ufw route allow proto tcp from 100.125.0.0/16 to any port 80");
	pass.forwarded = false;
	pass.reply = true;
	strcpy(r.chain, "ufw-user-output");
	assert_fix(&r, &pass,
		   "ufw prepend allow out proto tcp from any port 80 to 100.125.0.0/16");
	strcpy(r.chain, "INPUT"); /* its policy */
	strcpy(r.last_jump, "ufw-track-input");
	r.policy = true;
	pass.reply = false;
	assert_fix(&r, &pass, "ufw allow proto tcp from 100.125.0.0/16 to any port 80");
	strcpy(r.last_jump, "f2b-ssh"); /* only stands there */
	assert_false(fw_owner_of(&r, &owner));
	r.policy = false;
	strcpy(r.chain, "ufw-before-input"); /* ahead of all that ufw's commands write */
	assert_fix(&r, &pass, NULL);
}

static void containers(void **state)
{
	struct fw_owner owner;
	struct host_rule docker = rule_in("iptables-nft", "filter", "DOCKER", "-j DROP");
	struct host_rule none = rule_in("iptables-legacy", "filter", "KUBE-EXTERNAL-SERVICES",
					"-p tcp -m comment --comment \"default/shop:http has no "
					"endpoints\" -j REJECT");
	struct host_rule odd = rule_in("iptables-legacy", "filter", "KUBE-SERVICES",
				       "-m comment --comment \"a;b/shop:http has no endpoints\"");
	struct host_rule forward = rule_in("iptables-nft", "filter", "KUBE-FORWARD", "-j DROP");
	struct host_rule ranges = rule_in("iptables-nft", "filter", "KUBE-PROXY-FIREWALL",
					  "--comment \"default/cart:http traffic not accepted by "
					  "KUBE-FW-X\" -j DROP");

	assert_fix(&docker, &request,
		   "iptables-nft -I DOCKER-USER -s 100.125.0.0/16 -p tcp --dport 80 -j ACCEPT");
	strcpy(docker.chain, "DOCKER-ISOLATION-STAGE-1");
	assert_true(fw_owner_of(&docker, &owner));
	assert_string_equal(fw_owner_remark(&owner, &docker),
			    "Or publish the port with docker run -p.");
	strcpy(docker.chain, "DOCKER-USER"); /* there, ahead of the rule: not by this */
	assert_fix(&docker, &request, NULL);
	assert_fix(&none, &request,
		   "The service on port 80 has no endpoints, as no pod of it is ready: start one, or "
		   "correct the service's selector.");
	assert_fix(&odd, &request,
		   "The service on port 80 has no endpoints, as no pod of it is ready: start one, or "
		   "correct the service's selector.");
	assert_fix(&ranges, &request,
		   "kubectl -n default patch service cart --type=json -p '[{\"op\":\"add\",\"path\":"
		   "\"/spec/loadBalancerSourceRanges/-\",\"value\":\"100.125.0.0/16\"}]'");
	assert_fix(&forward, &request, NULL);
}

static void bans(void **state)
{
	struct host_rule jail = rule_in("iptables-nft", "filter", "f2b-web", "-j REJECT");
	struct host_rule crowd = rule_in("nft", "crowdsec", "crowdsec-chain", "drop");

	assert_fix(&jail, &request,
		   "fail2ban-client set web unbanip 100.125.10.5 && fail2ban-client set web "
		   "addignoreip 100.125.0.0/16  # The second command lasts until fail2ban restarts: "
		   "add 100.125.0.0/16 to ignoreip in /etc/fail2ban/jail.local, too.");
	assert_fix(&crowd, &request,
		   "cscli decisions delete --ip 100.125.10.5  # To keep it, put 100.125.0.0/16 on a "
		   "whitelist in /etc/crowdsec/parsers/s02-enrich/.");
}

static void assert_meaning(const struct host_rule *rule, const char *meaning)
{
	struct fw_owner owner;
	char out[320];

	assert_true(fw_owner_of(rule, &owner));
	assert_string_equal(fw_owner_meaning(&owner, rule, &request, out, sizeof(out)), meaning);
}

static void kube_proxy(void **state)
{
	struct host_rule local = rule_in("iptables-nft", "filter", "KUBE-EXTERNAL-SERVICES",
					 "-p tcp -m comment --comment \"ingress/web:http has no local "
					 "endpoints\" -m tcp --dport 31080 -j DROP");
	struct host_rule map = rule_in("nft", "kube-proxy", "nodeport-endpoints-check",
				       "meta l4proto . th dport vmap @no-endpoint-nodeports");
	struct host_rule source = rule_in("nft", "kube-proxy", "firewall-HVFWP5L3-ns5/svc5/tcp/p80",
					  "ip saddr != { 203.0.113.0/25 } drop");
	struct host_rule marked = rule_in("iptables-legacy", "filter", "KUBE-FIREWALL",
					  "-m mark --mark 0x8000/0x8000 -j DROP");

	assert_meaning(&local, "It is meant so by externalTrafficPolicy: Local: no endpoint of "
			       "ingress/web:http runs on this node.");
	local.check_port = 30873;
	assert_fix(&local, &request,
		   "Let the load balancer check the service's healthCheckNodePort 30873 (HTTP, path "
		   "/healthz), where kube-proxy tells whether this node has an endpoint; or expect "
		   "this node to be shown as down.");
	strcpy(local.chain, "KUBE-SERVICES"); /* the service's own address */
	assert_meaning(&local, "It is meant so by internalTrafficPolicy: Local: no endpoint of "
			       "ingress/web:http runs on this node.");
	assert_meaning(&map, "It is meant so by externalTrafficPolicy: Local: no endpoint of the "
			     "service on port 80 runs on this node.");
	strcpy(map.comment, "ingress/web:http");
	assert_meaning(&map, "It is meant so by externalTrafficPolicy: Local: no endpoint of "
			     "ingress/web:http runs on this node.");
	strcpy(map.comment, "in;gress/web:http");
	assert_meaning(&map, "It is meant so by externalTrafficPolicy: Local: no endpoint of the "
			     "service on port 80 runs on this node.");
	assert_fix(&source, &request,
		   "kubectl -n ns5 patch service svc5 --type=json -p '[{\"op\":\"add\",\"path\":"
		   "\"/spec/loadBalancerSourceRanges/-\",\"value\":\"100.125.0.0/16\"}]'");
	assert_meaning(&marked, "It is meant so by kube-proxy, which marked it to be dropped: no "
				"endpoint of the service runs on this node, or the service does not "
				"take that source.");
}

static void others(void **state)
{
	struct host_rule csf = rule_in("iptables-nft", "filter", "LOGDROPIN", "-j DROP");
	struct host_rule crowd = rule_in("iptables-nft", "filter", "INPUT",
					 "-m set --match-set crowdsec-blacklists src -j DROP");
	struct host_rule jail = rule_in("iptables-nft", "filter", "f2b-web",
					"-s 100.125.10.7/32 -j REJECT");
	struct host_rule wall = rule_in("iptables-nft", "filter", "net-fw", "-j DROP");
	struct fw_pass range = request;

	assert_fix(&csf, &request, "echo 'tcp|in|d=80|s=100.125.0.0/16' >>/etc/csf/csf.allow && csf -r");
	assert_fix(&wall, &request, "Add to /etc/shorewall/rules: ACCEPT net:100.125.0.0/16 $FW tcp 80, "
				    "then run shorewall reload.");
	range.lb = NULL; /* of check: which node is banned, the rule tells or nobody */
	assert_fix(&jail, &range,
		   "fail2ban-client set web unbanip 100.125.10.7 && fail2ban-client set web "
		   "addignoreip 100.125.0.0/16  # The second command lasts until fail2ban restarts: "
		   "add 100.125.0.0/16 to ignoreip in /etc/fail2ban/jail.local, too.");
	assert_fix(&crowd, &range,
		   "If an address of 100.125.0.0/16 is among the decisions, delete that one. To keep "
		   "it so, put 100.125.0.0/16 on a whitelist in /etc/crowdsec/parsers/s02-enrich/.");
	assert_meaning(&jail, "It is meant so: fail2ban has banned that address.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),	cmocka_unit_test(firewalld),
		cmocka_unit_test(ufw),		cmocka_unit_test(containers),
		cmocka_unit_test(bans),		cmocka_unit_test(kube_proxy),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
