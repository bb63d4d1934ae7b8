/* SPDX-License-Identifier: MIT */
/*
 * Other threads and a loop: call_soon_threadsafe, run_coroutine_threadsafe,
 * thread futures. The loop runs in a thread of its own, in real time; nothing
 * sleeps, everything waits for something.
 */
#include <asyncio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#include "behaviour.h"

/* A loop that runs in its own thread until it is stopped. */
struct server {
    pthread_t thread;
    asyncio_loop_t *loop;
    asyncio_thread_future_t *ready;
    asyncio_task_factory_t factory;
};

static int
say_ready(void *arg)
{
    return asyncio_thread_future_set_result(arg, NULL);
}

static int
stop(void *arg)
{
    asyncio_loop_stop(arg);
    return 0;
}

static void *
serve(void *arg)
{
    struct server *server = arg;

    server->loop = asyncio_new_event_loop();
    asyncio_loop_set_task_factory(server->loop, server->factory);
    asyncio_loop_call_soon(server->loop, say_ready, server->ready);
    asyncio_loop_run_forever(server->loop);
    assert_r(asyncio_loop_close(server->loop), 0);
    return NULL;
}

static void
start_server(struct server *server)
{
    server->ready = asyncio_thread_future_new();
    pthread_create(&server->thread, NULL, serve, server);
    assert_r(asyncio_thread_future_result(server->ready, ASYNCIO_NO_TIMEOUT),
             0);
    asyncio_thread_future_unref(server->ready);
}

static void
stop_server(struct server *server)
{
    assert_r(asyncio_loop_call_soon_threadsafe(server->loop, stop,
                                               server->loop),
             0);
    pthread_join(server->thread, NULL);
    asyncio_loop_unref(server->loop);
}

struct add {
    int a, b;
    double delay;
    int fail;
    bool cancel_self;
};

static int
add(void *arg)
{
    struct add *self = arg;
    int r;

    if (self->cancel_self)
        asyncio_task_cancel(asyncio_current_task());
    r = asyncio_sleep(self->delay);
    if (r < 0)
        return r;
    if (self->fail)
        return asyncio_raise(ASYNCIO_ERR_RUNTIME, "Fail!");
    return self->a + self->b;
}

/* parity: test_tasks.py RunCoroutineThreadsafeTests test_run_coroutine_threadsafe */
PLAIN(a_coroutine_sent_to_another_thread_gives_its_result_there)
{
    struct server server = {.loop = NULL};

    start_server(&server);
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .a = 1, .b = 2), server.loop);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT), 3);
    struct add *frame = asyncio_thread_future_value(future);
    ck_assert_int_eq(frame->b, 2);
    asyncio_thread_future_unref(future);
    stop_server(&server);
}

/* parity: test_tasks.py RunCoroutineThreadsafeTests test_run_coroutine_threadsafe_with_exception */
PLAIN(the_error_of_a_coroutine_sent_to_another_thread_comes_back)
{
    struct server server = {.loop = NULL};

    start_server(&server);
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .fail = 1), server.loop);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(
        asyncio_exception_message(
            asyncio_thread_future_exception(future, ASYNCIO_NO_TIMEOUT)),
        "Fail!");
    asyncio_thread_future_unref(future);
    stop_server(&server);
}

enum {
    SENDING_THREADS = 10
};

static void *
sends_what_fails(void *arg)
{
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .fail = 1), arg);
    const asyncio_exception_t *exception =
        asyncio_thread_future_exception(future, ASYNCIO_NO_TIMEOUT);
    intptr_t code = asyncio_exception_code(exception);

    ck_assert_str_eq(asyncio_exception_message(exception), "Fail!");
    asyncio_thread_future_unref(future);
    return (void *) code;
}

/* parity: test_free_threading.py TestFreeThreading test_run_coroutine_threadsafe_exception */
PLAIN(each_of_ten_threads_gets_the_error_of_what_it_sent)
{
    struct server server = {.loop = NULL};
    pthread_t threads[SENDING_THREADS];
    void *code;

    start_server(&server);
    for (int i = 0; i < SENDING_THREADS; i++)
        pthread_create(&threads[i], NULL, sends_what_fails, server.loop);
    for (int i = 0; i < SENDING_THREADS; i++) {
        pthread_join(threads[i], &code);
        ck_assert_int_eq((intptr_t) code, ASYNCIO_ERR_RUNTIME);
    }
    stop_server(&server);
}

static int
count_tasks(void *arg)
{
    asyncio_task_t **tasks;
    size_t count;

    (void) arg;
    /* Let the cancelled one end: it was told before this task was made. */
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_all_tasks(NULL, &tasks, &count), 0);
    asyncio_all_tasks_free(tasks, count);
    return (int) count;
}

/* parity: test_tasks.py RunCoroutineThreadsafeTests test_run_coroutine_threadsafe_with_timeout */
PLAIN(cancelling_the_thread_future_cancels_the_task)
{
    struct server server = {.loop = NULL};

    start_server(&server);
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .delay = 1000), server.loop);
    assert_r(asyncio_thread_future_result(future, 0), ASYNCIO_ERR_TIMEOUT);
    assert_r(asyncio_thread_future_result(future, 0.001),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_thread_future_cancel(future));
    assert_r(asyncio_thread_future_result(future, 0), ASYNCIO_ERR_CANCELLED);
    asyncio_thread_future_unref(future);

    future = asyncio_run_coroutine_threadsafe(asyncio_coro(count_tasks),
                                              server.loop);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT), 1);
    asyncio_thread_future_unref(future);
    stop_server(&server);
}

/* parity: test_tasks.py RunCoroutineThreadsafeTests test_run_coroutine_threadsafe_task_cancelled */
PLAIN(a_task_that_cancels_itself_cancels_its_thread_future)
{
    struct server server = {.loop = NULL};

    start_server(&server);
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .cancel_self = true), server.loop);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT),
             ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_thread_future_cancelled(future));
    asyncio_thread_future_unref(future);
    stop_server(&server);
}

static asyncio_task_t *
no_tasks(asyncio_loop_t *loop, asyncio_coro_t coro,
         const asyncio_create_task_options_t *options)
{
    return asyncio_task_new(loop, coro, .drop = options->drop,
                            .stack_size = 1); /* refused */
}


static atomic_int reports;

static int
on_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
          void *arg)
{
    (void) loop;
    (void) context;
    (void) arg;
    reports++;
    return 0;
}

static int
set_handler(void *arg)
{
    asyncio_loop_set_exception_handler(arg, on_report, NULL);
    return 0;
}

/* parity: test_tasks.py RunCoroutineThreadsafeTests test_run_coroutine_threadsafe_task_factory_exception */
PLAIN(a_task_factory_that_fails_is_heard_on_both_sides)
{
    struct server server = {.factory = no_tasks};

    start_server(&server);
    asyncio_loop_call_soon_threadsafe(server.loop, set_handler, server.loop);
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .a = 1), server.loop);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT),
             UV_EINVAL);
    asyncio_thread_future_unref(future);
    stop_server(&server);
    ck_assert_int_eq(reports, 1);
}

PLAIN(a_loop_that_closes_first_fails_the_thread_future)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
        asyncio_coro(add, .a = 1), loop);

    assert_r(asyncio_loop_close(loop), 0);
    assert_r(asyncio_thread_future_result(future, 0), ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_thread_future_unref(future);
    future = asyncio_run_coroutine_threadsafe(asyncio_coro(add, .a = 1), loop);
    assert_r(asyncio_thread_future_result(future, 0), ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_loop_unref(loop);
}

static int order[3];
static int ordered;

static int
note(void *arg)
{
    order[ordered++] = (int) (intptr_t) arg;
    return 0;
}

struct sender {
    asyncio_loop_t *loop;
    int r;
};

static void *
send_one(void *arg)
{
    struct sender *sender = arg;

    sender->r = asyncio_loop_call_soon_threadsafe(sender->loop, note,
                                                  (void *) 1);
    return NULL;
}

/* parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe */
PLAIN(a_callback_from_another_thread_runs_before_those_scheduled_after_it)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    struct sender sender = {.loop = loop};
    pthread_t thread;

    pthread_create(&thread, NULL, send_one, &sender);
    pthread_join(thread, NULL);
    assert_r(sender.r, 0);
    asyncio_loop_call_soon_threadsafe(loop, note, (void *) 2);
    assert_r(asyncio_loop_run_once(loop, true), 0);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

/* parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe_same_thread */
BEHAVIOUR(call_soon_threadsafe_works_in_the_loops_own_thread_in_order)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    asyncio_loop_call_soon_threadsafe(loop, note, (void *) 1);
    asyncio_loop_call_soon_threadsafe(loop, note, (void *) 2);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(ordered, 2);
    ck_assert_int_eq(order[1], 2);
}

static int
cancel_own(void *arg)
{
    asyncio_handle_cancel(*(asyncio_handle_t **) arg);
    ordered = 7;
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe_handle_cancel_same_thread */
BEHAVIOUR(a_callback_may_cancel_its_own_handle_and_still_completes)
{
    asyncio_handle_t *handle;

    asyncio_loop_call_soon_threadsafe(asyncio_get_running_loop(), cancel_own,
                                      &handle, .ret_handle = &handle);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(ordered, 7);
    asyncio_handle_unref(handle);
}

static void *
cancel_it(void *arg)
{
    asyncio_handle_cancel(arg);
    return NULL;
}

/* parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe_handle_cancel_other_thread */
BEHAVIOUR(a_handle_cancelled_from_another_thread_before_its_turn_never_runs)
{
    asyncio_handle_t *handle;
    pthread_t thread;

    asyncio_loop_call_soon_threadsafe(asyncio_get_running_loop(), note,
                                      (void *) 1, .ret_handle = &handle);
    pthread_create(&thread, NULL, cancel_it, handle);
    pthread_join(thread, NULL);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(ordered, 0);
    ck_assert(asyncio_handle_cancelled(handle));
    asyncio_handle_unref(handle);
}

struct slow {
    asyncio_thread_future_t *started;
    asyncio_thread_future_t *go;
    atomic_bool ended;
};

static int
slow(void *arg)
{
    struct slow *self = arg;

    asyncio_thread_future_set_result(self->started, NULL);
    asyncio_thread_future_result(self->go, 0.02);
    self->ended = true;
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe_handle_block_cancellation
 * parity: test_events.py EventLoopTestsMixin test_call_soon_threadsafe_handle_block_check_cancelled */
PLAIN(cancelling_from_another_thread_waits_for_a_callback_that_runs)
{
    struct slow frame = {.started = asyncio_thread_future_new(),
                         .go = asyncio_thread_future_new()};
    struct server server = {.loop = NULL};
    asyncio_handle_t *handle;

    start_server(&server);
    asyncio_loop_call_soon_threadsafe(server.loop, slow, &frame,
                                      .ret_handle = &handle);
    asyncio_thread_future_result(frame.started, ASYNCIO_NO_TIMEOUT);
    ck_assert(!asyncio_handle_cancelled(handle));
    asyncio_handle_cancel(handle);
    ck_assert(frame.ended);
    /* As in CPython it says that somebody asked, not that it helped. */
    ck_assert(asyncio_handle_cancelled(handle));
    asyncio_handle_unref(handle);
    stop_server(&server);
    asyncio_thread_future_unref(frame.started);
    asyncio_thread_future_unref(frame.go);
}

enum {
    SENDERS = 8
};

struct flood {
    asyncio_loop_t *loop;
    pthread_t thread;
    int calls;
    int accepted; /* written by the sender */
    int run;      /* written by the loop */
};

static int
one_more(void *arg)
{
    ((struct flood *) arg)->run++;
    return 0;
}

static int
dropped_instead;

static void
on_drop(void *arg)
{
    (void) arg;
    dropped_instead++;
}

static void *
flood(void *arg)
{
    struct flood *self = arg;
    bool refused = false;

    for (int i = 0; i < self->calls; i++) {
        int r = asyncio_loop_call_soon_threadsafe(self->loop, one_more, self,
                                                  .drop = on_drop);

        if (r == 0) {
            ck_assert(!refused); /* once closed, closed for ever */
            self->accepted++;
        } else {
            ck_assert_int_eq(r, ASYNCIO_ERR_LOOP_CLOSED);
            refused = true;
        }
    }
    return NULL;
}

/* Each accepted call runs, or is dropped by the close; none is lost. */
PLAIN(calls_from_eight_threads_racing_the_close_are_run_dropped_or_refused,
      .timeout = 50)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    struct flood floods[SENDERS];
    int accepted = 0;

    for (int i = 0; i < SENDERS; i++) {
        floods[i] = (struct flood){.loop = loop, .calls = 100 * 1000};
        pthread_create(&floods[i].thread, NULL, flood, &floods[i]);
    }
    for (int i = 0; i < 100; i++)
        assert_r(asyncio_loop_run_once(loop, false), 0);
    assert_r(asyncio_loop_close(loop), 0);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(floods[i].thread, NULL);
        ck_assert_int_le(floods[i].run, floods[i].accepted);
        accepted += floods[i].accepted;
    }
    ck_assert_int_eq(dropped_instead, accepted);
    assert_r(asyncio_loop_call_soon_threadsafe(loop, one_more, &floods[0]),
             ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_loop_unref(loop);
}

static int
call_back(asyncio_thread_future_t *future, void *arg)
{
    (void) future;
    (*(int *) arg)++;
    return 0;
}

PLAIN(callbacks_of_a_thread_future_run_once_in_whoever_finishes_it)
{
    asyncio_thread_future_t *future = asyncio_thread_future_new();
    int calls = 0;

    asyncio_thread_future_add_done_callback(future, call_back, &calls);
    ck_assert_int_eq(calls, 0);
    ck_assert(!asyncio_thread_future_done(future));
    ck_assert(asyncio_thread_future_set_running(future));
    ck_assert(asyncio_thread_future_running(future));
    ck_assert(!asyncio_thread_future_cancel(future));
    assert_r(asyncio_thread_future_set_exception(future, 1),
             ASYNCIO_ERR_TYPE);
    assert_r(asyncio_thread_future_set_exception(
                 future, asyncio_raise(UV_EIO, "disk")),
             0);
    ck_assert_int_eq(calls, 1);
    asyncio_thread_future_add_done_callback(future, call_back, &calls);
    ck_assert_int_eq(calls, 2);
    assert_r(asyncio_thread_future_set_result(future, NULL),
             ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT), UV_EIO);
    ck_assert_ptr_null(asyncio_thread_future_value(future));
    asyncio_thread_future_unref(future);
}

PLAIN(a_cancelled_thread_future_says_so_again_and_again)
{
    asyncio_thread_future_t *future = asyncio_thread_future_new();
    int calls = 0;

    asyncio_thread_future_add_done_callback(future, call_back, &calls);
    ck_assert(asyncio_thread_future_cancel(future));
    ck_assert(asyncio_thread_future_cancel(future));
    ck_assert_int_eq(calls, 1);
    ck_assert(!asyncio_thread_future_set_running(future));
    ck_assert_int_eq(asyncio_exception_code(
                         asyncio_thread_future_exception(future, 0)),
                     ASYNCIO_ERR_CANCELLED);
    asyncio_thread_future_unref(future);
}

struct numbered {
    int number;
    int *next;
};

static int
in_order(void *arg)
{
    struct numbered *self = arg;

    return (*self->next)++ == self->number ? 0 : -1;
}

PLAIN(one_worker_takes_jobs_in_the_order_in_which_they_came)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    asyncio_thread_future_t *futures[50];
    int next = 0;

    for (int i = 0; i < 50; i++)
        futures[i] = asyncio_thread_pool_submit(
            pool, asyncio_coro_new(in_order, &(struct numbered){i, &next},
                                   sizeof(struct numbered)));
    for (int i = 0; i < 50; i++) {
        assert_r(asyncio_thread_future_result(futures[i], ASYNCIO_NO_TIMEOUT),
                 0);
        asyncio_thread_future_unref(futures[i]);
    }
    asyncio_thread_pool_shutdown(pool);
    futures[0] = asyncio_thread_pool_submit(
        pool, asyncio_coro_new(in_order, NULL, 0));
    assert_r(asyncio_thread_future_result(futures[0], 0), ASYNCIO_ERR_RUNTIME);
    asyncio_thread_pool_unref(pool);
}
