/* SPDX-License-Identifier: MIT */
/* fetch/url.c and the names that fetch/output.c makes of URLs. */
#include "behaviour.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "fetch/output.h"
#include "fetch/url.h"

/* `text` is a URL that reads `clean` afterwards. */
static void
assert_clean(const char *text, const char *clean)
{
    struct url url;

    assert_ok(url_parse(text, &url));
    ck_assert_str_eq(url.text, clean);
    url_fini(&url);
}

static void
assert_refused(const char *text, int code)
{
    struct url url;

    assert_r(url_parse(text, &url), code);
    ck_assert_ptr_nonnull(asyncio_current_exception());
}

static void
assert_joined(const char *base, const char *reference, const char *text)
{
    struct url from, to;

    assert_ok(url_parse(base, &from));
    assert_ok(url_join(&from, reference, &to));
    ck_assert_str_eq(to.text, text);
    url_fini(&from);
    url_fini(&to);
}

static void
assert_saved_as(const char *text, const char *name)
{
    struct url url;

    assert_ok(url_parse(text, &url));
    char *path = output_path("dir", &url);
    ck_assert_str_eq(path, name);
    free(path);
    url_fini(&url);
}

PLAIN(a_url_is_taken_apart)
{
    struct url url;

    assert_ok(url_parse("http://Example.ORG:8080/a/b?c=d#e", &url));
    ck_assert_str_eq(url.host, "example.org");
    ck_assert_str_eq(url.port, "8080");
    ck_assert_str_eq(url.target, "/a/b?c=d");
    url_fini(&url);
}

PLAIN(a_url_needs_neither_scheme_nor_path)
{
    assert_clean("example.org", "http://example.org/");
    assert_clean("example.org:81", "http://example.org:81/");
    assert_clean("HTTP://example.org?q", "http://example.org/?q");
    assert_clean("http://example.org:80", "http://example.org/");
    assert_clean("http://example.org:/x", "http://example.org/x");
}

PLAIN(an_https_url_has_its_own_standard_port)
{
    struct url url;

    assert_ok(url_parse("HTTPS://example.org/x", &url));
    ck_assert(url.tls);
    ck_assert_str_eq(url.port, "443");
    url_fini(&url);
    assert_ok(url_parse("example.org:443", &url));
    ck_assert(!url.tls);
    url_fini(&url);
    assert_clean("https://example.org:443", "https://example.org/");
    assert_clean("https://example.org:80/x", "https://example.org:80/x");
    assert_clean("http://example.org:443/x", "http://example.org:443/x");
    assert_joined("https://h/a", "//other/b", "https://other/b");
    assert_joined("https://h/a", "b", "https://h/b");
    assert_joined("https://h/a", "http://h/b", "http://h/b");
    assert_joined("http://h/a", "https://h/b", "https://h/b");
}

PLAIN(an_ipv6_address_stands_in_brackets)
{
    struct url url;

    assert_ok(url_parse("http://[::1]:8080/x", &url));
    ck_assert_str_eq(url.host, "::1");
    ck_assert_str_eq(url.text, "http://[::1]:8080/x");
    url_fini(&url);
    assert_refused("http://[::1", UV_EINVAL);
    assert_refused("http://[]/", UV_EINVAL);
    assert_refused("http://[::1]x/", UV_EINVAL);
}

PLAIN(dot_segments_are_resolved)
{
    assert_clean("h/a/./b/../c", "http://h/a/c");
    assert_clean("h/../../../etc/passwd", "http://h/etc/passwd");
    assert_clean("h/a/..", "http://h/");
    assert_clean("h/a/.", "http://h/a/");
    assert_clean("h/..a/...", "http://h/..a/...");
    assert_clean("h/a?b/../c", "http://h/a?b/../c");
}

PLAIN(what_could_break_out_of_a_request_is_escaped)
{
    assert_clean("h/a b\r\nEvil: 1", "http://h/a%20b%0D%0AEvil:%201");
    assert_clean("h/\xc3\xa9\x7f", "http://h/%C3%A9%7F");
    assert_clean("h/%41", "http://h/%41");
}

PLAIN(what_is_no_http_url_is_refused)
{
    assert_refused("https:example.org/", UV_EPROTONOSUPPORT);
    assert_refused("ftp://example.org/", UV_EPROTONOSUPPORT);
    assert_refused("mailto:a@example.org", UV_EPROTONOSUPPORT);
    assert_refused("", UV_EINVAL);
    assert_refused("http:///x", UV_EINVAL);
    assert_refused("http://user@example.org/", UV_EINVAL);
    assert_refused("http://a\r\nb/", UV_EINVAL);
    assert_refused("http://../x", UV_EINVAL);
    assert_refused("http://b\xc3\xbcrgermeister/", UV_EINVAL);
}

PLAIN(a_port_is_1_to_65535)
{
    assert_clean("h:65535", "http://h:65535/");
    assert_refused("h:0", UV_EINVAL);
    assert_refused("h:65536", UV_EINVAL);
    assert_refused("h:99999999999999999999", UV_EINVAL);
    assert_refused("h:1x", UV_EINVAL);
}

PLAIN(what_is_too_long_is_refused)
{
    char text[URL_LENGTH_MAX + 100];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_refused(text, UV_ENAMETOOLONG);
    text[300] = '\0';
    assert_refused(text, UV_ENAMETOOLONG);
}

PLAIN(a_redirect_may_be_relative)
{
    assert_joined("h/a/b?c", "http://other/x", "http://other/x");
    assert_joined("h/a/b?c", "//other:81/x", "http://other:81/x");
    assert_joined("h/a/b?c", "/x", "http://h/x");
    assert_joined("h/a/b?c", "x", "http://h/a/x");
    assert_joined("h/a/b?c", "../x", "http://h/x");
    assert_joined("h/a/b?c/d", "?x", "http://h/a/b?x");
    assert_joined("h/a/b?c", "", "http://h/a/b?c");
    assert_joined("h/a/b?c", "#f", "http://h/a/b?c");
    assert_joined("h", "x", "http://h/x");
}

PLAIN(a_file_never_leaves_its_directory)
{
    assert_saved_as("h/a/b", "dir/h/a/b");
    assert_saved_as("h:81/", "dir/h:81/index.html");
    assert_saved_as("h/a/?q=1", "dir/h/a/index.html?q=1");
    assert_saved_as("h/../../x", "dir/h/x");
    assert_saved_as("h/a?/../../x", "dir/h/a?%2F..%2F..%2Fx");
    assert_saved_as("h/%2e%2e/x", "dir/h/%2e%2e/x");
}
