# SPDX-License-Identifier: MIT
"""Two kinds of plots as inline SVG: horizontal bars with intervals, and scaling
curves. Colours are CSS classes, so that the page's light and dark themes hold
for them too."""

import html
import math

WIDTH = 760
LABEL, VALUES = 178, 150  # left of the bars, right of them
ROW, BAR = 26, 14


def text(x, y, content, cls='', anchor='start'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'class="{cls}">{html.escape(str(content))}</text>')


def line(x1, y1, x2, y2, cls):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'class="{cls}"/>')


def rect(x, y, width, height, cls, title='', radius=2):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
            f'height="{height}" rx="{radius}" class="{cls}">'
            f'<title>{html.escape(title)}</title></rect>')


def svg(width, height, parts, label):
    return (f'<svg viewBox="0 0 {width} {height:.0f}" role="img" '
            f'aria-label="{html.escape(label)}">' + ''.join(parts) + '</svg>')


SCALES = {
    'ns': [(1e9, 's'), (1e6, 'ms'), (1e3, 'µs'), (1, 'ns')],
    'us': [(1e6, 's'), (1e3, 'ms'), (1, 'µs'), (1e-3, 'ns')],
    'ms': [(1e3, 's'), (1, 'ms')],
    's': [(1, 's'), (1e-3, 'ms')],
    'B': [(2**30, 'GiB'), (2**20, 'MiB'), (1e4, 'kB', 1e3), (1, 'B')],
    '/s': [(1e6, 'M/s'), (1e3, 'k/s'), (1, '/s')],
}


def human(value, unit):
    """3 digits and the unit people would say: 1234 ns is 1.23 µs."""
    for threshold, name, *divisor in SCALES.get(unit, [(0, unit)]):
        if abs(value) >= threshold > 0:
            value, unit = value / (divisor[0] if divisor else threshold), name
            break
    digits = f'{value:.3g}' if abs(value) < 1000 else f'{value:,.0f}'
    return f'{digits} {unit}'.rstrip()


class Axis:
    """Values to x. Logarithmic when the largest would hide the smallest."""

    def __init__(self, values, left, right, force_log=False):
        values = [v for v in values if v > 0] or [1]
        self.left, self.right = left, right
        self.log = force_log or max(values) > 12 * min(values)
        if self.log:
            self.low = 10 ** math.floor(math.log10(min(values) * 0.6))
            self.high = max(values) * 1.15
        else:
            self.low, self.high = 0, max(values) * 1.08

    def x(self, value):
        if self.log:
            value = max(value, self.low)
            part = (math.log(value / self.low)
                    / math.log(self.high / self.low))
        else:
            part = value / self.high
        return self.left + part * (self.right - self.left)

    def ticks(self):
        if self.log:
            first = round(math.log10(self.low))
            powers = range(first, math.floor(math.log10(self.high)) + 1)
            return [10 ** p for p in powers]
        step = 10 ** math.floor(math.log10(self.high))
        for divide in (1, 2, 4, 5, 10):
            if self.high / (step / divide) >= 3.5:
                step /= divide
                break
        return [i * step for i in range(int(self.high / step) + 1)]


def bars(rows, unit, label):
    """rows: dicts of name, value, low, high, ours, best, note, before."""
    top, bottom = 6, 24
    height = top + len(rows) * ROW + bottom
    values = [v for r in rows
              for v in (r['value'], r['high'], r.get('before')) if v]
    axis = Axis(values, LABEL, WIDTH - VALUES)
    end = top + len(rows) * ROW
    parts = []
    for tick in axis.ticks():
        x = axis.x(tick)
        parts.append(line(x, top, x, end, 'grid'))
        parts.append(text(x, end + 15, human(tick, unit), 'tick', 'middle'))
    for i, row in enumerate(rows):
        parts += bar(row, top + i * ROW, axis, unit)
    return svg(WIDTH, height, parts, label)


def bar(row, y, axis, unit):
    cls = 'ours' if row['ours'] else 'best' if row['best'] else 'other'
    middle = y + ROW / 2
    x = axis.x(row['value'])
    title = (f"{row['name']}: {human(row['value'], unit)} "
             f"({human(row['low'], unit)} to {human(row['high'], unit)})")
    parts = [text(LABEL - 10, middle + 4, row['name'],
                  'name strong' if row['ours'] else 'name', 'end')]
    if row.get('before'):
        before = axis.x(row['before'])
        parts.append(rect(LABEL, middle - BAR / 2 - 3, before - LABEL,
                          BAR + 6, 'before',
                          f"before: {human(row['before'], unit)}"))
    parts.append(rect(LABEL, middle - BAR / 2, x - LABEL, BAR, cls, title))
    low, high = axis.x(row['low']), axis.x(row['high'])
    if high - low > 1.5:
        parts.append(line(low, middle, high, middle, 'whisker'))
        parts.append(line(low, middle - 4, low, middle + 4, 'whisker'))
        parts.append(line(high, middle - 4, high, middle + 4, 'whisker'))
    parts.append(text(max(x, high) + 8, middle + 4,
                      human(row['value'], unit),
                      'value strong' if row['ours'] else 'value'))
    parts.append(text(WIDTH - 4, middle + 4, row['note'], 'note', 'end'))
    return parts


def spread(ys, gap, low, high):
    """Move labels apart that would lie on each other; keeps their order."""
    order = sorted(range(len(ys)), key=lambda i: ys[i])
    placed = list(ys)
    for before, i in zip([None] + order, order):
        floor = low if before is None else placed[before] + gap
        placed[i] = max(placed[i], floor)
    excess = max((placed[order[-1]] - high) if order else 0, 0)
    for i in reversed(order):
        if excess <= 0:
            break
        placed[i] -= excess
        neighbours = [placed[i] - placed[k] for k in order
                      if placed[k] <= placed[i] and k != i]
        closest = min(neighbours, default=gap)
        excess = max(gap - closest, 0)
    return placed


def curves(series, unit, label, x_label):
    """series: dicts of name, ours, points [(size, value, low, high)]."""
    height, top, bottom, left, right = 300, 14, 40, 66, 170
    points = [p for s in series for p in s['points']]
    xs = Axis([p[0] for p in points], left, WIDTH - right, force_log=True)
    sizes = sorted({p[0] for p in points})
    xs.low, xs.high = min(sizes), max(sizes)
    ys = Axis([v for p in points for v in p[1:]], height - bottom, top,
              force_log=True)
    parts = []
    for tick in ys.ticks():
        y = ys.x(tick)
        parts.append(line(left, y, WIDTH - right, y, 'grid'))
        parts.append(text(left - 8, y + 4, human(tick, unit), 'tick', 'end'))
    for size in sizes:
        x = xs.x(size)
        parts.append(line(x, top, x, height - bottom, 'grid'))
        parts.append(text(x, height - bottom + 16, f'{size:,}', 'tick',
                          'middle'))
    parts.append(text((left + WIDTH - right) / 2, height - 4, x_label, 'tick',
                      'middle'))
    ends = [ys.x(s['points'][-1][1]) for s in series]
    labels = spread(ends, 15, top + 4, height - bottom)
    other = 0
    for s, label_y in zip(series, labels):
        cls = 'c0' if s['ours'] else f'c{1 + other % 8}'
        other += not s['ours']
        parts += curve(s, cls, xs, ys, label_y, unit)
    return svg(WIDTH, height, parts, label)


def curve(series, cls, xs, ys, label_y, unit):
    points = [(xs.x(n), ys.x(v), n, v, low, high)
              for n, v, low, high in series['points']]
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y, *_ in points)
    weight = ' thick' if series['ours'] else ''
    parts = [f'<polyline points="{path}" class="curve {cls}{weight}"/>']
    for x, y, n, v, low, high in points:
        parts.append(line(x, ys.x(low), x, ys.x(high), f'curve {cls}'))
        title = f'{series["name"]}, {n:,}: {human(v, unit)}'
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" '
                     f'class="dot {cls}"><title>{html.escape(title)}</title>'
                     '</circle>')
    x, y = points[-1][:2]
    parts.append(line(x + 5, y, WIDTH - 162, label_y, f'leader {cls}'))
    strong = ' strong' if series['ours'] else ''
    parts.append(text(WIDTH - 158, label_y + 4,
                      f'{series["name"]}', f'label {cls}{strong}'))
    return parts
