/* SPDX-License-Identifier: MIT */
/* Signals as callbacks of a loop, and hooks around its polling. */
#include <asyncio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"

static int calls;

static int
count_call(void *arg)
{
    calls++;
    if (arg != NULL)
        asyncio_future_set_result(arg, NULL);
    return 0;
}

static void
assert_default(int signum)
{
    struct sigaction action;

    sigaction(signum, NULL, &action);
    ck_assert(action.sa_handler == SIG_DFL);
}

/* parity: test_unix_events.py SelectorEventLoopSignalTests test_check_signal
 * parity: test_events.py EventLoopTestsMixin test_add_signal_handler */
BEHAVIOUR(numbers_that_are_no_signals_are_value_errors)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    static const int bad[] = {0, -1, NSIG, NSIG + 1};

    for (int i = 0; i < 4; i++) {
        assert_r(asyncio_loop_add_signal_handler(loop, bad[i], count_call,
                                                 NULL),
                 ASYNCIO_ERR_VALUE);
        assert_r(asyncio_loop_remove_signal_handler(loop, bad[i]),
                 ASYNCIO_ERR_VALUE);
    }
}

/* parity: test_unix_events.py SelectorEventLoopSignalTests test_add_signal_handler_install_error
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_add_signal_handler_install_error2
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_add_signal_handler_install_error3 */
BEHAVIOUR(signals_that_cannot_be_caught_are_runtime_errors_and_harm_no_other)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    assert_r(asyncio_loop_add_signal_handler(loop, SIGKILL, count_call, NULL),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, done),
             0);
    assert_r(asyncio_loop_add_signal_handler(loop, SIGSTOP, count_call, NULL),
             ASYNCIO_ERR_RUNTIME);
    raise(SIGUSR1);
    assert_r(asyncio_await(done), 0);
    asyncio_future_unref(done);
}

/* parity: test_unix_events.py SelectorEventLoopSignalTests test_add_signal_handler
 * parity: test_events.py EventLoopTestsMixin test_add_signal_handler
 * parity: test_events.py EventLoopTestsMixin test_signal_handling_args
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_remove_signal_handler */
BEHAVIOUR(a_signal_handler_runs_with_its_argument_and_is_removed_once)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    assert_r(asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, done),
             0);
    raise(SIGUSR1);
    ck_assert_int_eq(calls, 0); /* never inside the signal's context */
    assert_r(asyncio_await(done), 0);
    ck_assert_int_eq(calls, 1);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 1);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 0);
    assert_default(SIGUSR1);
    asyncio_future_unref(done);
}

/* parity: test_events.py EventLoopTestsMixin test_add_signal_handler
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_remove_signal_handler_2 */
BEHAVIOUR(removing_the_handler_of_sigint_brings_back_what_ctrl_c_did)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();
    struct sigaction before, after;

    sigaction(SIGINT, NULL, &before);
    ck_assert(before.sa_handler != SIG_DFL); /* the run's own */
    assert_r(asyncio_loop_add_signal_handler(loop, SIGINT, count_call, done),
             0);
    assert_r(asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, NULL),
             0);
    raise(SIGINT);
    assert_r(asyncio_await(done), 0);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGINT), 1);
    sigaction(SIGINT, NULL, &after);
    ck_assert(after.sa_handler == before.sa_handler);
    raise(SIGUSR1);
    while (calls < 2)
        assert_r(asyncio_sleep(0), 0);
    asyncio_future_unref(done);
}

static int
remove_itself(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    calls++;
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 1);
    return asyncio_future_set_result(arg, NULL);
}

/* parity: test_unix_events.py SelectorEventLoopSignalTests test_handle_signal_cancelled_handler
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_handle_signal_no_handler */
BEHAVIOUR(a_handler_that_removes_itself_ignores_what_already_arrived)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    asyncio_loop_add_signal_handler(loop, SIGUSR1, remove_itself, done);
    raise(SIGUSR1);
    raise(SIGUSR1);
    assert_r(asyncio_await(done), 0);
    for (int i = 0; i < 5; i++)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(calls, 1);
    asyncio_future_unref(done);
}

BEHAVIOUR(a_second_handler_replaces_the_first)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    asyncio_loop_add_signal_handler(loop, SIGUSR1, remove_itself, NULL);
    asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, done);
    raise(SIGUSR1);
    assert_r(asyncio_await(done), 0);
    ck_assert_int_eq(calls, 1);
    asyncio_future_unref(done);
}

static int olds, drops;

static int
count_old(void *arg)
{
    (void) arg;
    olds++;
    return 0;
}

static void
count_drop(void *arg)
{
    (void) arg;
    drops++;
}

BEHAVIOUR(a_signal_that_arrived_before_is_for_the_handler_that_replaces)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    asyncio_loop_add_signal_handler(loop, SIGUSR1, count_old, NULL,
                                    .drop = count_drop);
    raise(SIGUSR1);
    asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, done);
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_await(done), 0);
    ck_assert_int_eq(olds, 0);
    ck_assert_int_eq(calls, 1);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 1);
    assert_default(SIGUSR1);
    asyncio_future_unref(done);
}

static int
count_fifth(void *arg)
{
    if (olds + ++calls == 5)
        asyncio_future_set_result(arg, NULL);
    return 0;
}

static int
replace_itself(void *arg)
{
    olds++;
    assert_r(asyncio_loop_add_signal_handler(asyncio_get_running_loop(),
                                             SIGUSR1, count_fifth, arg,
                                             .drop = count_drop),
             0);
    ck_assert_int_eq(drops, 0); /* it still runs */
    return 0;
}

BEHAVIOUR(a_handler_that_replaces_itself_leaves_what_arrived_to_the_other)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *done = asyncio_future_new();

    asyncio_loop_add_signal_handler(loop, SIGUSR1, replace_itself, done,
                                    .drop = count_drop);
    for (int i = 0; i < 5; i++)
        raise(SIGUSR1);
    assert_r(asyncio_await(done), 0);
    ck_assert_int_eq(olds, 1);
    ck_assert_int_eq(calls, 4);
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 1);
    assert_r(asyncio_sleep(0.001), 0); /* for the close callback */
    ck_assert_int_eq(drops, 2);
    asyncio_future_unref(done);
}

/* parity: test_unix_events.py SelectorEventLoopSignalTests test_close */
PLAIN(closing_the_loop_removes_all_signal_handlers)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();

    asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, NULL);
    asyncio_loop_add_signal_handler(loop, SIGUSR2, count_call, NULL);
    assert_r(asyncio_loop_close(loop), 0);
    assert_default(SIGUSR1);
    assert_default(SIGUSR2);
    assert_r(asyncio_loop_remove_signal_handler(loop, SIGUSR1), 0);
    assert_r(asyncio_loop_add_signal_handler(loop, SIGUSR1, count_call, NULL),
             ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_loop_unref(loop);
}

/* Any thread's loop may: libuv needs no main thread.
 * parity: test_unix_events.py SelectorEventLoopSignalTests test_add_signal_handler_setup_error */
PLAIN(several_loops_handle_one_signal_and_the_last_gives_it_back)
{
    asyncio_loop_t *one = asyncio_new_event_loop();
    asyncio_loop_t *two = asyncio_new_event_loop();

    asyncio_loop_add_signal_handler(one, SIGUSR1, count_call, NULL);
    asyncio_loop_add_signal_handler(two, SIGUSR1, count_call, NULL);
    raise(SIGUSR1);
    while (calls < 1)
        asyncio_loop_run_once(one, false);
    assert_r(asyncio_loop_close(one), 0);
    while (calls < 2)
        asyncio_loop_run_once(two, false);
    assert_r(asyncio_loop_close(two), 0);
    assert_default(SIGUSR1);
    asyncio_loop_unref(one);
    asyncio_loop_unref(two);
}

/* parity: test_unix_events.py TestFork test_fork_signal_handling */
BEHAVIOUR(a_signal_sent_to_a_forked_child_is_not_seen_by_the_parent)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int ends[2], status;
    char byte;

    asyncio_loop_add_signal_handler(loop, SIGTERM, count_call, NULL);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGTERM); /* ignored */
        _exit(write(ends[1], "x", 1) == 1 ? 7 : 8);
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    for (int i = 0; i < 200; i++) /* more passes than go without a poll */
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(calls, 0);
    close(ends[0]);
    close(ends[1]);
}

static int
note_order(void *arg)
{
    *(int *) arg = ++calls;
    return 0;
}

PLAIN(hooks_run_around_each_poll_until_they_are_removed)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_hook_t *hooks[3];
    int order[3] = {0};

    assert_r(asyncio_loop_add_hook(loop, ASYNCIO_HOOK_CHECK, NULL, NULL,
                                   &hooks[0]),
             UV_EINVAL);
    for (int i = 0; i < 3; i++)
        assert_r(asyncio_loop_add_hook(loop, (asyncio_hook_kind_t) i,
                                       note_order, &order[i], &hooks[i]),
                 0);
    assert_r(asyncio_loop_run_once(loop, true), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(order[i], i + 1);
    asyncio_loop_remove_hook(hooks[ASYNCIO_HOOK_PREPARE]);
    assert_r(asyncio_loop_run_once(loop, true), 0);
    ck_assert_int_eq(calls, 5);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}
