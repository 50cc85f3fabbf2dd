// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands: whatever a value is, a shell takes it as one word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/shell.h"

static void quotes(void **state)
{
	static const struct {
		const char *value, *quoted;
	} table[] = {
		{ "INPUT", "INPUT" },
		{ "100.125.0.0/16", "100.125.0.0/16" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "x;id>&2;", "'x;id>&2;'" },
		{ "$(id)`id`", "'$(id)`id`'" },
		{ "it's", "'it'\\''s'" },
		{ "'", "''\\'''" },
		{ "!!", "'!!'" },
		{ "~root", "'~root'" },
		{ "a=b", "'a=b'" },
		{ "a\\b", "'a\\b'" },
		{ "a\nb", "$'a\\012b'" },
		{ "a\033[31m'b", "$'a\\033\\13331m\\047b'" },
		{ "\xe2\x80\xae", "$'\\342\\200\\256'" },
	};
	char out[64];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(shell_quote(out, sizeof(out), table[i].value),
				 strlen(table[i].quoted));
		assert_string_equal(out, table[i].quoted);
	}
}

static void quotes_fit_or_are_empty(void **state)
{
	char out[8];

	assert_int_equal(shell_quote(out, 8, "abcdefg"), 7);
	assert_int_equal(shell_quote(out, 7, "abcdefg"), 0);
	assert_string_equal(out, "");
	assert_int_equal(shell_quote(out, 8, "a'bcd"), 0);
	assert_string_equal(out, "");
	assert_int_equal(shell_quote(out, 1, "a"), 0);
	assert_int_equal(shell_quote(out, 0, "a"), 0);
}

static void commands(void **state)
{
	struct command c = { 0 };

	command_add(&c, "ip route add %s dev %s", "100.125.0.0/16", "a$(id)");
	command_add(&c, " table %u metric %lu %d%%", 100u, 7ul, -1);
	assert_string_equal(c.text, "ip route add 100.125.0.0/16 dev 'a$(id)' table 100 metric 7 -1%");
	assert_true(command_is_set(&c));
	command_clear(&c);
	assert_false(command_is_set(&c));
}

/* What bash, run with COMMAND, writes. */
static void run_bash(const char *command, char *out, size_t size)
{
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("bash", "bash", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], out + len, size - len - 1)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_shell_takes_one_word(void **state)
{
	static const char *const values[] = {
		"'$(id)'", "`id`", "a;id", "a&&id", "a|id", "a>b", "$HOME", "${IFS}", "~", "~root", "*",
		"?", "[a]", "{a,b}", "!!", "#x", "a b", "", "\\", "\\'", "it''s", "\"", "$'a'", "a\nid\n",
		"\x1b[31m'", "\x7f", "\xc3\xa9", "\xff\x01", "-rf", "--", "=", "a=b", "%s%n", "\t", "\r",
		"(", ")", "<", "^", "\n'\n",
	};
	char got[256];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct command c = { 0 };
		char wanted[256];

		command_add(&c, "printf %s %s x%sy", "<%s>", values[i], values[i]);
		snprintf(wanted, sizeof(wanted), "<%s><x%sy>", values[i], values[i]);
		run_bash(c.text, got, sizeof(got));
		assert_string_equal(got, wanted);
	}
}

/* A command that was cut would be another command. */
static void too_long(void **state)
{
	struct command c = { 0 }, joined = { 0 };
	char name[COMMAND_LEN];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	command_add(&c, "ip link del %s", name);
	assert_string_equal(c.text, "");
	command_add(&c, "ip link del %s", "eth0");
	assert_string_equal(c.text, "");
	assert_true(c.too_long);
	command_add(&joined, "true");
	command_append(&joined, &c);
	assert_string_equal(joined.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes),
		cmocka_unit_test(quotes_fit_or_are_empty),
		cmocka_unit_test(commands),
		cmocka_unit_test(a_shell_takes_one_word),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
