"""What an operator may write for each kind of node. The schema in docs/flows.md says the same in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ivr import nodes
from ivr.conditions import Condition
from ivr.nodes import ACTIONS, REASONS, Asking, Choice, Node
from ivr.saying import LANGUAGES
from ivr.wording import fault
from tables.errors import TableError, nearest
from tables.values import Table, known

LONGEST_ANSWER = 80
"""Characters of a question's name, and of an answer."""


def read_node(name: str, listed: Table, defaults: Table) -> Node:
    """The node `name` of the table `nodes`. `defaults` gives a flow's own timing for all its questions.

    Raises TableError with the path of the key that is wrong.
    """
    table = Table(listed.data[name], listed.at(name))
    if name.startswith("@") or not name:
        raise TableError(table.key, f'"{name}" cannot be the name of a node: names with @ have a meaning of their own')
    kind = known(table.text("kind"), KINDS, table.at("kind"), "kind of node")
    node = KINDS[kind](name, table, defaults)
    table.done()
    for key, target in node.targets():
        if not target or (target.startswith("@") and target not in (nodes.RETURN, nodes.HANGUP)):
            raise TableError(
                (*table.key, *key), f'"{target}" is not a target: it is the name of a node, @return or @hangup'
            )
    for key, prompts in node.spoken():
        for index, prompt in enumerate(prompts):
            wrong = fault(prompt)
            if wrong:
                raise TableError((*table.key, *key, index), wrong)
    return node


def _asking(table: Table, defaults: Table) -> Asking:
    return Asking(
        prompts=table.texts("prompts"),
        no_input=table.lists_of_texts("no_input"),
        no_match=table.lists_of_texts("no_match"),
        attempts=table.integer("attempts", defaults.integer("attempts", 3, least=1, most=10), least=1, most=10),
        timeout=table.seconds("timeout", defaults.seconds("timeout", 5.0), most=60),
        digit_timeout=table.seconds("digit_timeout", defaults.seconds("digit_timeout", 3.0), most=60),
        interruptible=_interruptible(table, _interruptible(defaults, True)),
        type_ahead=table.flag("type_ahead", defaults.flag("type_ahead", True)),
    )


def _interruptible(table: Table, otherwise: bool) -> bool:
    """Whether a key ends the prompts. Flows of earlier releases say `barge_in`."""
    return table.flag("interruptible", table.flag("barge_in", otherwise))


def _ways_out(table: Table) -> tuple[str, str]:
    """Where a question leads after the last miss: (nothing keyed, wrong keys)."""
    both = table.text("on_fail", "")
    no_input, no_match = table.text("on_no_input", both), table.text("on_no_match", both)
    if not no_input or not no_match:
        raise TableError(table.key, '"on_fail" is missing here (or both of "on_no_input" and "on_no_match")')
    return no_input, no_match


def _play(name: str, table: Table, _: Table) -> Node:
    return nodes.Play(
        name, prompts=table.texts("prompts"), next=table.text("next"), interruptible=table.flag("interruptible", True)
    )


def _menu(name: str, table: Table, defaults: Table) -> Node:
    asking, ways_out = _asking(table, defaults), _ways_out(table)
    listed = table.table("options")
    if not listed.data:
        raise TableError(table.at("options"), 'a menu needs at least one option, such as 1 = "complaint"')
    options = {str(key): _choice(str(key), listed) for key in listed.data}
    return nodes.Menu(name, asking, *ways_out, options=options)


def _choice(key: str, listed: Table) -> Choice:
    if not 1 <= len(key) <= 4 or any(digit not in "0123456789*#" for digit in key):
        raise TableError(listed.at(key), f'"{key}" cannot be keyed: an option is 1 to 4 of the keys 0 to 9, * and #')
    value = listed.data[key]
    if isinstance(value, str):
        return Choice(to=value)
    table = Table(value, listed.at(key))
    choice = Choice(to=table.text("to"), fields=_fields(table, "set"))
    table.done()
    return choice


def _fields(table: Table, name: str) -> dict[str, str]:
    fields = table.mapping(name)
    language = fields.get("language")
    if language is not None and language not in LANGUAGES:
        raise TableError(
            (*table.at(name), "language"), f'there is no language "{language}": it is one of {", ".join(LANGUAGES)}'
        )
    return fields


def _collected(table: Table, defaults: Table) -> dict[str, object]:
    """What collecting digits and taking a number have in common."""
    ways_out = _ways_out(table)
    found: dict[str, object] = {
        "asking": _asking(table, defaults),
        "on_no_input": ways_out[0],
        "on_no_match": ways_out[1],
        "terminators": table.text("terminators", "#"),
        "pattern": _pattern(table, "pattern"),
        "next": table.text("next"),
        "confirm": table.texts("confirm", ()),
        "yes": table.text("yes", "1"),
        "no": table.text("no", "2"),
    }
    for key in ("yes", "no"):
        if len(str(found[key])) != 1 or str(found[key]) not in "0123456789*#":
            raise TableError(table.at(key), f'"{found[key]}" is not a key of a phone: it is one of 0 to 9, * and #')
    if found["yes"] == found["no"]:
        raise TableError(table.at("no"), 'the keys for "yes" and "no" must differ')
    return found


def _between(table: Table, least: int | None, most: int | None) -> dict[str, object]:
    low = table.integer("min", least, least=1, most=40)
    high = table.integer("max", most if most is not None else low, least=1, most=40)
    if low > high:
        raise TableError(table.at("max"), f"max ({high}) is below min ({low})")
    return {"min": low, "max": high}


def _digits(name: str, table: Table, defaults: Table) -> Node:
    return nodes.Collect(
        name,
        field=_field(table, table.text("field")),
        **_between(table, None, None),  # type: ignore[arg-type]
        **_collected(table, defaults),  # type: ignore[arg-type]
    )


def _number(name: str, table: Table, defaults: Table) -> Node:
    return nodes.Number(
        name,
        field=_field(table, table.text("field", "number")),
        offer=table.texts("offer", ()),
        refused=_refused(table.table("refused")),
        duplicate=table.text("duplicate", ""),
        limit=table.text("limit", ""),
        **_between(table, 5, 15),  # type: ignore[arg-type]
        **_collected(table, defaults),  # type: ignore[arg-type]
    )


def _refused(table: Table) -> dict[str, tuple[str, ...]]:
    for reason in table.data:
        if reason not in REASONS:
            raise TableError(table.at(str(reason)), f'"{reason}" is no reason{nearest(str(reason), REASONS)}')
    return {str(reason): table.texts(str(reason)) for reason in table.data}


def _field(table: Table, field: str) -> str:
    if field in ("caller", "called", "now", "answer"):
        raise TableError(table.at("field"), f'the field "{field}" is the hotline\'s own: use another name')
    return field


def _pattern(table: Table, name: str) -> str:
    pattern = table.text(name, "")
    try:
        re.compile(pattern)
    except re.error as error:
        raise TableError(table.at(name), f'"{pattern}" is not a regular expression: {error}') from None
    return pattern


def _survey(name: str, table: Table, defaults: Table) -> Node:
    asking, next_ = _asking(table, defaults), table.text("next")
    skipped, skip = table.text("skipped", next_), table.text("skip", "")
    if len(skip) > 1 or skip in tuple("12345"):
        raise TableError(table.at("skip"), f'"{skip}" cannot skip: it must be one key and not a mark')
    return nodes.Survey(name, asking, skipped, skipped, next=next_, skipped=skipped, skip=skip)


def _question(name: str, table: Table, defaults: Table) -> Node:
    asking, ways_out = _asking(table, defaults), _ways_out(table)
    question = table.text("question", name)
    if not 1 <= len(question) <= LONGEST_ANSWER:
        raise TableError(table.at("question"), f"a question's name has from 1 to {LONGEST_ANSWER} characters")
    listed = table.table("answers")
    if not listed.data:
        raise TableError(
            table.at("answers"), 'a question needs at least one answer, such as 1 = { says = "yes", to = "thanks" }'
        )
    answers = {str(key): _answer(str(key), listed) for key in listed.data}
    return nodes.Asked(name, asking, *ways_out, question=question, answers=answers)


def _answer(key: str, listed: Table) -> nodes.Answer:
    if len(key) != 1 or key not in "0123456789*#":
        raise TableError(listed.at(key), f'"{key}" cannot be keyed: an answer is one of the keys 0 to 9, * and #')
    value = listed.data[key]
    if isinstance(value, str):
        return nodes.Answer(key, value)
    table = Table(value, listed.at(key))
    says = table.text("says", key)
    if not 1 <= len(says) <= LONGEST_ANSWER:
        raise TableError(table.at("says"), f"an answer has from 1 to {LONGEST_ANSWER} characters")
    satisfied = table.flag("satisfied") if table.has("satisfied") else None
    answer = nodes.Answer(says, table.text("to"), satisfied)
    table.done()
    return answer


def _message(name: str, table: Table, _: Table) -> Node:
    return nodes.Message(
        name,
        prompts=table.texts("prompts"),
        empty=table.lists_of_texts("empty"),
        attempts=table.integer("attempts", 2, least=1, most=10),
        min_seconds=table.seconds("min_seconds", 2.0),
        max_seconds=table.seconds("max_seconds", 180.0),
        silence=table.seconds("silence", 5.0),
        next=table.text("next"),
        on_fail=table.text("on_fail"),
    )


def _enqueue(name: str, table: Table, _: Table) -> Node:
    requirement = table.table("requirement")
    return nodes.Enqueue(
        name,
        queue=table.text("queue"),
        category=table.text("category", ""),
        priority=table.integer("priority", 0, least=-1000, most=1000),
        music=table.text("music", ""),
        requirement={str(key): value for key, value in requirement.data.items()},
        served=table.text("served"),
        otherwise=table.text("otherwise"),
        exits=table.mapping("exits"),
        promise=table.text("promise", ""),
    )


def _branch(name: str, table: Table, _: Table) -> Node:
    return nodes.Branch(name, cases=tuple(map(_case, table.tables("cases"))), otherwise=table.text("else"))


def _case(table: Table) -> nodes.Case:
    case = nodes.Case(condition=_condition(table.table("if")), to=table.text("to"))
    table.done()
    return case


def _condition(table: Table) -> Condition:
    if not table.data:
        raise TableError(table.key, "a case needs an if, such as { vip = true }")
    field = table.text("field") if table.has("field") else None
    is_, in_ = (table.text("is"),) if table.has("is") else None, table.texts("in") if table.has("in") else None
    matches = _pattern(table, "matches") if table.has("matches") else None
    if is_ is not None and in_ is not None:
        raise TableError(table.at("in"), 'say either "is" or "in", not both')
    if field is None and (is_, in_, matches) != (None, None, None):
        raise TableError(table.key, '"is", "in" and "matches" are about a field: name it with field = "..."')
    condition = Condition(
        vip=table.flag("vip") if table.has("vip") else None,
        open_ticket=table.flag("open_ticket") if table.has("open_ticket") else None,
        in_list=table.text("list") if table.has("list") else None,
        open=table.flag("open") if table.has("open") else None,
        field=field,
        any_of=is_ or in_,
        matches=matches,
    )
    table.done()
    return condition


def _identity(name: str, table: Table, defaults: Table) -> Node:
    asking, ways_out = _asking(table, defaults), _ways_out(table)
    between = _between(table, 4, None)
    return nodes.Identity(
        name,
        asking,
        *ways_out,
        next=table.text("next"),
        unknown=table.text("unknown", ways_out[1]),
        terminators=table.text("terminators", "#"),
        **between,  # type: ignore[arg-type]
    )


def _notice(name: str, table: Table, _: Table) -> Node:
    return nodes.Notice(name, queue=table.text("queue", ""), next=table.text("next"))


def _callback_mode(name: str, table: Table, _: Table) -> Node:
    return nodes.CallbackMode(
        name,
        queue=table.text("queue", ""),
        category=table.text("category", ""),
        forced=table.text("forced"),
        active=table.text("active"),
        otherwise=table.text("else"),
    )


def _recall(name: str, table: Table, _: Table) -> Node:
    promised = table.text("promised")
    return nodes.Recall(
        name,
        number=table.text("number", "{caller}"),
        promised=promised,
        dialling=table.text("dialling", promised),
        otherwise=table.text("else"),
    )


def _promise(name: str, table: Table, _: Table) -> Node:
    action = table.text("action")
    if action not in ACTIONS:
        raise TableError(table.at("action"), f'"{action}" is no action{nearest(action, ACTIONS)}')
    return nodes.PromiseChange(
        name,
        action=action,
        promise=table.text("promise", "{promise}"),
        seconds=table.seconds("seconds", 3600.0, most=7 * 86_400.0),
        next=table.text("next"),
        on_fail=table.text("on_fail"),
    )


def _hours(name: str, table: Table, _: Table) -> Node:
    return nodes.Hours(name, open=table.text("open"), closed=table.text("closed"))


def _set(name: str, table: Table, _: Table) -> Node:
    fields = _fields(table, "fields")
    for field in fields:
        if field in ("caller", "called", "now", "answer"):
            raise TableError(
                (*table.at("fields"), field), f'the field "{field}" is the hotline\'s own: use another name'
            )
    return nodes.Set(name, fields=fields, next=table.text("next"))


def _flow(name: str, table: Table, _: Table) -> Node:
    return nodes.SubFlow(name, flow=table.text("flow"), next=table.text("next", nodes.HANGUP))


def _end(name: str, table: Table, _: Table) -> Node:
    return nodes.End(name, prompts=table.texts("prompts", ()), why=table.text("why", "done"))


KINDS: Mapping[str, Callable[[str, Table, Table], Node]] = {
    "play": _play,
    "menu": _menu,
    "digits": _digits,
    "number": _number,
    "identity": _identity,
    "notice": _notice,
    "survey": _survey,
    "question": _question,
    "message": _message,
    "enqueue": _enqueue,
    "callback": _callback_mode,
    "recall": _recall,
    "promise": _promise,
    "branch": _branch,
    "hours": _hours,
    "set": _set,
    "flow": _flow,
    "hangup": _end,
}
"""Every kind of node by the name it is written with."""
