/* SPDX-License-Identifier: MIT */
/* Children with streams. */
#include <asyncio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "recorder.h"

#define LOOP asyncio_get_running_loop()
#define PIPES                                                                  \
    .stdin = ASYNCIO_SUBPROCESS_PIPE, .stdout = ASYNCIO_SUBPROCESS_PIPE

static const char *const cat[] = {"cat", NULL};

static asyncio_process_t *
exec_cat(void)
{
    asyncio_process_t *process;

    assert_r(asyncio_create_subprocess_exec(cat, &process, PIPES), 0);
    return process;
}

#define until(condition)                                                       \
    while (!(condition))                                                       \
    assert_r(asyncio_sleep(0), 0)

static void
assert_no_zombie(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* Wait for it and let go; its return code. */
static int
end(asyncio_process_t *process)
{
    int code = 1000, again = 1000;

    assert_r(asyncio_process_wait(process, &code), 0);
    assert_r(asyncio_process_wait(process, &again), 0);
    ck_assert_int_eq(code, again);
    ck_assert(asyncio_process_returncode(process, &again));
    ck_assert_int_eq(code, again);
    asyncio_process_unref(process);
    assert_no_zombie();
    return code;
}

/* parity: test_subprocess.py SubprocessMixin test_stdin_stdout */
BEHAVIOUR(a_child_reads_its_stdin_and_is_read)
{
    asyncio_process_t *process = exec_cat();
    asyncio_stream_writer_t *in = asyncio_process_stdin(process);
    asyncio_bytes_t data;

    ck_assert_int_gt(asyncio_process_pid(process), 0);
    ck_assert(!asyncio_process_returncode(process, NULL));
    ck_assert_ptr_null(asyncio_process_stderr(process));
    assert_r(asyncio_stream_writer_write(in, "some data", 9), 0);
    assert_r(asyncio_stream_writer_drain(in), 0);
    asyncio_stream_writer_close(in);
    assert_r(asyncio_stream_writer_wait_closed(in), 0);
    assert_r(asyncio_stream_reader_read_view(asyncio_process_stdout(process),
                                             ASYNCIO_READ_ALL, &data),
             0);
    ck_assert_mem_eq(data.data, "some data", 9);
    ck_assert_uint_eq(data.size, 9);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_communicate */
BEHAVIOUR(communicate_sends_and_reads_everything)
{
    asyncio_process_t *process = exec_cat();
    asyncio_bytes_t out, err = {"", 1};

    assert_r(asyncio_process_communicate(process, "some data", 9, &out, &err),
             0);
    ck_assert_uint_eq(out.size, 9);
    ck_assert_mem_eq(out.data, "some data", 9);
    ck_assert_ptr_null(err.data);
    ck_assert_uint_eq(err.size, 0);
    ck_assert_int_eq(end(process), 0);
}

/* Each way more than the pipes, the marks and the limits hold. */
BEHAVIOUR(communicate_does_not_deadlock)
{
    enum { SIZE = 3 * 1000 * 1000 };
    char *much = calloc(1, SIZE);
    asyncio_process_t *process;
    asyncio_bytes_t out, err;

    memset(much, 'x', SIZE);
    assert_r(asyncio_create_subprocess_shell(
                 "head -c 1000000 /dev/zero >&2; cat; "
                 "head -c 1000000 /dev/zero >&2; exit 5",
                 &process, PIPES, .stderr = ASYNCIO_SUBPROCESS_PIPE),
             0);
    assert_r(asyncio_process_communicate(process, much, SIZE, &out, &err), 0);
    ck_assert_uint_eq(out.size, SIZE);
    ck_assert(memcmp(out.data, much, SIZE) == 0);
    ck_assert_uint_eq(err.size, 2000000);
    ck_assert_int_eq(end(process), 5);
    free(much);
}

/* parity: test_subprocess.py SubprocessMixin test_shell */
BEHAVIOUR(a_shell_gives_its_return_code)
{
    asyncio_process_t *process;

    assert_r(asyncio_create_subprocess_shell("exit 7", &process), 0);
    ck_assert_ptr_null(asyncio_process_stdin(process));
    ck_assert_ptr_null(asyncio_process_stdout(process));
    ck_assert_int_eq(end(process), 7);
}

/* parity: test_subprocess.py SubprocessMixin test_kill */
/* parity: test_subprocess.py SubprocessMixin test_terminate */
/* parity: test_subprocess.py SubprocessMixin test_send_signal */
BEHAVIOUR(a_process_can_be_signalled, .times = 3)
{
    static const int signals[] = {SIGKILL, SIGTERM, SIGHUP};
    asyncio_process_t *process = exec_cat();

    assert_r(_i == 0   ? asyncio_process_kill(process)
             : _i == 1 ? asyncio_process_terminate(process)
                       : asyncio_process_send_signal(process, SIGHUP),
             0);
    int code = 0;
    assert_r(asyncio_process_wait(process, &code), 0);
    ck_assert_int_eq(code, -signals[_i]);
    assert_r(asyncio_process_kill(process), UV_ESRCH);
    ck_assert_int_eq(end(process), -signals[_i]);
}

static int
wait_for_signal(void *arg)
{
    int code = 1000;
    int r = asyncio_process_wait(*(asyncio_process_t **) arg, &code);

    ck_assert_int_eq(code, -SIGKILL);
    return r;
}

/* parity: test_subprocess.py SubprocessMixin test_kill_issue43884 */
BEHAVIOUR(wait_ends_when_an_orphan_closes_the_output_of_a_killed_shell)
{
    asyncio_process_t *process;
    int hold[2];
    char byte;

    ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
    assert_r(asyncio_create_subprocess_shell("exec 3<&0; (echo x; exec cat <&3) & wait",
                                             &process, .stdin = hold[0],
                                             .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    close(hold[0]);
    ck_assert_int_eq(
        asyncio_stream_reader_read(asyncio_process_stdout(process), &byte, 1),
        1);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(wait_for_signal, &process, sizeof process));
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_process_kill(process), 0);
    until(asyncio_process_returncode(process, NULL));
    ck_assert(!asyncio_task_done(task));
    close(hold[1]);
    assert_r(asyncio_await(task), 0);
    asyncio_task_unref(task);
    ck_assert_int_eq(end(process), -SIGKILL);
}

static int
wait_for_end(void *arg)
{
    int code = 1000;
    int r = asyncio_process_wait(*(asyncio_process_t **) arg, &code);

    return r < 0 ? r : code;
}

/* parity: test_subprocess.py SubprocessMixin test_subprocess_concurrent_wait */
BEHAVIOUR(many_tasks_can_wait_for_a_process)
{
    asyncio_process_t *process = exec_cat();
    asyncio_task_t *tasks[10];

    for (int i = 0; i < 10; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro_new(wait_for_end, &process, sizeof process));
    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_writer_close(asyncio_process_stdin(process));
    assert_r(asyncio_gather(tasks, 10), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_task_result(tasks[i]), 0);
    asyncio_future_unref_array(tasks, 10);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_cancel_process_wait */
BEHAVIOUR(a_cancelled_wait_leaves_the_child_alone)
{
    asyncio_process_t *process = exec_cat();
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(wait_for_end, &process, sizeof process));

    assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    ck_assert(!asyncio_process_returncode(process, NULL));
    ck_assert_int_eq(kill(asyncio_process_pid(process), 0), 0);
    assert_r(asyncio_process_kill(process), 0);
    ck_assert_int_eq(end(process), -SIGKILL);
}

static int
talk(void *arg)
{
    return asyncio_process_communicate(*(asyncio_process_t **) arg, NULL, 0,
                                       NULL, NULL);
}

BEHAVIOUR(a_cancelled_communicate_leaves_the_child_and_its_output)
{
    asyncio_process_t *process;
    asyncio_bytes_t out;

    assert_r(asyncio_create_subprocess_shell(
                 "echo first; trap 'echo last; exit 4' TERM; "
                 "while :; do sleep 0.01; done",
                 &process, .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(talk, &process, sizeof process));
    for (int i = 0; i < 2000; i++)
        assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    char first[6];
    assert_r(asyncio_stream_reader_readexactly(asyncio_process_stdout(process),
                                               first, 6),
             6);
    assert_r(asyncio_sleep(0), 0);
    int r = asyncio_process_terminate(process);
    assert_r(r, 0);
    assert_r(asyncio_process_communicate(process, NULL, 0, &out, NULL), 0);
    int code = end(process);
    ck_assert(code == 4 || code == -SIGTERM);
}

/* The first waits for stderr then, the second for the child. */
BEHAVIOUR(a_cancelled_communicate_keeps_the_output_that_ended, .times = 2)
{
    static const char *const cmds[] = {
        "echo hello; exec 1>&-; read x; echo late >&2",
        "echo hello; echo late >&2; exec 1>&- 2>&-; read x"};
    asyncio_process_t *process;
    asyncio_bytes_t out, err;
    int hold[2];

    ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
    assert_r(asyncio_create_subprocess_shell(cmds[_i], &process,
                                             .stdin = hold[0],
                                             .stdout = ASYNCIO_SUBPROCESS_PIPE,
                                             .stderr = ASYNCIO_SUBPROCESS_PIPE),
             0);
    close(hold[0]);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(talk, &process, sizeof process));
    for (int fd = 1; fd <= 1 + _i; fd++) {
        asyncio_transport_t *pipe =
            asyncio_subprocess_transport_get_pipe_transport(
                asyncio_process_transport(process), fd);
        until(asyncio_transport_is_closing(pipe));
    }
    for (int i = 0; i < 10; i++) /* so that communicate() has seen it */
        assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    close(hold[1]);
    assert_r(asyncio_process_communicate(process, NULL, 0, &out, &err), 0);
    ck_assert_uint_eq(out.size, 6);
    ck_assert_mem_eq(out.data, "hello\n", 6);
    ck_assert_uint_eq(err.size, 5);
    ck_assert_mem_eq(err.data, "late\n", 5);
    (void) end(process);
}

static int
create(void *arg)
{
    (void) arg;
    asyncio_process_t *process;

    return asyncio_create_subprocess_exec(cat, &process, PIPES);
}

/* parity: test_subprocess.py SubprocessMixin test_cancel_make_subprocess_transport_exec */
BEHAVIOUR(a_cancelled_creation_kills_the_child)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(create, NULL, 0));

    assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    assert_no_zombie();
}

/* parity: test_subprocess.py SubprocessMixin test_close_kill_running */
BEHAVIOUR(closing_the_transport_kills_a_running_child)
{
    asyncio_process_t *process = exec_cat();

    asyncio_subprocess_transport_close(asyncio_process_transport(process));
    ck_assert_int_eq(end(process), -SIGKILL);
}

BEHAVIOUR(a_dropped_process_is_reaped)
{
    siginfo_t info;
    asyncio_process_t *process = exec_cat();
    asyncio_stream_writer_t *in =
        asyncio_stream_writer_ref(asyncio_process_stdin(process));

    asyncio_transport_t *transport =
        asyncio_transport_ref(asyncio_process_transport(process));

    asyncio_process_unref(process);
    ck_assert(!asyncio_stream_writer_is_closing(in));
    asyncio_stream_writer_close(in);
    asyncio_stream_writer_unref(in);
    until(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0);
    ck_assert_int_eq(errno, ECHILD);
    until(asyncio_transport_get_protocol(transport) == NULL);
    asyncio_transport_unref(transport);
}

/* parity: test_subprocess.py SubprocessMixin test_stdin_broken_pipe */
BEHAVIOUR(writing_to_a_child_that_ended_is_an_error)
{
    static char much[1024 * 1024];
    asyncio_process_t *process;

    assert_r(asyncio_create_subprocess_shell("read x", &process,
                                             .stdin = ASYNCIO_SUBPROCESS_PIPE),
             0);
    asyncio_stream_writer_t *in = asyncio_process_stdin(process);
    memset(much, '\n', sizeof much);
    assert_r(asyncio_stream_writer_write(in, much, sizeof much), 0);
    int r = asyncio_stream_writer_drain(in);
    ck_assert_msg(r == UV_EPIPE || r == UV_ECONNRESET, "%d", r);
    r = asyncio_stream_writer_wait_closed(in);
    ck_assert_msg(r == UV_EPIPE || r == UV_ECONNRESET, "%d", r);
    assert_r(asyncio_process_wait(process, NULL), 0);
    asyncio_process_unref(process);
}

/* parity: test_subprocess.py SubprocessMixin test_communicate_ignore_broken_pipe */
BEHAVIOUR(communicate_ignores_that_nobody_reads)
{
    static char much[1024 * 1024];
    asyncio_process_t *process;

    assert_r(asyncio_create_subprocess_shell("exit 0", &process,
                                             .stdin = ASYNCIO_SUBPROCESS_PIPE),
             0);
    assert_r(
        asyncio_process_communicate(process, much, sizeof much, NULL, NULL), 0);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_pause_reading */
BEHAVIOUR(much_output_pauses_its_transport_until_it_is_read)
{
    asyncio_process_t *process;
    asyncio_bytes_t out;

    assert_r(asyncio_create_subprocess_shell("head -c 500000 /dev/zero",
                                             &process, .limit = 1000,
                                             .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    asyncio_transport_t *pipe = asyncio_subprocess_transport_get_pipe_transport(
        asyncio_process_transport(process), 1);
    until(!asyncio_transport_is_reading(pipe));
    ck_assert(!asyncio_transport_is_closing(pipe));
    assert_r(asyncio_process_communicate(process, NULL, 0, &out, NULL), 0);
    ck_assert_uint_eq(out.size, 500000);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_stdin_not_inheritable */
BEHAVIOUR(no_second_copy_of_stdin_keeps_it_open)
{
    asyncio_process_t *process, *other;
    asyncio_bytes_t out;

    assert_r(asyncio_create_subprocess_exec(cat, &process, PIPES,
                                            .no_close_fds = true),
             0);
    assert_r(asyncio_create_subprocess_exec(cat, &other, PIPES,
                                            .no_close_fds = true),
             0);
    assert_r(asyncio_process_communicate(process, "x", 1, &out, NULL), 0);
    ck_assert_uint_eq(out.size, 1);
    asyncio_process_unref(process);
    asyncio_stream_writer_close(asyncio_process_stdin(other));
    ck_assert_int_eq(end(other), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_empty_input */
BEHAVIOUR(empty_input_is_the_end_of_it, .times = 2)
{
    asyncio_process_t *process = exec_cat();
    asyncio_bytes_t out;

    assert_r(asyncio_process_communicate(process, _i == 0 ? "" : NULL, 0, &out,
                                         NULL),
             0);
    ck_assert_ptr_nonnull(out.data);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_devnull_input */
BEHAVIOUR(stdin_can_be_the_null_device)
{
    asyncio_process_t *process;
    asyncio_bytes_t out;

    assert_r(asyncio_create_subprocess_exec(cat, &process,
                                            .stdin = ASYNCIO_SUBPROCESS_DEVNULL,
                                            .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    ck_assert_ptr_null(asyncio_process_stdin(process));
    assert_r(asyncio_process_communicate(process, "ignored", 7, &out, NULL), 0);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(end(process), 0);
}

/* parity: test_subprocess.py SubprocessMixin test_devnull_output */
/* parity: test_subprocess.py SubprocessMixin test_devnull_error */
BEHAVIOUR(outputs_can_be_the_null_device)
{
    asyncio_process_t *process;
    asyncio_bytes_t out = {"", 1}, err = {"", 1};

    assert_r(
        asyncio_create_subprocess_shell("echo x; echo y >&2", &process,
                                        .stdout = ASYNCIO_SUBPROCESS_DEVNULL,
                                        .stderr = ASYNCIO_SUBPROCESS_DEVNULL),
        0);
    assert_r(asyncio_process_communicate(process, NULL, 0, &out, &err), 0);
    ck_assert_ptr_null(out.data);
    ck_assert_ptr_null(err.data);
    ck_assert_int_eq(end(process), 0);
}

/* What a command says. */
#define assert_says(cmd, expected, ...)                                        \
    do {                                                                       \
        asyncio_process_t *says_;                                              \
        asyncio_bytes_t out_;                                                  \
        assert_r(                                                              \
            asyncio_create_subprocess_shell(                                   \
                cmd, &says_, .stdout = ASYNCIO_SUBPROCESS_PIPE, __VA_ARGS__),  \
            0);                                                                \
        assert_r(asyncio_process_communicate(says_, "test", 4, &out_, NULL),   \
                 0);                                                           \
        ck_assert_int_eq((int) out_.size, (int) strlen(expected));             \
        ck_assert_mem_eq(out_.data, expected, strlen(expected));               \
        (void) end(says_);                                                     \
    } while (0)

/* parity: test_subprocess.py SubprocessMixin test_devstdin_input */
BEHAVIOUR(a_child_can_open_its_stdin_by_name)
{
    assert_says("cat /dev/stdin", "test", .stdin = ASYNCIO_SUBPROCESS_PIPE);
}

/* parity: test_subprocess.py SubprocessMixin test_create_subprocess_env_shell
 */
/* parity: test_subprocess.py SubprocessMixin test_create_subprocess_env_exec */
BEHAVIOUR(a_child_gets_its_environment)
{
    const char *const env[] = {"FOO=bar", "PATH=/usr/bin:/bin", NULL};
    const char *const args[] = {"env", NULL};
    asyncio_process_t *process;
    asyncio_bytes_t out;

    assert_says("echo $FOO", "bar\n", .env = env);
    assert_r(asyncio_create_subprocess_exec(args, &process, .env = env,
                                            .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    assert_r(asyncio_process_communicate(process, NULL, 0, &out, NULL), 0);
    ck_assert_uint_eq(out.size, 27);
    ck_assert_mem_eq(out.data, "FOO=bar\nPATH=/usr/bin:/bin\n", 27);
    ck_assert_int_eq(end(process), 0);
}

BEHAVIOUR(a_child_gets_a_directory_and_a_umask)
{
    const mode_t mask = 027;

    assert_says("pwd", "/usr\n", .cwd = "/usr");
    assert_says("umask", "0027\n", .umask = &mask);
    ck_assert_uint_ne(umask(0), 027);
}

BEHAVIOUR(a_child_gets_a_user_and_a_group)
{
    const uid_t user = 65534;
    const gid_t group = 65533;

    if (getuid() != 0)
        return; /* only root can become somebody else */
    assert_says("echo $(id -u) $(id -g)", "65534 65533\n", .user = &user,
                .group = &group);
}

BEHAVIOUR(a_program_can_have_another_name)
{
    assert_says("echo $0 >&2; exit", "", .executable = "/bin/true");
    assert_says("test -n \"$0\" && echo yes", "yes\n",
                .executable = "/bin/sh");
}

BEHAVIOUR(descriptors_are_closed_unless_they_are_passed)
{
    int fd = open("/dev/null", O_RDONLY), high = fcntl(fd, F_DUPFD, 40);
    const int passed[] = {high};
    char cmd[160];

    snprintf(cmd, sizeof cmd,
             "for i in %d %d; do test -e /proc/$$/fd/$i && echo -n yes; "
             "test -e /proc/$$/fd/$i || echo -n no; done",
             fd, high);
    assert_says(cmd, "nono", .cwd = NULL);
    assert_says(cmd, "noyes", .pass_fds = passed, .pass_fds_count = 1);
    assert_says(cmd, "yesyes", .no_close_fds = true);
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
    close(fd);
    close(high);
}

/* parity: test_subprocess.py SubprocessMixin test_popen_error_with_stdin_pipe
 */
BEHAVIOUR(a_program_that_is_not_there_is_named, .times = 2)
{
    const char *const args[] = {"/nowhere/nope", NULL};
    asyncio_process_t *process = NULL;

    assert_r(
        asyncio_create_subprocess_exec(
            args, &process, .stdin = _i == 0 ? ASYNCIO_SUBPROCESS_PIPE : 0),
        UV_ENOENT);
    ck_assert_ptr_null(process);
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_message(asyncio_current_exception()),
               "'/nowhere/nope'"));
    assert_no_zombie();
}

BEHAVIOUR(other_failures_of_starting_are_told)
{
    const char *const directory[] = {"/usr", NULL};
    const char *const none[] = {NULL};
    const int closed[] = {999};
    asyncio_process_t *process = NULL;

    assert_r(asyncio_create_subprocess_exec(directory, &process), UV_EACCES);
    assert_r(asyncio_create_subprocess_exec(cat, &process, .cwd = "/nowhere"),
             UV_ENOENT);
    ck_assert_ptr_nonnull(strstr(
        asyncio_exception_message(asyncio_current_exception()), "'/nowhere'"));
    assert_r(asyncio_create_subprocess_exec(none, &process), UV_EINVAL);
    assert_r(asyncio_create_subprocess_exec(NULL, &process), UV_EINVAL);
    assert_r(asyncio_create_subprocess_shell(NULL, &process), UV_EINVAL);
    assert_r(asyncio_create_subprocess_exec(cat, &process, .stdout = 999),
             UV_EBADF);
    assert_r(asyncio_create_subprocess_exec(
                 cat, &process, .stdout = ASYNCIO_SUBPROCESS_STDOUT),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_create_subprocess_exec(cat, &process, .stdin = -5),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_create_subprocess_exec(cat, &process, .pass_fds = closed,
                                            .pass_fds_count = 1),
             UV_EBADF);
    assert_r(
        asyncio_create_subprocess_exec(cat, &process, .limit = (size_t) -1),
        ASYNCIO_ERR_VALUE);
    ck_assert_ptr_null(process);
    assert_no_zombie();
}

PLAIN(a_child_needs_a_task)
{
    asyncio_process_t *process;

    assert_r(asyncio_create_subprocess_exec(cat, &process),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
    assert_r(asyncio_create_subprocess_shell("true", &process),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

/* parity: test_subprocess.py SubprocessMixin test_read_stdout_after_process_exit */
BEHAVIOUR(output_can_be_read_after_the_end)
{
    asyncio_process_t *process;
    asyncio_bytes_t out;

    assert_r(asyncio_create_subprocess_shell("head -c 262144 /dev/zero",
                                             &process, .limit = 1 << 20,
                                             .stdout = ASYNCIO_SUBPROCESS_PIPE),
             0);
    assert_r(asyncio_process_wait(process, NULL), 0);
    assert_r(asyncio_stream_reader_read_view(asyncio_process_stdout(process),
                                             ASYNCIO_READ_ALL, &out),
             0);
    ck_assert_uint_eq(out.size, 262144);
    ck_assert(asyncio_stream_reader_at_eof(asyncio_process_stdout(process)));
    ck_assert_int_eq(end(process), 0);
}

struct numbered {
    int number;
    char out[8];
};

static int
say_number(void *arg)
{
    struct numbered *self = arg;
    asyncio_process_t *process;
    asyncio_bytes_t out;
    char cmd[32];
    int r;

    snprintf(cmd, sizeof cmd, "echo %d", self->number);
    r = asyncio_create_subprocess_shell(cmd, &process,
                                        .stdout = ASYNCIO_SUBPROCESS_PIPE);
    if (r < 0)
        return r;
    r = asyncio_process_communicate(process, NULL, 0, &out, NULL);
    if (r >= 0)
        snprintf(self->out, sizeof self->out, "%.*s", (int) out.size,
                 (const char *) out.data);
    asyncio_process_unref(process);
    return r;
}

/* parity: test_subprocess.py SubprocessMixin test_subprocess_communicate_stdout
 */
BEHAVIOUR(ten_children_at_a_time)
{
    asyncio_task_t *tasks[10];
    struct numbered numbers[10];

    for (int i = 0; i < 10; i++) {
        numbers[i].number = i;
        tasks[i] = asyncio_create_task(
            asyncio_coro_new(say_number, &numbers[i], sizeof numbers[i]));
    }
    assert_r(asyncio_gather(tasks, 10), 0);
    for (int i = 0; i < 10; i++) {
        struct numbered *done = asyncio_task_frame(tasks[i]);
        ck_assert_int_eq(atoi(done->out), i);
        ck_assert_uint_eq(strlen(done->out), 2);
    }
    asyncio_future_unref_array(tasks, 10);
    assert_no_zombie();
}

/* parity: test_subprocess.py SubprocessMixin test_subprocess_send_signal_race
 */
BEHAVIOUR(a_signal_at_the_end_does_not_change_the_code_to_nonsense, .times = 3)
{
    for (int i = 0; i < 8; i++) {
        asyncio_process_t *process;

        assert_r(asyncio_create_subprocess_shell("exit 0", &process), 0);
        for (int j = 0; j < i * 50; j++)
            assert_r(asyncio_sleep(0), 0);
        int r = asyncio_process_terminate(process);
        ck_assert(r == 0 || r == UV_ESRCH);
        int code = end(process);
        ck_assert(code == 0 || code == -SIGTERM);
    }
}

static void *
run_in_thread(void *arg)
{
    struct numbered *self = arg;

    return (void *) (intptr_t) asyncio_run(
        asyncio_coro_new(say_number, self, sizeof *self));
}

/* parity: test_subprocess.py GenericWatcherTests test_create_subprocess_with_pidfd */
PLAIN(a_loop_of_another_thread_has_children)
{
    struct numbered number = {.number = 5};
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_in_thread, &number), 0);
    pthread_join(thread, &result);
    ck_assert_int_eq((int) (intptr_t) result, 0);
    ck_assert_str_eq(number.out, "5\n");
}

/* parity: test_unix_events.py TestFork test_fork_asyncio_subprocess */
BEHAVIOUR(a_forked_child_has_children_of_its_own)
{
    asyncio_process_t *process = exec_cat();
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct numbered number = {.number = 6};
        int r =
            asyncio_run(asyncio_coro_new(say_number, &number, sizeof number));

        /* The parent's child is not ours. */
        if (r == 0 && asyncio_process_kill(process) != ASYNCIO_ERR_FORKED)
            r = 1;
        asyncio_subprocess_transport_close(asyncio_process_transport(process));
        _exit(r == 0 && strcmp(number.out, "6\n") == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert(!asyncio_process_returncode(process, NULL));
    asyncio_stream_writer_close(asyncio_process_stdin(process));
    ck_assert_int_eq(end(process), 0);
}

/* Old kernels, and memory checkers, have no handles of processes. */
static bool
has_pidfd(void)
{
    int fd = (int) syscall(SYS_pidfd_open, getpid(), 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Rude programs do one or the other. */
BEHAVIOUR(a_child_whose_signal_is_taken_away_is_reaped)
{
    if (!has_pidfd())
        return;
    asyncio_process_t *process = exec_cat();

    signal(SIGCHLD, SIG_DFL);
    assert_r(asyncio_process_kill(process), 0);
    ck_assert_int_eq(end(process), -SIGKILL);
}

BEHAVIOUR(a_child_that_somebody_else_reaped_has_an_unknown_code)
{
    if (!has_pidfd())
        return;
    asyncio_process_t *process = exec_cat();
    int pid = asyncio_process_pid(process), code = 0;
    struct logged logged;

    logged_begin(&logged);
    assert_r(asyncio_process_kill(process), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    assert_r(asyncio_process_wait(process, &code), 0);
    logged_end();
    ck_assert_int_eq(code, 255);
    ck_assert_int_eq(logged.warnings, 1);
    ck_assert_ptr_nonnull(strstr(logged.warning, "will report returncode"));
    ck_assert_int_eq(end(process), 255);
}

SCENARIO(starting_a_child_survives_without_memory)
{
    asyncio_process_t *process;
    asyncio_bytes_t out;
    int r;

    r = asyncio_create_subprocess_exec(cat, &process, PIPES);
    if (r < 0) {
        assert_no_zombie();
        return r;
    }
    r = asyncio_process_communicate(process, "data", 4, &out, NULL);
    if (r >= 0)
        ck_assert_uint_eq(out.size, 4);
    else
        (void) asyncio_process_kill(process);
    int waited = asyncio_process_wait(process, NULL);
    asyncio_process_unref(process);
    return r < 0 ? r : waited;
}
