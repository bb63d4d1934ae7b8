/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_KW_H
#define ASYNCIO_KW_H

/*
 * Keyword arguments: each macro turns `f(a, b, .x = 1)` into a call of the
 * function of the same name with an options struct that carries its size, so
 * that it can grow without breaking programs that were built before. A header
 * of the system, because a pedantic compiler dislikes how C has to write it.
 * C++ and other languages call the functions.
 */

#ifndef __cplusplus
#pragma GCC system_header

#define ASYNCIO__KW0(f, T, ...)                                                \
    f(&(const T){.size = sizeof(T), __VA_ARGS__})
#define ASYNCIO__KW1(f, T, a, ...)                                             \
    f((a), &(const T){.size = sizeof(T), __VA_ARGS__})
#define ASYNCIO__KW2(f, T, a, b, ...)                                          \
    f((a), (b), &(const T){.size = sizeof(T), __VA_ARGS__})
#define ASYNCIO__KW3(f, T, a, b, c, ...)                                       \
    f((a), (b), (c), &(const T){.size = sizeof(T), __VA_ARGS__})
#define ASYNCIO__KW4(f, T, a, b, c, d, ...)                                    \
    f((a), (b), (c), (d), &(const T){.size = sizeof(T), __VA_ARGS__})
#define ASYNCIO__KW5(f, T, a, b, c, d, e, ...)                                 \
    f((a), (b), (c), (d), (e), &(const T){.size = sizeof(T), __VA_ARGS__})

#define ASYNCIO__KW6(f, T, a, b, c, d, e, g, ...)                              \
    f((a), (b), (c), (d), (e), (g), &(const T){.size = sizeof(T), __VA_ARGS__})

/* asyncio_coro(fn) and asyncio_coro(fn, .a = 1, ...), up to 31 members. */
#define ASYNCIO__PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13,  \
                      _14, _15, _16, _17, _18, _19, _20, _21, _22, _23, _24,   \
                      _25, _26, _27, _28, _29, _30, _31, _32, pick, ...)       \
    pick
#define ASYNCIO__SITE(fn_)                                                     \
    (__extension__({                                                           \
        static const asyncio_site_t asyncio__site = {#fn_, __FILE__,           \
                                                     __LINE__};                \
        &asyncio__site;                                                        \
    }))
#define ASYNCIO__CORO_PLAIN(fn_, ...)                                          \
    ((asyncio_coro_t){.fn = (fn_), .site = ASYNCIO__SITE(fn_)})
#define ASYNCIO__CORO_FRAME(fn_, ...)                                          \
    ((asyncio_coro_t){.fn = (fn_),                                             \
                      .frame = &(struct fn_){__VA_ARGS__},                     \
                      .size = sizeof(struct fn_),                              \
                      .site = ASYNCIO__SITE(fn_)})
#define ASYNCIO__F ASYNCIO__CORO_FRAME
#define asyncio_coro(...)                                                      \
    ASYNCIO__PICK(__VA_ARGS__, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F,  \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F,  \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F,  \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F,  \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F, ASYNCIO__F,  \
                  ASYNCIO__F, ASYNCIO__F, ASYNCIO__CORO_PLAIN, )               \
    (__VA_ARGS__, )
#define asyncio_coro_at(fn_, frame_)                                           \
    ((asyncio_coro_t){.fn = (fn_),                                             \
                      .frame = (frame_),                                       \
                      .size = sizeof *(frame_),                                \
                      .site = ASYNCIO__SITE(fn_)})

/* events.h */
#define asyncio_loop_call_soon(...)                                            \
    ASYNCIO__KW3(asyncio_loop_call_soon, asyncio_loop_call_options_t,          \
                 __VA_ARGS__, )
#define asyncio_loop_call_later(...)                                           \
    ASYNCIO__KW4(asyncio_loop_call_later, asyncio_loop_call_options_t,         \
                 __VA_ARGS__, )
#define asyncio_loop_call_at(...)                                              \
    ASYNCIO__KW4(asyncio_loop_call_at, asyncio_loop_call_options_t,            \
                 __VA_ARGS__, )
#define asyncio_loop_call_soon_threadsafe(...)                                 \
    ASYNCIO__KW3(asyncio_loop_call_soon_threadsafe,                            \
                 asyncio_loop_call_options_t, __VA_ARGS__, )

/* contextvars.h */
#define asyncio_context_var_new(...)                                           \
    ASYNCIO__KW1(asyncio_context_var_new, asyncio_context_var_new_options_t,   \
                 __VA_ARGS__, )
#define asyncio_context_var_set(...)                                           \
    ASYNCIO__KW2(asyncio_context_var_set, asyncio_context_var_set_options_t,   \
                 __VA_ARGS__, )

/* futures.h */
#define asyncio_future_set_result(...)                                         \
    ASYNCIO__KW2(asyncio_future_set_result,                                    \
                 asyncio_future_set_result_options_t, __VA_ARGS__, )
#define asyncio_future_cancel(...)                                             \
    ASYNCIO__KW1(asyncio_future_cancel, asyncio_cancel_options_t,              \
                 __VA_ARGS__, )
#define asyncio_future_add_done_callback(...)                                  \
    ASYNCIO__KW3(asyncio_future_add_done_callback,                             \
                 asyncio_future_add_done_callback_options_t, __VA_ARGS__, )
#define asyncio_await(x)                                                       \
    _Generic((x), asyncio_coro_t : asyncio_await_coro, default                 \
             : asyncio_await_future)(x)

/* tasks.h */
#define asyncio_create_task(...)                                               \
    ASYNCIO__KW1(asyncio__create_task, asyncio_create_task_options_t,          \
                 __VA_ARGS__, )
#define asyncio_loop_create_task(...)                                          \
    ASYNCIO__KW2(asyncio_loop_create_task, asyncio_create_task_options_t,      \
                 __VA_ARGS__, )
#define asyncio_task_new(...)                                                  \
    ASYNCIO__KW2(asyncio_task_new, asyncio_create_task_options_t,              \
                 __VA_ARGS__, )
#define asyncio_ensure_future(x)                                               \
    _Generic((x), asyncio_coro_t : asyncio_ensure_future_coro, default         \
             : asyncio_future_ref)(x)
#define asyncio_gather(...)                                                    \
    ASYNCIO__KW2(asyncio_gather, asyncio_gather_options_t, __VA_ARGS__, )
#define asyncio_gather_future(...)                                             \
    ASYNCIO__KW2(asyncio_gather_future, asyncio_gather_options_t, __VA_ARGS__, )
#define asyncio_wait(...)                                                      \
    ASYNCIO__KW2(asyncio_wait, asyncio_wait_options_t, __VA_ARGS__, )
#define asyncio_shield(x)                                                      \
    _Generic((x), asyncio_coro_t : asyncio_shield_await_coro, default          \
             : asyncio_shield_await_future)(x)
#define asyncio_wait_for(x, seconds)                                           \
    _Generic((x), asyncio_coro_t : asyncio_wait_for_coro, default              \
             : asyncio_wait_for_future)((x), (seconds))

#define asyncio_as_completed(...)                                              \
    ASYNCIO__KW2(asyncio_as_completed, asyncio_as_completed_options_t,         \
                 __VA_ARGS__, )

/* graph.h */
#define asyncio_capture_call_graph(...)                                        \
    ASYNCIO__KW2(asyncio_capture_call_graph, asyncio_call_graph_options_t,     \
                 __VA_ARGS__, )
#define asyncio_format_call_graph(...)                                         \
    ASYNCIO__KW3(asyncio_format_call_graph, asyncio_call_graph_options_t,      \
                 __VA_ARGS__, )
#define asyncio_print_call_graph(...)                                          \
    ASYNCIO__KW2(asyncio_print_call_graph, asyncio_call_graph_options_t,       \
                 __VA_ARGS__, )

/* staggered.h */
#define asyncio_staggered_race(...)                                            \
    ASYNCIO__KW3(asyncio_staggered_race, asyncio_staggered_race_options_t,     \
                 __VA_ARGS__, )

/* queues.h */
#define asyncio_queue_init(...)                                                \
    ASYNCIO__KW2(asyncio_queue_init, asyncio_queue_options_t, __VA_ARGS__, )
#define asyncio_priority_queue_init(...)                                       \
    ASYNCIO__KW3(asyncio_priority_queue_init, asyncio_queue_options_t,         \
                 __VA_ARGS__, )
#define asyncio_lifo_queue_init(...)                                           \
    ASYNCIO__KW2(asyncio_lifo_queue_init, asyncio_queue_options_t,             \
                 __VA_ARGS__, )
#define asyncio_queue_shutdown(...)                                            \
    ASYNCIO__KW1(asyncio_queue_shutdown, asyncio_queue_shutdown_options_t,     \
                 __VA_ARGS__, )

/* taskgroups.h */
#define asyncio_task_group_create_task(...)                                    \
    ASYNCIO__KW2(asyncio_task_group_create_task,                               \
                 asyncio_create_task_options_t, __VA_ARGS__, )

/* net.h */
#define asyncio_loop_getaddrinfo(...) \
    ASYNCIO__KW4(asyncio_loop_getaddrinfo, asyncio_getaddrinfo_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_create_connection(...) \
    ASYNCIO__KW6(asyncio_loop_create_connection, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_create_server(...) \
    ASYNCIO__KW5(asyncio_loop_create_server, asyncio_server_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_create_unix_connection(...) \
    ASYNCIO__KW5(asyncio_loop_create_unix_connection, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_create_unix_server(...) \
    ASYNCIO__KW4(asyncio_loop_create_unix_server, asyncio_server_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_connect_accepted_socket(...) \
    ASYNCIO__KW5(asyncio_loop_connect_accepted_socket, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_connect_read_pipe(...) \
    ASYNCIO__KW5(asyncio_loop_connect_read_pipe, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_connect_write_pipe(...) \
    ASYNCIO__KW5(asyncio_loop_connect_write_pipe, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_loop_sendfile(...) \
    ASYNCIO__KW3(asyncio_loop_sendfile, asyncio_sendfile_options_t, \
        __VA_ARGS__, )

#define asyncio_loop_start_tls(...) \
    ASYNCIO__KW5(asyncio_loop_start_tls, asyncio_start_tls_options_t, \
        __VA_ARGS__, )

/* streams.h */
#define asyncio_stream_writer_start_tls(...) \
    ASYNCIO__KW2(asyncio_stream_writer_start_tls, asyncio_start_tls_options_t, \
        __VA_ARGS__, )
#define asyncio_open_connection(...) \
    ASYNCIO__KW4(asyncio_open_connection, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_open_unix_connection(...) \
    ASYNCIO__KW3(asyncio_open_unix_connection, asyncio_connection_options_t, \
        __VA_ARGS__, )
#define asyncio_start_server(...) \
    ASYNCIO__KW4(asyncio_start_server, asyncio_server_options_t, \
        __VA_ARGS__, )
#define asyncio_start_unix_server(...) \
    ASYNCIO__KW3(asyncio_start_unix_server, asyncio_server_options_t, \
        __VA_ARGS__, )
#define asyncio_stream_reader_readuntil(...) \
    ASYNCIO__KW4(asyncio_stream_reader_readuntil, asyncio_readuntil_options_t, \
        __VA_ARGS__, )
#define asyncio_stream_reader_readuntil_view(...) \
    ASYNCIO__KW3(asyncio_stream_reader_readuntil_view, asyncio_readuntil_options_t, \
        __VA_ARGS__, )

/* runners.h */
#define asyncio_run(...)                                                       \
    ASYNCIO__KW1(asyncio_run, asyncio_run_options_t, __VA_ARGS__, )
#define asyncio_main(...)                                                      \
    ASYNCIO__KW1(asyncio_main, asyncio_run_options_t, __VA_ARGS__, )
#define asyncio_runner_new(...)                                                \
    ASYNCIO__KW0(asyncio_runner_new, asyncio_run_options_t, __VA_ARGS__)
#define asyncio_runner_run(...)                                                \
    ASYNCIO__KW2(asyncio_runner_run, asyncio_runner_run_options_t,             \
                 __VA_ARGS__, )

/* threads.h */
#define asyncio_thread_future_set_result(...)                                  \
    ASYNCIO__KW2(asyncio_thread_future_set_result,                             \
                 asyncio_future_set_result_options_t, __VA_ARGS__, )
#define asyncio_thread_pool_new(...)                                           \
    ASYNCIO__KW0(asyncio_thread_pool_new, asyncio_thread_pool_new_options_t,   \
                 __VA_ARGS__)
#define asyncio_thread_pool_submit(...)                                        \
    ASYNCIO__KW2(asyncio_thread_pool_submit,                                   \
                 asyncio_thread_pool_submit_options_t, __VA_ARGS__, )
#define asyncio_thread_pool_shutdown(...)                                      \
    ASYNCIO__KW1(asyncio_thread_pool_shutdown,                                 \
                 asyncio_thread_pool_shutdown_options_t, __VA_ARGS__, )
#define asyncio_loop_run_in_executor(...)                                      \
    ASYNCIO__KW3(asyncio_loop_run_in_executor,                                 \
                 asyncio_loop_run_in_executor_options_t, __VA_ARGS__, )
#define asyncio_to_thread(...)                                                 \
    ASYNCIO__KW1(asyncio_to_thread, asyncio_to_thread_options_t, __VA_ARGS__, )
#define asyncio_run_coroutine_threadsafe(...)                                  \
    ASYNCIO__KW2(asyncio_run_coroutine_threadsafe,                             \
                 asyncio_run_coroutine_threadsafe_options_t, __VA_ARGS__, )
#define asyncio_wrap_future(...) ASYNCIO__WRAP(__VA_ARGS__, )
#define ASYNCIO__WRAP(future, ...)                                             \
    _Generic((future), asyncio_future_t * : asyncio_wrap_loop_future, default  \
             : asyncio_wrap_future)(                                           \
        (future), &(const asyncio_wrap_future_options_t){                      \
                      .size = sizeof(asyncio_wrap_future_options_t),           \
                      __VA_ARGS__})

/* datagrams.h */
#define asyncio_loop_create_datagram_endpoint(...)                             \
    ASYNCIO__KW4(asyncio_loop_create_datagram_endpoint,                        \
                 asyncio_datagram_endpoint_options_t, __VA_ARGS__, )

/* sockets.h */
#define asyncio_loop_add_reader(...)                                           \
    ASYNCIO__KW4(asyncio_loop_add_reader, asyncio_loop_add_reader_options_t,   \
                 __VA_ARGS__, )
#define asyncio_loop_add_writer(...)                                           \
    ASYNCIO__KW4(asyncio_loop_add_writer, asyncio_loop_add_reader_options_t,   \
                 __VA_ARGS__, )
#define asyncio_loop_sock_sendfile(...)                                        \
    ASYNCIO__KW3(asyncio_loop_sock_sendfile,                                   \
                 asyncio_loop_sock_sendfile_options_t, __VA_ARGS__, )

/* signals.h */
#define asyncio_loop_add_signal_handler(...)                                   \
    ASYNCIO__KW4(asyncio_loop_add_signal_handler,                              \
                 asyncio_loop_add_signal_handler_options_t, __VA_ARGS__, )

/* subprocess.h */
#define asyncio_create_subprocess_exec(...)                                    \
    ASYNCIO__KW2(asyncio_create_subprocess_exec, asyncio_subprocess_options_t, \
                 __VA_ARGS__, )
#define asyncio_create_subprocess_shell(...)                                   \
    ASYNCIO__KW2(asyncio_create_subprocess_shell,                              \
                 asyncio_subprocess_options_t, __VA_ARGS__, )
#define asyncio_loop_subprocess_exec(...)                                      \
    ASYNCIO__KW5(asyncio_loop_subprocess_exec, asyncio_subprocess_options_t,   \
                 __VA_ARGS__, )
#define asyncio_loop_subprocess_shell(...)                                     \
    ASYNCIO__KW5(asyncio_loop_subprocess_shell, asyncio_subprocess_options_t,  \
                 __VA_ARGS__, )

#endif /* !__cplusplus */
#endif
