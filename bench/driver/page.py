# SPDX-License-Identifier: MIT
"""The page of a run, or of two runs compared."""

import html
import pathlib

from . import goals, programs, results as model, svg

CSS = pathlib.Path(__file__).with_name('page.css')

ABOUT = {
    'call': 'A call of an empty function: the floor below everything.',
    'switch': 'From one stack to another, one way; switch/1 to 3 add that '
              'many calls that are not inlined.',
    'yield': 'Through the scheduler and back: sleep(0), with that many tasks.',
    'future': 'A task waits for a new future, another sets it.',
    'create': 'Create a task, run it, and take its result, one by one.',
    'alive': '100,000 tasks that all live at once, each: in a new process '
             '(cold), and once more (warm).',
    'cancel': 'Cancel a sleeping task and wait for its end.',
    'lock': 'Two tasks contend for a lock.',
    'event': 'Wake a task that waits for an event or a condition.',
    'queue': 'An item there and back through two queues of one place.',
    'to_thread': 'An empty function in another thread, and its result.',
    'gather': 'Start so many tasks and wait for all, each.',
    'skynet': 'A tree of tasks with a million leaves.',
    'timers': 'So many tasks sleep a random time of up to a second: CPU '
              'time of all.',
    'memory': 'What a sleeping task takes.',
    'echo': 'TCP echo over loopback.',
    'http': 'GETs against nginx on loopback, 1,000 at a time; CPU time of '
            'the client a request.',
}

METRICS = {
    'time': '', 'rss': 'bytes resident, a task',
    'page tables': 'bytes of page tables, a task', 'mappings': 'mappings',
    'cpu': 'CPU time of the server, a request',
    'rate': 'requests a second', 'p50': 'latency, median',
    'p99': 'latency, 99th percentile',
}


def escape(value):
    return html.escape(str(value))


def in_order(results, metric):
    rows = [r for r in results if r.metric == metric]
    return sorted(rows, key=lambda r: r.median,
                  reverse=any(r.better == 'higher' for r in rows))


def row_of(run, before, r):
    best = model.best_other(run.results, r)
    ratio = model.ratio(run.results, r)
    note = f'{ratio:.2f} ×' if ratio is not None else ''
    row = {'name': r.peer, 'value': r.median, 'low': r.stats['low'],
           'high': r.stats['high'], 'ours': r.ours, 'note': note,
           'best': best is r}
    old = before and before.find(*r.key())
    if old and old.median:
        change = r.median / old.median - 1
        row['before'] = old.median
        row['note'] = f'{change:+.0%}'
    return row


def mappings(run, case):
    """Nearly always 0, 1 or 2: a line, not a plot."""
    rows = in_order([r for r in run.results if r.case == case], 'mappings')
    text = ', '.join(f'{r.peer} {r.median:,.0f}' for r in rows)
    return f'<p class="soft small">New mappings: {escape(text)}.</p>'


def chart(run, before, case, metric):
    if metric == 'mappings':
        return mappings(run, case)
    rows = in_order([r for r in run.results if r.case == case], metric)
    about = METRICS.get(metric, metric)
    if metric == 'time' and rows[0].by == 'cpu':
        about = 'CPU time'
    title = f'{case} <span class="soft">{escape(about)}</span>'
    return (f'<h3>{title}</h3>'
            + svg.bars([row_of(run, before, r) for r in rows], rows[0].unit,
                       f'{case} {about}'))


def sizes_of(run, group):
    """Cases of the group that end in a number, by that number."""
    found = {}
    for r in run.results:
        name, _, size = r.case.partition('/')
        if name == group and size.isdigit():
            found[int(size)] = r.case
    return dict(sorted(found.items()))


def scaling(run, group, metric):
    """The curves over the sizes of a group; nothing below three sizes."""
    sizes = sizes_of(run, group)
    if len(sizes) < 3 or group == 'switch':
        return ''
    series = {}
    for size, case in sizes.items():
        for r in run.results:
            if r.case == case and r.metric == metric and r.median > 0:
                series.setdefault(r.peer, []).append(
                    (size, r.median, r.stats['low'], r.stats['high']))
                unit = r.unit
    drawn = [{'name': peer, 'points': points, 'ours': peer == model.OURS}
             for peer, points in sorted(series.items()) if len(points) > 1]
    if not drawn:
        return ''
    about = METRICS.get(metric, metric)
    return (f'<h3>{group} <span class="soft">{escape(about)}</span></h3>'
            + svg.curves(drawn, unit, f'{group}, scaling', 'tasks'))


def section(run, before, group):
    cases = sorted({r.case for r in run.results
                    if r.case.split('/')[0] == group}, key=programs.rank)
    parts = [f'<h2 id="{group}">{group}</h2>',
             f'<p class="soft">{escape(ABOUT.get(group, ""))}</p>']
    metrics = list(dict.fromkeys(r.metric for r in run.results
                                 if r.case in cases))
    curves = ''.join(scaling(run, group, m) for m in metrics
                     if m != 'mappings')
    if curves:
        parts.append(f'<section class="card">{curves}</section>')
    for case in cases:
        of_case = list(dict.fromkeys(r.metric for r in run.results
                                     if r.case == case))
        parts.append('<section class="card">'
                     + ''.join(chart(run, before, case, m) for m in of_case)
                     + '</section>')
    return ''.join(parts)


def facts(run):
    machine = run.machine
    compilers = sorted({f'{r.meta["compiler"]} {r.meta.get("flags", "")}'
                        for r in run.results
                        if r.meta.get('compiler') and r.meta.get('flags')})
    mitigations = ', '.join(f'{k}: {v}'
                            for k, v in machine['mitigations'].items())
    virtual = ', a virtual machine' if machine['virtual'] else ''
    rows = [
        ('Commit', machine['commit']), ('When', machine['date']),
        ('CPU', f'{machine["cpu"]}, {machine["cores"]} cores{virtual}'),
        ('Memory', f'{machine["memory_gib"]} GiB'),
        ('System', f'{machine["system"]}, {machine["kernel"]}'),
        ('Built by', '; '.join(compilers) or 'unknown'),
        ('Governor', machine['governor']),
        ('Mitigations', mitigations or 'none'),
        ('Load at the start', f'{machine["load"]:.2f}'),
    ]
    return '<dl>' + ''.join(f'<dt>{escape(k)}</dt><dd>{escape(v)}</dd>'
                            for k, v in rows) + '</dl>'


def goal_table(run):
    rows = []
    for v in goals.judge_all(run):
        if v.measured is None:
            continue
        cls, mark = ('good', '✓') if v.met else ('bad', '✗')
        text = v.text.replace('<=', '≤').replace(' x ', ' × ')
        rows.append(f'<tr><td class="{cls}">{mark}</td>'
                    f'<td>{escape(text)}</td>'
                    f'<td class="n {cls}">{v.measured:.3g}</td>'
                    f'<td class="soft">{escape(v.against)}</td></tr>')
    if not rows:
        return ''
    return ('<h2 id="goals">goals</h2><table><thead><tr><th></th>'
            '<th>goal</th><th>measured</th><th>against</th></tr></thead>'
            f'<tbody>{"".join(rows)}</tbody></table>')


def change_row(before, r):
    old = before.find(*r.key())
    if not old or not old.median:
        return None
    change = r.median / old.median - 1
    apart = (r.stats['low'] > old.stats['high']
             or r.stats['high'] < old.stats['low'])
    worse = (change > 0) != (r.better == 'higher')
    cls = '' if not apart or abs(change) < 0.03 else 'bad' if worse else 'good'
    name = r.case if r.metric == 'time' else f'{r.case} {r.metric}'
    return abs(change) if cls else -1, (
        f'<tr><td>{escape(name)}</td><td>{escape(r.peer)}</td>'
        f'<td class="n">{svg.human(old.median, r.unit)}</td>'
        f'<td class="n">{svg.human(r.median, r.unit)}</td>'
        f'<td class="n {cls}">{change:+.1%}</td></tr>')


def changes(run, before):
    """Ours first where the intervals are apart, largest change on top."""
    rows = [row for r in run.results if r.ours
            for row in [change_row(before, r)] if row]
    rows.sort(key=lambda row: -row[0])
    return ('<h2 id="changes">changes</h2><p class="soft">Coloured where the '
            '95 % intervals are apart and the change is 3 % or more.</p>'
            '<table><thead><tr><th>case</th><th>who</th><th>before</th>'
            '<th>after</th><th>change</th></tr></thead><tbody>'
            + ''.join(text for _, text in rows) + '</tbody></table>')


def footnotes(run):
    notes = [f'{name}: not installed (apt-get install {packages})'
             for name, packages in run.skipped]
    notes += [f'{case}, {label}: {why}' for case, label, why in run.failed]
    if not notes:
        return ''
    return ('<h2>left out</h2><ul class="soft">'
            + ''.join(f'<li>{escape(note)}</li>' for note in notes) + '</ul>')


def render(run, before=None):
    groups = [g for g in dict.fromkeys(r.case.split('/')[0]
                                       for r in run.results)]
    groups.sort(key=programs.rank)
    title = 'libasyncio: benchmarks'
    nav = ''.join(f'<a href="#{g}">{g}</a>' for g in groups)
    intro = ('Medians with their bootstrap 95&nbsp;% intervals; × is the '
             'ratio to the best of the others. Axes are logarithmic where '
             'the ticks are powers of ten.')
    if before:
        intro += (' The wide bars behind are commit '
                  f'{escape(before.machine["commit"])}.')
    body = [f'<h1>{title}</h1><p class="soft">{intro}</p>', facts(run),
            f'<nav>{nav}</nav>', changes(run, before) if before else '',
            goal_table(run), *(section(run, before, g) for g in groups),
            footnotes(run)]
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f'<title>{title}</title><style>{CSS.read_text()}</style></head>'
            f'<body>{"".join(body)}</body></html>\n')
