/* SPDX-License-Identifier: MIT */
/*
 * URLs, as far as an HTTP client needs them.
 *
 * A URL may come from a hostile server, by a redirect, and ends up in a
 * request line and in a file name. So nothing passes that could break out of
 * either: control characters, spaces and non-ASCII bytes are escaped in the
 * target and refused in the host, and dot segments are resolved here.
 */
#include "url.h"

#include <asyncio.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* The length of "scheme:" at the start of `text`, or 0. */
static size_t
scheme_length(const char *text)
{
    size_t n = strspn(text, ALPHA DIGIT "+-.");

    return n > 0 && isalpha((unsigned char) text[0]) && text[n] == ':' ? n + 1
                                                                       : 0;
}

/* Past "http://" or "https://". */
static int
skip_scheme(const char **text, bool *ret_tls)
{
    size_t n = scheme_length(*text);

    *ret_tls = false;
    if (n == 0 || strspn(*text + n, DIGIT) > 0) /* "host", "host:80" */
        return 0;
    if (strncasecmp(*text, "http://", 7) == 0) {
        *text += 7;
        return 0;
    }
    if (strncasecmp(*text, "https://", 8) == 0) {
        *text += 8;
        *ret_tls = true;
        return 0;
    }
    return asyncio_raise(UV_EPROTONOSUPPORT, "not an http URL");
}

static const char *
standard_port(const struct url *url)
{
    return url->tls ? "443" : "80";
}

static int
parse_port(const char *text, size_t length, struct url *url)
{
    unsigned long port = 0;

    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char) text[i]) || port > 65535)
            return asyncio_raise(UV_EINVAL, "bad port");
        port = port * 10 + (unsigned long) (text[i] - '0');
    }
    if (length == 0) {
        strcpy(url->port, standard_port(url));
        return 0;
    }
    if (port == 0 || port > 65535)
        return asyncio_raise(UV_EINVAL, "port out of range");
    snprintf(url->port, sizeof url->port, "%lu", port);
    return 0;
}

/* "host", "host:port" or "[v6]:port", up to `length`. */
static int
parse_authority(const char *text, size_t length, struct url *url)
{
    bool v6 = length > 0 && text[0] == '[';
    size_t host;

    if (v6) {
        text++;
        length--;
    }
    host = strspn(text, v6 ? ALPHA DIGIT ":." : ALPHA DIGIT "-._");
    if (host == 0 || text[0] == '.')
        return asyncio_raise(UV_EINVAL, "no host in the URL");
    if (host >= sizeof url->host)
        return asyncio_raise(UV_ENAMETOOLONG, "host name too long");
    for (size_t i = 0; i < host; i++)
        url->host[i] = (char) tolower((unsigned char) text[i]);
    url->host[host] = '\0';

    if (v6 && (host == length || text[host++] != ']'))
        return asyncio_raise(UV_EINVAL, "bad IPv6 address in the URL");
    if (host == length)
        return parse_port("", 0, url);
    if (text[host] != ':')
        return asyncio_raise(UV_EINVAL, "bad character in the host name");
    return parse_port(text + host + 1, length - host - 1, url);
}

/* Copy a target without its dot segments and its fragment, and with bytes
 * escaped that have no place in a request. `out` has room for three times
 * the length of `text`, and two. */
static void
clean_target(const char *text, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    char *start = out, *query = NULL;

    if (*text != '/')
        *out++ = '/';
    for (; *text != '\0' && *text != '#'; text++) {
        unsigned char c = (unsigned char) *text;

        if (c == '?' && query == NULL)
            query = out;
        if (c == '/' && query == NULL) {
            size_t dots = strspn(text + 1, ".");
            bool ends = text[1 + dots] == '\0'
                        || strchr("/?#", text[1 + dots]) != NULL;
            if (ends && (dots == 1 || dots == 2)) {
                while (dots == 2 && out > start && *--out != '/')
                    ; /* ".." takes the segment before it along */
                text += dots;
                if (text[1] != '/')
                    *out++ = '/';
                continue;
            }
        }
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        } else {
            *out++ = (char) c;
        }
    }
    *out = '\0';
}

int
url_parse(const char *text, struct url *ret_url)
{
    struct url url;
    char authority[sizeof url.host + 10];
    size_t length = strlen(text);
    int r;

    if (length > URL_LENGTH_MAX)
        return asyncio_raise(UV_ENAMETOOLONG, "URL too long");
    r = skip_scheme(&text, &url.tls);
    if (r < 0)
        return r;
    length = strcspn(text, "/?#");
    r = parse_authority(text, length, &url);
    if (r < 0)
        return r;

    url_authority(&url, authority, sizeof authority);
    url.text = malloc(sizeof authority + 3 * strlen(text + length) + 10);
    if (url.text == NULL)
        return UV_ENOMEM;
    char *target = url.text
                   + sprintf(url.text, "%s://%s", url.tls ? "https" : "http",
                             authority);
    clean_target(text + length, target);
    url.target = target;
    *ret_url = url;
    return 0;
}

int
url_join(const struct url *base, const char *reference, struct url *ret_url)
{
    size_t length = strlen(reference), keep;
    char *joined;
    int r;

    if (length > URL_LENGTH_MAX)
        return asyncio_raise(UV_ENAMETOOLONG, "URL too long");
    if (scheme_length(reference) > 0)
        return url_parse(reference, ret_url);

    if (strncmp(reference, "//", 2) == 0)
        keep = strlen(base->tls ? "https:" : "http:");
    else if (reference[0] == '/')
        keep = (size_t) (base->target - base->text);
    else if (reference[0] == '?')
        keep = (size_t) (base->target - base->text)
               + strcspn(base->target, "?");
    else if (length == 0 || reference[0] == '#')
        keep = strlen(base->text);
    else {
        keep = (size_t) (base->target - base->text)
               + strcspn(base->target, "?");
        while (base->text[keep - 1] != '/')
            keep--;
    }
    joined = malloc(keep + length + 1);
    if (joined == NULL)
        return UV_ENOMEM;
    memcpy(joined, base->text, keep);
    memcpy(joined + keep, reference, length + 1);
    r = url_parse(joined, ret_url);
    free(joined);
    return r;
}

void
url_authority(const struct url *url, char *buffer, unsigned size)
{
    bool v6 = strchr(url->host, ':') != NULL;
    bool standard = strcmp(url->port, standard_port(url)) == 0;

    snprintf(buffer, size, "%s%s%s%s%s", v6 ? "[" : "", url->host,
             v6 ? "]" : "", standard ? "" : ":", standard ? "" : url->port);
}

void
url_fini(struct url *url)
{
    free(url->text);
    url->text = NULL;
}
