/* SPDX-License-Identifier: MIT */
/*
 * The load for every echo server: plain epoll, one thread.
 *
 * Each connection keeps `depth` requests of `size` bytes under way: it sends
 * them in one write, waits for all of the echo, and sends again. The load
 * saturates before a fast server does, so the figure to compare is the CPU time
 * of the server a request; the server's own CPU clock is read from outside,
 * exactly, without its help. Requests per second and latency come beside it:
 * they are those of the pair, on one machine.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"

struct options {
    const char *name, *peer;
    int port, connections, size, depth;
    double seconds, warmup;
    uint64_t requests; /* instead of seconds; 0: none */
    clockid_t server_cpu;
    bool has_server;
};

struct connection {
    int fd;
    size_t wanted;    /* bytes of echo not yet read */
    double sent_at;   /* seconds, when the requests were sent */
};

static struct latency latency;
static uint64_t answered;
static bool stopping;  /* send no more ... */
static size_t waiting; /* ... and wait until so many are answered */

static double
now(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0)
        return 0;
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
die(const char *what)
{
    fprintf(stderr, "echo_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int
connect_one(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *) &at, sizeof at) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* The requests of one connection fit its socket buffer: no partial writes. */
static void
send_requests(struct connection *c, const char *bytes, size_t n)
{
    c->sent_at = now(CLOCK_MONOTONIC);
    c->wanted = n;
    for (size_t sent = 0; sent < n;) {
        ssize_t r = write(c->fd, bytes + sent, n - sent);
        if (r < 0)
            die("write");
        sent += (size_t) r;
    }
}

static void
on_readable(struct connection *c, const struct options *options,
            const char *bytes, size_t n)
{
    static char buffer[1 << 20];
    ssize_t r = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (r < 0 && errno == EAGAIN)
        return;
    if (r <= 0)
        die("the server closed");
    if ((size_t) r > c->wanted) {
        errno = EPROTO;
        die("more echo than was sent");
    }
    c->wanted -= (size_t) r;
    if (c->wanted > 0)
        return;
    if (memcmp(buffer + (size_t) r - 1, bytes + n - 1, 1) != 0) {
        errno = EPROTO;
        die("not what was sent");
    }
    answered += (uint64_t) options->depth;
    latency_add(&latency, (now(CLOCK_MONOTONIC) - c->sent_at) * 1e9);
    if (stopping)
        waiting--;
    else
        send_requests(c, bytes, n);
}

static bool
is_over(const struct options *options, double end)
{
    if (stopping)
        return waiting == 0;
    if (options->requests != 0)
        return answered >= options->requests;
    return now(CLOCK_MONOTONIC) >= end;
}

/* Until the time is up, or the requests, or what is under way, answered. */
static void
run(int epoll, const struct options *options, const char *bytes, size_t n,
    double seconds)
{
    struct epoll_event events[256];
    double end = now(CLOCK_MONOTONIC) + seconds;

    while (!is_over(options, end)) {
        int ready = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < ready; i++)
            on_readable(events[i].data.ptr, options, bytes, n);
    }
}

static void
print_line(const struct options *options, const char *metric, const char *unit,
           const char *better, double value)
{
    printf("{\"v\":1,\"case\":\"%s\",\"metric\":\"%s\",\"peer\":\"%s\","
           "\"unit\":\"%s\",\"by\":\"wall\",\"better\":\"%s\",\"macro\":true,"
           "\"n\":%llu,\"values\":[%.6g],\"cpu\":[],\"meta\":{}}\n",
           options->name, metric, options->peer, unit, better,
           (unsigned long long) answered, value);
}

static void
parse(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"connections", required_argument, NULL, 'c'},
        {"size", required_argument, NULL, 's'},
        {"depth", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 't'},
        {"requests", required_argument, NULL, 'r'},
        {"pid", required_argument, NULL, 'P'},
        {"name", required_argument, NULL, 'n'},
        {"peer", required_argument, NULL, 'v'},
        {0},
    };
    int option;

    *options = (struct options){
        .name = "echo",
        .peer = "?",
        .connections = 1,
        .size = 64,
        .depth = 1,
        .seconds = 1,
    };
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p':
            options->port = atoi(optarg);
            break;
        case 'c':
            options->connections = atoi(optarg);
            break;
        case 's':
            options->size = atoi(optarg);
            break;
        case 'd':
            options->depth = atoi(optarg);
            break;
        case 't':
            options->seconds = atof(optarg);
            break;
        case 'r':
            options->requests = strtoull(optarg, NULL, 10);
            break;
        case 'P':
            errno = clock_getcpuclockid(atoi(optarg), &options->server_cpu);
            options->has_server = errno == 0;
            break;
        case 'n':
            options->name = optarg;
            break;
        case 'v':
            options->peer = optarg;
            break;
        default:
            exit(2);
        }
    }
    options->warmup = options->requests != 0 ? 0 : options->seconds / 4;
    if (options->port == 0 || options->connections < 1 || options->size < 1
        || options->depth < 1 || (options->size * options->depth) > 1 << 20) {
        fprintf(stderr, "usage: %s --port N [--pid N] [--connections N] "
                        "[--size N] [--depth N] [--seconds N | --requests N] "
                        "[--name CASE] [--peer NAME]\n",
                argv[0]);
        exit(2);
    }
}

int
main(int argc, char **argv)
{
    struct options options;
    struct rlimit files = {0};

    parse(&options, argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    size_t n = (size_t) options.size * (size_t) options.depth;
    char *bytes = malloc(n);
    size_t count = (size_t) options.connections;
    struct connection *all = calloc(count, sizeof *all);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bytes == NULL || all == NULL || epoll < 0)
        die("start");
    memset(bytes, 'x', n);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = connect_one(options.port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    for (size_t i = 0; i < count; i++)
        send_requests(&all[i], bytes, n);
    if (options.warmup > 0)
        run(epoll, &options, bytes, n, options.warmup);

    memset(&latency, 0, sizeof latency);
    answered = 0;
    double cpu = options.has_server ? now(options.server_cpu) : 0;
    double start = now(CLOCK_MONOTONIC);
    run(epoll, &options, bytes, n, options.seconds);
    double seconds = now(CLOCK_MONOTONIC) - start;
    if (options.has_server)
        cpu = now(options.server_cpu) - cpu;
    uint64_t counted = answered;

    /* A server must see an end, not a reset. */
    stopping = true;
    waiting = count;
    run(epoll, &options, bytes, n, 0);
    for (size_t i = 0; i < count; i++)
        close(all[i].fd);
    answered = counted;

    if (options.has_server)
        print_line(&options, "cpu", "us", "lower",
                   cpu * 1e6 / (double) answered);
    print_line(&options, "rate", "/s", "higher", (double) answered / seconds);
    print_line(&options, "p50", "us", "lower",
               latency_quantile(&latency, 0.5) * 1e-3);
    print_line(&options, "p99", "us", "lower",
               latency_quantile(&latency, 0.99) * 1e-3);
    free(all);
    free(bytes);
    return 0;
}
