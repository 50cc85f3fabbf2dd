// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The host's state, read by a child process: the run goes on meanwhile. */
#include "state_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"
#include "host_state.h"
#include "store.h"

/* How a section comes through the pipe: this, then both texts, each with its NUL. */
struct section_head {
	uint32_t name_len, text_len; /* with the NUL */
};

struct state_run {
	pid_t child;
	int fd;
	struct store come; /* and not put yet */
};

/* ---- the child ---- */

static void send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1); /* nobody reads any more */
		at += n;
		len -= (size_t)n;
	}
}

static void send_section(void *ctx, const char *name, const char *text)
{
	/* a byte more than a recording takes: it says then that it was cut off */
	size_t len = strnlen(text, RECORD_STATE_MAX + 1);
	struct section_head head = { (uint32_t)strlen(name) + 1, (uint32_t)len + 1 };
	const int *fd = ctx;

	send_all(*fd, &head, sizeof(head));
	send_all(*fd, name, head.name_len);
	send_all(*fd, text, len);
	send_all(*fd, "", 1);
}

/*
 * Nothing of the parent's may outlive it here: its BPF programs, and the lock
 * of the recording, live as long as a descriptor of them.
 */
static _Noreturn void be_child(int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fd, 3) < 0)
		_exit(1);
	fd = 3;
	close_range(4, ~0U, 0);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	host_state_collect(send_section, &fd);
	_exit(0);
}

/* ---- the parent ---- */

int state_run_start(struct state_run **out)
{
	struct state_run *r = calloc(1, sizeof(*r));
	pid_t parent = getpid();
	int fds[2], err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC)) {
		err = -errno;
		free(r);
		return err;
	}
	r->child = fork();
	if (r->child == 0)
		be_child(fds[1], parent);
	err = r->child < 0 ? -errno : 0;
	close(fds[1]);
	r->fd = fds[0];
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
	if (err) {
		state_run_close(r);
		return err;
	}
	*out = r;
	return 0;
}

int state_run_fd(const struct state_run *r)
{
	return r->fd;
}

/* Puts the sections that are complete, and keeps the rest. */
static void put_complete(struct state_run *r,
			 void (*put)(void *ctx, const char *name, const char *text), void *ctx)
{
	struct section_head head;
	size_t at = 0;

	while (r->come.len - at >= sizeof(head)) {
		const char *name = (const char *)r->come.data + at + sizeof(head);
		size_t whole;

		memcpy(&head, r->come.data + at, sizeof(head));
		whole = sizeof(head) + head.name_len + head.text_len;
		if (r->come.len - at < whole)
			break;
		put(ctx, name, name + head.name_len);
		at += whole;
	}
	if (!at)
		return;
	memmove(r->come.data, r->come.data + at, r->come.len - at);
	r->come.len -= at;
}

int state_run_read(struct state_run *r, void (*put)(void *ctx, const char *name, const char *text),
		   void *ctx)
{
	char data[16384];
	ssize_t n;

	while ((n = read(r->fd, data, sizeof(data))) > 0)
		if (store_add(&r->come, data, (size_t)n))
			return -ENOMEM;
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno != EAGAIN)
		return -errno;
	put_complete(r, put, ctx);
	return n < 0;
}

void state_run_close(struct state_run *r)
{
	if (!r)
		return;
	close(r->fd);
	if (r->child > 0) {
		kill(r->child, SIGKILL);
		while (waitpid(r->child, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	free(r->come.data);
	free(r);
}
