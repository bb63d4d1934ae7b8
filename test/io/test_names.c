/* SPDX-License-Identifier: MIT */
/* getaddrinfo and getnameinfo: what asks nobody, and what is asked does not
 * keep others waiting. */
#include "net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <asyncio/testing.h>

#include "io/sockaddr.h"

static bool
literal(const char *host, int family, int type, int proto,
        struct aio__addr *ret)
{
    return aio__addr_literal(host, 1, family, type, proto, ret);
}

/* parity: test_base_events.py BaseEventTests test_ipaddr_info */
BEHAVIOUR(literals_ask_no_resolver)
{
    struct addrinfo *list;
    struct aio__addr addr;

    assert_r(asyncio_loop_getaddrinfo(LOOP, "1.2.3.4", "1", &list,
                                      .type = SOCK_STREAM),
             0);
    ck_assert_int_eq(list->ai_family, AF_INET);
    ck_assert_int_eq(list->ai_protocol, IPPROTO_TCP);
    ck_assert_int_eq(asyncio_sockaddr_port(list->ai_addr), 1);
    asyncio_freeaddrinfo(list);
    assert_r(asyncio_loop_getaddrinfo(LOOP, "::3", "1", &list,
                                      .type = SOCK_DGRAM),
             0);
    ck_assert_int_eq(list->ai_family, AF_INET6);
    ck_assert_int_eq(list->ai_protocol, IPPROTO_UDP);
    asyncio_freeaddrinfo(list);
    ck_assert_int_eq(names_asked(), 0);
    /* What connecting and listening go by. */
    ck_assert(literal("1.2.3.4", 0, SOCK_STREAM, IPPROTO_TCP, &addr));
    ck_assert_int_eq(addr.proto, IPPROTO_TCP);
    ck_assert(literal("1.2.3.4", AF_INET, SOCK_DGRAM, 0, &addr));
    ck_assert_int_eq(addr.proto, IPPROTO_UDP);
    ck_assert(literal("::3", AF_INET6, SOCK_STREAM, 0, &addr));
    ck_assert_int_eq(addr.family, AF_INET6);
    ck_assert(!literal("::3", AF_INET, SOCK_STREAM, 0, &addr));
    ck_assert(!literal("1.2.3.4", AF_INET6, SOCK_STREAM, 0, &addr));
    ck_assert(!literal("::3%lo", 0, SOCK_STREAM, 0, &addr));
    ck_assert(!literal("1.2.3.4", 0, 0, 0, &addr));
    ck_assert(!literal("1.2.3.4", 0, SOCK_STREAM, IPPROTO_ICMP, &addr));
    ck_assert(!literal("localhost", 0, SOCK_STREAM, 0, &addr));
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_getnameinfo */
BEHAVIOUR(the_name_of_an_address_is_found_off_the_loop)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(80),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_port = htons(1),
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr other = {.sa_family = AF_UNIX};
    asyncio_nameinfo_t names;

    assert_r(asyncio_loop_getnameinfo(LOOP, (struct sockaddr *) &addr,
                                      NI_NUMERICHOST | NI_NUMERICSERV, &names),
             0);
    ck_assert_str_eq(names.host, "127.0.0.1");
    ck_assert_str_eq(names.service, "80");
    assert_r(asyncio_loop_getnameinfo(LOOP, (struct sockaddr *) &six,
                                      NI_NUMERICHOST | NI_NUMERICSERV, &names),
             0);
    ck_assert_str_eq(names.host, "::1");
    assert_r(asyncio_loop_getnameinfo(LOOP, &other, 0, &names), UV_EINVAL);
    assert_r(asyncio_loop_getnameinfo(LOOP, (struct sockaddr *) &addr, 1 << 20,
                                      &names),
             UV_EAI_BADFLAGS);
}

BEHAVIOUR(names_that_cannot_be_are_errors_without_asking)
{
    struct addrinfo *list = NULL;
    char longer[300];

    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_r(asyncio_loop_getaddrinfo(LOOP, longer, NULL, &list), UV_EINVAL);
    assert_r(asyncio_loop_getaddrinfo(LOOP, "", NULL, &list), UV_EINVAL);
    assert_r(asyncio_loop_getaddrinfo(LOOP, "a.test", "65536", &list),
             UV_EINVAL);
    assert_r(asyncio_loop_getaddrinfo(LOOP, "a.test", longer, &list),
             UV_EINVAL);
    ck_assert_int_eq(names_asked(), 0);
    ck_assert_ptr_null(list);
}

#define SLOW "slow.test"

struct looking {
    int unused;
};

static int
looking(void *frame)
{
    struct addrinfo *list;
    int r;

    (void) frame;
    r = asyncio_loop_getaddrinfo(LOOP, SLOW, "80", &list);
    if (r == 0)
        asyncio_freeaddrinfo(list);
    return r;
}

static int
nothing(void *arg)
{
    (void) arg;
    return 7;
}

/* A look-up that was left: its memory goes when its thread is through. */
static void
wait_for_threads(int64_t bytes)
{
    names_release();
    WAIT_FOR(names_held() == 0
             && asyncio_testing_counters().bytes <= bytes);
}

enum { MANY = 40 }; /* more than there are threads for look-ups */

static void
look_many_up(asyncio_task_t **tasks)
{
    for (int i = 0; i < MANY; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(looking));
}

static void
end_many(asyncio_task_t **tasks, int result)
{
    for (int i = 0; i < MANY; i++) {
        assert_r(asyncio_await(tasks[i]), result);
        asyncio_task_unref(tasks[i]);
    }
}

static const char *const here[] = {"127.0.0.1"};

BEHAVIOUR(slow_look_ups_delay_no_other_thread)
{
    asyncio_task_t *tasks[MANY];

    names_set(SLOW, here, 1);
    names_hold(SLOW);
    look_many_up(tasks);
    WAIT_FOR(names_held() > 0);
    for (int i = 0; i < 20; i++)
        assert_r(asyncio_to_thread((asyncio_coro_t){.fn = nothing}), 7);
    for (int i = 0; i < MANY; i++)
        ck_assert(!asyncio_future_done(tasks[i]));
    names_release();
    end_many(tasks, 0);
}

BEHAVIOUR(a_cancelled_look_up_returns_at_once)
{
    int64_t bytes = asyncio_testing_counters().bytes;
    asyncio_task_t *task;

    names_hold(SLOW);
    task = asyncio_create_task(asyncio_coro(looking));
    WAIT_FOR(names_held() == 1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(names_held(), 1);
    ck_assert_int_eq((int) asyncio_testing_counters().ops, 0);
    asyncio_task_unref(task);
    wait_for_threads(bytes);
}

BEHAVIOUR(a_look_up_in_the_queue_is_cancelled_as_well)
{
    asyncio_task_t *tasks[MANY];
    int64_t bytes;

    names_set(SLOW, here, 1);
    look_many_up(tasks); /* after this, memory is no news any more */
    end_many(tasks, 0);
    bytes = asyncio_testing_counters().bytes;
    names_hold(SLOW);
    look_many_up(tasks);
    assert_r(asyncio_sleep(0), 0);
    for (int i = 0; i < MANY; i++)
        asyncio_task_cancel(tasks[i]);
    end_many(tasks, ASYNCIO_ERR_CANCELLED);
    wait_for_threads(bytes);
}

struct connecting {
    int unused;
};

static int
connecting(void *frame)
{
    struct peer peer = {.size = 0};

    (void) frame;
    return asyncio_loop_create_connection(LOOP, peer_make, SLOW, 80, NULL,
                                          NULL, .arg = &peer);
}

BEHAVIOUR(connecting_to_a_slow_name_can_be_cancelled)
{
    int64_t bytes = asyncio_testing_counters().bytes;
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(connecting));

    names_hold(SLOW);
    WAIT_FOR(names_held() == 1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(names_held(), 1);
    asyncio_task_unref(task);
    wait_for_threads(bytes);
}

static int
leave_a_look_up(void *arg)
{
    (void) arg;
    asyncio_task_unref(asyncio_create_task(asyncio_coro(looking)));
    WAIT_FOR(names_held() == 1);
    return 0;
}

PLAIN(closing_the_loop_does_not_wait_for_a_look_up, .leaks = true)
{
    names_hold(SLOW);
    assert_r(asyncio_testing_run((asyncio_coro_t){.fn = leave_a_look_up}), 0);
    ck_assert_int_eq(names_held(), 1);
    names_release();
}
