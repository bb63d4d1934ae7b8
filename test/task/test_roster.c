/* SPDX-License-Identifier: MIT */
/*
 * Which tasks there are, asked from the loop's thread and from others, and
 * which one runs. Real threads; nothing sleeps.
 */
#include "behaviour.h"

#include <asyncio.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    THREADS = 10,
    TASKS = 100,
    MANY = 1000
};

static int
counts_itself(void *arg)
{
    int *sum = *(int **) arg;
    asyncio_task_t *self = asyncio_current_task();

    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(asyncio_current_task(), self);
        (*sum)++;
        assert_r(asyncio_sleep(0), 0);
    }
    return 0;
}

/* So that all run together, and no loop reuses what another one closed. */
static pthread_barrier_t all_have_loops;

static int
makes_tasks(void *arg)
{
    asyncio_task_t *tasks[TASKS], **all;
    int sum = 0, *counter = &sum;
    size_t count;

    (void) arg;
    pthread_barrier_wait(&all_have_loops);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro_new(counts_itself, &counter, sizeof counter));
    assert_r(asyncio_all_tasks(NULL, &all, &count), 0);
    ck_assert_uint_eq(count, TASKS + 1);
    ck_assert_ptr_eq(all[0], asyncio_current_task());
    for (int i = 0; i < TASKS; i++)
        ck_assert_ptr_eq(all[i + 1], tasks[i]);
    asyncio_all_tasks_free(all, count);
    assert_r(asyncio_gather(tasks, TASKS), 0);
    asyncio_future_unref_array(tasks, TASKS);
    assert_r(asyncio_all_tasks(NULL, &all, &count), 0);
    ck_assert_uint_eq(count, 1);
    asyncio_all_tasks_free(all, count);
    return sum;
}

static void *
runs_a_loop(void *arg)
{
    *(int *) arg = asyncio_run(asyncio_coro(makes_tasks));
    return NULL;
}

/* parity: test_free_threading.py TestFreeThreading test_all_tasks_race */
PLAIN(ten_threads_each_with_a_loop_see_their_own_tasks_only)
{
    pthread_t threads[THREADS];
    int sums[THREADS];

    pthread_barrier_init(&all_have_loops, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, runs_a_loop, &sums[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(sums[i], 3 * TASKS);
    }
    pthread_barrier_destroy(&all_have_loops);
}

/* A loop that makes tasks while others look. */
struct watched {
    asyncio_loop_t *_Atomic loop;
    pthread_mutex_t lock;
    asyncio_task_t *made[MANY]; /* guarded */
    int count;                  /* of these; guarded */
    bool eager;
    atomic_int looks;
    asyncio_thread_future_t *done;
};

static int
waits(void *arg)
{
    (void) arg;
    return asyncio_sleep(1e9);
}

static int
makes_many(void *arg)
{
    struct watched *self = *(struct watched **) arg;

    self->loop = asyncio_get_running_loop();
    for (int i = 0; i < MANY; i++) {
        pthread_mutex_lock(&self->lock);
        self->made[self->count++] = asyncio_create_task(
            asyncio_coro(waits), .eager_start = self->eager ? 1 : 0);
        pthread_mutex_unlock(&self->lock);
    }
    /* The loop is stuck in here, and can be looked at all the same. */
    assert_r(asyncio_thread_future_result(self->done, ASYNCIO_NO_TIMEOUT), 0);
    for (int i = 0; i < MANY; i++)
        asyncio_task_cancel(self->made[i]);
    (void) asyncio_gather(self->made, MANY, .return_exceptions = true);
    asyncio_future_unref_array(self->made, MANY);
    return 0;
}

static void *
runs_watched(void *arg)
{
    assert_r(asyncio_run(asyncio_coro_new(makes_many, &arg, sizeof arg)), 0);
    return NULL;
}

/* All that were made so far are there, in their order. */
static void
look(struct watched *self)
{
    asyncio_task_t **all;
    size_t count, seen = 1; /* behind the main task */

    pthread_mutex_lock(&self->lock);
    assert_r(asyncio_all_tasks(self->loop, &all, &count), 0);
    ck_assert_uint_ge(count, (size_t) self->count + 1);
    for (int i = 0; i < self->count; i++)
        ck_assert_ptr_eq(all[seen++], self->made[i]);
    pthread_mutex_unlock(&self->lock);
    asyncio_all_tasks_free(all, count);
}

static void *
looks(void *arg)
{
    struct watched *self = arg;
    asyncio_task_t **all;
    size_t count;

    while (self->loop == NULL)
        sched_yield();
    for (int i = 0; i < 20; i++) {
        look(self);
        /* And at any time. */
        assert_r(asyncio_all_tasks(self->loop, &all, &count), 0);
        ck_assert_uint_le(count, MANY + 1);
        asyncio_all_tasks_free(all, count);
    }
    if (atomic_fetch_add(&self->looks, 1) + 1 == THREADS)
        asyncio_thread_future_set_result(self->done, NULL);
    return NULL;
}

static void
watch(bool eager)
{
    static struct watched w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t runner, threads[THREADS];

    w.eager = eager;
    w.done = asyncio_thread_future_new();
    pthread_create(&runner, NULL, runs_watched, &w);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, looks, &w);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(runner, NULL);
    ck_assert_int_eq(w.count, MANY);
    asyncio_thread_future_unref(w.done);
}

/* parity: test_free_threading.py TestFreeThreading test_all_tasks_different_thread */
PLAIN(other_threads_may_look_at_the_tasks_while_the_loop_makes_them)
{
    watch(false);
    ck_assert(true);
}

/* parity: test_free_threading.py TestFreeThreading test_all_tasks_from_other_thread_includes_eager_tasks */
PLAIN(other_threads_see_eager_tasks_that_block)
{
    watch(true);
    ck_assert(true);
}

/* Tasks that end all the time, while others have lists of them. */
struct churn {
    asyncio_loop_t *_Atomic loop;
    atomic_bool stop;
    atomic_int dropped;
    atomic_int looked;
};

static atomic_int dropped;

static void
on_drop(void *frame)
{
    (void) frame;
    dropped++;
}

static int
short_life(void *arg)
{
    (void) arg;
    return asyncio_sleep(0);
}

static int
churns(void *arg)
{
    struct churn *self = *(struct churn **) arg;
    int made = 0;

    self->loop = asyncio_get_running_loop();
    while (!self->stop) {
        for (int i = 0; i < 20; i++, made++)
            asyncio_task_unref(asyncio_create_task(
                asyncio_coro_new(short_life, &(char){0}, 1), .drop = on_drop));
        assert_r(asyncio_sleep(0), 0);
        assert_r(asyncio_sleep(0), 0);
    }
    return made;
}

static void *
runs_churn(void *arg)
{
    return (void *) (intptr_t) asyncio_run(
        asyncio_coro_new(churns, &arg, sizeof arg));
}

static int
cancel_it(void *arg)
{
    (void) asyncio_task_cancel(arg); /* it may have ended: that is no crash */
    return 0;
}

static void *
visits(void *arg)
{
    struct churn *self = arg;
    asyncio_task_t **all;
    size_t count;

    while (self->loop == NULL)
        sched_yield();
    for (int i = 0; i < 50; i++) {
        assert_r(asyncio_all_tasks(self->loop, &all, &count), 0);
        ck_assert_uint_ge(count, 1);
        if (count > 1) {
            asyncio_handle_t *handle;

            assert_r(asyncio_loop_call_soon_threadsafe(
                         self->loop, cancel_it, all[count - 1],
                         .ret_handle = &handle),
                     0);
            /* Either it has run, or it will not: the list may go. */
            asyncio_handle_cancel(handle);
            asyncio_handle_unref(handle);
        }
        asyncio_all_tasks_free(all, count);
    }
    self->looked++;
    return NULL;
}

PLAIN(tasks_that_end_stay_until_other_threads_gave_their_lists_back)
{
    static struct churn c;
    pthread_t runner, threads[3];
    void *made;

    pthread_create(&runner, NULL, runs_churn, &c);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, visits, &c);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    c.stop = true;
    pthread_join(runner, &made);
    ck_assert_int_eq(c.looked, 3);
    ck_assert_int_eq(dropped, (int) (intptr_t) made);
}

struct visitor {
    asyncio_loop_t *loop;
    sem_t has_list, give_back;
    size_t count;
};

static void *
visits_once(void *arg)
{
    struct visitor *self = arg;
    asyncio_task_t **all;

    assert_r(asyncio_all_tasks(self->loop, &all, &self->count), 0);
    sem_post(&self->has_list);
    sem_wait(&self->give_back);
    asyncio_all_tasks_free(all, self->count);
    return NULL;
}

BEHAVIOUR(a_task_that_another_thread_has_listed_is_freed_when_that_is_over)
{
    struct visitor visitor = {.loop = asyncio_get_running_loop()};
    pthread_t thread;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(short_life, &(char){0}, 1), .drop = on_drop);

    sem_init(&visitor.has_list, 0, 0);
    sem_init(&visitor.give_back, 0, 0);
    pthread_create(&thread, NULL, visits_once, &visitor);
    sem_wait(&visitor.has_list);
    ck_assert_uint_eq(visitor.count, 2);
    assert_r(asyncio_await(task), 0);
    asyncio_task_unref(task);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(dropped, 0);
    sem_post(&visitor.give_back);
    pthread_join(thread, NULL);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(dropped, 1);
    sem_destroy(&visitor.has_list);
    sem_destroy(&visitor.give_back);
}

static int
gives_itself(void *arg)
{
    **(asyncio_task_t ***) arg = asyncio_task_ref(asyncio_current_task());
    return 0;
}

static void *
runs_one(void *arg)
{
    assert_r(asyncio_run(asyncio_coro_new(gives_itself, &arg, sizeof arg),
                         .drop = on_drop),
             0);
    return NULL;
}

/* parity: test_free_threading.py TestFreeThreading test_task_different_thread_finalized */
PLAIN(the_last_reference_to_a_task_may_go_in_another_thread)
{
    asyncio_task_t *task = NULL;
    pthread_t thread;

    pthread_create(&thread, NULL, runs_one, &task);
    pthread_join(thread, NULL);
    ck_assert_ptr_nonnull(task);
    ck_assert(asyncio_task_done(task));
    ck_assert_int_eq(dropped, 0);
    asyncio_task_unref(task);
    ck_assert_int_eq(dropped, 1);
}

static int
is_current(void *arg)
{
    asyncio_task_t **self = *(asyncio_task_t ***) arg;

    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_eq(asyncio_current_task(), *self);
        assert_r(asyncio_sleep(0), 0);
    }
    ck_assert_ptr_eq(asyncio_current_task(), *self);
    return 0;
}

static int
sees_current(void *arg)
{
    asyncio_task_t **seen = *(asyncio_task_t ***) arg;

    seen[0] = asyncio_current_task();
    assert_r(asyncio_sleep(0), 0);
    seen[1] = asyncio_current_task();
    return 0;
}

/* parity: test_tasks.py BaseTaskTests test_current_task */
/* parity: test_tasks.py BaseCurrentLoopTests test_current_task_no_running_loop */
PLAIN(outside_a_run_no_task_is_the_current_one)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_task_t *seen[2] = {NULL, NULL}, **frame = seen;

    asyncio_set_event_loop(loop);
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro_new(sees_current, &frame, sizeof frame));
    ck_assert_ptr_null(asyncio_current_task());
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    ck_assert_ptr_eq(seen[0], task);
    ck_assert_ptr_eq(seen[1], task);
    ck_assert_ptr_null(asyncio_current_task());
    asyncio_task_unref(task);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

/* parity: test_tasks.py BaseCurrentLoopTests test_current_task_no_running_loop_implicit */
PLAIN(without_a_loop_there_is_no_current_task_and_none_can_be_listed)
{
    asyncio_task_t **all;
    size_t count;

    ck_assert_ptr_null(asyncio_current_task());
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "no running event loop");
    assert_r(asyncio_all_tasks(NULL, &all, &count),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

/* parity: test_tasks.py BaseTaskTests test_current_task_with_interleaving_tasks */
BEHAVIOUR(the_current_task_is_right_on_both_sides_of_a_suspension)
{
    asyncio_task_t *tasks[2], **frames[2] = {&tasks[0], &tasks[1]};

    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro_new(is_current, &frames[i], sizeof frames[i]));
    assert_r(asyncio_gather(tasks, 2), 0);
    asyncio_future_unref_array(tasks, 2);
}

static bool
is_listed(asyncio_task_t *task)
{
    asyncio_task_t **all;
    size_t count;
    bool found = false;

    assert_r(asyncio_all_tasks(asyncio_task_get_loop(task), &all, &count), 0);
    for (size_t i = 0; i < count; i++)
        found |= all[i] == task;
    asyncio_all_tasks_free(all, count);
    return found;
}

/* parity: test_tasks.py BaseTaskIntrospectionTests test__unregister_task */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__unregister_task_not_registered */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__register_task_1 */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__register_task_2 */
BEHAVIOUR(a_task_can_be_hidden_from_the_list_and_shown_again)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(short_life, NULL, 0));

    ck_assert(is_listed(task));
    asyncio_unregister_task(task);
    ck_assert(!is_listed(task));
    asyncio_unregister_task(task);
    ck_assert(!is_listed(task));
    asyncio_register_task(task);
    asyncio_register_task(task);
    ck_assert(is_listed(task));
    asyncio_unregister_task(task);
    assert_r(asyncio_await(task), 0);
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskIntrospectionTests test__register_task_3 */
BEHAVIOUR(a_task_that_has_ended_cannot_be_listed)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(short_life, NULL, 0));

    assert_r(asyncio_await(task), 0);
    asyncio_register_task(task);
    ck_assert(!is_listed(task));
    asyncio_task_unref(task);
}

static int
enters(void *arg)
{
    asyncio_task_t **two = arg;
    asyncio_loop_t *loop = asyncio_get_running_loop();

    ck_assert_ptr_null(asyncio_current_task());
    assert_r(asyncio_enter_task(loop, two[0]), 0);
    ck_assert_ptr_eq(asyncio_current_task(), two[0]);
    assert_r(asyncio_enter_task(loop, two[1]), ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_eq(asyncio_current_task(), two[0]);
    assert_r(asyncio_leave_task(loop, two[1]), ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_eq(asyncio_current_task(), two[0]);
    assert_r(asyncio_leave_task(loop, two[0]), 0);
    ck_assert_ptr_null(asyncio_current_task());
    assert_r(asyncio_leave_task(loop, two[0]), ASYNCIO_ERR_RUNTIME);
    two[1] = NULL;
    return 0;
}

/* parity: test_tasks.py BaseTaskIntrospectionTests test__enter_task */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__enter_task_failure */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__leave_task */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__leave_task_failure1 */
/* parity: test_tasks.py BaseTaskIntrospectionTests test__leave_task_failure2 */
BEHAVIOUR(a_callback_may_enter_one_task_and_has_to_leave_the_same)
{
    asyncio_task_t *self = asyncio_current_task();
    asyncio_task_t *other =
        asyncio_create_task(asyncio_coro_new(short_life, NULL, 0));
    asyncio_task_t *two[2] = {self, other};
    asyncio_loop_t *loop = asyncio_get_running_loop();

    asyncio_loop_call_soon(loop, enters, two);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_ptr_null(two[1]); /* it has run */
    /* A task that runs is entered already. */
    assert_r(asyncio_enter_task(loop, other), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_leave_task(loop, self), ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_eq(asyncio_current_task(), self);
    assert_r(asyncio_await(other), 0);
    asyncio_task_unref(other);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_current_task */
BEHAVIOUR(in_its_eager_step_a_task_is_the_current_one_and_then_its_creator)
{
    asyncio_task_t *self = asyncio_current_task();
    asyncio_task_t *seen[2] = {NULL, NULL}, **frame = seen;

    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(sees_current, &frame, sizeof frame),
        .eager_start = true);
    ck_assert_ptr_eq(seen[0], task);
    ck_assert_ptr_eq(asyncio_current_task(), self);
    assert_r(asyncio_await(task), 0);
    ck_assert_ptr_eq(seen[1], task);
    ck_assert_ptr_eq(asyncio_current_task(), self);
    asyncio_task_unref(task);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_all_tasks_with_blocking */
BEHAVIOUR(an_eager_task_that_blocks_is_listed_until_it_is_done)
{
    asyncio_task_t **all;
    size_t count;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(short_life, NULL, 0), .eager_start = true);

    assert_r(asyncio_all_tasks(NULL, &all, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_eq(all[1], task);
    asyncio_all_tasks_free(all, count);
    assert_r(asyncio_await(task), 0);
    assert_r(asyncio_all_tasks(NULL, &all, &count), 0);
    ck_assert_uint_eq(count, 1);
    asyncio_all_tasks_free(all, count);
    asyncio_task_unref(task);
}
