/* SPDX-License-Identifier: MIT */
/*
 * Queues: join, shutdown, and what becomes of items that nobody takes.
 */
#include "actors.h"

static asyncio_queue_t queue;

static void
fill(int maxsize, const char *items)
{
    assert_r(asyncio_queue_init(&queue, maxsize), 0);
    for (; *items != '\0'; items++)
        assert_r(asyncio_queue_put_nowait(&queue, ITEM(*items)), 0);
}

static asyncio_task_t *
getter(void)
{
    return START(get_item, .queue = &queue);
}

static asyncio_task_t *
putter(char item)
{
    return START(put_item, .queue = &queue, .item = item);
}

static void
expect_item(char expected)
{
    void *item = NULL;

    assert_r(asyncio_queue_get_nowait(&queue, &item), 0);
    ck_assert_int_eq((char) (intptr_t) item, expected);
}

static void
end_queue(void)
{
    assert_r(asyncio_queue_fini(&queue), 0);
}

/* --- join ------------------------------------------------------------------- */

/* parity: test_queues.py _QueueJoinTestMixin test_task_done_underflow */
PLAIN(no_more_work_is_done_than_was_put)
{
    fill(0, "");
    assert_r(asyncio_queue_task_done(&queue), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(), "task_done() called too many times");
    end_queue();
}

static int worked;

static int
work(void *arg)
{
    void *item;

    (void) arg;
    for (;;) {
        int r = asyncio_queue_get(&queue, &item);

        if (r < 0)
            return r;
        worked += (int) (intptr_t) item;
        assert_r(asyncio_sleep(0), 0);
        assert_r(asyncio_queue_task_done(&queue), 0);
    }
}

/* parity: test_queues.py _QueueJoinTestMixin test_task_done */
BEHAVIOUR(join_returns_once_all_work_is_done)
{
    assert_r(asyncio_queue_init(&queue, 0), 0);
    for (intptr_t i = 0; i < 100; i++)
        assert_r(asyncio_queue_put_nowait(&queue, (void *) i), 0);
    asyncio_task_t *workers[2] = {START(work), START(work)};
    assert_r(asyncio_queue_join(&queue), 0);
    ck_assert_int_eq(worked, 99 * 100 / 2);
    asyncio_queue_shutdown(&queue);
    assert_r(finish(workers[0]), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    assert_r(finish(workers[1]), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    end_queue();
}

/* parity: test_queues.py _QueueJoinTestMixin test_join_empty_queue */
BEHAVIOUR(joining_a_queue_without_work_returns_at_once)
{
    fill(0, "");
    assert_r(call_trace("x"), 0);
    assert_r(asyncio_queue_join(&queue), 0);
    assert_r(asyncio_queue_join(&queue), 0);
    assert_trace("");
    passes(1);
    end_queue();
}

/* --- shutdown --------------------------------------------------------------- */

static int
join_it(void *arg)
{
    int r = asyncio_queue_join(&queue);

    (void) arg;
    trace('j');
    return r;
}

static void
assert_shut_down(void)
{
    void *item;

    assert_r(asyncio_queue_put(&queue, ITEM('x')),
             ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('x')),
             ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    assert_r(asyncio_queue_get(&queue, &item), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    assert_r(asyncio_queue_get_nowait(&queue, &item),
             ASYNCIO_ERR_QUEUE_SHUT_DOWN);
}

/* parity: test_queues.py _QueueShutdownTestMixin test_shutdown_empty */
BEHAVIOUR(shutting_an_empty_queue_down_ends_those_that_get)
{
    fill(0, "");
    asyncio_task_t *task = getter();
    passes(1);
    asyncio_queue_shutdown(&queue);
    assert_r(finish(task), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    assert_r(asyncio_queue_join(&queue), 0);
    assert_shut_down();
    end_queue();
}

/* parity: test_queues.py _QueueShutdownTestMixin test_shutdown_nonempty */
BEHAVIOUR(what_is_in_a_queue_that_is_shut_down_can_be_got)
{
    fill(1, "a");
    asyncio_task_t *blocked = putter('b');
    asyncio_task_t *joiner = START(join_it);
    passes(1);
    asyncio_queue_shutdown(&queue);
    assert_r(finish(blocked), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    passes(1);
    assert_trace("");
    expect_item('a');
    passes(1);
    assert_trace("");
    assert_r(asyncio_queue_task_done(&queue), 0);
    assert_r(finish(joiner), 0);
    assert_shut_down();
    assert_r(asyncio_queue_task_done(&queue), ASYNCIO_ERR_VALUE);
    end_queue();
}

/* parity: test_queues.py _QueueShutdownTestMixin test_shutdown_immediate */
BEHAVIOUR(an_immediate_shutdown_drops_what_is_in_a_queue)
{
    fill(0, "ab");
    asyncio_task_t *joiner = START(join_it);
    passes(1);
    asyncio_queue_shutdown(&queue, .immediate = true);
    ck_assert_uint_eq(asyncio_queue_qsize(&queue), 0);
    assert_r(finish(joiner), 0);
    assert_shut_down();
    assert_r(asyncio_queue_task_done(&queue), ASYNCIO_ERR_VALUE);
    end_queue();
}

/* parity: test_queues.py _QueueShutdownTestMixin test_shutdown_immediate_with_unfinished */
BEHAVIOUR(join_waits_for_work_that_was_begun_before_an_immediate_shutdown)
{
    fill(0, "ab");
    expect_item('a');
    asyncio_task_t *joiner = START(join_it);
    passes(1);
    asyncio_queue_shutdown(&queue, .immediate = true);
    passes(2);
    assert_trace("");
    assert_r(asyncio_queue_task_done(&queue), 0);
    assert_r(finish(joiner), 0);
    assert_trace("j");
    assert_r(asyncio_queue_task_done(&queue), ASYNCIO_ERR_VALUE);
    end_queue();
}

/* --- what only C has -------------------------------------------------------- */

PLAIN(items_that_nobody_takes_are_dropped_once)
{
    assert_r(asyncio_queue_init(&queue, 2, .drop = count_drop), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('a')), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('b')), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('c')),
             ASYNCIO_ERR_QUEUE_FULL);
    expect_item('a');
    ck_assert_int_eq(drops, 0);
    asyncio_queue_shutdown(&queue, .immediate = true);
    ck_assert_int_eq(drops, 1);
    end_queue();
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_lifo_queue_init(&queue, 0, .drop = count_drop), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('d')), 0);
    end_queue();
    ck_assert_int_eq(drops, 2);
}

SCENARIO(a_put_without_memory_fails_and_harms_nothing)
{
    int r;

    assert_r(asyncio_queue_init(&queue, 0), 0);
    r = asyncio_queue_put(&queue, ITEM('a'));
    if (r == 0)
        expect_item('a');
    else
        ck_assert(asyncio_queue_empty(&queue));
    end_queue();
    return r;
}

BEHAVIOUR(a_queue_cannot_be_given_up_while_tasks_wait)
{
    fill(1, "");
    asyncio_task_t *task = getter();
    passes(1);
    assert_r(asyncio_queue_fini(&queue), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('a')), 0);
    task = putter('b');
    passes(1);
    assert_r(asyncio_queue_fini(&queue), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    task = START(join_it);
    passes(1);
    assert_r(asyncio_queue_fini(&queue), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    end_queue();
}

/* They look at it once more when they run. */
BEHAVIOUR(a_queue_is_not_given_up_before_woken_tasks_have_left, .times = 2)
{
    asyncio_task_t *task;

    fill(_i == 0 ? 0 : 1, _i == 0 ? "" : "x");
    task = _i == 0 ? getter() : putter('y');
    assert_r(asyncio_sleep(0), 0);
    asyncio_queue_shutdown(&queue);
    assert_r(asyncio_queue_fini(&queue), UV_EBUSY);
    assert_r(finish(task), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    end_queue();
}

static void
give_up_too_early(void *arg)
{
    (void) arg;
    asyncio_loop_set_debug(asyncio_get_running_loop(), true);
    fill(0, "");
    asyncio_future_unref(getter());
    assert_r(asyncio_sleep(0), 0);
    asyncio_queue_shutdown(&queue);
    asyncio_queue_fini(&queue);
}

static int
gives_up_too_early(void *arg)
{
    give_up_too_early(arg);
    return 0;
}

static void
run_that(void *arg)
{
    (void) arg;
    (void) asyncio_run(asyncio_coro_new(gives_up_too_early, NULL, 0));
}

PLAIN(debug_mode_ends_a_program_that_gives_up_a_queue_too_early)
{
    assert_dies(run_that, NULL, SIGABRT,
                "a Queue is given up before 1 tasks have left it");
}
