/* SPDX-License-Identifier: MIT */
/*
 * fetch: many pages at once over HTTP/1.1, in one thread.
 *
 * This file is the concurrent part: a group of workers, each of which takes
 * the next URL until none is left, and a task that redraws the progress bar.
 * The rest reads as if it were alone in the world:
 *
 *   fetch/page.c      one page: deadline, redirects, retries
 *   fetch/http.c      one exchange, fetch/response.c the parsing of its head
 *   fetch/pool.c      connections kept for the next request
 *   fetch/server.c    the server of the demonstration
 *   fetch/url.c, output.c, stats.c, progress.c, options.c   what their names say
 *
 * Ctrl-C cancels the main task, which cancels the group and so each worker
 * where it waits; what was done until then is reported as usual.
 */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "fetch/options.h"
#include "fetch/page.h"
#include "fetch/progress.h"
#include "fetch/server.h"

enum {
    DEMO_PAGES = 500
};

static const double REDRAW_SECONDS = 0.08;

/* All workers share this; it outlives them, in main(). */
struct fetch {
    struct options options;
    struct session session;
    struct progress progress;
    unsigned next; /* number of the next page to take */
    unsigned demo_port; /* 0: the URLs are the user's */
};

struct worker {
    struct fetch *fetch;
};

static void
account(struct fetch *fetch, const struct page *page, int r)
{
    char kind[KIND_SIZE];

    if (r == 0) {
        stats_add_ok(&fetch->session.stats, page->latency);
    } else {
        if (r == ASYNCIO_ERR_FAILED)
            snprintf(kind, sizeof kind, "HTTP status %d", page->status);
        else
            snprintf(kind, sizeof kind, "%s", stats_kind(r));
        stats_add_error(&fetch->session.stats, kind);
    }
    progress_page(&fetch->progress, page, r);
}

/* Take pages until there are no more. A page that fails is an entry in the
 * statistics; only a cancellation ends a worker early. */
static int
worker(void *arg)
{
    struct fetch *fetch = ((struct worker *) arg)->fetch;

    while (fetch->next < fetch->session.stats.total) {
        struct page page = {.number = fetch->next++};
        char demo_url[64];

        if (fetch->demo_port != 0) {
            snprintf(demo_url, sizeof demo_url, "http://127.0.0.1:%u/page/%u",
                     fetch->demo_port, page.number);
            page.text = demo_url;
        } else {
            page.text = fetch->options.urls[page.number];
        }
        int r = page_fetch(&fetch->session, &page);
        if (r < 0 && !asyncio_failed(r))
            return r;
        account(fetch, &page, r);
    }
    return 0;
}

struct redraw {
    struct fetch *fetch;
};

static int
redraw(void *arg)
{
    struct fetch *fetch = ((struct redraw *) arg)->fetch;
    int r;

    do {
        progress_draw(&fetch->progress, &fetch->session.stats,
                      asyncio_loop_time(asyncio_get_running_loop()));
        r = asyncio_sleep(REDRAW_SECONDS);
    } while (r == 0);
    return r;
}

/* All pages, with so many workers as there are requests at the same time. */
static int
fetch_all(struct fetch *fetch)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_task_t *bar;
    asyncio_task_group_t group;

    fetch->session.stats.began = asyncio_loop_time(loop);
    bar = asyncio_create_task(asyncio_coro(redraw, .fetch = fetch));
    asyncio_task_group_enter(asyncio_task_group_init(&group));
    for (unsigned i = 0; i < fetch->options.concurrency
                         && i < fetch->session.stats.total;
         i++)
        asyncio_task_group_create_task(&group,
                                       asyncio_coro(worker, .fetch = fetch));
    int r = asyncio_task_group_exit(&group, 0);
    fetch->session.stats.ended = asyncio_loop_time(loop);

    asyncio_task_cancel(bar);
    asyncio_task_unref(bar);
    pool_close(&fetch->session.pool);
    return r;
}

static int
demonstrate(struct fetch *fetch)
{
    asyncio_server_t *server;
    int r = demo_server_start(&server);

    if (r < 0)
        return r;
    fetch->demo_port = (unsigned) asyncio_server_port(server);
    if (!fetch->options.quiet)
        printf("No URLs given (try --help), so this fetches %d pages from a "
               "server\nof its own on port %u, in the same event loop.\n\n",
               DEMO_PAGES, fetch->demo_port);
    r = fetch_all(fetch);
    int stopped = demo_server_stop(server);
    return r < 0 ? r : stopped;
}

/* What https connections are made with, when the usual is not enough. */
static int
make_ssl(const struct options *options, asyncio_ssl_context_t **ret_ssl)
{
    int r;

    if (options->cacert == NULL && !options->insecure)
        return 0;
    r = asyncio_ssl_context_new_client(ret_ssl);
    if (r == 0 && options->cacert != NULL)
        r = asyncio_ssl_context_load_verify_locations(*ret_ssl,
                                                      options->cacert, NULL);
    if (r == 0 && options->insecure)
        r = asyncio_ssl_context_set_check_hostname(*ret_ssl, false);
    if (r == 0 && options->insecure)
        r = asyncio_ssl_context_set_verify(*ret_ssl, false);
    return r;
}

struct fetch_main {
    struct fetch *fetch;
};

static int
fetch_main(void *arg)
{
    struct fetch *fetch = ((struct fetch_main *) arg)->fetch;
    bool demo = fetch->options.url_count == 0;

    int r = demo ? demonstrate(fetch) : fetch_all(fetch);
    if (asyncio_failed(r))
        return r;
    progress_summary(&fetch->progress, &fetch->session, r < 0);
    return r < 0 ? r : fetch->session.stats.failed > 0;
}

int
main(int argc, char **argv)
{
    struct fetch fetch = {0};
    int status = options_parse(&fetch.options, argc, argv);

    if (status < 0) {
        unsigned count = fetch.options.url_count;

        fetch.session.options = &fetch.options;
        fetch.session.pool.idle_max = fetch.options.concurrency;
        progress_init(&fetch.progress, &fetch.options);
        srand((unsigned) getpid()); /* for the pauses before retries */
        if (stats_init(&fetch.session.stats, count > 0 ? count : DEMO_PAGES) < 0)
            return EXIT_FAILURE;
        int r = make_ssl(&fetch.options, &fetch.session.pool.ssl);
        if (r < 0)
            fprintf(stderr, "fetch: %s: %s\n",
                    fetch.options.cacert != NULL ? fetch.options.cacert : "TLS",
                    asyncio_strerror(r));
        else
            r = asyncio_main(asyncio_coro(fetch_main, .fetch = &fetch));
        status = r < 0 ? 2 : r;
        asyncio_ssl_context_unref(fetch.session.pool.ssl);
    }
    stats_fini(&fetch.session.stats);
    options_fini(&fetch.options);
    return status;
}
