/* SPDX-License-Identifier: MIT */
/*
 * Errors: names and texts, detail, causes, the exception handler, the log.
 */
#include "scenes.h"

#include <string.h>

PLAIN(every_code_has_a_name_and_a_text)
{
#define CHECK(name, code, python, text)                                       \
    ck_assert_str_eq(asyncio_err_name(code), "ASYNCIO_ERR_" #name);           \
    ck_assert_str_eq(asyncio_strerror(code), text);
    ASYNCIO_ERR_MAP(CHECK)
#undef CHECK
    ck_assert_str_eq(asyncio_err_name(UV_ENOENT), "UV_ENOENT");
    ck_assert_str_eq(asyncio_err_name(UV_ETIMEDOUT), "ASYNCIO_ERR_TIMEOUT");
    ck_assert_int_eq(ASYNCIO_ERR_TIMEOUT, UV_ETIMEDOUT);
    ck_assert_str_eq(asyncio_err_name(-99999), "unknown");
    ck_assert_str_eq(asyncio_strerror(-99999), "unknown error");
    ck_assert_str_eq(asyncio_err_name(0), "OK");
}

PLAIN(a_cancellation_is_no_failure)
{
    ck_assert(!asyncio_failed(0));
    ck_assert(!asyncio_failed(ASYNCIO_ERR_CANCELLED));
    ck_assert(!asyncio_failed(ASYNCIO_ERR_INTERRUPTED));
    ck_assert(!asyncio_failed(ASYNCIO_ERR_SYSTEM_EXIT));
    ck_assert(asyncio_failed(ASYNCIO_ERR_TIMEOUT));
    ck_assert(asyncio_failed(UV_ECANCELED));
}

BEHAVIOUR(an_error_has_a_message_a_place_and_a_cause)
{
    int line, here = __LINE__ + 2;

    assert_r(asyncio_raise(UV_EIO, "disk %d", 3), UV_EIO);
    assert_r(asyncio_raise_from(ASYNCIO_ERR_VALUE, "config"),
             ASYNCIO_ERR_VALUE);
    const asyncio_exception_t *e = asyncio_current_exception();
    ck_assert_int_eq(asyncio_exception_code(e), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(e), "config");
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_place(e, &line), "test_exception.c"));
    ck_assert_int_eq(line / 10, here / 10);
    ck_assert_str_eq(asyncio_exception_message(asyncio_cause(e)), "disk 3");
    ck_assert_ptr_null(asyncio_cause(asyncio_cause(e)));
}

BEHAVIOUR(a_long_message_is_cut)
{
    char text[2000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_r(asyncio_raise(UV_EIO, "%s", text), UV_EIO);
    ck_assert_uint_lt(strlen(newest_message()), sizeof text);
    ck_assert_uint_gt(strlen(newest_message()), 100);
}

BEHAVIOUR(retrying_for_ever_does_not_grow_a_chain)
{
    int64_t bytes = 0;

    for (int i = 0; i < 100 * 1000; i++) {
        assert_r(asyncio_raise_from(UV_EIO, "again"), UV_EIO);
        if (i == 1000)
            bytes = asyncio_testing_counters().bytes;
    }
    ck_assert_int_lt(asyncio_testing_counters().bytes, bytes + 100 * 1000);
}

BEHAVIOUR(each_task_has_an_error_of_its_own)
{
    assert_r(asyncio_raise(UV_EIO, "mine"), UV_EIO);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .result = UV_EPIPE));
    passes(3);
    ck_assert_str_eq(newest_message(), "mine");
    assert_r(asyncio_await(task), UV_EPIPE);
    ck_assert_str_ne(newest_message(), "mine");
    asyncio_task_unref(task);
}

BEHAVIOUR(null_is_an_exception_without_anything)
{
    size_t size = 9;

    ck_assert_int_eq(asyncio_exception_code(NULL), 0);
    ck_assert_ptr_null(asyncio_exception_message(NULL));
    ck_assert_ptr_null(asyncio_exception_place(NULL, NULL));
    ck_assert_ptr_null(asyncio_cause(NULL));
    ck_assert_uint_eq(asyncio_error_group_count(NULL), 0);
    ck_assert_ptr_null(asyncio_error_group_get(NULL, 0));
    ck_assert(!asyncio_exception_matches(NULL, UV_EIO));
    ck_assert_ptr_null(asyncio_error_partial(NULL, &size));
    ck_assert_int_eq(asyncio_error_expected(NULL), -1);
    ck_assert_uint_eq(asyncio_error_consumed(NULL), 0);
    ck_assert_ptr_null(asyncio_exception_ref(NULL));
    ck_assert_ptr_null(asyncio_exception_unref(NULL));
}

BEHAVIOUR(an_exception_outlives_its_task)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .result = UV_EIO));

    assert_r(asyncio_await(task), UV_EIO);
    const asyncio_exception_t *e =
        asyncio_exception_ref(asyncio_task_exception(task));
    asyncio_task_unref(task);
    ck_assert_int_eq(asyncio_exception_code(e), UV_EIO);
    ck_assert_ptr_nonnull(asyncio_exception_message(e));
    asyncio_exception_unref(e);
}

static char logged[512];

static void
remember(asyncio_log_level_t level, const char *text, void *arg)
{
    (void) arg;
    ck_assert_int_eq(level, ASYNCIO_LOG_ERROR);
    strncat(logged, text, sizeof logged - strlen(logged) - 1);
}

static int
bad_handler(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
            void *arg)
{
    (void) loop;
    (void) context;
    (void) arg;
    trace('h');
    return asyncio_raise(ASYNCIO_ERR_TYPE, "in the handler");
}

BEHAVIOUR(an_error_of_the_handler_goes_to_the_default_one)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_exception_context_t context = {
        .size = sizeof context, .message = "first", .code = UV_EIO};
    void *arg;

    asyncio_set_log_callback(remember, NULL);
    ck_assert(asyncio_loop_get_exception_handler(loop, &arg) == NULL);
    asyncio_loop_set_exception_handler(loop, bad_handler, &arg);
    ck_assert(asyncio_loop_get_exception_handler(loop, &arg) == bad_handler);
    ck_assert_ptr_eq(arg, &arg);
    asyncio_loop_call_exception_handler(loop, &context);
    assert_trace("h");
    ck_assert_ptr_nonnull(
        strstr(logged, "Unhandled error in exception handler"));
    ck_assert_ptr_nonnull(strstr(logged, "in the handler"));
    asyncio_set_log_callback(NULL, NULL);
}

BEHAVIOUR(the_default_handler_writes_what_it_knows)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_exception_context_t context = {.size = sizeof context,
                                           .code = UV_EIO};

    asyncio_set_log_callback(remember, NULL);
    asyncio_loop_call_exception_handler(loop, &context);
    ck_assert_ptr_nonnull(
        strstr(logged, "Unhandled exception in event loop"));
    ck_assert_ptr_nonnull(strstr(logged, "UV_EIO"));
    asyncio_set_log_callback(NULL, NULL);
}

BEHAVIOUR(an_error_that_was_kept_can_be_raised_again)
{
    assert_r(asyncio_raise(UV_EIO, "the first"), UV_EIO);
    const asyncio_exception_t *kept =
        asyncio_exception_ref(asyncio_current_exception());

    assert_r(asyncio_raise(ASYNCIO_ERR_VALUE, "another"), ASYNCIO_ERR_VALUE);
    assert_r(asyncio_raise_exception(kept), UV_EIO);
    ck_assert_ptr_eq(asyncio_current_exception(), kept);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "the first");
    assert_r(asyncio_raise_exception(NULL), 0);
    ck_assert_ptr_null(asyncio_current_exception());
    asyncio_exception_unref(kept);
}

static int
counts(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
       void *arg)
{
    ++*(int *) arg;
    asyncio_loop_default_exception_handler(loop, context);
    return 0;
}

BEHAVIOUR(a_handler_may_pass_a_report_on_to_the_default_one)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int calls = 0;

    asyncio_set_log_callback(remember, NULL);
    asyncio_loop_set_exception_handler(loop, counts, &calls);
    asyncio_loop_call_exception_handler(
        loop, &(asyncio_exception_context_t){
                  .size = sizeof(asyncio_exception_context_t),
                  .message = "passed on",
                  .socket = -1});
    asyncio_set_log_callback(NULL, NULL);
    ck_assert_int_eq(calls, 1);
    ck_assert_ptr_nonnull(strstr(logged, "passed on"));
}

static int
fails_in_loop(void *arg)
{
    (void) arg;
    return asyncio_raise(UV_EIO, "reported");
}

static int
finds_no_error(void *arg)
{
    *(bool *) arg = asyncio_current_exception() == NULL;
    return 0;
}

BEHAVIOUR(an_error_of_a_callback_that_was_reported_is_no_cause_of_others)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    bool found_none = false;

    asyncio_set_log_callback(remember, NULL);
    assert_r(asyncio_loop_call_soon(loop, fails_in_loop, NULL), 0);
    assert_r(asyncio_loop_call_soon(loop, finds_no_error, &found_none), 0);
    passes(2);
    asyncio_set_log_callback(NULL, NULL);
    ck_assert_ptr_nonnull(strstr(logged, "reported"));
    ck_assert(found_none);
}
