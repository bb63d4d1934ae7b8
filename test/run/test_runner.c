/* SPDX-License-Identifier: MIT */
/*
 * run and Runner: what comes out, what is left over, what is refused.
 */
#include "scenes.h"

#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static asyncio_loop_t *made;
static int factory_calls;

/* Remembers the loop, so that it can be looked at after the run. */
static int
factory(asyncio_loop_t **ret_loop)
{
    int r = asyncio_testing_loop_factory(ret_loop);

    factory_calls++;
    made = asyncio_loop_ref(*ret_loop);
    asyncio_loop_set_exception_handler(made, report_handler, NULL);
    return r;
}

static asyncio_runner_t *
new_runner(void)
{
    asyncio_runner_t *runner = asyncio_runner_new(.loop_factory = factory);

    ck_assert_ptr_nonnull(runner);
    return runner;
}

/* parity: test_runners.py RunTests test_asyncio_run_return */
/* parity: test_runners.py RunTests test_asyncio_run_raises */
PLAIN(run_returns_what_main_returns, .times = 2)
{
    int result = _i == 0 ? 42 : ASYNCIO_ERR_VALUE;

    assert_r(asyncio_run(asyncio_coro(nap, .result = result)), result);
    if (_i == 1)
        ck_assert_ptr_nonnull(strstr(newest_message(), "nap"));
    ck_assert_ptr_null(asyncio_peek_running_loop());
}

PLAIN(the_frame_of_main_comes_back_when_it_ends_normally)
{
    struct stubborn frame = {.seconds = -1};
    struct nap nap_frame = {.result = 3};

    frame.answer = 0;
    assert_r(asyncio_run(asyncio_coro_at(stubborn, &frame)), 0);
    assert_r(asyncio_run(asyncio_coro_at(nap, &nap_frame),
                         .drop = count_drop),
             3);
    ck_assert_int_eq(drops, 1);
}

/* parity: test_runners.py RunTests test_asyncio_run_only_coro */
/* parity: test_runners.py RunnerTests test_run_non_coro */
PLAIN(run_of_no_function_fails)
{
    assert_r(asyncio_run(asyncio_coro_new(NULL, NULL, 0)), UV_EINVAL);
    asyncio_runner_t *runner = new_runner();
    assert_r(asyncio_runner_run(runner, asyncio_coro_new(NULL, NULL, 0)),
             UV_EINVAL);
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
}

static int
is_debug(void *arg)
{
    (void) arg;
    return asyncio_loop_get_debug(asyncio_get_running_loop());
}

/* parity: test_runners.py RunTests test_asyncio_run_debug */
PLAIN(debug_is_as_told_or_as_the_environment_says)
{
    assert_r(asyncio_run(asyncio_coro(is_debug)), 0);
    assert_r(asyncio_run(asyncio_coro(is_debug), .debug = 1), 1);
    setenv("ASYNCIO_DEBUG", "1", 1);
    assert_r(asyncio_run(asyncio_coro(is_debug)), 1);
    assert_r(asyncio_run(asyncio_coro(is_debug), .debug = -1), 0);
    setenv("ASYNCIO_DEBUG", "0", 1);
    assert_r(asyncio_run(asyncio_coro(is_debug)), 0);
    unsetenv("ASYNCIO_DEBUG");
}

static int
leaves_one(void *arg)
{
    asyncio_task_t *task =
        asyncio_create_task(*(asyncio_coro_t *) arg, .drop = count_drop);

    asyncio_task_unref(task);
    return asyncio_sleep(0) < 0 ? -1 : 7;
}

static int seen;

/* parity: test_runners.py RunTests test_asyncio_run_cancels_hanging_tasks */
PLAIN(what_is_left_is_cancelled_and_waited_for)
{
    asyncio_coro_t left =
        asyncio_coro(stubborn, .seconds = 1000, .cleanup = 5,
                     .answer = ASYNCIO_ERR_CANCELLED, .seen = &seen);

    assert_r(asyncio_run(asyncio_coro_new(leaves_one, &left, sizeof left),
                         .loop_factory = factory),
             7);
    ck_assert_int_eq(seen, 1);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(reports.count, 0);
    ck_assert(asyncio_loop_is_closed(made));
    asyncio_loop_unref(made);
}

/* parity: test_runners.py RunTests test_asyncio_run_reports_hanging_tasks_errors */
PLAIN(an_error_of_what_is_left_is_reported)
{
    asyncio_coro_t left =
        asyncio_coro(stubborn, .seconds = 1000, .answer = UV_EIO);

    assert_r(asyncio_run(asyncio_coro_new(leaves_one, &left, sizeof left),
                         .loop_factory = factory),
             7);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_ptr_nonnull(strstr(reports.message, "asyncio.run() shutdown"));
    ck_assert_int_eq(reports.code, UV_EIO);
    ck_assert_ptr_nonnull(reports.task);
    asyncio_loop_unref(made);
}

static int
swallows(void *arg)
{
    int *left = arg;

    while (*left > 0)
        if (asyncio_sleep(ASYNCIO_NO_TIMEOUT) == ASYNCIO_ERR_CANCELLED)
            --*left;
    return 0;
}

PLAIN(what_swallows_a_few_cancellations_is_cancelled_again)
{
    int times = 10;
    asyncio_coro_t left = asyncio_coro_new(swallows, &times, sizeof times);

    assert_r(asyncio_run(asyncio_coro_new(leaves_one, &left, sizeof left),
                         .loop_factory = factory),
             7);
    ck_assert(asyncio_loop_is_closed(made));
    ck_assert_int_eq(drops, 1);
    asyncio_loop_unref(made);
}

/* As what is left over, later: in so many passes. */
static int
starts_late(void *arg)
{
    int *passes = arg;

    if ((*passes)-- > 0)
        return asyncio_loop_call_soon(asyncio_get_running_loop(), starts_late,
                                      arg);
    asyncio_task_unref(asyncio_loop_create_task(
        asyncio_get_running_loop(),
        asyncio_coro(stubborn, .seconds = 10, .answer = ASYNCIO_ERR_CANCELLED,
                     .seen = &seen)));
    return 0;
}

static int late_passes = 3;

static int
leaves_a_call(void *arg)
{
    (void) arg;
    int r = asyncio_sleep(1000);

    assert_r(asyncio_loop_call_soon(asyncio_get_running_loop(), starts_late,
                                    &late_passes),
             0);
    return r;
}

PLAIN(what_begins_after_the_last_cancellation_is_cancelled_too)
{
    asyncio_coro_t left = asyncio_coro_new(leaves_a_call, NULL, 0);

    assert_r(asyncio_run(asyncio_coro_new(leaves_one, &left, sizeof left),
                         .loop_factory = factory),
             7);
    ck_assert_int_eq(seen, 1);
    ck_assert(asyncio_loop_is_closed(made));
    asyncio_loop_unref(made);
}

static sem_t gate;

static int
passes_gate(void *arg)
{
    (void) arg;
    while (sem_wait(&gate) < 0)
        ; /* a signal */
    return 0;
}

/* Starts one when the default executor takes no more, and opens the gate. */
static int
starts_at_shutdown(void *arg)
{
    static int none;
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_future_t *job = asyncio_loop_run_in_executor(
        loop, NULL, asyncio_coro(nap, .seconds = -1));
    bool refused = asyncio_future_done(job)
        && asyncio_future_result(job) == ASYNCIO_ERR_RUNTIME;

    asyncio_future_unref(job);
    if (!refused)
        return asyncio_loop_call_soon(loop, starts_at_shutdown, arg);
    starts_late(&none);
    sem_post(&gate);
    return 0;
}

static int
leaves_a_thread(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
    asyncio_future_unref(asyncio_loop_run_in_executor(
        loop, NULL, asyncio_coro_new(passes_gate, NULL, 0)));
    return asyncio_loop_call_soon(loop, starts_at_shutdown, arg);
}

PLAIN(what_begins_while_the_executor_is_shut_down_is_cancelled_too)
{
    assert_r(asyncio_run(asyncio_coro_new(leaves_a_thread, NULL, 0),
                         .loop_factory = factory),
             0);
    ck_assert_int_eq(seen, 1);
    ck_assert(asyncio_loop_is_closed(made));
    asyncio_loop_unref(made);
}

static char last_log[160];

static void
keep_log(asyncio_log_level_t level, const char *text, void *arg)
{
    (void) level;
    (void) arg;
    snprintf(last_log, sizeof last_log, "%s", text);
}

static bool dynasty = true;

/* Each leaves an heir. */
static int
reigns(void *arg)
{
    int r = asyncio_sleep(1000);

    (void) arg;
    if (dynasty)
        asyncio_task_unref(
            asyncio_create_task(asyncio_coro_new(reigns, NULL, 0)));
    return r;
}

static asyncio_runner_t *
close_in_vain(void)
{
    asyncio_runner_t *runner = new_runner();
    asyncio_coro_t left = asyncio_coro_new(reigns, NULL, 0);

    assert_r(asyncio_runner_run(
                 runner, asyncio_coro_new(leaves_one, &left, sizeof left)),
             7);
    asyncio_set_log_callback(keep_log, NULL);
    assert_r(asyncio_runner_close(runner), UV_EBUSY);
    asyncio_set_log_callback(NULL, NULL);
    return runner;
}

static void
end_dynasty(asyncio_runner_t *runner)
{
    dynasty = false;
    while (asyncio_loop_close(made) == UV_EBUSY) /* its time is virtual */
        assert_r(asyncio_loop_run_once(made, true), 0);
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
}

PLAIN(what_was_never_cancelled_is_not_said_to_swallow)
{
    asyncio_runner_t *runner = close_in_vain();

    ck_assert_ptr_nonnull(strstr(last_log, "has not ended"));
    ck_assert_ptr_null(strstr(last_log, "swallowed"));
    end_dynasty(runner);
}

static int
real_factory(asyncio_loop_t **ret_loop)
{
    int r = asyncio_loop_new(NULL, ret_loop);

    made = asyncio_loop_ref(*ret_loop);
    return r;
}

static void *
submits_until_refused(void *arg)
{
    int r = 0;

    while (r != ASYNCIO_ERR_LOOP_CLOSED) {
        asyncio_thread_future_t *future = asyncio_run_coroutine_threadsafe(
            asyncio_coro_new(forever, NULL, 0), made);

        r = asyncio_thread_future_result(future, ASYNCIO_NO_TIMEOUT);
        asyncio_thread_future_unref(future);
    }
    return arg;
}

PLAIN(a_loop_that_could_not_be_closed_refuses_other_threads)
{
    asyncio_runner_t *runner = close_in_vain();
    pthread_t thread;

    pthread_create(&thread, NULL, submits_until_refused, NULL);
    pthread_join(thread, NULL);
    end_dynasty(runner);
}

static pthread_t submitters[4];

static int
starts_submitters(void *arg)
{
    (void) arg;
    for (int i = 0; i < 4; i++)
        pthread_create(&submitters[i], NULL, submits_until_refused, NULL);
    return asyncio_sleep(0);
}

PLAIN(a_run_ends_while_threads_go_on_submitting)
{
    asyncio_runner_t *runner =
        asyncio_runner_new(.loop_factory = real_factory);

    assert_r(asyncio_runner_run(runner,
                                asyncio_coro_new(starts_submitters, NULL, 0)),
             0);
    assert_r(asyncio_runner_close(runner), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(submitters[i], NULL);
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
}

static int
finds_loop(void *arg)
{
    (void) arg;
    ck_assert_ptr_eq(asyncio_get_event_loop(), asyncio_get_running_loop());
    return 0;
}

/* parity: test_runners.py RunTests test_asyncio_run_set_event_loop */
/* parity: test_runners.py RunnerTests test_set_event_loop_called_once */
PLAIN(the_loop_of_a_run_is_the_current_one)
{
    asyncio_runner_t *runner = new_runner();

    for (int i = 0; i < 2; i++)
        assert_r(asyncio_runner_run(runner, asyncio_coro(finds_loop)), 0);
    ck_assert_int_eq(factory_calls, 1);
    asyncio_runner_unref(runner);
    ck_assert_ptr_null(asyncio_get_event_loop());
    asyncio_loop_unref(made);
}

static int
is_made(void *arg)
{
    (void) arg;
    return asyncio_get_running_loop() == made;
}

/* parity: test_runners.py RunTests test_asyncio_run_loop_factory */
/* parity: test_runners.py RunTests test_loop_factory_default_event_loop */
PLAIN(a_factory_makes_the_loop_of_a_run)
{
    assert_r(asyncio_run(asyncio_coro(is_made), .loop_factory = factory), 1);
    ck_assert_int_eq(factory_calls, 1);
    made = asyncio_loop_unref(made);
    assert_r(asyncio_run(asyncio_coro(is_made)), 0);
}

static int
failing_factory(asyncio_loop_t **ret_loop)
{
    (void) ret_loop;
    return UV_EMFILE;
}

PLAIN(an_error_of_the_factory_is_the_error_of_the_run)
{
    assert_r(asyncio_run(asyncio_coro(nap, .letter = 'x'),
                         .loop_factory = failing_factory,
                         .drop = count_drop),
             UV_EMFILE);
    ck_assert_int_eq(drops, 1);
    assert_trace("");
}

/* parity: test_runners.py RunnerTests test_non_debug */
/* parity: test_runners.py RunnerTests test_debug */
PLAIN(a_runner_sets_debug_mode, .times = 2)
{
    asyncio_runner_t *runner = asyncio_runner_new(.debug = _i == 0 ? -1 : 1);

    ck_assert_int_eq(
        asyncio_loop_get_debug(asyncio_runner_get_loop(runner)), _i);
    asyncio_runner_unref(runner);
}

/* parity: test_runners.py RunnerTests test_run */
/* parity: test_runners.py RunnerTests test_second_with_block_raises */
PLAIN(a_closed_runner_is_of_no_more_use)
{
    asyncio_runner_t *runner = new_runner();

    assert_r(asyncio_runner_run(runner, asyncio_coro(nap, .result = 5)), 5);
    ck_assert_ptr_eq(asyncio_runner_get_loop(runner), made);
    assert_r(asyncio_runner_close(runner), 0);
    ck_assert(asyncio_loop_is_closed(made));
    ck_assert_ptr_null(asyncio_runner_get_loop(runner));
    ck_assert_str_eq(newest_message(), "Runner is closed");
    assert_r(asyncio_runner_run(runner, asyncio_coro(nap, .letter = 'x'),
                                .drop = count_drop),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_runner_init(runner), ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(drops, 1);
    assert_trace("");
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
}

static int
awaits_made(void *arg)
{
    return asyncio_await(*(asyncio_future_t **) arg);
}

/* parity: test_runners.py RunnerTests test_run_future */
/* parity: test_runners.py RunnerTests test_run_awaitable */
PLAIN(a_runner_runs_what_awaits_a_future)
{
    asyncio_runner_t *runner = new_runner();

    assert_r(asyncio_runner_init(runner), 0);
    asyncio_future_t *f =
        asyncio_loop_create_future(asyncio_runner_get_loop(runner));
    asyncio_future_set_result(f, NULL, .status = 12);
    assert_r(asyncio_runner_run(runner,
                                asyncio_coro_new(awaits_made, &f, sizeof f)),
             12);
    asyncio_future_unref(f);
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
}

/* parity: test_runners.py RunnerTests test_explicit_close */
/* parity: test_runners.py RunnerTests test_double_close */
PLAIN(a_runner_may_be_closed_without_a_run_and_twice)
{
    asyncio_runner_t *runner = new_runner();

    ck_assert_ptr_eq(asyncio_runner_get_loop(runner), made);
    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_runner_close(runner), 0);
        ck_assert(asyncio_loop_is_closed(made));
    }
    ck_assert_ptr_null(asyncio_runner_get_loop(runner));
    asyncio_runner_unref(runner);
    asyncio_loop_unref(made);
    asyncio_runner_unref(asyncio_runner_new());
}

static asyncio_context_var_t *var;

static int
next_value(void *arg)
{
    void *value = NULL;

    (void) arg;
    assert_r(asyncio_context_var_get(var, &value), 0);
    intptr_t next = (intptr_t) value + 1;
    assert_r(asyncio_context_var_set(var, (void *) next), 0);
    return (int) next;
}

/* parity: test_runners.py RunnerTests test_run_keeps_context */
PLAIN(runs_of_one_runner_share_a_context)
{
    asyncio_runner_t *runner = new_runner();
    asyncio_context_t *other = asyncio_context_new();

    var = asyncio_context_var_new("var", .has_default = true);
    assert_r(asyncio_runner_run(runner, asyncio_coro(next_value)), 1);
    assert_r(asyncio_runner_run(runner, asyncio_coro(next_value)), 2);
    assert_r(asyncio_runner_run(runner, asyncio_coro(next_value),
                                .context = other),
             1);
    assert_r(asyncio_runner_run(runner, asyncio_coro(next_value)), 3);
    asyncio_runner_unref(runner);
    asyncio_context_unref(other);
    asyncio_context_var_unref(var);
    asyncio_loop_unref(made);
}

static int
runs_inside(void *arg)
{
    (void) arg;
    assert_r(asyncio_run(asyncio_coro(nap, .letter = 'x'),
                         .drop = count_drop),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(
        newest_message(),
        "asyncio.run() cannot be called from a running event loop");
    ck_assert_int_eq(drops, 1);
    asyncio_runner_t *runner = asyncio_runner_new();
    assert_r(asyncio_runner_run(runner, asyncio_coro(forever)),
             ASYNCIO_ERR_RUNTIME);
    asyncio_runner_unref(runner);
    return 0;
}

PLAIN(no_run_inside_a_run)
{
    assert_r(asyncio_run(asyncio_coro(runs_inside)), 0);
    assert_trace("");
}

static int
forks_and_runs(void *arg)
{
    int status = 0;
    pid_t pid = fork();

    (void) arg;
    if (pid == 0)
        _exit(asyncio_run(asyncio_coro(nap, .result = 42)));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    return asyncio_sleep(0.001);
}

/* parity: test_unix_events.py TestFork test_fork_asyncio_run */
PLAIN(a_forked_child_may_run)
{
    assert_r(asyncio_run(asyncio_coro(forks_and_runs)), 0);
}

static void *
runs_in_thread(void *arg)
{
    int *r = arg;

    *r = asyncio_run(asyncio_coro(nap, .seconds = 0.001, .result = *r));
    return NULL;
}

PLAIN(every_thread_may_run_a_loop_of_its_own)
{
    pthread_t threads[8];
    int results[8];

    for (int i = 0; i < 8; i++) {
        results[i] = i + 1;
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, runs_in_thread, &results[i]),
            0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(results[i], i + 1);
    }
}

struct answer {
    int question;
    int answer;
};

static int
answers(void *frame)
{
    struct answer *self = frame;

    self->answer = self->question + 1;
    return self->question < 0 ? asyncio_raise(UV_EIO, "no answer") : 0;
}

PLAIN(what_main_leaves_in_its_frame_comes_back)
{
    struct answer frame = {.question = 41};

    assert_r(asyncio_run(asyncio_coro_new(answers, &frame, sizeof frame)), 0);
    ck_assert_int_eq(frame.answer, 42);
}

PLAIN(the_error_of_a_run_comes_with_its_message)
{
    struct answer frame = {.question = -1};

    assert_r(asyncio_run(asyncio_coro_new(answers, &frame, sizeof frame)),
             UV_EIO);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "no answer");
}
