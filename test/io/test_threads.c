/* SPDX-License-Identifier: MIT */
/*
 * Work in threads as a task sees it: to_thread, run_in_executor, wrap_future.
 * Real threads under a virtual clock, which stands still while they work.
 */
#include <asyncio.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#include "behaviour.h"

struct add {
    int a, b;
    int sum;
    pthread_t thread;
};

static int
add(void *arg)
{
    struct add *self = arg;

    self->sum = self->a + self->b;
    self->thread = pthread_self();
    return self->sum;
}

/* parity: test_threads.py ToThreadTests test_to_thread
 * parity: test_threads.py ToThreadTests test_to_thread_args_kwargs */
BEHAVIOUR(to_thread_runs_in_another_thread_and_copies_the_frame_back)
{
    struct add frame = {.a = 40, .b = 2};

    assert_r(asyncio_to_thread(asyncio_coro_at(add, &frame)), 42);
    ck_assert_int_eq(frame.sum, 42);
    ck_assert(!pthread_equal(frame.thread, pthread_self()));
}

struct count {
    atomic_int *calls;
};

static int
count(void *arg)
{
    struct count *self = arg;

    return atomic_fetch_add(self->calls, 1) + 1;
}

/* parity: test_threads.py ToThreadTests test_to_thread_once */
BEHAVIOUR(to_thread_calls_exactly_once)
{
    atomic_int calls = 0;

    assert_r(asyncio_to_thread(asyncio_coro(count, .calls = &calls)), 1);
    ck_assert_int_eq(calls, 1);
}

static int
count_in_thread(void *arg)
{
    struct count *self = arg;
    int r = asyncio_to_thread(asyncio_coro(count, .calls = self->calls));

    return r < 0 ? r : 0;
}

/* parity: test_threads.py ToThreadTests test_to_thread_concurrent */
BEHAVIOUR(ten_calls_of_to_thread_gathered_all_run)
{
    asyncio_task_t *tasks[10];
    atomic_int calls = 0;

    for (int i = 0; i < 10; i++)
        tasks[i] = asyncio_create_task(asyncio_coro_new(
            count_in_thread, &(struct count){&calls}, sizeof(struct count)));
    assert_r(asyncio_gather(tasks, 10), 0);
    ck_assert_int_eq(calls, 10);
    asyncio_future_unref_array(tasks, 10);
}

static int
fails(void *arg)
{
    (void) arg;
    return asyncio_raise(UV_EIO, "disk %d", 7);
}

BEHAVIOUR(an_error_in_a_thread_comes_with_its_message)
{
    assert_r(asyncio_to_thread(asyncio_coro(fails)), UV_EIO);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "disk 7");
}

static int
sleeps(void *arg)
{
    (void) arg;
    return asyncio_sleep(0);
}

BEHAVIOUR(a_job_in_a_thread_cannot_await)
{
    assert_r(asyncio_to_thread(asyncio_coro(sleeps)),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

static asyncio_context_var_t *var;

static int
read_var(void *arg)
{
    void **seen = arg;
    int r;

    r = asyncio_context_var_get(var, seen);
    return r < 0 ? r : asyncio_context_var_set(var, NULL);
}

/* parity: test_threads.py ToThreadTests test_to_thread_contextvars */
BEHAVIOUR(to_thread_runs_in_a_copy_of_the_context)
{
    int here = 1;
    void *seen = NULL;
    void *value;

    var = asyncio_context_var_new("var");
    assert_r(asyncio_context_var_set(var, &here), 0);
    assert_r(asyncio_to_thread(
                 asyncio_coro_new(read_var, &seen, sizeof seen)),
             0);
    ck_assert_ptr_eq(seen, &here);
    assert_r(asyncio_context_var_get(var, &value), 0);
    ck_assert_ptr_eq(value, &here);
    asyncio_context_var_unref(var);
}

struct blocked {
    sem_t *started;
    sem_t *go;
    int *ran;
};

static int
blocked(void *arg)
{
    struct blocked *self = arg;

    if (self->started != NULL)
        sem_post(self->started);
    if (self->go != NULL)
        sem_wait(self->go);
    if (self->ran != NULL)
        *self->ran = 1;
    return 7;
}

static int
detaching(void *arg)
{
    return asyncio_to_thread(
        asyncio_coro_new(blocked, arg, sizeof(struct blocked)));
}

static int
lending(void *arg)
{
    return asyncio_to_thread(
        asyncio_coro_new(blocked, arg, sizeof(struct blocked)),
        .wait_on_cancel = true);
}

static int
wait_for_post(void *arg)
{
    sem_wait(*(sem_t **) arg);
    return 0;
}

/* Suspend until a thread has posted. */
static void
await_post(sem_t *sem)
{
    assert_r(asyncio_to_thread(
                 asyncio_coro_new(wait_for_post, &sem, sizeof sem)),
             0);
}

BEHAVIOUR(cancelling_to_thread_leaves_a_running_job_behind_at_once)
{
    sem_t started, go;

    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(detaching, &(struct blocked){&started, &go, NULL},
                         sizeof(struct blocked)));
    assert_r(asyncio_sleep(0), 0);
    await_post(&started);
    ck_assert(asyncio_task_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    sem_post(&go);
    asyncio_task_unref(task);
    assert_r(asyncio_loop_shutdown_default_executor(
                 asyncio_get_running_loop(), ASYNCIO_NO_TIMEOUT),
             0);
    sem_destroy(&started);
    sem_destroy(&go);
}

BEHAVIOUR(a_cancelled_to_thread_that_lends_its_memory_waits_for_the_job)
{
    sem_t started, go;
    int ran = 0;

    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(lending, &(struct blocked){&started, &go, &ran},
                         sizeof(struct blocked)));
    assert_r(asyncio_sleep(0), 0);
    await_post(&started);
    asyncio_task_cancel(task);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    ck_assert(!asyncio_task_done(task));
    sem_post(&go);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(ran, 1);
    asyncio_task_unref(task);
    sem_destroy(&started);
    sem_destroy(&go);
}

BEHAVIOUR(a_job_that_is_cancelled_while_queued_never_runs)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *first, *second;
    sem_t go;
    int ran = 0;

    sem_init(&go, 0, 0);
    first = asyncio_loop_run_in_executor(loop, pool,
                                         asyncio_coro(blocked, .go = &go));
    second = asyncio_loop_run_in_executor(loop, pool,
                                          asyncio_coro(blocked, .ran = &ran));
    ck_assert(asyncio_future_cancel(second));
    ck_assert(asyncio_future_cancelled(second));
    sem_post(&go);
    assert_r(asyncio_await(first), 7);
    asyncio_thread_pool_shutdown(pool);
    ck_assert_int_eq(ran, 0);
    asyncio_future_unref(first);
    asyncio_future_unref(second);
    asyncio_thread_pool_unref(pool);
    sem_destroy(&go);
}

static atomic_int dropped;

static void
drop_frame(void *arg)
{
    (void) arg;
    dropped++;
}

BEHAVIOUR(the_frame_of_a_job_is_dropped_once_also_when_it_never_ran)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *futures[3];
    sem_t go;

    sem_init(&go, 0, 0);
    for (int i = 0; i < 3; i++)
        futures[i] = asyncio_loop_run_in_executor(
            loop, pool, asyncio_coro(blocked, .go = &go), .drop = drop_frame);
    asyncio_future_cancel(futures[2]);
    sem_post(&go);
    sem_post(&go);
    assert_r(asyncio_gather(futures, 2), 0);
    asyncio_future_unref_array(futures, 3);
    asyncio_thread_pool_shutdown(pool);
    ck_assert_int_eq(dropped, 3);
    futures[0] = asyncio_loop_run_in_executor(
        loop, pool, asyncio_coro(blocked, .go = &go), .drop = drop_frame);
    ck_assert_int_eq(dropped, 4);
    assert_r(asyncio_await(futures[0]), ASYNCIO_ERR_RUNTIME);
    asyncio_thread_pool_unref(pool);
    sem_destroy(&go);
}

/* parity: test_events.py EventLoopTestsMixin test_run_in_executor */
BEHAVIOUR(run_in_executor_gives_a_future_with_the_result_of_another_thread)
{
    asyncio_future_t *future = asyncio_loop_run_in_executor(
        asyncio_get_running_loop(), NULL, asyncio_coro(add, .a = 1, .b = 2));

    ck_assert(!asyncio_future_done(future));
    assert_r(asyncio_await(future), 3);
    struct add *frame = asyncio_future_value(future);
    ck_assert_int_eq(frame->sum, 3);
    ck_assert(!pthread_equal(frame->thread, pthread_self()));
    asyncio_future_unref(future);
}

/* parity: test_base_events.py BaseEventLoopTests test_set_default_executor */
BEHAVIOUR(the_default_executor_can_be_replaced)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    struct add one = {.a = 1}, two = {.a = 2};

    assert_r(asyncio_loop_set_default_executor(loop, NULL), ASYNCIO_ERR_TYPE);
    assert_r(asyncio_loop_set_default_executor(loop, pool), 0);
    asyncio_thread_pool_unref(pool);
    assert_r(asyncio_to_thread(asyncio_coro_at(add, &one)), 1);
    assert_r(asyncio_to_thread(asyncio_coro_at(add, &two)), 2);
    ck_assert(pthread_equal(one.thread, two.thread));
}

BEHAVIOUR(after_the_shutdown_of_the_default_executor_new_jobs_are_refused)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    struct add frame = {.a = 1};

    assert_r(asyncio_to_thread(asyncio_coro_at(add, &frame)), 1);
    assert_r(asyncio_loop_shutdown_default_executor(loop, 5), 0);
    assert_r(asyncio_to_thread(asyncio_coro_at(add, &frame)),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_shutdown_default_executor(loop, 5), 0);
}

/* As in real time: the thread is late. */
static char logged[256];

static void
on_log(asyncio_log_level_t level, const char *text, void *arg)
{
    (void) level;
    (void) arg;
    strncat(logged, text, sizeof logged - strlen(logged) - 1);
}

static int
late_thread(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *future = asyncio_loop_run_in_executor(
        loop, NULL, asyncio_coro_new(blocked, arg, sizeof(struct blocked)));
    int r;

    asyncio_set_log_callback(on_log, NULL);
    r = asyncio_loop_shutdown_default_executor(loop, 0.001);
    asyncio_set_log_callback(NULL, NULL);
    sem_post(((struct blocked *) arg)->go);
    asyncio_future_unref(future);
    return r;
}

PLAIN(a_shutdown_of_the_executor_that_takes_too_long_is_reported)
{
    sem_t go;

    sem_init(&go, 0, 0);
    assert_r(asyncio_run(asyncio_coro_new(
                 late_thread, &(struct blocked){.go = &go},
                 sizeof(struct blocked))),
             0);
    ck_assert_ptr_nonnull(strstr(logged, "within 0.001 seconds"));
    sem_destroy(&go);
}

static void *
finish_with_three(void *arg)
{
    ck_assert(asyncio_thread_future_set_running(arg));
    asyncio_thread_future_set_result(arg, NULL, .status = 3);
    return NULL;
}

/* parity: test_futures.py BaseFutureTests test_wrap_future
 * parity: test_futures.py BaseFutureTests test_wrap_future_use_running_loop */
BEHAVIOUR(a_wrapped_thread_future_ends_with_its_result)
{
    asyncio_thread_future_t *source = asyncio_thread_future_new();
    asyncio_future_t *future = asyncio_wrap_future(source);
    pthread_t thread;

    ck_assert_ptr_eq(asyncio_future_get_loop(future),
                     asyncio_get_running_loop());
    pthread_create(&thread, NULL, finish_with_three, source);
    assert_r(asyncio_await(future), 3);
    pthread_join(thread, NULL);
    asyncio_future_unref(future);
    asyncio_thread_future_unref(source);
}

/* parity: test_futures.py BaseFutureTests test_wrap_future_future */
BEHAVIOUR(wrapping_a_future_of_a_loop_gives_it_back)
{
    asyncio_future_t *future = asyncio_future_new();
    asyncio_future_t *wrapped = asyncio_wrap_future(future);

    ck_assert_ptr_eq(wrapped, future);
    asyncio_future_unref(wrapped);
    asyncio_future_unref(future);
}

/* parity: test_futures.py BaseFutureTests test_wrap_future_without_loop */
PLAIN(wrapping_without_any_loop_fails)
{
    asyncio_thread_future_t *source = asyncio_thread_future_new();
    asyncio_future_t *future = asyncio_wrap_future(source);

    assert_r(asyncio_future_result(future), ASYNCIO_ERR_NO_RUNNING_LOOP);
    asyncio_thread_future_unref(source);
}

/* parity: test_futures.py BaseFutureTests test_wrap_future_use_global_loop */
PLAIN(wrapping_outside_a_run_uses_the_loop_of_the_thread)
{
    asyncio_thread_future_t *source = asyncio_thread_future_new();
    asyncio_loop_t *loop = asyncio_new_event_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *future = asyncio_wrap_future(source);
    ck_assert_ptr_eq(asyncio_future_get_loop(future), loop);
    asyncio_future_unref(future);
    asyncio_thread_future_unref(source);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

/* parity: test_futures.py BaseFutureTests test_wrap_future_cancel */
BEHAVIOUR(cancelling_the_wrapper_cancels_the_thread_future)
{
    asyncio_thread_future_t *source = asyncio_thread_future_new();
    asyncio_future_t *future = asyncio_wrap_future(source);

    ck_assert(asyncio_future_cancel(future));
    assert_r(asyncio_sleep(0), 0);
    ck_assert(asyncio_thread_future_cancelled(source));
    ck_assert(asyncio_future_cancelled(future));
    asyncio_future_unref(future);
    asyncio_thread_future_unref(source);
}

/* parity: test_futures.py BaseFutureTests test_wrap_future_cancel2 */
BEHAVIOUR(a_wrapper_cancelled_before_the_news_leaves_the_result_where_it_is)
{
    asyncio_thread_future_t *source = asyncio_thread_future_new();
    asyncio_future_t *future = asyncio_wrap_future(source);

    asyncio_thread_future_set_result(source, NULL, .status = 42);
    ck_assert(asyncio_future_cancel(future));
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_thread_future_result(source, 0), 42);
    ck_assert(asyncio_future_cancelled(future));
    asyncio_future_unref(future);
    asyncio_thread_future_unref(source);
}

BEHAVIOUR(a_future_that_nobody_keeps_still_lets_its_job_run)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    int ran = 0;

    asyncio_future_unref(asyncio_loop_run_in_executor(
        asyncio_get_running_loop(), pool, asyncio_coro(blocked, .ran = &ran)));
    asyncio_thread_pool_shutdown(pool);
    ck_assert_int_eq(ran, 1);
    asyncio_thread_pool_unref(pool);
}

/* parity: test_events.py EventLoopTestsMixin test_run_in_executor_cancel */
PLAIN(a_worker_does_not_touch_a_loop_that_was_closed_meanwhile)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_future_t *kept, *cancelled;
    sem_t started, go;
    int ran = 0;

    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    kept = asyncio_loop_run_in_executor(
        loop, pool,
        asyncio_coro(blocked, .started = &started, .go = &go, .ran = &ran));
    cancelled = asyncio_loop_run_in_executor(
        loop, pool, asyncio_coro(blocked, .go = &go));
    sem_wait(&started);
    asyncio_future_cancel(cancelled);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_future_unref(kept);
    asyncio_future_unref(cancelled);
    asyncio_loop_unref(loop);
    sem_post(&go);
    asyncio_thread_pool_shutdown(pool);
    ck_assert_int_eq(ran, 1);
    asyncio_thread_pool_unref(pool);
    sem_destroy(&started);
    sem_destroy(&go);
}

BEHAVIOUR(virtual_time_stands_still_while_a_thread_works)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    double before = asyncio_loop_time(loop);
    struct add frame = {.a = 1};
    asyncio_timeout_t timeout;

    asyncio_timeout_enter(asyncio_timeout(&timeout, 1e-9));
    int r = asyncio_to_thread(asyncio_coro_at(add, &frame));
    assert_r(asyncio_timeout_exit(&timeout, r), 1);
    ck_assert_double_eq(asyncio_loop_time(loop), before);
}

SCENARIO(threads_survive_the_failure_of_any_allocation)
{
    struct add frame = {.a = 1, .b = 2};
    asyncio_future_t *future;
    int r;

    r = asyncio_to_thread(asyncio_coro_at(add, &frame));
    if (r < 0)
        return r;
    future = asyncio_loop_run_in_executor(asyncio_get_running_loop(), NULL,
                                          asyncio_coro(add, .a = 1));
    r = asyncio_await(future);
    asyncio_future_unref(future);
    return r < 0 ? r : 0;
}
