/* SPDX-License-Identifier: MIT */
#ifndef FETCH_PROGRESS_H
#define FETCH_PROGRESS_H

#include <stdbool.h>

#include "page.h"

/* What the terminal can do. */
struct progress {
    bool terminal; /* else plain lines, one for each page */
    bool colours;
    bool unicode;
    bool drawn; /* a bar is on the screen */
    bool verbose, quiet;
};

void progress_init(struct progress *progress, const struct options *options);

/* Draw the bar again. `now` is the loop's time. */
void progress_draw(struct progress *progress, const struct stats *stats,
                   double now);

/* Take the bar away. */
void progress_clear(struct progress *progress);

/* Tell what became of a page: 0, or its error. */
void progress_page(struct progress *progress, const struct page *page, int r);

/* Tell what became of them all. */
void progress_summary(struct progress *progress, struct session *session,
                      bool interrupted);

#endif
