/* SPDX-License-Identifier: MIT */
/*
 * Eager tasks: their first step runs inside create_task.
 */
#include "scenes.h"

#include <string.h>

static void
be_eager(void)
{
    asyncio_loop_set_task_factory(asyncio_get_running_loop(),
                                  asyncio_eager_task_factory);
}

/* parity: test_eager_task_factory.py DefaultTaskFactoryEagerStart test_eager_start_true_with_default_factory */
/* parity: test_eager_task_factory.py CEagerTaskFactoryLoopTests test_issue122332 */
BEHAVIOUR(an_eager_task_may_end_inside_create_task)
{
    asyncio_task_t **all;
    size_t count;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = -1, .letter = 'e', .result = 3),
        .eager_start = true, .name = "eager");

    assert_trace("e");
    ck_assert(asyncio_task_done(task));
    ck_assert_str_eq(asyncio_task_get_name(task), "eager");
    ck_assert(asyncio_task_get_coro(task).fn == NULL);
    assert_r(asyncio_all_tasks(NULL, &all, &count), 0);
    ck_assert_uint_eq(count, 1);
    asyncio_all_tasks_free(all, count);
    assert_r(asyncio_await(task), 3);
    asyncio_task_unref(task);
}

static int
sets(void *arg)
{
    asyncio_future_t **f = arg;

    return asyncio_future_set_result(*f, NULL, .status = 5);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_await_future_during_eager_step */
BEHAVIOUR(what_an_eager_task_sets_is_there_when_create_task_returns)
{
    asyncio_future_t *f = asyncio_future_new();

    be_eager();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(sets, &f, sizeof f));
    ck_assert(asyncio_task_done(task));
    assert_r(asyncio_await(f), 5);
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

static int
blocks(void *arg)
{
    int r;

    (void) arg;
    trace('1');
    r = asyncio_sleep(0);
    trace('2');
    return r < 0 ? r : 42;
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_block_after_eager_step */
BEHAVIOUR(an_eager_task_that_waits_becomes_a_usual_one)
{
    asyncio_task_t *me = asyncio_current_task();

    be_eager();
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(blocks));
    assert_trace("1");
    ck_assert_ptr_eq(asyncio_current_task(), me);
    ck_assert(!asyncio_task_done(task));
    assert_r(asyncio_await(task), 42);
    assert_trace("12");
    ck_assert(asyncio_task_get_coro(task).fn == blocks);
    asyncio_task_unref(task);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_cancellation_after_eager_completion */
BEHAVIOUR(an_eager_end_cannot_be_cancelled)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = -1, .result = 42), .eager_start = true);

    ck_assert(!asyncio_task_cancel(task));
    assert_r(asyncio_await(task), 42);
    asyncio_task_unref(task);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_cancellation_after_eager_step_blocks */
BEHAVIOUR(an_eager_task_that_waits_can_be_cancelled)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(blocks), .eager_start = true);

    ck_assert(asyncio_task_cancel(task, .message = "test message"));
    ck_assert_uint_gt(asyncio_task_cancelling(task), 0);
    passes(2);
    /* It goes on to return, in spite of the error of its sleep. */
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "test message");
    asyncio_task_unref(task);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_eager_start_false */
BEHAVIOUR(eager_start_false_beats_an_eager_factory)
{
    be_eager();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(blocks), .eager_start = -1,
                            .name = "lazy");
    assert_trace("");
    ck_assert_str_eq(asyncio_task_get_name(task), "lazy");
    assert_r(asyncio_await(task), 42);
    assert_trace("12");
    asyncio_task_unref(task);
}

static int
checks_name(void *arg)
{
    (void) arg;
    ck_assert_str_eq(asyncio_task_get_name(asyncio_current_task()),
                     "test name");
    trace('n');
    return 0;
}

/* parity: test_eager_task_factory.py CEagerTaskFactoryLoopTests test_name */
BEHAVIOUR(the_name_is_there_in_the_eager_step)
{
    be_eager();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(checks_name), .name = "test name");
    assert_trace("n");
    asyncio_task_unref(task);
}

BEHAVIOUR(an_error_of_an_eager_step_is_kept_in_the_task)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = -1, .result = UV_EIO),
        .eager_start = true);

    ck_assert(asyncio_task_done(task));
    assert_r(asyncio_await(task), UV_EIO);
    asyncio_task_unref(task);
}

static int
nests(void *arg)
{
    int *depth = arg;
    int deeper = *depth - 1;
    int r = 0;

    if (deeper > 0) {
        asyncio_task_t *task = asyncio_create_task(
            asyncio_coro_new(nests, &deeper, sizeof deeper),
            .eager_start = true);

        ck_assert_ptr_ne(asyncio_current_task(), task);
        r = asyncio_await(task);
        asyncio_task_unref(task);
    }
    if (r == 0 && *depth % 2 == 0)
        r = asyncio_sleep(0.001);
    return r < 0 ? r : r + 1;
}

BEHAVIOUR(eager_tasks_may_start_eager_tasks)
{
    int depth = 50;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(nests, &depth, sizeof depth), .eager_start = true);

    assert_r(asyncio_await(task), 50);
    asyncio_task_unref(task);
}

static int
start_eagerly(void *arg)
{
    (void) arg;
    trace('<');
    asyncio_task_unref(
        asyncio_create_task(asyncio_coro(blocks), .eager_start = true));
    trace('>');
    return 0;
}

BEHAVIOUR(a_callback_may_start_a_task_eagerly)
{
    asyncio_loop_call_soon(asyncio_get_running_loop(), start_eagerly, NULL);
    passes(1);
    assert_trace("<1>");
    passes(2);
    assert_trace("<1>2");
}

PLAIN(without_a_running_loop_nothing_starts_eagerly)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro(blocks), .eager_start = true);

    assert_trace("");
    assert_r(asyncio_loop_run_until_complete(loop, task), 42);
    asyncio_task_unref(task);
    end_loop(loop);
}

BEHAVIOUR(debug_mode_starts_eagerly_too)
{
    asyncio_loop_set_debug(asyncio_get_running_loop(), true);
    start_eagerly(NULL);
    assert_trace("<1>");
    passes(2);
    assert_trace("<1>2");
}

static int
exits(void *arg)
{
    (void) arg;
    return asyncio_raise(ASYNCIO_ERR_SYSTEM_EXIT, "now");
}

static int
starts_what_exits(void *arg)
{
    (void) arg;
    asyncio_task_t *other =
        asyncio_create_task(asyncio_coro(nap, .seconds = -1, .letter = 'x'));
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(exits), .eager_start = true);
    int r;

    trace('a');
    r = asyncio_sleep(0);
    trace('b');
    (void) asyncio_task_exception(task);
    asyncio_task_unref(task);
    asyncio_task_unref(other);
    return r;
}

PLAIN(an_eager_exit_lets_nobody_else_run_in_that_pass)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task =
        asyncio_loop_create_task(loop, asyncio_coro(starts_what_exits));
    asyncio_task_t *neighbour = asyncio_loop_create_task(
        loop, asyncio_coro(nap, .seconds = -1, .letter = 'n'));

    assert_r(asyncio_loop_run_until_complete(loop, task),
             ASYNCIO_ERR_SYSTEM_EXIT);
    assert_trace("a");
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    assert_trace("anxb");
    asyncio_task_unref(task);
    asyncio_task_unref(neighbour);
    end_loop(loop);
}

static int counting_steps;

static asyncio_task_t *
count_scheduled(asyncio_loop_t *loop, asyncio_coro_t coro,
                const asyncio_create_task_options_t *options)
{
    asyncio_task_t *task =
        counting_steps < 0
            ? asyncio_eager_task_factory(loop, coro, options)
            : (asyncio_task_new)(loop, coro, options);

    if (!asyncio_task_done(task))
        trace('s');
    return task;
}

static int
deep_call(void *arg)
{
    int *depth = arg;
    int less = *depth - 1;

    return *depth == 0
        ? 0
        : asyncio_await(asyncio_coro_new(deep_call, &less, sizeof less));
}

/* parity: test_eager_task_factory.py BaseTaskCountingTests test_awaitables_chain */
BEHAVIOUR(calls_make_no_tasks, .times = 2)
{
    int depth = 100;

    counting_steps = _i == 0 ? 0 : -1;
    asyncio_loop_set_task_factory(asyncio_get_running_loop(),
                                  count_scheduled);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(deep_call, &depth, sizeof depth));
    assert_r(asyncio_await(task), 0);
    assert_trace(_i == 0 ? "s" : "");
    asyncio_task_unref(task);
}

struct tree {
    int depth;
    bool group;
};

static int
tree(void *arg)
{
    struct tree *self = arg;
    asyncio_task_group_t group;
    asyncio_task_t *tasks[5];
    int r = 0;

    if (self->depth == 0)
        return 0;
    if (self->group)
        asyncio_task_group_enter(asyncio_task_group_init(&group));
    for (int i = 0; i < 5; i++) {
        asyncio_coro_t coro = asyncio_coro(tree, .depth = self->depth - 1,
                                           .group = self->group);

        tasks[i] = self->group ? asyncio_task_group_create_task(&group, coro)
                               : asyncio_create_task(coro);
    }
    if (self->group)
        return asyncio_task_group_exit(&group, 0);
    r = asyncio_gather(tasks, 5);
    asyncio_future_unref_array(tasks, 5);
    return r;
}

/* parity: test_eager_task_factory.py BaseTaskCountingTests test_recursive_taskgroups */
/* parity: test_eager_task_factory.py BaseTaskCountingTests test_recursive_gather */
BEHAVIOUR(a_tree_of_tasks_schedules_all_or_with_eager_gathers_none,
          .times = 4)
{
    counting_steps = _i % 2 == 0 ? 0 : -1;
    asyncio_loop_set_task_factory(asyncio_get_running_loop(),
                                  count_scheduled);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(tree, .depth = 4, .group = _i >= 2));
    assert_r(asyncio_await(task), 0);
    if (_i % 2 == 0)
        ck_assert_uint_eq(strlen(traced()), 781);
    else if (_i == 1)
        assert_trace("");
    else /* a group hears of its children in a pass of its own: inner nodes */
        ck_assert_uint_eq(strlen(traced()), 156);
    asyncio_task_unref(task);
}
