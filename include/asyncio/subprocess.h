/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_SUBPROCESS_H
#define ASYNCIO_SUBPROCESS_H

/**
 * @file subprocess.h
 * Child processes, with streams or with a protocol of yours.
 *
 * A child never becomes a zombie: the loop reaps it whatever happens to who
 * started it. Closing its transport kills it, and so does closing the loop.
 *
 * The return code is that of exit(), or -N when signal N ended the child.
 */

#include <sys/types.h>

#include "streams.h"
#include "transports.h"

ASYNCIO_BEGIN_DECLS

/** Where a standard descriptor of the child comes from; or a descriptor of
 *  ours, > 0. Left out, a stream is inherited, and a pipe with a protocol. */
enum {
    ASYNCIO_SUBPROCESS_PIPE = -1,   /* a pipe to us */
    ASYNCIO_SUBPROCESS_STDOUT = -2, /* for stderr: where stdout goes */
    ASYNCIO_SUBPROCESS_DEVNULL = -3,
    ASYNCIO_SUBPROCESS_INHERIT = -4 /* None in Python: ours */
};

typedef struct asyncio_subprocess_options {
    size_t size;
    void *arg;               /* of the protocol factory */
    int stdin;               /* ASYNCIO_SUBPROCESS_..., or a descriptor */
    int stdout;
    int stderr;
    size_t limit;            /* of the streams' lines, in bytes; 0: 64 KiB */
    const char *executable;  /* NULL: args[0], looked for in PATH; /bin/sh */
    const char *const *env;  /* "NAME=value", ..., NULL; NULL: ours */
    const char *cwd;         /* NULL: ours */
    const int *pass_fds;     /* descriptors that stay open, as they are */
    size_t pass_fds_count;
    bool no_close_fds;       /* all stay open that are not close-on-exec */
    bool start_new_session;
    const uid_t *user;       /* NULL: ours */
    const gid_t *group;      /* NULL: ours */
    const mode_t *umask;     /* NULL: ours */
} asyncio_subprocess_options_t;

/** A child process with streams; opaque, counted. Dropping it leaves the
 *  child alone. */
typedef struct asyncio_process asyncio_process_t;

/** A transport made by subprocess_exec or subprocess_shell. */
typedef asyncio_transport_t asyncio_subprocess_transport_t;

/**
 * Start a program.
 *
 * @python   asyncio.create_subprocess_exec(program, *args, stdin=None, ...)
 * @param    args         the program and its arguments, then NULL
 * @param    ret_process  gets a reference
 * @param    options      keywords, or NULL
 * @return   0; the error of the system, with a message that names the program
 *           (UV_ENOENT, UV_EACCES, UV_EMFILE, ...); ASYNCIO_ERR_VALUE for
 *           keywords that make no sense; UV_EINVAL without a program;
 *           UV_ENOMEM; ASYNCIO_ERR_CANCELLED, and then the child was killed
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_create_subprocess_exec(const char *const *args,
                               asyncio_process_t **ret_process,
                               const asyncio_subprocess_options_t *options);

/**
 * Start a command of the shell, /bin/sh. Never put into it what others sent.
 *
 * @python   asyncio.create_subprocess_shell(cmd, stdin=None, ...)
 * @param    cmd          the command
 * @param    ret_process  gets a reference
 * @param    options      keywords, or NULL
 * @return   as asyncio_create_subprocess_exec(); a command that cannot be
 *           found ends with the return code 127
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_create_subprocess_shell(const char *cmd,
                                asyncio_process_t **ret_process,
                                const asyncio_subprocess_options_t *options);

/**
 * Take a reference.
 *
 * @python   (a reference)
 * @param    process  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_process_t *
asyncio_process_ref(asyncio_process_t *process);

/**
 * Drop a reference. The child goes on, and the loop reaps it.
 *
 * @python   del
 * @param    process  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_process_t *
asyncio_process_unref(asyncio_process_t *process);

/**
 * Wait until the child has ended and its pipes are closed, also by those who
 * inherited them from it. Several tasks may. Deadlocks when the child waits
 * for somebody to read its pipes: communicate() does not.
 *
 * @python   Process.wait()
 * @param    process         a process
 * @param    ret_returncode  gets the return code; may be NULL
 * @return   0; ASYNCIO_ERR_CANCELLED, and then the child goes on
 * @suspends unless it is known that it has ended
 */
ASYNCIO_AWAITS int asyncio_process_wait(asyncio_process_t *process,
                                        int *ret_returncode);

/**
 * Send the input, read both outputs to their end, and wait for the child.
 *
 * @python   Process.communicate(input=None)
 * @param    process     a process
 * @param    input       for its stdin, which is closed behind it; may be NULL.
 *                       That the child does not read it all is no error.
 * @param    size        of the input, in bytes
 * @param    ret_stdout  gets what it wrote there, valid until the next read
 *                       from that stream or until the process is freed; data
 *                       is NULL when that is no pipe. May be NULL.
 * @param    ret_stderr  the same of its stderr
 * @return   0; errors as asyncio_stream_reader_read(); UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED, and then the child goes on and nothing was
 *           consumed
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_process_communicate(asyncio_process_t *process, const void *input,
                            size_t size, asyncio_bytes_t *ret_stdout,
                            asyncio_bytes_t *ret_stderr);

/**
 * Send a signal.
 *
 * @python   Process.send_signal(signal)
 * @param    process  a process
 * @param    signal   SIGHUP, ...
 * @return   0, also when it has just ended; UV_ESRCH when that is known;
 *           UV_EPERM; UV_EINVAL for a number that is no signal
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_process_send_signal(asyncio_process_t *process,
                                               int signal);

/**
 * Send SIGTERM.
 *
 * @python   Process.terminate()
 * @param    process  a process
 * @return   as asyncio_process_send_signal()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_process_terminate(asyncio_process_t *process);

/**
 * Send SIGKILL.
 *
 * @python   Process.kill()
 * @param    process  a process
 * @return   as asyncio_process_send_signal()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_process_kill(asyncio_process_t *process);

/**
 * @python   Process.stdin
 * @param    process  a process
 * @return   borrowed; NULL when it is no pipe
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_writer_t *
asyncio_process_stdin(const asyncio_process_t *process);

/**
 * @python   Process.stdout
 * @param    process  a process
 * @return   borrowed; NULL when it is no pipe
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_reader_t *
asyncio_process_stdout(const asyncio_process_t *process);

/**
 * @python   Process.stderr
 * @param    process  a process
 * @return   borrowed; NULL when it is no pipe
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_reader_t *
asyncio_process_stderr(const asyncio_process_t *process);

/**
 * @python   Process.pid
 * @param    process  a process
 * @return   its number, also when it has ended
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_process_pid(const asyncio_process_t *process);

/**
 * @python   Process.returncode
 * @param    process         a process
 * @param    ret_returncode  gets the return code; may be NULL
 * @return   true when it has ended
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_process_returncode(const asyncio_process_t *process,
                           int *ret_returncode);

/**
 * The transport of a process, for what has no function here.
 *
 * @python   Process._transport
 * @param    process  a process
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_subprocess_transport_t *
asyncio_process_transport(const asyncio_process_t *process);

/**
 * Start a program, for a protocol. Descriptors that are left out are pipes.
 *
 * @python   loop.subprocess_exec(protocol_factory, *args, stdin=PIPE, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  makes an asyncio_subprocess_protocol_t
 * @param    args              the program and its arguments, then NULL
 * @param    ret_transport     gets the transport, borrowed until
 *                             connection_lost; may be NULL
 * @param    ret_protocol      gets the protocol; may be NULL
 * @param    options           keywords, or NULL
 * @return   0, after connection_made; else as asyncio_create_subprocess_exec()
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_subprocess_exec(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *const *args, asyncio_subprocess_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_subprocess_options_t *options);

/**
 * Start a command of the shell, for a protocol.
 *
 * @python   loop.subprocess_shell(protocol_factory, cmd, *, stdin=PIPE, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  makes an asyncio_subprocess_protocol_t
 * @param    cmd               the command
 * @param    ret_transport     as asyncio_loop_subprocess_exec()
 * @param    ret_protocol      as asyncio_loop_subprocess_exec()
 * @param    options           keywords, or NULL
 * @return   as asyncio_loop_subprocess_exec()
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_subprocess_shell(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *cmd, asyncio_subprocess_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_subprocess_options_t *options);

/**
 * @python   SubprocessTransport.get_pid()
 * @param    transport  a transport
 * @return   the child's number; UV_ENOTSUP for another kind of transport
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_subprocess_transport_get_pid(
    const asyncio_subprocess_transport_t *transport);

/**
 * @python   SubprocessTransport.get_returncode()
 * @param    transport       a transport
 * @param    ret_returncode  gets the return code; may be NULL
 * @return   1 when the child has ended, 0 while it runs; UV_ENOTSUP for
 *           another kind of transport
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_subprocess_transport_get_returncode(
    const asyncio_subprocess_transport_t *transport, int *ret_returncode);

/**
 * @python   SubprocessTransport.get_pipe_transport(fd)
 * @param    transport  a transport
 * @param    fd         0: stdin, which can be written to; 1, 2: stdout and
 *                      stderr, which can be read
 * @return   borrowed, as long as the transport; NULL when that is no pipe
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_transport_t *
asyncio_subprocess_transport_get_pipe_transport(
    const asyncio_subprocess_transport_t *transport, int fd);

/**
 * Send a signal.
 *
 * @python   SubprocessTransport.send_signal(signal)
 * @param    transport  a transport
 * @param    signal     SIGHUP, ...
 * @return   as asyncio_process_send_signal(); UV_ENOTSUP for another kind of
 *           transport
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_subprocess_transport_send_signal(
    asyncio_subprocess_transport_t *transport, int signal);

/**
 * Send SIGTERM.
 *
 * @python   SubprocessTransport.terminate()
 * @param    transport  a transport
 * @return   as asyncio_subprocess_transport_send_signal()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_subprocess_transport_terminate(
    asyncio_subprocess_transport_t *transport);

/**
 * Send SIGKILL.
 *
 * @python   SubprocessTransport.kill()
 * @param    transport  a transport
 * @return   as asyncio_subprocess_transport_send_signal()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_subprocess_transport_kill(
    asyncio_subprocess_transport_t *transport);

/**
 * Close the pipes, and kill the child if it runs. connection_lost comes when
 * it has ended. Closing twice is harmless.
 *
 * @python   SubprocessTransport.close()
 * @param    transport  a transport
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_subprocess_transport_close(
    asyncio_subprocess_transport_t *transport);

/**
 * Describe a child in a line.
 *
 * @python   repr(transport)
 * @param    transport  a transport
 * @param    buffer     gets the text, always terminated
 * @param    size       of the buffer, in bytes
 * @return   the length it has, or would have, without the terminator
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_subprocess_transport_repr(
    const asyncio_subprocess_transport_t *transport, char *buffer,
    size_t size);

ASYNCIO_END_DECLS

#endif
