// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Probes with a socket each, from start to result. */
#include "load_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_READY 256
#define NOT_OVER SEEN_KINDS

struct probe {
	struct probe *prev, *next; /* of the same target and so in order of time; or of the free ones */
	uint64_t number;
	uint64_t start_ns;
	int fd;
	bool connected; /* or, where nothing connects, sent */
	bool is_http; /* what came begins like it */
	bool answered; /* something came */
};

struct waiting {
	struct probe *head, *tail;
};

struct load_probes {
	const struct load_plan *plan;
	struct load_truth *truth;
	struct probe *all, *free;
	struct waiting *waiting; /* by target */
	unsigned in_flight;
	int epoll;
	char request[512];
	size_t request_len;
};

int load_probes_open(struct load_probes **out, const struct load_plan *plan,
		     struct load_truth *truth, unsigned max)
{
	struct load_probes *l = calloc(1, sizeof(*l));
	int len;

	if (!l)
		return -ENOMEM;
	l->plan = plan;
	l->truth = truth;
	l->all = calloc(max, sizeof(*l->all));
	l->waiting = calloc(plan->n_targets, sizeof(*l->waiting));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l->all || !l->waiting || l->epoll < 0) {
		load_probes_close(l);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < max; i++) {
		l->all[i].next = l->free;
		l->free = &l->all[i];
	}
	len = snprintf(l->request, sizeof(l->request),
		       "GET %s HTTP/1.1\r\nHost: backend\r\nConnection: close\r\n\r\n", plan->path);
	l->request_len = len < (int)sizeof(l->request) ? (size_t)len : sizeof(l->request) - 1;
	*out = l;
	return 0;
}

void load_probes_close(struct load_probes *l)
{
	if (!l)
		return;
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->waiting);
	free(l->all);
	free(l);
}

int load_probes_fd(const struct load_probes *l)
{
	return l->epoll;
}

unsigned load_probes_in_flight(const struct load_probes *l)
{
	return l->in_flight;
}

/* --- the queues --------------------------------------------------------- */

static struct waiting *queue_of(struct load_probes *l, const struct load_target *t)
{
	return &l->waiting[t - l->plan->targets];
}

static struct probe *take(struct load_probes *l, const struct load_target *t)
{
	struct waiting *queue = queue_of(l, t);
	struct probe *p = l->free;

	if (!p)
		return NULL;
	l->free = p->next;
	*p = (struct probe){ .prev = queue->tail, .fd = -1 };
	if (queue->tail)
		queue->tail->next = p;
	else
		queue->head = p;
	queue->tail = p;
	l->in_flight++;
	return p;
}

static void give_back(struct load_probes *l, const struct load_target *t, struct probe *p)
{
	struct waiting *queue = queue_of(l, t);

	if (p->prev)
		p->prev->next = p->next;
	else
		queue->head = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		queue->tail = p->prev;
	p->next = l->free;
	l->free = p;
	l->in_flight--;
}

/* --- the ends ----------------------------------------------------------- */

static bool is_tcp(const struct load_target *t)
{
	return t->kind == LOAD_TCP || t->kind == LOAD_HTTP;
}

/* A load balancer resets what it ends itself, and answers a FIN with its own. */
static void finish(struct load_probes *l, struct probe *p, enum load_result result)
{
	static const struct linger reset = { .l_onoff = 1 };
	struct load_source from;
	const struct load_target *t = load_plan_probe(l->plan, p->number, &from);
	uint64_t end = load_now_ns();

	if (p->fd >= 0) {
		if (is_tcp(t) && p->connected && result != SEEN_HTTP && result != SEEN_RESET)
			setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(p->fd);
	}
	load_truth_tell(l->truth, t, &from, result, p->start_ns, end);
	give_back(l, t, p);
}

static enum load_result result_of_timeout(const struct load_target *t, const struct probe *p)
{
	if (!is_tcp(t))
		return SEEN_SILENT;
	return p->connected ? SEEN_RESPONSE_TIMEOUT : SEEN_TIMEOUT;
}

static enum load_result result_of_error(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return SEEN_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return SEEN_UNREACHABLE;
	case ECONNRESET:
	case EPIPE:
		return SEEN_RESET;
	case ETIMEDOUT:
		return SEEN_TIMEOUT;
	default:
		return SEEN_NOT_SENT;
	}
}

/* --- the steps ---------------------------------------------------------- */

static enum load_result read_answer(const struct load_target *t, struct probe *p)
{
	char buffer[2048];
	ssize_t n;

	for (;;) {
		n = recv(p->fd, buffer, sizeof(buffer), 0);
		if (n < 0)
			return errno == EAGAIN ? NOT_OVER : result_of_error(errno);
		if (t->kind != LOAD_HTTP)
			return SEEN_ANSWERED;
		if (n == 0)
			break;
		if (!p->answered)
			p->is_http = n >= 5 && memcmp(buffer, "HTTP/", 5) == 0;
		p->answered = true;
	}
	return !p->answered ? SEEN_CLOSED : p->is_http ? SEEN_HTTP : SEEN_NOT_HTTP;
}

static struct sockaddr_in address(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr),
				     .sin_port = htons(port) };
}

static enum load_result send_request(struct load_probes *l, const struct load_target *t,
				     struct probe *p)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.sequence = htons(t->port) };
	const void *request = t->kind == LOAD_ECHO ? (const void *)&echo : l->request;
	size_t len = t->kind == LOAD_ECHO ? sizeof(echo) : l->request_len;

	if (send(p->fd, request, len, MSG_NOSIGNAL) < 0)
		return result_of_error(errno);
	p->connected = true;
	return read_answer(t, p);
}

/* A second connect() tells what became of the first, in one call. */
static enum load_result step(struct load_probes *l, const struct load_target *t, struct probe *p)
{
	struct sockaddr_in to = address(t->addr, t->port);

	if (p->connected)
		return read_answer(t, p);
	if (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EISCONN) {
		if (errno == EINPROGRESS || errno == EALREADY)
			return NOT_OVER;
		return result_of_error(errno);
	}
	if (t->kind != LOAD_TCP)
		return send_request(l, t, p);
	p->connected = true;
	return SEEN_CONNECTED;
}

static int open_socket(const struct load_target *t, const struct load_source *from)
{
	int type = is_tcp(t) ? SOCK_STREAM : SOCK_DGRAM;
	/* an echo's identifier is its socket's port */
	struct sockaddr_in own = address(from->addr, from->port);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			t->kind == LOAD_ECHO ? IPPROTO_ICMP : 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own))) {
		close(fd);
		return -1;
	}
	return fd;
}

void load_probes_start(struct load_probes *l, uint64_t i)
{
	struct load_source from;
	const struct load_target *t = load_plan_probe(l->plan, i, &from);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct probe *p = take(l, t);
	uint64_t now = load_now_ns();
	enum load_result result;

	if (!p) {
		load_truth_tell(l->truth, t, &from, SEEN_NOT_SENT, now, now);
		return;
	}
	p->number = i;
	p->start_ns = now;
	p->fd = open_socket(t, &from);
	if (p->fd < 0) {
		finish(l, p, SEEN_NOT_SENT);
		return;
	}
	result = step(l, t, p);
	if (result == NOT_OVER)
		result = step(l, t, p);
	event.data.ptr = p;
	if (result == NOT_OVER && epoll_ctl(l->epoll, EPOLL_CTL_ADD, p->fd, &event))
		result = SEEN_NOT_SENT;
	if (result != NOT_OVER)
		finish(l, p, result);
}

static void expire(struct load_probes *l, const struct load_target *t, uint64_t now)
{
	struct waiting *queue = queue_of(l, t);
	uint64_t timeout = (uint64_t)t->timeout_ms * 1000000;

	while (queue->head && queue->head->start_ns + timeout <= now)
		finish(l, queue->head, result_of_timeout(t, queue->head));
}

void load_probes_run(struct load_probes *l)
{
	struct epoll_event ready[MAX_READY];
	int n = epoll_wait(l->epoll, ready, MAX_READY, 0);
	uint64_t now;

	for (int i = 0; i < n; i++) {
		struct probe *p = ready[i].data.ptr;
		struct load_source from;
		const struct load_target *t = load_plan_probe(l->plan, p->number, &from);
		enum load_result result = step(l, t, p);

		if (result != NOT_OVER)
			finish(l, p, result);
	}
	now = load_now_ns();
	for (unsigned i = 0; i < l->plan->n_targets; i++)
		expire(l, &l->plan->targets[i], now);
}
