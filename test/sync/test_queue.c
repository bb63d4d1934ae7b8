/* SPDX-License-Identifier: MIT */
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
assert_repr(const char *expected)
{
    char text[128];

    asyncio_queue_repr(&queue, text, sizeof text);
    ck_assert_str_eq(text, expected);
}

static void
end_queue(void)
{
    assert_r(asyncio_queue_fini(&queue), 0);
}

/* --- basics ----------------------------------------------------------------- */

/* parity: test_queues.py QueueBasicTests test_repr */
/* parity: test_queues.py QueueBasicTests test_str */
BEHAVIOUR(a_queue_describes_its_items_and_its_waiters)
{
    fill(1, "");
    assert_repr("<Queue maxsize=1>");
    asyncio_task_t *task = getter();
    passes(1);
    assert_repr("<Queue maxsize=1 _getters[1]>");
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('a')), 0);
    task = putter('b');
    passes(1);
    assert_repr("<Queue maxsize=1 _queue[1] _putters[1] tasks[1]>");
    asyncio_queue_shutdown(&queue, .immediate = true);
    assert_repr("<Queue maxsize=1 shutdown>");
    assert_r(finish(task), ASYNCIO_ERR_QUEUE_SHUT_DOWN);
    end_queue();
    assert_r(asyncio_lifo_queue_init(&queue, 0), 0);
    assert_repr("<LifoQueue maxsize=0>");
    ck_assert_uint_eq(asyncio_queue_repr(&queue, NULL, 0), 21);
    end_queue();
}

/* parity: test_queues.py QueueBasicTests test_empty */
PLAIN(a_queue_is_empty_until_something_is_put_and_once_it_is_got)
{
    fill(0, "");
    ck_assert(asyncio_queue_empty(&queue));
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('a')), 0);
    ck_assert(!asyncio_queue_empty(&queue));
    ck_assert_uint_eq(asyncio_queue_qsize(&queue), 1);
    expect_item('a');
    ck_assert(asyncio_queue_empty(&queue));
    end_queue();
}

/* parity: test_queues.py QueueBasicTests test_full */
PLAIN(a_queue_is_full_at_its_limit)
{
    fill(0, "");
    ck_assert(!asyncio_queue_full(&queue));
    ck_assert_int_eq(asyncio_queue_maxsize(&queue), 0);
    end_queue();
    fill(1, "");
    ck_assert(!asyncio_queue_full(&queue));
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('a')), 0);
    ck_assert(asyncio_queue_full(&queue));
    end_queue();
    fill(-1, "abc");
    ck_assert(!asyncio_queue_full(&queue));
    end_queue();
}

/* parity: test_queues.py QueueBasicTests test_order */
PLAIN(a_queue_gives_what_was_put_first)
{
    fill(0, "132");
    expect_item('1');
    expect_item('3');
    expect_item('2');
    end_queue();
}

/* --- get -------------------------------------------------------------------- */

/* parity: test_queues.py QueueGetTests test_blocking_get */
BEHAVIOUR(getting_what_is_there_does_not_suspend)
{
    void *item;

    fill(0, "a");
    assert_r(call_trace("x"), 0);
    assert_r(asyncio_queue_get(&queue, &item), 0);
    ck_assert_ptr_eq(item, ITEM('a'));
    assert_trace("");
    passes(1);
    end_queue();
}

/* parity: test_queues.py QueueGetTests test_get_with_putters */
BEHAVIOUR(getting_from_a_full_queue_wakes_the_first_putter)
{
    fill(1, "a");
    asyncio_task_t *b = putter('b');
    asyncio_task_t *c = putter('c');
    passes(1);
    expect_item('a');
    passes(1);
    assert_r(finish(b), 0);
    ck_assert(!asyncio_task_done(c));
    expect_item('b');
    assert_r(finish(c), 0);
    end_queue();
}

static int
put_later(void *arg)
{
    (void) arg;
    trace('p');
    return asyncio_queue_put_nowait(&queue, ITEM('a'));
}

/* parity: test_queues.py QueueGetTests test_blocking_get_wait */
BEHAVIOUR(getting_from_an_empty_queue_waits_for_an_item)
{
    fill(0, "");
    assert_r(asyncio_loop_call_later(asyncio_get_running_loop(), 0.01,
                                     put_later, NULL),
             0);
    assert_r(get_item(&(struct get_item){.queue = &queue}), 0);
    assert_trace("pa");
    ck_assert_int_eq(now_ms(), 10);
    end_queue();
}

/* parity: test_queues.py QueueGetTests test_nonblocking_get */
PLAIN(get_nowait_gives_an_item)
{
    fill(0, "a");
    expect_item('a');
    end_queue();
}

/* parity: test_queues.py QueueGetTests test_nonblocking_get_exception */
PLAIN(get_nowait_fails_when_a_queue_is_empty)
{
    void *item = ITEM('x');

    fill(0, "");
    assert_r(asyncio_queue_get_nowait(&queue, &item),
             ASYNCIO_ERR_QUEUE_EMPTY);
    ck_assert_ptr_eq(item, ITEM('x'));
    end_queue();
}

static int
produce(void *arg)
{
    (void) arg;
    for (const char *c = "01234"; *c != '\0'; c++) {
        assert_r(asyncio_queue_put(&queue, ITEM(*c)), 0);
        assert_r(asyncio_sleep(0.01), 0);
    }
    return 0;
}

/* parity: test_queues.py QueueGetTests test_why_are_getters_waiting */
BEHAVIOUR(a_producer_and_a_consumer_do_not_block_each_other)
{
    fill(1, "");
    asyncio_task_t *consumer = START(get_item, .queue = &queue, .times = 5);
    asyncio_task_t *producer = START(produce);
    assert_r(finish(producer), 0);
    assert_r(finish(consumer), 0);
    assert_trace("01234");
    end_queue();
}

/* parity: test_queues.py QueueGetTests test_cancelled_getters_not_being_held_in_self_getters */
BEHAVIOUR(a_get_that_timed_out_leaves_no_waiter)
{
    struct get_item frame = {.queue = &queue};

    fill(0, "");
    assert_r(asyncio_wait_for(asyncio_coro_at(get_item, &frame), 0.1),
             ASYNCIO_ERR_TIMEOUT);
    assert_repr("<Queue maxsize=0>");
    end_queue();
}

/* --- put -------------------------------------------------------------------- */

/* parity: test_queues.py QueuePutTests test_blocking_put */
BEHAVIOUR(putting_where_there_is_room_does_not_suspend)
{
    fill(0, "");
    assert_r(call_trace("x"), 0);
    assert_r(asyncio_queue_put(&queue, ITEM('a')), 0);
    assert_trace("");
    passes(1);
    expect_item('a');
    end_queue();
}

static int
get_later(void *arg)
{
    (void) arg;
    expect_item('a');
    trace('g');
    return 0;
}

/* parity: test_queues.py QueuePutTests test_blocking_put_wait */
BEHAVIOUR(putting_into_a_full_queue_waits_for_room)
{
    fill(1, "");
    assert_r(asyncio_loop_call_later(asyncio_get_running_loop(), 0.01,
                                     get_later, NULL),
             0);
    assert_r(asyncio_queue_put(&queue, ITEM('a')), 0);
    assert_trace("");
    assert_r(asyncio_queue_put(&queue, ITEM('b')), 0);
    assert_trace("g");
    ck_assert_int_eq(now_ms(), 10);
    expect_item('b');
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_nonblocking_put */
PLAIN(put_nowait_stores_an_item)
{
    fill(0, "");
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('1')), 0);
    expect_item('1');
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_nonblocking_put_exception */
PLAIN(put_nowait_fails_when_a_queue_is_full)
{
    fill(1, "a");
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('b')),
             ASYNCIO_ERR_QUEUE_FULL);
    ck_assert_uint_eq(asyncio_queue_qsize(&queue), 1);
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_get_cancel_drop_one_pending_reader */
BEHAVIOUR(items_for_a_reader_that_is_cancelled_go_to_the_next)
{
    fill(0, "");
    asyncio_task_t *reader = getter();
    passes(1);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('1')), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('2')), 0);
    assert_r(end_by_cancel(reader), ASYNCIO_ERR_CANCELLED);
    reader = getter();
    assert_r(finish(reader), 0);
    assert_trace("1");
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_get_cancel_drop_many_pending_readers */
BEHAVIOUR(items_reach_the_readers_that_are_not_cancelled)
{
    fill(0, "");
    asyncio_task_t *readers[3] = {getter(), getter(), getter()};
    passes(1);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('1')), 0);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('2')), 0);
    asyncio_task_cancel(readers[0]);
    assert_r(finish(readers[0]), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(readers[1]), 0);
    assert_r(finish(readers[2]), 0);
    ck_assert_uint_eq(strlen(traced()), 2);
    ck_assert_ptr_nonnull(strchr(traced(), '1'));
    ck_assert_ptr_nonnull(strchr(traced(), '2'));
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_put_cancel_drop */
BEHAVIOUR(a_putter_cancelled_once_there_is_room_stores_nothing)
{
    fill(1, "1");
    asyncio_task_t *writer = putter('2');
    passes(1);
    expect_item('1');
    assert_r(end_by_cancel(writer), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_queue_empty(&queue));
    writer = putter('2');
    assert_r(finish(writer), 0);
    expect_item('2');
    ck_assert(asyncio_queue_empty(&queue));
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_put_cancelled */
BEHAVIOUR(an_item_that_was_put_is_got_though_the_putter_has_ended)
{
    void *item;

    fill(0, "");
    asyncio_task_t *task = putter('1');
    assert_r(asyncio_queue_get(&queue, &item), 0);
    ck_assert_ptr_eq(item, ITEM('1'));
    ck_assert(asyncio_task_done(task));
    assert_r(finish(task), 0);
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_put_cancelled_race */
BEHAVIOUR(a_cancelled_putter_is_skipped)
{
    fill(1, "");
    asyncio_task_t *a = putter('a');
    asyncio_task_t *b = putter('b');
    asyncio_task_t *c = putter('c');
    passes(1);
    assert_r(finish(a), 0);
    ck_assert(!asyncio_task_done(c));
    assert_r(end_by_cancel(c), ASYNCIO_ERR_CANCELLED);
    expect_item('a');
    assert_r(finish(b), 0);
    expect_item('b');
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_put_with_waiting_getters */
BEHAVIOUR(a_put_wakes_a_getter)
{
    fill(0, "");
    asyncio_task_t *task = getter();
    passes(1);
    assert_r(asyncio_queue_put(&queue, ITEM('a')), 0);
    passes(1);
    assert_trace("a");
    assert_r(finish(task), 0);
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_cancelled_puts_not_being_held_in_self_putters */
BEHAVIOUR(a_put_that_timed_out_leaves_no_waiter)
{
    struct put_item frame = {.queue = &queue, .item = 'b'};

    fill(1, "a");
    assert_r(asyncio_wait_for(asyncio_coro_at(put_item, &frame), 0.1),
             ASYNCIO_ERR_TIMEOUT);
    assert_repr("<Queue maxsize=1 _queue[1] tasks[1]>");
    end_queue();
}

/* parity: test_queues.py QueuePutTests test_cancelled_put_silence_value_error_exception */
BEHAVIOUR(a_put_cancelled_after_its_wake_up_is_just_cancelled)
{
    fill(1, "a");
    asyncio_task_t *task = putter('b');
    passes(1);
    expect_item('a'); /* takes the putter out */
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_repr("<Queue maxsize=1 tasks[1]>");
    end_queue();
}

BEHAVIOUR(a_woken_getter_whose_item_was_taken_waits_again)
{
    fill(0, "");
    asyncio_task_t *first = getter();
    asyncio_task_t *second = getter();
    passes(1);
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('1')), 0);
    expect_item('1');
    passes(1);
    assert_trace("");
    /* It stands behind the second one now. */
    assert_r(asyncio_queue_put_nowait(&queue, ITEM('2')), 0);
    assert_r(finish(second), 0);
    ck_assert(!asyncio_task_done(first));
    assert_r(end_by_cancel(first), ASYNCIO_ERR_CANCELLED);
    end_queue();
}
