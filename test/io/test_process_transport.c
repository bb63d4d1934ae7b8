/* SPDX-License-Identifier: MIT */
/* Children with a protocol: what is called when, and how they end. */
#include <asyncio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "loop/loop.h"
#include "recorder.h"

#define LOOP asyncio_get_running_loop()

/* Notes what is called: m made, x exited, l lost, D drop, 0 to 2: that pipe
 * was closed. Data is told by the sizes. */
struct child {
    asyncio_subprocess_protocol_t protocol; /* first */
    asyncio_subprocess_transport_t *transport;
    char calls[32];
    char data[3][64];
    size_t size[3];
    bool open[3]; /* data came and the pipe is not closed */
    int pauses;
};

static void
note(asyncio_protocol_t *protocol, char call)
{
    struct child *self = (struct child *) protocol;
    size_t n = strlen(self->calls);

    ck_assert_uint_lt(n + 1, sizeof self->calls);
    self->calls[n] = call;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    ((struct child *) protocol)->transport = asyncio_transport_ref(transport);
    note(protocol, 'm');
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    ck_assert_ptr_null(exception);
    note(protocol, 'l');
    return 0;
}

static int
on_pause(asyncio_protocol_t *protocol)
{
    ((struct child *) protocol)->pauses++;
    return 0;
}

static int
on_resume(asyncio_protocol_t *protocol)
{
    ((struct child *) protocol)->pauses += 10;
    return 0;
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    note(protocol, 'D');
}

static int
on_data(asyncio_subprocess_protocol_t *protocol, int fd, const void *data,
        size_t size)
{
    struct child *self = (struct child *) protocol;
    size_t used = strlen(self->data[fd]);

    ck_assert_int_ge(fd, 1);
    ck_assert(strchr(self->calls, '0' + fd) == NULL);
    if (used + size < sizeof self->data[fd])
        memcpy(self->data[fd] + used, data, size);
    self->size[fd] += size;
    return 0;
}

static int
on_pipe_lost(asyncio_subprocess_protocol_t *protocol, int fd,
             const asyncio_exception_t *exception)
{
    (void) exception;
    note(&protocol->base, (char) ('0' + fd));
    return 0;
}

static int
on_exited(asyncio_subprocess_protocol_t *protocol)
{
    note(&protocol->base, 'x');
    return 0;
}

static void
child_init(struct child *self)
{
    *self = (struct child){.protocol = {.base = {.connection_made = on_made,
                                                 .connection_lost = on_lost,
                                                 .pause_writing = on_pause,
                                                 .resume_writing = on_resume,
                                                 .drop = on_drop},
                                        .pipe_data_received = on_data,
                                        .pipe_connection_lost = on_pipe_lost,
                                        .process_exited = on_exited}};
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

#define until(condition)                                                       \
    while (!(condition))                                                       \
    assert_r(asyncio_sleep(0), 0)

static bool
over(const struct child *self)
{
    return strchr(self->calls, 'D') != NULL;
}

/* Its return code, when nothing of it is left. */
static int
end(struct child *self)
{
    int code = 1000;

    until(over(self));
    ck_assert_int_eq(
        asyncio_subprocess_transport_get_returncode(self->transport, &code), 1);
    ck_assert_str_eq(strchr(self->calls, 'l'), "lD");
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    self->transport = asyncio_transport_unref(self->transport);
    return code;
}

static void
exec_cat(struct child *self)
{
    const char *const args[] = {"cat", NULL};
    asyncio_transport_t *transport;
    asyncio_protocol_t *protocol;

    child_init(self);
    assert_r(asyncio_loop_subprocess_exec(LOOP, give, args, &transport,
                                          &protocol, .arg = self),
             0);
    ck_assert_str_eq(self->calls, "m");
    ck_assert_ptr_eq(transport, self->transport);
    ck_assert_ptr_eq(protocol, &self->protocol.base);
    ck_assert_int_gt(asyncio_subprocess_transport_get_pid(transport), 0);
    ck_assert_int_eq(
        asyncio_subprocess_transport_get_returncode(transport, NULL), 0);
}

#define shell(self, cmd, ...)                                                  \
    do {                                                                       \
        child_init(self);                                                      \
        assert_r(asyncio_loop_subprocess_shell(LOOP, give, cmd, NULL, NULL,    \
                                               .arg = (self), __VA_ARGS__),    \
                 0);                                                           \
    } while (0)

static asyncio_transport_t *
pipe_of(struct child *self, int fd)
{
    return asyncio_subprocess_transport_get_pipe_transport(self->transport, fd);
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_exec */
BEHAVIOUR(a_child_echoes_until_its_transport_is_closed)
{
    struct child self;

    exec_cat(&self);
    assert_r(
        asyncio_transport_write(pipe_of(&self, 0), "Python The Winner", 17), 0);
    until(self.size[1] >= 17);
    ck_assert_str_eq(self.data[1], "Python The Winner");
    asyncio_subprocess_transport_close(self.transport);
    asyncio_subprocess_transport_close(self.transport);
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert_int_eq(end(&self), -SIGKILL);
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_interactive */
BEHAVIOUR(a_child_answers_twice)
{
    struct child self;

    exec_cat(&self);
    assert_r(asyncio_transport_write(pipe_of(&self, 0), "Python ", 7), 0);
    until(self.size[1] >= 7);
    ck_assert_str_eq(self.data[1], "Python ");
    assert_r(asyncio_transport_write(pipe_of(&self, 0), "The Winner", 10), 0);
    until(self.size[1] >= 17);
    ck_assert_str_eq(self.data[1], "Python The Winner");
    asyncio_transport_close(pipe_of(&self, 0));
    ck_assert_int_eq(end(&self), 0);
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_shell */
/* parity: test_subprocess.py SubprocessMixin test_subprocess_protocol_events */
BEHAVIOUR(a_shell_that_ends_closes_all_its_pipes)
{
    struct child self;

    shell(&self, "echo Python; echo x >&2", .cwd = NULL);
    asyncio_transport_close(pipe_of(&self, 0));
    ck_assert_int_eq(end(&self), 0);
    ck_assert_str_eq(self.data[1], "Python\n");
    ck_assert_str_eq(self.data[2], "x\n");
    ck_assert_ptr_nonnull(strchr(self.calls, '0'));
    ck_assert_ptr_nonnull(strchr(self.calls, '1'));
    ck_assert_ptr_nonnull(strchr(self.calls, '2'));
    ck_assert_ptr_nonnull(strchr(self.calls, 'x'));
    ck_assert_uint_eq(strlen(self.calls), 7);
    ck_assert_int_eq(self.calls[0], 'm');
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_exitcode */
/* parity: test_events.py SubprocessTestsMixin test_subprocess_close_after_finish */
BEHAVIOUR(a_child_without_pipes_gives_its_return_code)
{
    struct child self;

    shell(&self, "exit 7", .stdin = ASYNCIO_SUBPROCESS_INHERIT,
          .stdout = ASYNCIO_SUBPROCESS_INHERIT,
          .stderr = ASYNCIO_SUBPROCESS_INHERIT);
    for (int fd = -1; fd < 4; fd++)
        ck_assert_ptr_null(pipe_of(&self, fd));
    asyncio_transport_t *transport = asyncio_transport_ref(self.transport);
    ck_assert_int_eq(end(&self), 7);
    ck_assert_str_eq(self.calls, "mxlD");
    asyncio_subprocess_transport_close(transport);
    assert_r(asyncio_subprocess_transport_kill(transport), UV_ESRCH);
    ck_assert_ptr_nonnull(strstr(
        asyncio_exception_message(asyncio_current_exception()), "has ended"));
    asyncio_transport_unref(transport);
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_kill */
/* parity: test_events.py SubprocessTestsMixin test_subprocess_terminate */
/* parity: test_events.py SubprocessTestsMixin test_subprocess_send_signal */
BEHAVIOUR(a_signal_ends_a_child, .times = 3)
{
    static const int signals[] = {SIGKILL, SIGTERM, SIGHUP};
    struct child self;

    exec_cat(&self);
    if (_i == 0)
        assert_r(asyncio_subprocess_transport_kill(self.transport), 0);
    else if (_i == 1)
        assert_r(asyncio_subprocess_transport_terminate(self.transport), 0);
    else
        assert_r(
            asyncio_subprocess_transport_send_signal(self.transport, SIGHUP),
            0);
    ck_assert_int_eq(end(&self), -signals[_i]);
}

BEHAVIOUR(a_signal_that_is_none_is_refused)
{
    struct child self;

    exec_cat(&self);
    assert_r(asyncio_subprocess_transport_send_signal(self.transport, 12345),
             UV_EINVAL);
    asyncio_transport_close(pipe_of(&self, 0));
    ck_assert_int_eq(end(&self), 0);
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_stderr */
BEHAVIOUR(stdout_and_stderr_are_told_apart)
{
    struct child self;

    shell(&self, "read x; echo out:$x; echo err:$x >&2", .cwd = NULL);
    assert_r(asyncio_transport_write(pipe_of(&self, 0), "test\n", 5), 0);
    ck_assert_int_eq(end(&self), 0);
    ck_assert_str_eq(self.data[1], "out:test\n");
    ck_assert_str_eq(self.data[2], "err:test\n");
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_stderr_redirect_to_stdout */
BEHAVIOUR(stderr_can_go_where_stdout_goes)
{
    struct child self;

    shell(&self, "echo one; echo two >&2; echo three",
          .stderr = ASYNCIO_SUBPROCESS_STDOUT);
    ck_assert_ptr_nonnull(pipe_of(&self, 1));
    ck_assert_ptr_null(pipe_of(&self, 2));
    ck_assert_int_eq(end(&self), 0);
    ck_assert_str_eq(self.data[1], "one\ntwo\nthree\n");
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_close_client_stream */
BEHAVIOUR(a_child_whose_output_nobody_takes_gets_an_error)
{
    struct child self;

    shell(&self, "trap '' PIPE; read x; echo $x || echo broken >&2",
          .cwd = NULL);
    asyncio_transport_close(pipe_of(&self, 1));
    until(strchr(self.calls, '1') != NULL);
    assert_r(asyncio_transport_write(pipe_of(&self, 0), "test\n", 5), 0);
    ck_assert_int_eq(end(&self), 0);
    ck_assert_uint_eq(self.size[1], 0);
    ck_assert_ptr_nonnull(strstr(self.data[2], "broken\n"));
}

/* parity: test_events.py SubprocessTestsMixin test_subprocess_wait_no_same_group */
BEHAVIOUR(a_child_of_another_session_is_reaped)
{
    struct child self;

    shell(&self, "exit 7", .start_new_session = true);
    ck_assert_int_eq(end(&self), 7);
    shell(&self, "test $(ps -o sid= -p $$) = $$", .start_new_session = true);
    ck_assert_int_eq(end(&self), 0);
}

static int
start_short(void *arg)
{
    struct child *self = *(struct child **) arg;

    shell(self, "exit 9", .stdin = ASYNCIO_SUBPROCESS_INHERIT,
          .stdout = ASYNCIO_SUBPROCESS_INHERIT,
          .stderr = ASYNCIO_SUBPROCESS_INHERIT);
    ck_assert_str_eq(self->calls, "m");
    ck_assert_int_eq(end(self), 9);
    ck_assert_str_eq(self->calls, "mxlD");
    return 0;
}

/* And let the loop ask the kernel after this pass. */
static int
await_any_exit(void *arg)
{
    siginfo_t info;

    (void) arg;
    LOOP->credit = 0;
    LOOP->passes = 1 << 20;
    return waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
}

BEHAVIOUR(a_child_that_ends_at_once_is_made_before_it_is_lost)
{
    struct child self, *child = &self;
    asyncio_task_t *tasks[] = {
        asyncio_create_task(
            asyncio_coro_new(start_short, &child, sizeof child)),
        asyncio_create_task(asyncio_coro_new(await_any_exit, NULL, 0))};

    assert_r(asyncio_gather(tasks, 2), 0);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_subprocess.py SubprocessTransportTests test_subprocess_repr */
BEHAVIOUR(a_transport_describes_its_child)
{
    struct child self;
    char text[256], expected[256];

    exec_cat(&self);
    int pid = asyncio_subprocess_transport_get_pid(self.transport);
    const int *extra =
        asyncio_transport_get_extra_info(self.transport, "subprocess");
    ck_assert_int_eq(*extra, pid);
    ck_assert_ptr_null(
        asyncio_transport_get_extra_info(self.transport, "socket"));
    asyncio_subprocess_transport_repr(self.transport, text, sizeof text);
    snprintf(expected, sizeof expected,
             "<SubprocessTransport pid=%d running stdin=WritePipeTransport "
             "stdout=ReadPipeTransport stderr=ReadPipeTransport>",
             pid);
    ck_assert_str_eq(text, expected);
    asyncio_transport_close(pipe_of(&self, 0));
    until(over(&self));
    asyncio_subprocess_transport_repr(self.transport, text, sizeof text);
    snprintf(expected, sizeof expected, "pid=%d returncode=0", pid);
    ck_assert_ptr_nonnull(strstr(text, expected));
    ck_assert_int_eq(end(&self), 0);
}

BEHAVIOUR(writing_to_a_child_that_does_not_read_is_paused)
{
    static char much[1024 * 1024];
    struct child self;

    shell(&self, "exec cat >/dev/null", .cwd = NULL);
    memset(much, 'x', sizeof much);
    assert_r(asyncio_transport_write(pipe_of(&self, 0), much, sizeof much), 0);
    ck_assert_int_eq(self.pauses, 1);
    until(self.pauses == 11);
    asyncio_transport_close(pipe_of(&self, 0));
    ck_assert_int_eq(end(&self), 0);
}

/* parity: test_protocols.py ProtocolsAbsTests test_subprocess_protocol */
BEHAVIOUR(a_subprocess_protocol_without_callbacks_does_nothing)
{
    static asyncio_subprocess_protocol_t protocol;
    const char *const args[] = {"echo", "nobody listens", NULL};
    asyncio_transport_t *transport;
    struct reports reports;

    reports_begin(&reports);
    assert_r(asyncio_loop_subprocess_exec(LOOP, give, args, &transport, NULL,
                                          .arg = &protocol),
             0);
    asyncio_transport_ref(transport);
    until(asyncio_transport_get_protocol(transport) == NULL);
    int code = -1;
    ck_assert_int_eq(
        asyncio_subprocess_transport_get_returncode(transport, &code), 1);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(reports.count, 0);
    asyncio_transport_unref(transport);
}

/* parity: test_transports.py TransportTests test_subprocess_transport_not_implemented */
BEHAVIOUR(other_transports_have_no_child)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);
    asyncio_transport_t *t = self.transport;
    char text[64];

    assert_r(asyncio_subprocess_transport_get_pid(t), UV_ENOTSUP);
    assert_r(asyncio_subprocess_transport_get_returncode(t, NULL), UV_ENOTSUP);
    ck_assert_ptr_null(asyncio_subprocess_transport_get_pipe_transport(t, 1));
    assert_r(asyncio_subprocess_transport_send_signal(t, SIGHUP), UV_ENOTSUP);
    assert_r(asyncio_subprocess_transport_terminate(t), UV_ENOTSUP);
    assert_r(asyncio_subprocess_transport_kill(t), UV_ENOTSUP);
    asyncio_subprocess_transport_repr(t, text, sizeof text);
    ck_assert_str_eq(text, "<ReadPipeTransport>");
    recorder_close(&self, peer);
}

BEHAVIOUR(a_protocol_whose_child_cannot_be_started_is_dropped)
{
    const char *const args[] = {"/nowhere/nope", NULL};
    struct child self;

    child_init(&self);
    assert_r(asyncio_loop_subprocess_exec(LOOP, give, args, NULL, NULL,
                                          .arg = &self),
             UV_ENOENT);
    ck_assert_str_eq(self.calls, "D");
}

/* parity: test_subprocess.py SubprocessMixin test_close_dont_kill_finished */
BEHAVIOUR(closing_does_not_kill_a_child_that_has_ended)
{
    struct child self;
    siginfo_t info;

    shell(&self, "exit 3", .cwd = NULL);
    int pid = asyncio_subprocess_transport_get_pid(self.transport);
    /* It has ended, and the loop does not know yet. */
    ck_assert_int_eq(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(
        asyncio_subprocess_transport_get_returncode(self.transport, NULL), 0);
    asyncio_subprocess_transport_close(self.transport);
    ck_assert_int_eq(end(&self), 3);
}

static int
leave_running(void *arg)
{
    exec_cat(*(struct child **) arg);
    return 0;
}

PLAIN(a_loop_that_closes_kills_and_reaps_its_children)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    struct child self, *child = &self;
    struct logged logged;
    siginfo_t info;

    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro_new(leave_running, &child, sizeof child));
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_task_unref(task);
    int pid = asyncio_subprocess_transport_get_pid(self.transport);
    ck_assert_int_eq(kill(pid, 0), 0);
    logged_begin(&logged);
    assert_r(asyncio_loop_close(loop), 0);
    logged_end();
    ck_assert_int_eq(logged.warnings, 4);
    ck_assert_int_eq(waitid(P_PID, (id_t) pid, &info, WEXITED), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_str_eq(self.calls, "mD");
    asyncio_subprocess_transport_close(self.transport);
    assert_r(asyncio_subprocess_transport_kill(self.transport), UV_ESRCH);
    asyncio_transport_unref(self.transport);
    asyncio_loop_unref(loop);
}
