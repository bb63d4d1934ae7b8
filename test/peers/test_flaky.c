/* SPDX-License-Identifier: MIT */
/*
 * 500 seeded sessions through a proxy that delays, splits, stalls, resets and
 * cuts. What came is always the beginning of what was sent; a clean end means
 * that all of it came; any other end is the error that the fault deserves; and
 * afterwards the library holds what it held before. FLAKY_SEED=n runs that
 * session alone.
 */
#include "behaviour.h"
#include "flaky.h"

#include <asyncio/testing.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

enum { SESSIONS = 500, PER_PROCESS = 25 };

static struct plan
plan_of(uint64_t seed)
{
    static const size_t sizes[] = {1, 100, 100, 3000, 3000, 60000, 800000};
    uint64_t random = seed * 1000003;
    struct plan plan = {.seed = seed};

    plan.total = HEADER
        + (size_t) flaky_random(&random, sizes[flaky_random(&random, 7)]);
    plan.fault = (enum fault) flaky_random(&random, FAULTS);
    plan.direction = (int) flaky_random(&random, 2);
    plan.at = (size_t) flaky_random(&random, plan.total);
    if (flaky_random(&random, 2) == 0)
        plan.single = 1 + (size_t) flaky_random(&random, 500);
    plan.delays = flaky_random(&random, 2) == 0;
    plan.narrow = flaky_random(&random, 2) == 0;
    plan.client = (enum kind) flaky_random(&random, KINDS);
    plan.server = (enum kind) flaky_random(&random, KINDS);
    /* A Unix socket knows no RST. */
    plan.local =
        flaky_random(&random, 3) == 0 && plan.fault != FAULT_RESET;
    return plan;
}

static bool
is_reset(int code)
{
    return code == UV_ECONNRESET || code == UV_EPIPE;
}

/* An end that may have got everything, or else was broken off. */
static bool
is_all_or_broken(const struct plan *plan, const struct outcome *outcome)
{
    return is_reset(outcome->code)
        || (outcome->code == 0 && outcome->got == plan->total);
}

/* What is wrong with a session that was cut; NULL for nothing. */
static const char *
judge_cut(const struct plan *plan, const struct session *s)
{
    if (s->client.code != ASYNCIO_ERR_INCOMPLETE_READ
        || s->client.got != plan->at)
        return "the client did not end where it was cut";
    if (plan->direction == DOWN)
        return s->server.code == 0 && s->server.got == plan->total
            ? NULL
            : "the server did not get everything";
    return s->server.code == ASYNCIO_ERR_INCOMPLETE_READ
            && s->server.got == plan->at
        ? NULL
        : "the server did not end where it was cut";
}

static const char *
judge_fault(const struct plan *plan, const struct session *s)
{
    const struct outcome *client = &s->client, *server = &s->server;

    switch (plan->fault) {
    case FAULT_CUT:
        return judge_cut(plan, s);
    case FAULT_RESET:
        if (!is_reset(client->code))
            return "the client was not told of the reset";
        if (plan->direction == UP ? !is_reset(server->code)
                                  : !is_all_or_broken(plan, server))
            return "the server was not told of the reset";
        break;
    case FAULT_STALL:
        if (client->code != ASYNCIO_ERR_TIMEOUT)
            return "the client did not lose its patience";
        if (server->code != ASYNCIO_ERR_INCOMPLETE_READ
            && !is_all_or_broken(plan, server))
            return "the server was not told that the client had gone";
        break;
    default:
        return client->code == 0 && client->got == plan->total
                && server->code == 0 && server->got == plan->total
            ? NULL
            : "not everything came";
    }
    if ((plan->direction == UP ? server : client)->got > plan->at)
        return "more came than the proxy let through";
    return NULL;
}

static void
judge(const struct session *s)
{
    const struct plan *plan = &s->plan;
    const char *wrong = judge_fault(plan, s);

    if (s->client.wrong || s->server.wrong)
        wrong = "a byte was wrong";
    else if (s->client.got > s->server.got)
        wrong = "more came back than had come";
    else if (s->proxy_code != 0)
        wrong = "the proxy met an error";
    else if (plan->fault != FAULT_RESET && plan->fault != FAULT_STALL
             && s->client.sending != 0)
        wrong = "the client could not send everything";
    if (wrong != NULL)
        ck_abort_msg(
            "session %d: %s. Of %zu bytes (fault %d, way %d, at %zu, client "
            "%d, server %d, local %d): server %zu %s, client %zu %s, sending "
            "%s, proxy %s",
            (int) plan->seed, wrong, plan->total, (int) plan->fault,
            plan->direction, plan->at, (int) plan->client, (int) plan->server,
            plan->local, s->server.got, asyncio_err_name(s->server.code),
            s->client.got, asyncio_err_name(s->client.code),
            asyncio_err_name(s->client.sending),
            asyncio_err_name(s->proxy_code));
}

static int
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

/* The counters are back; `bytes` and stacks are compared when the loop has
 * closed, for it keeps some for reuse. */
static bool
is_back(const asyncio_testing_counters_t *before)
{
    asyncio_testing_counters_t now = asyncio_testing_counters();

    return now.tasks == before->tasks && now.ops == before->ops
        && now.handles == before->handles && now.fds == before->fds;
}

static void
wait_until_back(const asyncio_testing_counters_t *before, int seed)
{
    for (int i = 0; i < 100 && !is_back(before); i++)
        assert_r(asyncio_sleep(0.001), 0);
    asyncio_testing_counters_t now = asyncio_testing_counters();
    ck_assert_msg(is_back(before),
                  "session %d: before %d tasks %d ops %d handles %d fds, "
                  "afterwards %d tasks %d ops %d handles %d fds",
                  seed, (int) before->tasks, (int) before->ops,
                  (int) before->handles, (int) before->fds, (int) now.tasks,
                  (int) now.ops, (int) now.handles, (int) now.fds);
}

static void
end_listener(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

/* A loop makes its own epoll instance when it first waits for a descriptor. */
static void
warm_up(void)
{
    int fd = eventfd(1, EFD_CLOEXEC);

    assert_r(asyncio_wait_fd(fd, ASYNCIO_READABLE), ASYNCIO_READABLE);
    close(fd);
}

static void
run(uint64_t seed)
{
    struct session s = {.plan = plan_of(seed)};
    asyncio_testing_counters_t before = asyncio_testing_counters();
    int fds = count_fds();

    asyncio_event_init(&s.over);
    asyncio_event_init(&s.served);
    for (int i = 0; i < 2; i++)
        snprintf(s.path[i], sizeof s.path[i], "/tmp/asyncio-flaky-%d-%d",
                 (int) getpid(), i);
    (s.plan.server == KIND_STREAMS ? flaky_serve_streams
                                   : flaky_serve_protocol)(&s);
    flaky_serve_proxy(&s);
    (s.plan.client == KIND_STREAMS ? flaky_talk_streams
                                   : flaky_talk_protocol)(&s);
    asyncio_event_set(&s.over);
    assert_ok(asyncio_event_wait(&s.served));
    end_listener(s.listener[1]);
    end_listener(s.listener[0]);
    judge(&s);
    asyncio_event_fini(&s.over);
    asyncio_event_fini(&s.served);
    wait_until_back(&before, (int) seed);
    ck_assert_int_eq(count_fds(), fds);
}

BEHAVIOUR(whatever_happens_on_the_way_every_byte_is_accounted_for,
          .times = SESSIONS / PER_PROCESS, .timeout = 60)
{
    const char *only = getenv("FLAKY_SEED");

    warm_up();
    if (only != NULL) {
        run(strtoull(only, NULL, 10));
        return;
    }
    for (int i = 0; i < PER_PROCESS; i++)
        run((uint64_t) (_i * PER_PROCESS + i + 1));
}
