// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is known of a process: what it proxies to, its condition, the socket unit of a port. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/condition.h"
#include "host/small_file.h"
#include "host/socket_unit.h"
#include "host/upstream.h"

#define COMMAND(text) { text, sizeof(text) }

static const struct {
	struct {
		const char *text;
		size_t len;
	} command;
	const char *addr; /* NULL: none */
	uint16_t port;
} commands[] = {
	{ COMMAND("/usr/sbin/docker-proxy\0-proto\0tcp\0-host-ip\0000.0.0.0\0-host-port\00080\0"
		  "-container-ip\000172.17.0.2\0-container-port\0008080"), "172.17.0.2", 8080 },
	{ COMMAND("docker-proxy\0--container-ip=fd00::2\0--container-port=80"), "fd00::2", 80 },
	{ COMMAND("docker-proxy\0-proto\0udp\0-container-ip\000172.17.0.2\0-container-port\00053"), NULL, 0 },
	{ COMMAND("docker-proxy\0-container-ip"), NULL, 0 },
	{ COMMAND("docker-proxy\0-container-ip\000172.17.0.2\0-container-port\00070000"), NULL, 0 },
	{ COMMAND("socat\0TCP-LISTEN:80,fork\0TCP:10.0.0.1:8080,nodelay"), "10.0.0.1", 8080 },
	{ COMMAND("socat\0-d\0TCP6-LISTEN:80,fork\0tcp6-connect:[fd00::1]:8080"), "fd00::1", 8080 },
	{ COMMAND("socat\0TCP-LISTEN:80\0TCP:localhost:90"), "127.0.0.1", 90 },
	{ COMMAND("socat\0TCP-LISTEN:80\0TCP:web.example.org:90"), NULL, 0 },
	{ COMMAND("socat\0TCP-LISTEN:80\0UNIX-CONNECT:/run/web.sock"), NULL, 0 },
	{ COMMAND("socat\0TCP-LISTEN:80"), NULL, 0 },
	{ COMMAND("/lib/systemd/systemd-socket-proxyd\0--exit-idle-time=5s\000127.0.0.1:8080"), "127.0.0.1", 8080 },
	{ COMMAND("systemd-socket-proxyd\0/run/web.sock"), NULL, 0 },
	{ COMMAND("nginx\0-container-ip\000172.17.0.2\0-container-port\0008080"), NULL, 0 },
	{ { "socat\0TCP-LISTEN:80\0TCP:10.0.0.1:8", 34 }, NULL, 0 }, /* cut */
	{ { "", 0 }, NULL, 0 },
	{ { "", 1 }, NULL, 0 },
};

static void proxies(void **state)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		uint8_t addr[16], wanted[16] = { 0 };
		uint16_t port = 0;
		bool known = upstream_of_command(commands[i].command.text, commands[i].command.len, addr,
						 &port);

		assert_int_equal(known, commands[i].addr != NULL);
		if (!known)
			continue;
		if (inet_pton(AF_INET, commands[i].addr, wanted + 12) == 1)
			wanted[10] = wanted[11] = 0xff;
		else
			assert_int_equal(inet_pton(AF_INET6, commands[i].addr, wanted), 1);
		assert_memory_equal(addr, wanted, 16);
		assert_int_equal(port, commands[i].port);
	}
}

static const struct {
	const char *text;
	bool listens; /* on port 80 */
} units[] = {
	{ "[Socket]\nListenStream=80\n", true },
	{ "[Unit]\nDescription=web\n\n[Socket]\n ListenStream = 0.0.0.0:80\n[Install]\n", true },
	{ "[Socket]\nListenStream=[::]:80\r\n", true },
	{ "[Socket]\nListenStream=8080\nListenStream=80\n", true },
	{ "[Socket]\nListenStream=80\nListenStream=\n", false },
	{ "[Socket]\nListenStream=8080\n", false },
	{ "[Socket]\nListenStream=/run/80\n", false },
	{ "[Socket]\nListenDatagram=80\n", false },
	{ "[Service]\nListenStream=80\n", false },
	{ "ListenStream=80\n", false },
	{ "[Socket]\n#ListenStream=80\n", false },
	{ "", false },
};

static void unit_files(void **state)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		fputs(units[i].text, file);
		rewind(file);
		assert_int_equal(socket_unit_listens(file, 80), units[i].listens);
		fclose(file);
	}
}

static void put(const char *root, const char *path, const char *text)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* What is no file is passed over, and nothing waits for it. */
static void units_below(void **state)
{
	char root[] = "/tmp/hct-units-XXXXXX", path[256], name[64], remove[300];
	int fd;

	assert_non_null(mkdtemp(root));
	snprintf(remove, sizeof(remove), "mkdir -p %s/etc/systemd/system %s/usr/lib/systemd/system", root, root);
	assert_int_equal(system(remove), 0);
	fd = open(root, O_PATH | O_DIRECTORY);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/etc/systemd/system/fifo.socket", root);
	assert_int_equal(mkfifo(path, 0600), 0);
	put(root, "etc/systemd/system/web.service", "[Socket]\nListenStream=80\n");
	assert_int_equal(socket_unit_find_below(fd, 80, name), -ENOENT);
	put(root, "usr/lib/systemd/system/web.socket", "[Socket]\nListenStream=80\n");
	assert_int_equal(socket_unit_find_below(fd, 80, name), 0);
	assert_string_equal(name, "web.socket");
	put(root, "etc/systemd/system/mine.socket", "[Socket]\nListenStream=80\n");
	assert_int_equal(socket_unit_find_below(fd, 80, name), 0);
	assert_string_equal(name, "mine.socket");
	close(fd);
	snprintf(remove, sizeof(remove), "rm -rf %s", root);
	assert_int_equal(system(remove), 0);
}

static void numbers(void **state)
{
	static const char text[] = "nr_periods 12\nnr_throttled 7\nthrottled_usec x\nlast 3";
	uint64_t value;

	assert_true(small_file_number(text, "nr_periods", &value));
	assert_int_equal(value, 12);
	assert_true(small_file_number(text, "nr_throttled", &value));
	assert_int_equal(value, 7);
	assert_true(small_file_number(text, "last", &value));
	assert_int_equal(value, 3);
	assert_false(small_file_number(text, "throttled_usec", &value));
	assert_false(small_file_number(text, "nr", &value));
	assert_false(small_file_number("", "nr", &value));
}

/* A child that is stopped, and goes on. */
static void stopped(void **state)
{
	struct throttled before = { .next = 0 };
	struct host_condition c;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		while (true)
			pause();
	assert_int_equal(condition_read(&before, (uint32_t)child, &c), 0);
	assert_int_equal(c.n_stopped, 0);
	assert_true(c.files > 0 && c.files_limit >= c.files);
	assert_int_equal(c.files_pid, child);
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_int_equal(condition_read(&before, (uint32_t)child, &c), 0);
	assert_string_equal(c.state, "T");
	assert_int_equal(c.n_stopped, 1);
	assert_int_equal(c.stopped[0].pid, child);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(condition_read(&before, (uint32_t)child, &c), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxies), cmocka_unit_test(unit_files),
		cmocka_unit_test(units_below), cmocka_unit_test(numbers),
		cmocka_unit_test(stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
