/* SPDX-License-Identifier: MIT */
/*
 * Pools of threads, with a queue that is first come, first served.
 *
 * A thread is started when a job comes and nobody is idle, up to the limit;
 * it then lives until the shutdown. A pool has references of its users and
 * lives as long as them or its last thread, whichever is longer. Whoever shuts
 * it down either joins the threads or lets them detach themselves.
 *
 * Workers block all signals that can wait, so that handlers run where the
 * program expects them.
 *
 * Python counterpart: concurrent.futures.ThreadPoolExecutor.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "io/threadfuture.h"
#include "loop/loop.h"

enum {
    WORKERS_MAX = 32
};

struct asyncio_thread_pool {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;
    pthread_cond_t left;
    struct aio__list queue;  /* of thread futures, by link */
    struct aio__list exited; /* of workers, to be joined */
    uint32_t refs;           /* of users */
    unsigned queued;
    unsigned idle;
    unsigned live;
    unsigned max;
    unsigned forks; /* of the process when the pool was made */
    bool shutdown;
    bool detach; /* nobody will join */
    void (*gone)(void *arg); /* when the last one has left; may be NULL */
    void *gone_arg;
};

struct worker {
    struct aio__list link; /* in `exited` */
    pthread_t thread;
    asyncio_thread_pool_t *pool;
};

static unsigned
default_workers(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (cpus < 1)
        cpus = 1;
    return cpus + 4 < WORKERS_MAX ? (unsigned) cpus + 4 : WORKERS_MAX;
}

asyncio_thread_pool_t *
asyncio_thread_pool_new(const asyncio_thread_pool_new_options_t *options)
{
    unsigned max = aio__option(options, max_workers, 0);
    asyncio_thread_pool_t *pool = aio__calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->left, NULL);
    aio__list_init(&pool->queue);
    aio__list_init(&pool->exited);
    pool->refs = 1;
    pool->max = max != 0 ? max : default_workers();
    pool->forks = aio__forks;
    return pool;
}

asyncio_thread_pool_t *
asyncio_thread_pool_ref(asyncio_thread_pool_t *pool)
{
    if (pool == NULL)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    pool->refs++;
    pthread_mutex_unlock(&pool->lock);
    return pool;
}

static void
destroy(asyncio_thread_pool_t *pool)
{
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->left);
    aio__free(pool, sizeof *pool);
}

static void
run(asyncio_thread_future_t *job)
{
    asyncio_exception_t *exception;
    int r;

    if (asyncio_thread_future_set_running(job)) {
        r = job->context != NULL
            ? asyncio_context_run(job->context, job->fn, job->frame)
            : job->fn(job->frame);
        exception = r < 0 ? aio__raised(r) : NULL;
        aio__raise_exception(0, NULL); /* the thread keeps none */
        aio__thread_future_finish(job, r, exception);
    }
    asyncio_thread_future_unref(job);
}

/* With the lock held: what a worker does last, and whether all is over. */
static bool
leave(struct worker *worker)
{
    asyncio_thread_pool_t *pool = worker->pool;

    if (pool->detach) {
        pthread_detach(worker->thread);
        aio__free(worker, sizeof *worker);
    } else {
        aio__list_push_back(&pool->exited, &worker->link);
    }
    if (--pool->live > 0)
        return false;
    pthread_cond_broadcast(&pool->left);
    if (pool->gone != NULL)
        pool->gone(pool->gone_arg);
    return pool->refs == 0;
}

static void *
work(void *arg)
{
    struct worker *worker = arg;
    asyncio_thread_pool_t *pool = worker->pool;
    bool last;

    pthread_setname_np(pthread_self(), "asyncio");
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct aio__list *link = aio__list_pop_front(&pool->queue);

        if (link != NULL) {
            pool->queued--;
            pthread_mutex_unlock(&pool->lock);
            run(aio__container_of(link, asyncio_thread_future_t, link));
            pthread_mutex_lock(&pool->lock);
            continue;
        }
        if (pool->shutdown)
            break;
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    last = leave(worker);
    pthread_mutex_unlock(&pool->lock);
    if (last)
        destroy(pool);
    return NULL;
}

/* With the lock held. */
static int
start_worker(asyncio_thread_pool_t *pool)
{
    struct worker *worker = aio__alloc(sizeof *worker);
    sigset_t blocked;
    sigset_t before;
    int r;

    if (worker == NULL)
        return UV_ENOMEM;
    worker->pool = pool;
    aio__list_init(&worker->link);
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGTRAP);
    sigdelset(&blocked, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    r = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        aio__free(worker, sizeof *worker);
        return UV_EAGAIN;
    }
    pool->live++;
    return 0;
}

static int
enqueue(asyncio_thread_pool_t *pool, asyncio_thread_future_t *job)
{
    int r = 0;

    pthread_mutex_lock(&pool->lock);
    if (pool->shutdown) {
        pthread_mutex_unlock(&pool->lock);
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "cannot schedule new futures after shutdown");
    }
    if (pool->queued >= pool->idle && pool->live < pool->max)
        r = start_worker(pool);
    if (r == 0 || pool->live > 0) {
        r = 0;
        asyncio_thread_future_ref(job);
        aio__list_push_back(&pool->queue, &job->link);
        pool->queued++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}

asyncio_thread_future_t *
asyncio_thread_pool_submit(asyncio_thread_pool_t *pool, asyncio_coro_t coro,
                           const asyncio_thread_pool_submit_options_t *options)
{
    asyncio_drop_t drop = aio__option(options, drop, NULL);
    asyncio_thread_future_t *job = NULL;
    int r = UV_EINVAL;

    if (pool != NULL && coro.fn != NULL && coro.size < SIZE_MAX / 2) {
        job = aio__thread_future_make(coro, drop);
        r = job != NULL ? 0 : UV_ENOMEM;
    }
    if (job == NULL) {
        if (drop != NULL)
            drop(coro.frame);
        return aio__thread_future_failed(r);
    }
    job->context =
        asyncio_context_ref(aio__option(options, context, NULL));
    r = pool->forks == aio__forks ? enqueue(pool, job) : ASYNCIO_ERR_FORKED;
    if (r < 0) {
        asyncio_thread_future_unref(job);
        return aio__thread_future_failed(r);
    }
    return job;
}

/* With the lock held; gives it up. */
static void
join(asyncio_thread_pool_t *pool)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(&pool->exited)) != NULL) {
        struct worker *worker = aio__container_of(link, struct worker, link);

        pthread_mutex_unlock(&pool->lock);
        if (pthread_equal(worker->thread, pthread_self()))
            pthread_detach(worker->thread);
        else
            pthread_join(worker->thread, NULL);
        aio__free(worker, sizeof *worker);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* With the lock held. */
static void
begin_shutdown(asyncio_thread_pool_t *pool)
{
    pool->shutdown = true;
    pthread_cond_broadcast(&pool->work);
}

static void
cancel_queued(asyncio_thread_pool_t *pool)
{
    struct aio__list *link;

    pthread_mutex_lock(&pool->lock);
    while ((link = aio__list_pop_front(&pool->queue)) != NULL) {
        asyncio_thread_future_t *job =
            aio__container_of(link, asyncio_thread_future_t, link);

        pool->queued--;
        pthread_mutex_unlock(&pool->lock);
        asyncio_thread_future_cancel(job);
        asyncio_thread_future_unref(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

void
asyncio_thread_pool_shutdown(
    asyncio_thread_pool_t *pool,
    const asyncio_thread_pool_shutdown_options_t *options)
{
    if (pool == NULL || pool->forks != aio__forks)
        return;
    pthread_mutex_lock(&pool->lock);
    begin_shutdown(pool);
    pthread_mutex_unlock(&pool->lock);
    if (aio__option(options, cancel_futures, false))
        cancel_queued(pool);
    if (aio__option(options, no_wait, false))
        return;
    pthread_mutex_lock(&pool->lock);
    while (pool->live > 0)
        pthread_cond_wait(&pool->left, &pool->lock);
    join(pool);
}

bool
aio__thread_pool_leave(asyncio_thread_pool_t *pool, void (*gone)(void *arg),
                       void *arg)
{
    bool somebody;

    pthread_mutex_lock(&pool->lock);
    begin_shutdown(pool);
    somebody = pool->live > 0;
    if (somebody) {
        pool->gone = gone;
        pool->gone_arg = arg;
    }
    pthread_mutex_unlock(&pool->lock);
    return somebody;
}

void
aio__thread_pool_abandon(asyncio_thread_pool_t *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->gone = NULL;
    pthread_mutex_unlock(&pool->lock);
}

void
aio__thread_pool_join(asyncio_thread_pool_t *pool)
{
    pthread_mutex_lock(&pool->lock);
    join(pool);
}

asyncio_thread_pool_t *
asyncio_thread_pool_unref(asyncio_thread_pool_t *pool)
{
    bool last;

    if (pool == NULL)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    if (--pool->refs > 0) {
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    begin_shutdown(pool);
    pool->detach = true;
    while (!aio__list_empty(&pool->exited)) {
        struct worker *worker = aio__container_of(
            aio__list_pop_front(&pool->exited), struct worker, link);

        pthread_detach(worker->thread);
        aio__free(worker, sizeof *worker);
    }
    last = pool->live == 0 && pool->forks == aio__forks;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        destroy(pool);
    return NULL;
}
