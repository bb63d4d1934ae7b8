/* SPDX-License-Identifier: MIT */
/*
 * Context variables: values that follow tasks and callbacks.
 */
#include "scenes.h"

static asyncio_context_var_t *var;

/* One variable for a whole test; a test has a process of its own. */
static void
make_var(void)
{
    var = asyncio_context_var_new("var");
    ck_assert_ptr_nonnull(var);
}

static void
set(intptr_t value)
{
    assert_r(asyncio_context_var_set(var, (void *) value), 0);
}

/* -1 for none. */
static intptr_t
get(void)
{
    void *value = NULL;

    return asyncio_context_var_get(var, &value) == 0 ? (intptr_t) value : -1;
}

/* At the end, what was set in the thread would keep memory. */
static void
drop_var(void)
{
    asyncio_context_var_unref(var);
}

struct keeps {
    intptr_t value;
    double seconds;
    int times;
};

static int
keeps(void *arg)
{
    struct keeps *self = arg;

    set(self->value);
    for (int i = 0; i < self->times; i++) {
        assert_r(asyncio_sleep(self->seconds), 0);
        ck_assert_int_eq(get(), self->value);
    }
    return 0;
}

/* parity: test_context.py DecimalContextTest test_asyncio_task_decimal_context */
/* parity: test_tasks.py BaseTaskTests test_context_3 */
BEHAVIOUR(a_hundred_tasks_keep_their_own_values)
{
    asyncio_task_t *tasks[100];

    make_var();
    set(1000);
    for (int i = 0; i < 100; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(
            keeps, .value = i, .seconds = 0.001 * (i % 7), .times = 10));
    assert_r(asyncio_gather(tasks, 100), 0);
    ck_assert_int_eq(get(), 1000);
    asyncio_future_unref_array(tasks, 100);
    drop_var();
}

static int
eager_body(void *arg)
{
    (void) arg;
    ck_assert_int_eq(get(), 1);
    set(2);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(get(), 2);
    return 0;
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_context_vars */
BEHAVIOUR(an_eager_step_runs_in_a_copy)
{
    make_var();
    set(1);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(eager_body), .eager_start = true);
    ck_assert_int_eq(get(), 1);
    assert_r(asyncio_await(task), 0);
    ck_assert_int_eq(get(), 1);
    asyncio_task_unref(task);
    drop_var();
}

static int
checks_context(asyncio_loop_t *loop,
               const asyncio_exception_context_t *context, void *arg)
{
    (void) loop;
    (void) context;
    ck_assert_int_eq(get(), (intptr_t) arg);
    trace('h');
    return 0;
}

static int
sets_and_fails(void *arg)
{
    set(*(int *) arg);
    return UV_EIO;
}

/* parity: test_futures2.py FutureTests test_task_exc_handler_correct_context */
BEHAVIOUR(the_exception_handler_runs_in_the_tasks_context)
{
    int value = 55;

    make_var();
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(),
                                       checks_context, (void *) 55);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(sets_and_fails, &value, sizeof value));
    passes(2);
    asyncio_task_unref(task);
    assert_trace("h");
    ck_assert_int_eq(get(), -1);
    drop_var();
}

static int
callback_fails(void *arg)
{
    set((intptr_t) arg);
    return UV_EIO;
}

/* parity: test_futures2.py FutureTests test_handle_exc_handler_correct_context */
BEHAVIOUR(the_exception_handler_runs_in_the_callbacks_context)
{
    make_var();
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(),
                                       checks_context, (void *) 56);
    asyncio_loop_call_soon(asyncio_get_running_loop(), callback_fails,
                           (void *) 56);
    passes(1);
    assert_trace("h");
    drop_var();
}

static int
done_callback(asyncio_future_t *future, void *arg)
{
    (void) future;
    ck_assert_int_eq(get(), (intptr_t) arg);
    set(99);
    trace('d');
    return 0;
}

/* parity: test_tasks.py BaseTaskTests test_context_2 */
BEHAVIOUR(a_done_callback_runs_in_the_context_of_its_adding)
{
    asyncio_future_t *f = asyncio_future_new();

    make_var();
    set(1);
    asyncio_future_add_done_callback(f, done_callback, (void *) 1);
    set(2);
    assert_r(asyncio_sleep(0.1), 0);
    asyncio_future_set_result(f, NULL);
    assert_r(asyncio_await(f), 0);
    passes(1);
    assert_trace("d");
    ck_assert_int_eq(get(), 2);
    asyncio_future_unref(f);
    drop_var();
}

static int
adds_one(void *arg)
{
    (void) arg;
    set(get() + 1);
    assert_r(asyncio_sleep(0), 0);
    set(get() + 10);
    return 0;
}

static int
read_it(void *arg)
{
    *(intptr_t *) arg = get();
    return 0;
}

static int
set_it(void *arg)
{
    set(*(intptr_t *) arg);
    return 0;
}

/* parity: test_tasks.py BaseTaskTests test_context_4 */
/* parity: test_tasks.py BaseTaskTests test_context_5 */
/* parity: test_tasks.py BaseTaskTests test_context_6 */
/* parity: test_tasks.py BaseTaskTests test_get_context */
BEHAVIOUR(tasks_may_share_a_context_that_is_given, .times = 3)
{
    asyncio_context_t *context = asyncio_context_new();
    asyncio_loop_t *loop = asyncio_get_running_loop();
    intptr_t value = 100;

    make_var();
    assert_r(asyncio_context_run(context, set_it, &value), 0);
    for (int i = 0; i < 2; i++) {
        asyncio_coro_t coro = asyncio_coro(adds_one);
        asyncio_task_t *task =
            _i == 0   ? asyncio_task_new(loop, coro, .context = context)
            : _i == 1 ? asyncio_create_task(coro, .context = context)
                      : asyncio_loop_create_task(loop, coro,
                                                 .context = context);

        ck_assert_ptr_eq(asyncio_task_get_context(task), context);
        assert_r(asyncio_await(task), 0);
        asyncio_task_unref(task);
    }
    assert_r(asyncio_context_run(context, read_it, &value), 0);
    ck_assert_int_eq(value, 122);
    ck_assert_int_eq(get(), -1);
    asyncio_context_unref(context);
    drop_var();
}

static int
runs_a_loop(void *arg)
{
    (void) arg;
    set(7);
    asyncio_task_t *task;
    asyncio_loop_t *loop = virtual_loop();

    task = asyncio_loop_create_task(
        loop, asyncio_coro(keeps, .value = 8, .seconds = 1, .times = 3));
    asyncio_task_t *other = asyncio_loop_create_task(
        loop, asyncio_coro(keeps, .value = 9, .seconds = 1, .times = 3));
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    assert_r(asyncio_loop_run_until_complete(loop, other), 0);
    asyncio_task_unref(task);
    asyncio_task_unref(other);
    end_loop(loop);
    ck_assert_int_eq(get(), 7);
    return 0;
}

PLAIN(a_loop_may_run_inside_a_context)
{
    asyncio_context_t *context = asyncio_copy_context();

    make_var();
    assert_r(asyncio_context_run(context, runs_a_loop, NULL), 0);
    ck_assert_int_eq(get(), -1);
    asyncio_context_unref(context);
    drop_var();
}

static int
enters(void *arg)
{
    return asyncio_context_run(arg, enters, arg);
}

BEHAVIOUR(a_context_is_entered_by_one_at_a_time)
{
    asyncio_context_t *context = asyncio_context_new();

    assert_r(asyncio_context_run(context, enters, context),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "cannot enter context: already entered");
    assert_r(asyncio_context_run(asyncio_context(), enters, NULL),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_context_run(NULL, enters, NULL), UV_EINVAL);
    assert_r(asyncio_context_run(context, NULL, NULL), UV_EINVAL);
    asyncio_context_unref(context);
}

BEHAVIOUR(a_token_undoes_one_set)
{
    asyncio_context_token_t token, other;

    make_var();
    asyncio_context_var_t *second = asyncio_context_var_new("second");
    set(1);
    assert_r(asyncio_context_var_set(var, (void *) 2, .ret_token = &token), 0);
    assert_r(asyncio_context_var_set(second, (void *) 3, .ret_token = &other),
             0);
    assert_r(asyncio_context_var_reset(second, &token), ASYNCIO_ERR_VALUE);
    assert_r(asyncio_context_var_reset(var, &token), 0);
    ck_assert_int_eq(get(), 1);
    assert_r(asyncio_context_var_reset(var, &token), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_context_var_reset(second, &other), 0);
    void *value;
    assert_r(asyncio_context_var_get(second, &value), ASYNCIO_ERR_LOOKUP);
    asyncio_context_token_fini(&token);
    asyncio_context_token_fini(&other);
    asyncio_context_var_unref(second);
    drop_var();
}

BEHAVIOUR(values_are_dropped_with_the_last_context_that_has_them)
{
    make_var();
    assert_r(asyncio_context_var_set(var, var, .drop = count_drop), 0);
    asyncio_context_t *copy = asyncio_copy_context();
    set(0);
    ck_assert_int_eq(drops, 0);
    asyncio_context_unref(copy);
    ck_assert_int_eq(drops, 1);
    drop_var();
}

BEHAVIOUR(a_variable_may_have_a_default)
{
    void *value;
    asyncio_context_var_t *v =
        asyncio_context_var_new("v", .default_value = &value);
    asyncio_context_var_t *n = asyncio_context_var_new("n",
                                                       .has_default = true);

    assert_r(asyncio_context_var_get(v, &value), 0);
    ck_assert_ptr_eq(value, &value);
    assert_r(asyncio_context_var_get(n, &value), 0);
    ck_assert_ptr_null(value);
    ck_assert_str_eq(asyncio_context_var_name(v), "v");
    asyncio_context_var_unref(v);
    asyncio_context_var_unref(n);
}

static void *
thread_sets(void *arg)
{
    asyncio_context_var_set(arg, arg, .drop = count_drop);
    return asyncio_raise(UV_EIO, "of a thread") < 0 ? arg : NULL;
}

PLAIN(what_a_thread_had_goes_with_it)
{
    pthread_t thread;

    make_var();
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_sets, var), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(drops, 1);
    drop_var();
}

static asyncio_context_t *nested[2];

static int
do_nothing_there(void *arg)
{
    (void) arg;
    return 0;
}

static int
enter_first_again(void *arg)
{
    return asyncio_context_run(nested[0], do_nothing_there, arg);
}

static int
enter_second(void *arg)
{
    return asyncio_context_run(nested[1], enter_first_again, arg);
}

PLAIN(a_context_that_is_entered_further_out_cannot_be_entered_again)
{
    nested[0] = asyncio_copy_context();
    nested[1] = asyncio_copy_context();
    assert_r(asyncio_context_run(nested[0], enter_second, NULL),
             ASYNCIO_ERR_RUNTIME);
    asyncio_context_unref(nested[0]);
    asyncio_context_unref(nested[1]);
}
