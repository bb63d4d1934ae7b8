/* SPDX-License-Identifier: MIT */
/*
 * Getting to know that a child has ended.
 *
 * libuv does by SIGCHLD, unless the program took that signal away or waited
 * for all of its children: then it would never tell. So the kernel's handle of
 * the process is polled as well, where there is one; who comes first counts.
 *
 * Python counterpart: _PidfdChildWatcher.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/process.h"
#include "loop/report.h"

static void
on_process_closed(uv_handle_t *handle)
{
    struct aio__subprocess *self = aio__container_of(
        (uv_process_t *) (void *) handle, struct aio__subprocess, process);

    aio__uv_closed(self->base.loop);
    asyncio_transport_unref(&self->base);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct aio__subprocess *self = aio__container_of(
        (uv_poll_t *) (void *) handle, struct aio__subprocess, poll);

    aio__uv_closed(self->base.loop);
    asyncio_transport_unref(&self->base);
}

static int
code_of(pid_t pid, int status)
{
    if (pid > 0)
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    return AIO__RETURNCODE_UNKNOWN;
}

static void
on_poll(uv_poll_t *poll, int error, int events)
{
    struct aio__subprocess *self =
        aio__container_of(poll, struct aio__subprocess, poll);
    int status = 0;
    pid_t pid;

    (void) error;
    (void) events;
    do
        pid = waitpid(self->pid, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return;
    if (pid < 0)
        aio__log(ASYNCIO_LOG_WARNING,
                 "Unknown child process pid %d, will report returncode 255",
                 self->pid);
    aio__subprocess_exited(self, code_of(pid, status));
}

void
aio__reap_own(struct aio__subprocess *self)
{
    asyncio_transport_ref(&self->base);
    aio__uv_opened(self->base.loop);
}

void
aio__reap_begin(struct aio__subprocess *self)
{
#ifdef SYS_pidfd_open
    int fd = (int) syscall(SYS_pidfd_open, self->pid, 0);

    if (fd < 0)
        return;
    if (uv_poll_init(self->base.loop->uv, &self->poll, fd) < 0) {
        close(fd);
        return;
    }
    self->pidfd = aio__fd_opened(fd);
    aio__reap_own(self);
    (void) uv_poll_start(&self->poll, UV_READABLE, on_poll);
#else
    (void) on_poll;
#endif
}

void
aio__reap_end(struct aio__subprocess *self)
{
    uv_close((uv_handle_t *) &self->process, on_process_closed);
    if (self->pidfd < 0)
        return;
    uv_close((uv_handle_t *) &self->poll, on_poll_closed);
    aio__fd_close(self->pidfd);
    self->pidfd = -1;
}
