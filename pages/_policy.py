"""The workbench of limits: what is moved, what comes of it, and the saved versions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from dailies.access import Visitor
from dailies.config import Config
from jobs import policies
from metrics import policy as metrics
from metrics.choices import options
from pages import _charts as charts
from pages import _tables as tables
from pages._ground import ground, mirror
from pages._tiles import Tile, strip
from pages._words import check_words, colour, count, share, verdict_words
from quality.checks import BY_NAME
from quality.policy import Policy, PolicyError
from quality.scores import BY_STEPS, IMMOVABLE, LADDERS, tightest

SCOPE_WORDS = {"house": "everywhere", "task": "for a task", "site": "at a site", "rig": "on a rig"}
BARS = 12
"""Workers and rigs drawn, the most changed first; the table has them all."""

Place = tuple[str, str, str | None]
"""Check, scope and owner."""

Pair = tuple[float, float]
"""Suspect and fail limit."""


def in_force() -> Policy:
    """The policy under which recordings are judged now."""
    standing = ground()
    with standing.record.read() as session:
        return policies.in_force(session, standing.config)


def said(current: Policy, standing: metrics.Standing) -> str:
    """The line under the title."""
    return (
        f"In force: {current.id} · {count(standing.episodes)} episodes of all days and places, "
        f"duplicates left out; the filters do not apply here"
    )


def what_is_not_scored(standing: metrics.Standing, config: Config) -> None:
    """Says of how many episodes moved limits cannot be told, and the remedy."""
    left = standing.episodes - standing.scored
    if left:
        st.info(
            f"{count(left)} of {count(standing.episodes)} episodes were judged before scores were "
            "kept, or have no measurements: they keep their verdict in everything below. "
            f"`{shlex.join(policies.judge_command(config))}` scores those that have measurements.",
            icon=":material/history:",
        )


def choose_check() -> str:
    """The check whose limits are to be moved."""
    names = [name for name in BY_NAME if name not in IMMOVABLE]
    chosen = st.selectbox(
        "Check",
        names,
        index=names.index("blur"),
        format_func=lambda name: check_words(name).capitalize(),
        key="workbench",
        bind="query-params",
    )
    check = BY_NAME[str(chosen)]
    st.caption(check.says)
    return check.name


def choose_scope(current: Policy) -> tuple[str, str | None]:
    """Where the limits are to hold: everywhere, or at one task, site or rig."""
    scope = str(
        st.segmented_control(
            "Where",
            list(SCOPE_WORDS),
            default="house",
            format_func=lambda one: SCOPE_WORDS[one],
            key="workbench-scope",
        )
        or "house"
    )
    if scope == "house":
        return scope, None
    known = options(mirror())
    choices = {"task": known.tasks, "site": known.sites, "rig": known.rigs}[scope]
    names = {one.id: one.name for one in choices}
    own = {owner for (kind, owner), tables in current.overrides.items() if kind == scope}
    owner = st.selectbox(
        scope.capitalize(),
        sorted({*names, *own}),
        format_func=lambda one: names.get(one, one),
        key=f"workbench-{scope}",
    )
    return ("house", None) if owner is None else (scope, str(owner))


def move(check: str, scope: str, owner: str | None, current: Policy) -> None:
    """The two limits, to be moved; what is moved is kept until it is put back or saved."""
    now = _standing(current, check, scope, owner)
    place = (check, scope, owner)
    kept = _moves().get(place, now)
    unit, lower = BY_NAME[check].unit, BY_NAME[check].worse == "lower"
    key = "-".join(map(str, (check, scope, owner, st.session_state.get("workbench-turn", 0))))
    suspect = _limit(
        check, f"Suspect from ({unit})", kept[0], now[0], by_steps=True, key=f"s-{key}"
    )
    fail = _limit(
        check, f"Fail from ({unit})", kept[1], now[1], by_steps=check in BY_STEPS, key=f"f-{key}"
    )
    word = "or less" if lower else "or more"
    was = f"In force: suspect {now[0]:g}, fail {now[1]:g} {unit} {word}."
    if check in LADDERS:
        was += " The suspect limit moves by the steps at which the check was asked."
    st.caption(was)
    if (suspect > fail) if not lower else (suspect < fail):
        st.warning("The suspect limit must be reached before the fail limit.", icon="⚠")
        return
    if (suspect, fail) == now:
        _moves().pop(place, None)
    else:
        _moves()[place] = (suspect, fail)
    _list_of_moves(current)


def _limit(check: str, label: str, value: float, now: float, *, by_steps: bool, key: str) -> float:
    if check in LADDERS and by_steps:
        lower = BY_NAME[check].worse == "lower"
        steps = sorted({*LADDERS[check], now, value}, reverse=lower)
        return float(
            st.select_slider(label, steps, value, format_func=lambda one: f"{one:g}", key=key)
        )
    tight = tightest(check)
    lower = BY_NAME[check].worse == "lower"
    return float(
        st.number_input(
            label,
            min_value=None if lower else min(tight, now),
            max_value=max(tight, now) if lower else None,
            value=value,
            step=max(round(abs(now) / 20, 3), 0.001) if abs(now) < 1e9 else 1.0,
            format="%g",
            key=key,
        )
    )


def _list_of_moves(current: Policy) -> None:
    moves = _moves()
    if not moves:
        return
    for (check, scope, owner), (suspect, fail) in moves.items():
        was = _standing(current, check, scope, owner)
        where = "" if scope == "house" else f" ({scope} {owner})"
        st.markdown(
            f":orange-badge[moved] **{check_words(check)}**{where}: suspect {was[0]:g} → "
            f"**{suspect:g}**, fail {was[1]:g} → **{fail:g}** {BY_NAME[check].unit}"
        )
    st.button("Put all back", on_click=_put_back, icon=":material/undo:")


def _put_back() -> None:
    _moves().clear()
    _turn()


def _turn() -> None:
    """Has the sliders take their values anew."""
    st.session_state["workbench-turn"] = st.session_state.get("workbench-turn", 0) + 1


def _moves() -> dict[Place, Pair]:
    found: dict[Place, Pair] = st.session_state.setdefault("workbench-moves", {})
    return found


def _standing(current: Policy, check: str, scope: str, owner: str | None) -> Pair:
    """The limits of a check in force at a place."""
    where = {} if scope == "house" else {scope: owner}
    limits = current.limits_for(**where)[check]
    return limits.suspect, limits.fail


def draft(current: Policy) -> Policy:
    """The policy in force, with what is moved; where that cannot be, says why and leaves it out."""
    drafted = current
    for (check, scope, owner), (suspect, fail) in _moves().items():
        try:
            drafted = drafted.moved(check, {"suspect": suspect, "fail": fail}, scope, owner)
        except PolicyError as error:  # an override of the other limit may lie beyond
            st.error(f"{error}.", icon=":material/error:")
    return drafted


def is_moved(current: Policy, draft: Policy) -> bool:
    """Whether any limit is moved."""
    return bool(policies.moved_checks(current, draft))


def _sides(current: Policy, draft: Policy, *checks: str) -> tuple[list[metrics.Limit], ...]:
    names = checks or tuple(policies.moved_checks(current, draft))
    return policies.limits_of(current, *names), policies.limits_of(draft, *names)


def consequences(current: Policy, draft: Policy) -> None:
    """What the moved limits would change: verdicts, and agreement with reviews."""
    checks = policies.moved_checks(current, draft)
    if not checks:
        st.info(
            "Move a limit: what would change in the whole history is shown here at once. "
            "Nothing changes until a version is saved and put in force.",
            icon=":material/tune:",
        )
        _agreement(current, draft, str(st.session_state.get("workbench") or "blur"))
        return
    changes = metrics.policy_change(mirror(), *_sides(current, draft))
    episodes = sum(one.episodes for one in changes)
    reviewed = sum(one.reviewed for one in changes)

    def turning(*verdicts: str) -> Tile:
        into = [one for one in changes if one.after in verdicts]
        out = [one for one in changes if one.before in verdicts]
        net = sum(one.hours for one in into) - sum(one.hours for one in out)
        names = {"good": "Good", "fail": "Fail"}.get(verdicts[0], "To review")
        return Tile(
            names,
            f"{net:+,.1f} h",
            f"Hours that become {' or '.join(verdicts)}, less those that are it no more. What a "
            "review stands on keeps the review's decision.",
            aside=f"{sum(one.hours for one in into):,.1f} h in, "
            f"{sum(one.hours for one in out):,.1f} h out",
        )

    strip(
        [
            Tile(
                "Verdicts changed",
                count(episodes),
                "Episodes whose verdict would be another, of the whole history.",
                aside=f"{count(reviewed)} of them reviewed",
            ),
            turning("good"),
            turning("suspect", "unknown"),
            turning("fail"),
        ]
    )
    if changes:
        tables.table(
            {
                "change": [
                    f"{verdict_words(one.before)} → {verdict_words(one.after)}" for one in changes
                ],
                "episodes": [one.episodes for one in changes],
                "hours": [one.hours for one in changes],
                "reviewed": [one.reviewed for one in changes],
            },
            {
                "change": tables.text("Verdict"),
                "episodes": tables.number("Episodes"),
                "hours": tables.number("Hours (h)", 1),
                "reviewed": tables.number(
                    "Reviewed", help="Their decision is a person's, and stays."
                ),
            },
            key="policy-changes",
            height=36 * (len(changes) + 1) + 3,
        )
    else:
        st.caption("No verdict in the history would be another.")
    for check in checks:
        _agreement(current, draft, check)


def _agreement(current: Policy, draft: Policy, check: str) -> None:
    """Precision and recall of a check against reviews, before and after."""
    found = {
        one.side: one for one in metrics.check_agreement(mirror(), *_sides(current, draft, check))
    }
    if not found:
        return
    st.markdown(f"**{check_words(check).capitalize()} against reviews**")
    rows = [found[side] for side in ("before", "after")]
    if policies.limits_of(current, check) == policies.limits_of(draft, check):
        rows = rows[:1]
    tables.table(
        {
            "side": [{"before": "in force", "after": "moved"}[one.side] for one in rows],
            "precision": [
                _rate(one.precision, one.precision_low, one.precision_high) for one in rows
            ],
            "recall": [_rate(one.recall, one.recall_low, one.recall_high) for one in rows],
            "hits": [one.hits for one in rows],
            "false_alarms": [one.false_alarms for one in rows],
            "misses": [one.misses for one in rows],
        },
        {
            "side": tables.text("Limits"),
            "precision": tables.text("Precision", help="Of the clips flagged, rejected for it."),
            "recall": tables.text("Recall", help="Of the clips rejected for it, flagged."),
            "hits": tables.number("Flagged, rejected"),
            "false_alarms": tables.number("Flagged, accepted"),
            "misses": tables.number("Missed"),
        },
        key=f"agreement-{check}",
        height=36 * (len(rows) + 1) + 3,
    )
    known = rows[0].hits + rows[0].misses + rows[0].false_alarms + rows[0].passes
    st.caption(
        f"n = {count(known)} reviewed clips: rejected for {check_words(check)}, or accepted. "
        "With Wilson 95 % intervals. Clips that nobody reviewed say nothing here, so recall is of "
        "what people have seen."
    )


def _rate(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "–"
    return f"{share(value)} ({100 * low:.0f} to {100 * high:.0f})"


def who_changes(current: Policy, draft: Policy) -> None:
    """Workers, rigs and episodes whose verdicts would change."""
    sides = _sides(current, draft)
    owners = metrics.policy_change_by_owner(mirror(), *sides)
    if not owners:
        return
    for column, kind in zip(st.columns(2), ("worker", "rig"), strict=True):
        named = [(one.id, one.better_h, one.worse_h) for one in owners if one.kind == kind]
        with column:
            st.subheader(f"{kind.capitalize()}s, most hours first", anchor=False)
            shown = min(len(named), BARS)
            charts.draw(
                _bars(kind, named[:BARS]),
                key=f"policy-{kind}",
                alt=f"Hours by {kind} whose verdict would turn better or worse.",
                height=90 + 26 * max(shown, 3),
            )
            st.caption(f"{shown} of {count(len(named))} {kind}s with any change")
    st.subheader("Episodes that would change", anchor=False)
    ones = metrics.policy_changed_episodes(mirror(), *sides)
    row = tables.table(
        {
            "change": [f"{verdict_words(o.before)} → {verdict_words(o.after)}" for o in ones],
            "decision": ["reviewed: stays" if one.is_reviewed else "" for one in ones],
        }
        | {
            name: [getattr(one, name) for one in ones]
            for name in ("worked_on", "task_id", "site_id", "rig_id", "worker_id", "duration_s")
        },
        {
            "change": tables.text("Verdict"),
            "decision": tables.text("Decision"),
            **tables.take_columns(),
        },
        key="policy-episodes",
        height=320,
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)
    st.caption("The newest 200. A row opens the episode.")


def _bars(kind: str, named: Sequence[tuple[str | None, float, float]]) -> go.Figure:
    """Hours turning better to the right, worse to the left."""
    ones = list(named)[::-1]
    names = [name or f"unknown {kind}" for name, _, _ in ones]
    figure = go.Figure()
    for word, values, place in (
        ("better", [better for _, better, _ in ones], 2),
        ("worse", [-worse for _, _, worse in ones], 5),
    ):
        figure.add_bar(
            y=names,
            x=values,
            name=f"turns {word}",
            orientation="h",
            marker={"color": colour(place)},
            hovertemplate="%{y}: %{x:+.2f} h<extra></extra>",
        )
    figure.update_layout(barmode="relative", hovermode="closest", bargap=0.3)
    figure.update_xaxes(title="hours (worse to the left, better to the right)")
    figure.update_yaxes(type="category")
    return figure


def proposal(check: str, current: Policy) -> None:
    """A suspect limit fitted to the reviews, offered and never applied by itself."""
    now = _standing(current, check, "house", None)
    unit = BY_NAME[check].unit
    with st.expander("A limit fitted to the reviews so far", icon=":material/auto_graph:"):
        try:
            fit = metrics.fit_suspect(
                check,
                metrics.reviewed_scores(mirror(), check),
                worse=BY_NAME[check].worse,
                steps=LADDERS.get(check, ()),
                tightest=tightest(check),
                within=now[1],
            )
        except metrics.TooFewReviews as error:
            st.caption(f"{error}.".capitalize())
            return
        st.markdown(
            f"Suspect from **{fit.suspect:.3g} {unit}** (in force {now[0]:g}). To be expected on "
            f"reviewed clips: precision **{share(fit.precision)}**, recall **{share(fit.recall)}**."
        )
        st.caption(
            f"The limit of the greatest F1 on {fit.confirmed} clips rejected for "
            f"{check_words(check)} and {fit.denied} accepted, tried on clips it was not fitted to "
            "(5-fold cross-validation). It is never applied by itself."
        )
        st.button(
            "Try this limit",
            on_click=_try,
            args=(check, (round(fit.suspect, 6), now[1])),
            key="try-fit",
            disabled=fit.suspect == now[0],
        )


def _try(check: str, pair: Pair) -> None:
    _moves()[(check, "house", None)] = pair
    _turn()


def save(current: Policy, draft: Policy, visitor: Visitor) -> None:
    """Save what is moved as a new version, with a note."""
    with st.form("save-policy", border=True):
        st.markdown("**Save as a version**")
        left, right = st.columns([1, 3], vertical_alignment="bottom")
        name = left.text_input("Name", current.name)
        note = right.text_input("Note: what was changed, and why")
        if st.form_submit_button("Save", type="primary", icon=":material/save:"):
            standing = ground()
            try:
                saved = policies.save(
                    standing.record, standing.config, draft, name=name, note=note, who=visitor.name
                )
            except PolicyError as error:
                st.error(f"{error}.", icon=":material/error:")
                return
            _moves().clear()
            _turn()
            st.session_state["workbench-version"] = saved.id
            st.rerun()


def versions(current: Policy, standing: metrics.Standing, visitor: Visitor) -> None:
    """The saved versions, and putting one of them in force."""
    config = ground().config
    policies.keep_house(ground().record, config)
    saved = metrics.policies(mirror())
    if saved:
        tables.table(
            {
                "version": [
                    f"● {one.version}" if one.version == current.id else one.version
                    for one in saved
                ],
                "note": [one.note for one in saved],
                "made": [f"{one.made_at:%-d %b %Y %H:%M}, {one.made_by}" for one in saved],
                "used": [
                    f"{one.began_at:%-d %b %Y %H:%M}, {one.begun_by}" if one.began_at else ""
                    for one in saved
                ],
            },
            {
                "version": tables.text("Version (● in force)"),
                "note": tables.text("Note", width="large"),
                "made": tables.text("Saved (UTC)"),
                "used": tables.text("Last put in force (UTC)"),
            },
            key="policy-versions",
            height=36 * (min(len(saved), 8) + 1) + 3,
        )
    others = [one.version for one in saved if one.version != current.id]
    if config.policy is not None:
        st.caption(f"The file {config.policy} is in force, whatever is saved here.")
    elif others:
        _apply(others, visitor)
    _judging(standing, config)


def _apply(others: Sequence[str], visitor: Visitor) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    fresh = st.session_state.get("workbench-version")
    version = left.selectbox(
        "Put a version in force: what lands from now on is judged under it, what is judged stays",
        others,
        index=others.index(fresh) if fresh in others else 0,
    )
    if right.button("Put in force", icon=":material/verified:", width="stretch"):
        try:
            policies.put_in_force(ground().record, ground().config, str(version), who=visitor.name)
        except PolicyError as error:
            st.error(f"{error}.", icon=":material/error:")
            return
        _moves().clear()
        _turn()
        st.rerun()


def _judging(standing: metrics.Standing, config: Config) -> None:
    """Judging the history again: an act of its own, with the command that does it."""
    if not standing.to_judge:
        return
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.markdown(
        f"{count(standing.to_judge)} episodes stand under another policy, or without scores, and "
        f"have measurements. `{shlex.join(policies.judge_command(config))}` judges them again; "
        "reviews stay."
    )
    if right.button("Judge them again now", icon=":material/gavel:", width="stretch"):
        log = policies.begin_judging(config)
        st.toast(f"Judging again; what it says is in {log}.", icon=":material/gavel:")
