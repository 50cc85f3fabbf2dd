// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events of the kernel side to observations: what functions tell, and sizes that cannot be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/decode.h"

static const char *reason(void *ctx, uint32_t number)
{
	return number == 7 ? "NETFILTER_DROP" : "OTHER";
}

static const char *symbol(void *ctx, uint64_t address)
{
	return address ? "tcp_v4_rcv" : "wrong";
}

static const char *device(void *ctx, uint32_t ifindex)
{
	return ifindex == 2 ? "eth0" : NULL;
}

static const struct namer namer = { reason, symbol, device, NULL };

static void drop_reasons(void **state)
{
	static const struct {
		uint32_t reason;
		const char *name;
	} rows[] = {
		{ 0, NULL },
		{ 7, "NETFILTER_DROP" },
		{ HCT_REASON_BASE + HCT_REASON_RPFILTER, "IP_RPFILTER" },
		{ HCT_REASON_BASE + HCT_REASON_INVALID_SYN, "TCP_INVALID_SYN" },
		{ HCT_REASON_BASE + HCT_REASON_COUNT, "OTHER" },
		{ HCT_REASON_BASE, "OTHER" },
	};
	struct hct_event e = { .point = HCT_POINT_DROP };
	struct obs o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e.drop.reason = rows[i].reason;
		assert_int_equal(decode_event(&e, sizeof(e), &namer, &o), 0);
		if (rows[i].name)
			assert_string_equal(o.reason, rows[i].name);
		else
			assert_null(o.reason);
		assert_null(o.function); /* no address: a function told it, not a drop */
	}
	e.drop.location = 1;
	assert_int_equal(decode_event(&e, sizeof(e), &namer, &o), 0);
	assert_string_equal(o.function, "tcp_v4_rcv");
}

static void rules(void **state)
{
	struct hct_event_rule r = { .event = { .point = HCT_POINT_NFT_TRACE, .flags = HCT_F_REPLY } };
	struct obs o;

	r.event.rule = (struct hct_rule){ .handle = 1ULL << 41, .verdict = 0x10000, .family = 1 };
	strcpy(r.table, "guard");
	memset(r.chain, 'c', sizeof(r.chain)); /* without its end */
	assert_int_equal(decode_event(&r, sizeof(r), &namer, &o), 0);
	assert_true(obs_is_whole(&o));
	assert_string_equal(o.rule.family, "inet");
	assert_string_equal(o.rule.table, "guard");
	assert_int_equal(strlen(o.rule.chain), HCT_NFT_NAME_LEN);
	assert_string_equal(o.rule.verdict, "drop"); /* what stands above is an errno */
	assert_true(o.rule.handle == 1ULL << 41 && o.reply);
	assert_int_equal(decode_event(&r, sizeof(r) - 1, &namer, &o), -EBADMSG);
}

static void xdp(void **state)
{
	static const char *const names[] = { "XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					     "XDP_REDIRECT", "XDP_ABORTED" };
	struct hct_event e = { .point = HCT_POINT_XDP_VERDICT, .ifindex = 2 };
	struct obs o;

	memset(e.xdp.program, 'x', sizeof(e.xdp.program));
	e.xdp.program_id = 12;
	for (uint32_t action = 0; action < sizeof(names) / sizeof(names[0]); action++) {
		e.xdp.action = action;
		assert_int_equal(decode_event(&e, HCT_EVENT_SHORT, &namer, &o), 0);
		assert_string_equal(o.xdp.action, names[action]);
		assert_int_equal(strlen(o.xdp.program), HCT_PROGRAM_NAME_LEN - 1);
		assert_int_equal(o.xdp.program_id, 12);
		assert_string_equal(o.device, "eth0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drop_reasons),
		cmocka_unit_test(rules),
		cmocka_unit_test(xdp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
