# SPDX-License-Identifier: MIT
"""The goals of goals.json, and what a run says of them.

A goal names a case, and a ratio to the best of the peers in "to" (default: the
best other), measured in the same run, perhaps in another case ("to_case"); or
an absolute limit. "who" is the result of ours that it is about.
"""

import dataclasses
import json
import pathlib

from . import results as model, svg


@dataclasses.dataclass
class Verdict:
    text: str        # "yield/2 <= 0.5 x the best other"
    limit: float
    measured: float | None = None  # None: not measured in this run
    against: str = ''              # the peer and its figure

    @property
    def met(self):
        return self.measured is not None and self.measured <= self.limit


def peers_of(goal, run, case, metric):
    found = [r for r in run.results if r.case == case and r.metric == metric
             and not r.ours and r.median > 0]
    if 'to' in goal:
        found = [r for r in found if r.peer in goal['to']]
    return min(found, key=lambda r: r.median, default=None)


def judge(goal, run):
    case, metric = goal['case'], goal.get('metric', 'time')
    who = goal.get('who', model.OURS)
    name = case if metric == 'time' else f'{case} {metric}'
    if who != model.OURS:
        name += f' ({who.removeprefix(model.OURS).strip()})'
    ours = run.find(case, metric, who)
    if 'limit' in goal:
        verdict = Verdict(f'{name} <= {goal["limit"]}', goal['limit'])
        if ours:
            verdict.measured = ours.median
        return verdict
    to_case = goal.get('to_case', case)
    best = peers_of(goal, run, to_case, metric)
    against = ' or '.join(goal.get('to', ['the best other']))
    if to_case != case:
        against += f' in {to_case}'
    verdict = Verdict(f'{name} <= {goal["ratio"]} x {against}', goal['ratio'])
    if ours and best:
        verdict.measured = ours.median / best.median
        verdict.against = f'{best.peer}: {svg.human(best.median, best.unit)}'
    return verdict


def judge_all(run, path=None):
    path = path or pathlib.Path(__file__).parent.parent / 'goals.json'
    return [judge(goal, run) for goal in json.loads(path.read_text())]
