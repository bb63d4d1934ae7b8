/* SPDX-License-Identifier: MIT */
/*
 * Running a loop: passes and their order, stopping, what is refused, virtual
 * time.
 */
#include "scenes.h"

#include "loop/loop.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
stop_arg(void *loop)
{
    trace('S');
    asyncio_loop_stop(loop);
    return 0;
}

static void
soon(asyncio_loop_t *loop, const char *letter)
{
    assert_r(asyncio_loop_call_soon(loop, trace_arg, LETTER(letter)), 0);
}

static int
soon_from_soon(void *loop)
{
    trace('a');
    soon(loop, "n");
    return 0;
}

/* parity: test_base_events.py BaseEventLoopTests test_run_once */
/* parity: test_base_events.py BaseEventLoopTests test__run_once_schedule_handle */
PLAIN(what_a_callback_schedules_runs_in_the_next_pass)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_loop_call_soon(loop, soon_from_soon, loop);
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("a");
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("an");
    end_loop(loop);
}

/* parity: test_base_events.py BaseEventLoopTests test_run_forever_pre_stopped */
PLAIN(a_loop_stopped_before_it_runs_makes_one_pass)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_loop_call_later(loop, 10, trace_arg, LETTER("x"));
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("");
    ck_assert_double_eq(asyncio_loop_time(loop), 0);
    end_loop(loop);
}

static int
stops_and_schedules(void *loop)
{
    stop_arg(loop);
    soon(loop, "n");
    return 0;
}

PLAIN(the_pass_that_stops_runs_to_its_end)
{
    asyncio_loop_t *loop = virtual_loop();

    soon(loop, "1");
    asyncio_loop_call_soon(loop, stops_and_schedules, loop);
    soon(loop, "2");
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("1S2");
    asyncio_loop_call_soon(loop, stop_arg, loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("1S2nS");
    end_loop(loop);
}

static void
on_async(uv_async_t *async)
{
    trace('i');
    asyncio_loop_stop(async->data);
}

/* parity: test_base_events.py BaseEventLoopTests test_single_selecter_event_callback_after_stopping */
PLAIN(an_event_seen_in_the_stopping_pass_is_handled_once)
{
    asyncio_loop_t *loop = virtual_loop();
    uv_async_t async;

    assert_r(uv_async_init(asyncio_loop_uv(loop), &async, on_async), 0);
    async.data = loop;
    uv_async_send(&async);
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("i");
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("i");
    uv_close((uv_handle_t *) &async, NULL);
    end_loop(loop);
}

PLAIN(in_a_pass_come_the_ready_then_events_then_timers)
{
    asyncio_loop_t *loop = virtual_loop();
    uv_async_t async;

    assert_r(uv_async_init(asyncio_loop_uv(loop), &async, on_async), 0);
    async.data = loop;
    asyncio_loop_call_later(loop, 0, trace_arg, LETTER("t"));
    asyncio_loop_call_soon(loop, soon_from_soon, loop);
    soon(loop, "b");
    uv_async_send(&async);
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("abit");
    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    assert_trace("abitn");
    uv_close((uv_handle_t *) &async, NULL);
    end_loop(loop);
}

static int
stops_running_loop(void *arg)
{
    (void) arg;
    asyncio_loop_stop(asyncio_get_running_loop());
    return asyncio_sleep(1);
}

/* parity: test_events.py EventLoopTestsMixin test_run_until_complete_stopped */
/* parity: test_tasks.py BaseTaskTests test_stop_while_run_in_complete */
PLAIN(a_stopped_run_until_complete_is_an_error_and_can_go_on)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task =
        asyncio_loop_create_task(loop, asyncio_coro(stops_running_loop));

    assert_r(asyncio_loop_run_until_complete(loop, task),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(),
                     "Event loop stopped before Future completed.");
    ck_assert(!asyncio_task_done(task));
    asyncio_task_cancel(task);
    assert_r(asyncio_loop_run_until_complete(loop, task),
             ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    end_loop(loop);
}

/* parity: test_events.py EventLoopTestsMixin test_run_until_complete */
PLAIN(run_until_complete_takes_as_long_as_the_task)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro(nap, .seconds = 0.1, .result = 3));

    assert_r(asyncio_loop_run_until_complete(loop, task), 3);
    ck_assert_double_ge(asyncio_loop_time(loop), 0.1);
    asyncio_task_unref(task);
    end_loop(loop);
}

static int
runs_again(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_loop_t *other = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(other);

    (void) arg;
    assert_r(asyncio_loop_run_forever(loop), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "This event loop is already running");
    assert_r(asyncio_loop_run_until_complete(loop, asyncio_current_task()),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_run_until_complete(other, f), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(
        newest_message(),
        "Cannot run the event loop while another loop is running");
    assert_r(asyncio_loop_run_once(other, false), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_run(asyncio_coro(forever)), ASYNCIO_ERR_RUNTIME);
    asyncio_future_unref(f);
    end_loop(other);
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_run_until_complete_nesting */
BEHAVIOUR(no_loop_runs_inside_a_running_one)
{
    assert_r(runs_again(NULL), 0);
    passes(2);
}

/* parity: test_events.py EventLoopTestsMixin test_close_running_event_loop */
BEHAVIOUR(a_running_loop_cannot_be_closed)
{
    assert_r(asyncio_loop_close(asyncio_get_running_loop()),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "Cannot close a running event loop");
    ck_assert(asyncio_loop_is_running(asyncio_get_running_loop()));
    passes(1);
}

/* parity: test_base_events.py BaseEventLoopTests test_close */
PLAIN(a_closed_loop_refuses_everything)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(loop);

    ck_assert(!asyncio_loop_is_closed(loop));
    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_loop_close(loop), 0);
        ck_assert(asyncio_loop_is_closed(loop));
    }
    assert_r(asyncio_loop_run_forever(loop), ASYNCIO_ERR_LOOP_CLOSED);
    ck_assert_str_eq(newest_message(), "Event loop is closed");
    assert_r(asyncio_loop_run_until_complete(loop, f),
             ASYNCIO_ERR_LOOP_CLOSED);
    assert_r(asyncio_loop_call_soon(loop, trace_arg, LETTER("x")),
             ASYNCIO_ERR_LOOP_CLOSED);
    assert_r(asyncio_loop_call_later(loop, 1, trace_arg, LETTER("x")),
             ASYNCIO_ERR_LOOP_CLOSED);
    assert_r(asyncio_loop_call_soon_threadsafe(loop, trace_arg, LETTER("x")),
             ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_future_unref(f);
    asyncio_loop_unref(loop);
}

static int
exits(void *arg)
{
    (void) arg;
    trace('E');
    return asyncio_raise(ASYNCIO_ERR_SYSTEM_EXIT, "out of a callback");
}

/* parity: test_base_events.py BaseEventLoopTests test_run_until_complete_loop_orphan_future_close_loop */
/* parity: test_base_events.py BaseEventLoopTests test_run_until_complete_baseexception */
PLAIN(an_exit_of_a_callback_leaves_the_loop_which_can_run_again)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *orphan = asyncio_loop_create_task(
        loop, asyncio_coro(nap, .seconds = 1, .letter = 'o'));
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro(nap, .seconds = 3, .letter = 't'));

    asyncio_loop_call_later(loop, 0.5, exits, NULL);
    assert_r(asyncio_loop_run_until_complete(loop, orphan),
             ASYNCIO_ERR_SYSTEM_EXIT);
    ck_assert_str_eq(newest_message(), "out of a callback");
    ck_assert_int_eq(reports.count, 0);
    /* The orphan's end does not stop this run. */
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    assert_trace("Eot");
    asyncio_task_unref(orphan);
    asyncio_task_unref(task);
    end_loop(loop);
}

/* parity: test_base_events.py BaseEventLoopTests test_run_forever_keyboard_interrupt */
PLAIN(an_interrupt_of_a_task_is_not_reported)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro(nap, .result = ASYNCIO_ERR_INTERRUPTED));

    assert_r(asyncio_loop_run_forever(loop), ASYNCIO_ERR_INTERRUPTED);
    ck_assert_int_eq(reports.count, 0);
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_INTERRUPTED);
    asyncio_task_unref(task);
    end_loop(loop);
}

/* parity: test_base_events.py BaseEventLoopTests test_custom_run_forever_integration */
PLAIN(a_loop_can_be_driven_pass_by_pass)
{
    asyncio_loop_t *loop = virtual_loop();

    soon(loop, "a");
    asyncio_loop_call_later(loop, 1, trace_arg, LETTER("t"));
    assert_r(asyncio_loop_run_once(loop, false), 0);
    assert_trace("a");
    assert_r(asyncio_loop_run_once(loop, false), 0);
    ck_assert_double_eq(asyncio_loop_time(loop), 0);
    ck_assert(!asyncio_loop_is_running(loop));
    ck_assert_ptr_null(asyncio_peek_running_loop());
    assert_r(asyncio_loop_run_once(loop, true), 0);
    assert_trace("at");
    ck_assert_double_eq(asyncio_loop_time(loop), 1);

    asyncio_set_running_loop(loop);
    ck_assert_ptr_eq(asyncio_get_running_loop(), loop);
    asyncio_set_running_loop(NULL);
    end_loop(loop);
}

/* parity: test_events.py PolicyTests test_new_event_loop */
PLAIN(new_loops_are_open_and_independent)
{
    asyncio_loop_t *a = asyncio_new_event_loop();
    asyncio_loop_t *b = asyncio_new_event_loop();

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_ne(a, b);
    assert_r(asyncio_loop_close(a), 0);
    ck_assert(!asyncio_loop_is_closed(b));
    ck_assert_ptr_null(asyncio_get_event_loop());
    asyncio_loop_unref(a);
    end_loop(b);
}

/* parity: test_events.py PolicyTests test_set_event_loop */
/* parity: test_events.py PolicyTests test_get_event_loop_after_set_none */
PLAIN(a_thread_has_the_loop_that_was_set)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    ck_assert_ptr_eq(asyncio_get_event_loop(), loop);
    asyncio_set_event_loop(NULL);
    ck_assert_ptr_null(asyncio_get_event_loop());
    end_loop(loop);
}

static void *
look_for_loop(void *arg)
{
    (void) arg;
    return asyncio_get_event_loop();
}

/* parity: test_events.py PolicyTests test_get_event_loop_thread */
PLAIN(a_new_thread_has_no_loop)
{
    asyncio_loop_t *loop = virtual_loop();
    pthread_t thread;
    void *found = loop;

    asyncio_set_event_loop(loop);
    ck_assert_int_eq(pthread_create(&thread, NULL, look_for_loop, NULL), 0);
    pthread_join(thread, &found);
    ck_assert_ptr_null(found);
    end_loop(loop);
}

static int
finds_itself(void *arg)
{
    asyncio_loop_t *loop = *(asyncio_loop_t **) arg;

    ck_assert_ptr_eq(asyncio_get_event_loop(), loop);
    ck_assert_ptr_eq(asyncio_get_running_loop(), loop);
    return 0;
}

/* parity: test_events.py GetEventLoopTestsMixin test_get_event_loop_returns_running_loop */
/* parity: test_events.py GetEventLoopTestsMixin test_get_event_loop_returns_running_loop2 */
PLAIN(inside_the_running_loop_beats_the_one_that_was_set)
{
    asyncio_loop_t *set = virtual_loop();
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(set);
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro_new(finds_itself, &loop, sizeof loop));
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_task_unref(task);
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_str_eq(newest_message(), "no running event loop");
    asyncio_set_event_loop(NULL);
    ck_assert_ptr_null(asyncio_get_event_loop());
    end_loop(loop);
    end_loop(set);
}

/* parity: test_unix_events.py TestFork test_fork_not_share_event_loop */
BEHAVIOUR(a_forked_child_has_no_running_loop_and_may_make_one)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        asyncio_loop_t *own;
        bool ok = asyncio_peek_running_loop() == NULL
            && asyncio_loop_call_soon(loop, trace_arg, LETTER("x"))
                == ASYNCIO_ERR_FORKED
            && asyncio_loop_close(loop) == ASYNCIO_ERR_FORKED
            && asyncio_testing_loop_factory(&own) == 0
            && asyncio_loop_close(own) == 0;

        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    passes(1);
}

PLAIN(virtual_time_that_can_never_move_is_a_deadlock)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(loop);

    assert_r(asyncio_loop_run_until_complete(loop, f), ASYNCIO_ERR_DEADLOCK);
    asyncio_loop_call_later(loop, INFINITY, trace_arg, LETTER("x"));
    assert_r(asyncio_loop_run_until_complete(loop, f), ASYNCIO_ERR_DEADLOCK);
    ck_assert(isfinite(asyncio_loop_time(loop)));
    asyncio_future_unref(f);
    end_loop(loop);
}

PLAIN(the_loops_functions_take_null_for_an_error)
{
    asyncio_loop_t *loop = virtual_loop();

    assert_r(asyncio_loop_run_forever(NULL), UV_EINVAL);
    assert_r(asyncio_loop_run_once(NULL, false), UV_EINVAL);
    assert_r(asyncio_loop_run_until_complete(NULL, NULL), UV_EINVAL);
    assert_r(asyncio_loop_run_until_complete(loop, NULL), UV_EINVAL);
    assert_r(asyncio_loop_close(NULL), UV_EINVAL);
    assert_r(asyncio_loop_call_soon(NULL, trace_arg, NULL), UV_EINVAL);
    assert_r(asyncio_loop_call_soon(loop, NULL, NULL), UV_EINVAL);
    assert_r(asyncio_loop_call_later(NULL, 1, trace_arg, NULL), UV_EINVAL);
    assert_r(asyncio_loop_call_at(loop, 1, NULL, NULL), UV_EINVAL);
    assert_r(asyncio_loop_call_soon_threadsafe(NULL, trace_arg, NULL),
             UV_EINVAL);
    asyncio_loop_unref(NULL);
    asyncio_handle_unref(NULL);
    end_loop(loop);
}
