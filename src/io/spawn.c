/* SPDX-License-Identifier: MIT */
/*
 * Starting a child: its descriptors, and uv_spawn().
 *
 * The pipes are made here and not by libuv, because our ends become ordinary
 * pipe transports. They are close-on-exec from their birth, so that no other
 * child keeps one of them open.
 *
 * What libuv cannot do in the child (closing descriptors, the umask) is done
 * by a handler of fork(), which runs in the child before anything else. It
 * finds out what to do by a variable of the thread that forks.
 *
 * Python counterpart: subprocess.Popen.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/process.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

enum {
    FIRST_OTHER = 3,       /* descriptor behind the standard ones */
    OTHERS_MAX = 64 * 1024 /* looked at without close_range() */
};

/* The child that this thread is about to make; NULL: it is somebody else's. */
static aio__thread_local const struct aio__spawn *forking;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Not closed but marked: libuv needs its own until exec. */
static void
close_others(void)
{
    struct rlimit limit;
    int end = OTHERS_MAX;

#ifdef SYS_close_range
    if (syscall(SYS_close_range, FIRST_OTHER, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
#endif
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t) end)
        end = (int) limit.rlim_cur;
    for (int fd = FIRST_OTHER; fd < end; fd++)
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void
in_child(void)
{
    const asyncio_subprocess_options_t *options;

    if (forking == NULL)
        return;
    options = forking->options;
    if (!aio__option(options, no_close_fds, false))
        close_others();
    if (aio__option(options, umask, NULL) != NULL)
        umask(*options->umask);
}

static void
register_in_child(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

/* Descriptors while a child is started. */
struct plugs {
    int child[3];  /* -1: none, the child gets the null device */
    bool ours[3];  /* to be closed afterwards */
    int parent[3]; /* our ends of pipes; -1: none */
};

static void
close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
unplug(struct plugs *plugs)
{
    for (int i = 0; i < 3; i++) {
        if (plugs->ours[i])
            close_one(&plugs->child[i]);
        close_one(&plugs->parent[i]);
    }
}

/* One that exists already: looked for first, before we open any. */
static int
plug_existing(struct plugs *plugs, int i, int source)
{
    bool inherit = source == ASYNCIO_SUBPROCESS_INHERIT;
    int fd = inherit ? i : source;

    if (!inherit && source < 0)
        return 0;
    if (fcntl(fd, F_GETFD) >= 0)
        plugs->child[i] = fd;
    else if (!inherit)
        return -errno;
    return 0;
}

static int
plug_new(struct plugs *plugs, int i, int source)
{
    int ends[2];

    if (source == ASYNCIO_SUBPROCESS_PIPE) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        plugs->child[i] = ends[i != 0];
        plugs->parent[i] = ends[i == 0];
        plugs->ours[i] = true;
        return aio__fd_nonblock(plugs->parent[i]);
    }
    if (source == ASYNCIO_SUBPROCESS_DEVNULL) {
        plugs->child[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        plugs->ours[i] = true;
        return plugs->child[i] < 0 ? -errno : 0;
    }
    if (source == ASYNCIO_SUBPROCESS_STDOUT)
        plugs->child[i] = plugs->child[1];
    return 0;
}

static int
plug_all(struct plugs *plugs, const int stdio[3])
{
    int r = 0;

    for (int i = 0; i < 3; i++) {
        plugs->child[i] = plugs->parent[i] = -1;
        plugs->ours[i] = false;
    }
    for (int i = 0; r >= 0 && i < 3; i++)
        r = plug_existing(plugs, i, stdio[i]);
    for (int i = 0; r >= 0 && i < 3; i++)
        r = plug_new(plugs, i, stdio[i]);
    if (r < 0)
        unplug(plugs);
    return r;
}

/* Entries of libuv's table: up to the last descriptor that is passed. */
static size_t
table_size(const struct aio__spawn *spawn)
{
    size_t count = aio__option(spawn->options, pass_fds_count, 0);
    int last = 2;

    for (size_t i = 0; i < count; i++)
        if (spawn->options->pass_fds[i] > last)
            last = spawn->options->pass_fds[i];
    return (size_t) last + 1;
}

static void
inherit(uv_stdio_container_t *entry, int fd)
{
    entry->flags = UV_INHERIT_FD;
    entry->data.fd = fd;
}

static void
fill_table(uv_stdio_container_t *table, const struct aio__spawn *spawn,
           const struct plugs *plugs)
{
    size_t count = aio__option(spawn->options, pass_fds_count, 0);

    for (int i = 0; i < 3; i++)
        if (plugs->child[i] >= 0)
            inherit(&table[i], plugs->child[i]);
    for (size_t i = 0; i < count; i++)
        if (spawn->options->pass_fds[i] >= FIRST_OTHER)
            inherit(&table[spawn->options->pass_fds[i]],
                    spawn->options->pass_fds[i]);
}

/* "no such file or directory: 'nope'" */
static int
failed(const struct aio__spawn *spawn, int code)
{
    const char *cwd = aio__option(spawn->options, cwd, NULL);
    const char *name = spawn->file;

    if (code == UV_ENOMEM)
        return code;
    if (cwd != NULL && access(cwd, X_OK) < 0)
        name = cwd;
    return asyncio_raise_at(code, NULL, 0, "%s: '%s'", uv_strerror(code), name);
}

static void
fill_options(uv_process_options_t *to, const struct aio__spawn *spawn)
{
    const asyncio_subprocess_options_t *options = spawn->options;

    to->file = spawn->file;
    to->args = (char **) (uintptr_t) spawn->args;
    to->env = (char **) (uintptr_t) aio__option(options, env, NULL);
    to->cwd = aio__option(options, cwd, NULL);
    if (aio__option(options, start_new_session, false))
        to->flags |= UV_PROCESS_DETACHED;
    if (aio__option(options, user, NULL) != NULL) {
        to->flags |= UV_PROCESS_SETUID;
        to->uid = *options->user;
    }
    if (aio__option(options, group, NULL) != NULL) {
        to->flags |= UV_PROCESS_SETGID;
        to->gid = *options->group;
    }
}

int
aio__spawn(asyncio_loop_t *loop, const struct aio__spawn *spawn,
           uv_process_t *process, uv_exit_cb on_exit, bool *ret_begun,
           int ret_pipes[3])
{
    uv_process_options_t options = {.exit_cb = on_exit};
    size_t size = table_size(spawn);
    struct plugs plugs;
    int r;

    options.stdio = aio__calloc(size, sizeof *options.stdio);
    if (options.stdio == NULL)
        return UV_ENOMEM;
    r = plug_all(&plugs, spawn->stdio);
    if (r < 0)
        goto done;
    fill_options(&options, spawn);
    fill_table(options.stdio, spawn, &plugs);
    options.stdio_count = (int) size;
    pthread_once(&once, register_in_child);
    *ret_begun = true;
    forking = spawn;
    r = uv_spawn(loop->uv, process, &options);
    forking = NULL;
    for (int i = 0; r >= 0 && i < 3; i++) {
        ret_pipes[i] = plugs.parent[i];
        plugs.parent[i] = -1;
    }
    unplug(&plugs);
done:
    aio__free(options.stdio, size * sizeof *options.stdio);
    return r < 0 ? failed(spawn, r) : 0;
}

static int
choose(int source, int usual)
{
    return source != 0 ? source : usual;
}

static int
check(const struct aio__spawn *spawn)
{
    const asyncio_subprocess_options_t *options = spawn->options;
    size_t count = aio__option(options, pass_fds_count, 0);

    for (int i = 0; i < 3; i++)
        if (spawn->stdio[i] < ASYNCIO_SUBPROCESS_INHERIT ||
            (i < 2 && spawn->stdio[i] == ASYNCIO_SUBPROCESS_STDOUT))
            return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                    "%d is nothing that descriptor %d of a "
                                    "child can be",
                                    spawn->stdio[i], i);
    for (size_t i = 0; i < count; i++)
        if (fcntl(options->pass_fds[i], F_GETFD) < 0)
            return asyncio_raise_at(UV_EBADF, NULL, 0,
                                    "descriptor %d cannot be passed",
                                    options->pass_fds[i]);
    return 0;
}

int
aio__spawn_exec(const char *const *args, int usual,
                const asyncio_subprocess_options_t *options,
                struct aio__spawn *ret_spawn)
{
    const char *file = aio__option(options, executable, NULL);

    if (args == NULL || args[0] == NULL)
        return UV_EINVAL;
    ret_spawn->args = args;
    ret_spawn->file = file != NULL ? file : args[0];
    ret_spawn->options = options;
    ret_spawn->stdio[0] = choose(aio__option(options, stdin, 0), usual);
    ret_spawn->stdio[1] = choose(aio__option(options, stdout, 0), usual);
    ret_spawn->stdio[2] = choose(aio__option(options, stderr, 0), usual);
    return check(ret_spawn);
}

int
aio__spawn_shell(const char *cmd, const char *args[4], int usual,
                 const asyncio_subprocess_options_t *options,
                 struct aio__spawn *ret_spawn)
{
    if (cmd == NULL)
        return UV_EINVAL;
    args[0] = "/bin/sh";
    args[1] = "-c";
    args[2] = cmd;
    args[3] = NULL;
    return aio__spawn_exec(args, usual, options, ret_spawn);
}
