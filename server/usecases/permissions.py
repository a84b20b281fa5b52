"""One table: which role may do which act, to what, and which acts leave an entry in the audit.

Reach: `own` is the principal's own calls, recordings and status, or a department's own tickets and their customers;
`team` those of the teams that the principal leads, `all` everybody's. A service may do the acts that its token names,
and reaches all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from server.hotline.definitions import Definitions
from server.hotline.view import View
from server.usecases.errors import Forbidden
from server.usecases.principal import Principal, Role


class Act(StrEnum):
    """Everything that a principal can ask."""

    READ_AGENTS = "agents.read"
    DEFINE_AGENT = "agents.define"
    REMOVE_AGENT = "agents.remove"
    SET_STATUS = "agents.status"
    FORCE_STATUS = "agents.force"
    CHANGE_SKILLS = "agents.skills"
    READ_DAY = "agents.day"
    END_WRAP_UP = "agents.wrap-up"
    USE_PHONE = "agents.phone"
    TRY_CALL = "phone.try"
    READ_FLOOR = "floor.read"
    READ_WALLBOARD = "wallboard.read"
    READ_NUMBERS = "numbers.read"
    READ_CALLS = "calls.read"
    MOVE_CALL = "calls.move"
    PULL_CALL = "calls.pull"
    PRIORITISE_CALL = "calls.prioritise"
    CONVERSE = "conversations.act"
    MONITOR = "conversations.monitor"
    READ_CALLBACKS = "callbacks.read"
    ASK_CALLBACK = "callbacks.ask"
    CHANGE_CALLBACK = "callbacks.change"
    SETTLE_CALLBACK = "callbacks.settle"
    NOBODY_THERE = "callbacks.nobody"
    SET_MODE = "callbacks.mode"
    READ_TICKETS = "tickets.read"
    OPEN_TICKET = "tickets.open"
    WORK_ON_TICKET = "tickets.work"
    DISPATCH_TICKET = "tickets.dispatch"
    FOLLOW_UP_TICKET = "tickets.follow-up"
    ASSIGN_TICKET = "tickets.assign"
    ANSWER_AUTHORITY = "tickets.authority"
    READ_RECORDINGS = "recordings.read"
    PULL_RECORDING = "recordings.pull"
    PAUSE_RECORDING = "recordings.pause"
    VERIFY_RECORDINGS = "recordings.verify"
    SETTLE_RECORDING = "recordings.settle"
    HOLD_RECORDING = "recordings.hold"
    DELETE_PERSON = "privacy.delete"
    READ_REPORTS = "reports.read"
    READ_TRUNKS = "trunks.read"
    TEST_TRUNK = "trunks.test"
    TRACE_TRUNKS = "trunks.trace"
    READ_QA = "qa.read"
    READ_SAMPLES = "qa.samples"
    PLAN_QA = "qa.plan"
    DRAW_QA = "qa.draw"
    ADD_FORM = "qa.forms"
    PICK_QA = "qa.pick"
    SCORE_QA = "qa.score"
    ASSIGN_QA = "qa.assign"
    APPEAL_QA = "qa.appeal"
    CALIBRATE_QA = "qa.calibrate"
    RESULTS_QA = "qa.results"
    TRAIN_QA = "qa.train"
    RELOAD_DEFINITIONS = "definitions.reload"
    SET_HOLIDAYS = "definitions.holidays"
    READ_DEFINITIONS = "definitions.read"
    PUBLISH_DEFINITIONS = "definitions.publish"
    PUBLISH_PROMPT = "prompts.publish"
    ASK_EXPORT = "exports.ask"
    APPROVE_EXPORT = "exports.approve"
    EXPORT_OUTRIGHT = "exports.outright"
    LINK_TICKET = "tickets.link"
    LINK_RECORDING = "recordings.link"
    MANAGE_WEBHOOKS = "webhooks.manage"
    MANAGE_TOKENS = "tokens.manage"
    MANAGE_USERS = "users.manage"
    MANAGE_SESSIONS = "sessions.manage"
    READ_AUDIT = "audit.read"
    READ_CUSTOMERS = "customers.read"
    CHANGE_CUSTOMER = "customers.change"
    REMOVE_CUSTOMER = "customers.remove"
    IMPORT_CUSTOMERS = "customers.import"
    MARK_CUSTOMER = "customers.mark"
    CONFIRM_MARK = "customers.confirm"
    VERIFY_CUSTOMER = "customers.verify"
    READ_BULLETINS = "bulletins.read"
    POST_BULLETIN = "bulletins.post"
    POST_NOTICE = "notices.post"
    READ_KNOWLEDGE = "knowledge.read"
    WRITE_KNOWLEDGE = "knowledge.write"
    REMOVE_KNOWLEDGE = "knowledge.remove"
    SIGN_HANDOVER = "handovers.sign"
    READ_LISTS = "lists.read"
    MANAGE_LISTS = "lists.manage"


_TABLE = """
act                    agent  leader  supervisor  qa   department  administrator  audited
agents.read            all    all     all         all  -           all            -
agents.define          -      -       all         -    -           all            audited
agents.remove          -      -       -           -    -           all            audited
agents.status          own    team    all         -    -           all            -
agents.force           -      team    all         -    -           all            audited
agents.skills          -      team    all         -    -           all            audited
agents.day             own    team    all         all  -           all            -
agents.wrap-up         own    team    all         -    -           all            -
agents.phone           own    own     own         own  -           own            -
phone.try              -      -       all         -    -           all            -
floor.read             all    all     all         all  -           all            -
wallboard.read         all    all     all         all  -           all            -
numbers.read           own    team    all         -    all         all            -
calls.read             own    team    all         all  -           all            -
calls.move             -      -       all         -    -           all            audited
calls.pull             -      team    all         -    -           all            audited
calls.prioritise       -      -       all         -    -           all            audited
conversations.act      own    team    all         -    -           all            -
conversations.monitor  -      team    all         -    -           all            audited
callbacks.read         all    all     all         all  -           all            -
callbacks.ask          all    all     all         -    -           all            -
callbacks.change       -      all     all         -    -           all            audited
callbacks.settle       all    all     all         -    -           all            audited
callbacks.nobody       own    team    all         -    -           all            -
callbacks.mode         -      -       all         -    -           all            audited
tickets.read           own    team    all         all  own         all            -
tickets.open           all    all     all         -    -           all            -
tickets.work           own    team    all         -    own         all            -
tickets.dispatch       own    team    all         -    -           all            -
tickets.follow-up      own    team    all         -    -           all            -
tickets.assign         -      team    all         -    -           all            audited
tickets.authority      -      team    all         -    -           all            audited
recordings.read        own    team    all         all  -           all            -
recordings.pull        own    team    all         all  -           all            audited
recordings.pause       own    team    all         -    -           all            -
recordings.verify      -      -       all         all  -           all            -
recordings.settle      -      -       all         -    -           all            audited
recordings.hold        -      -       all         -    -           all            audited
privacy.delete         -      -       -           -    -           all            audited
reports.read           -      all     all         all  -           all            -
trunks.read            -      all     all         -    -           all            -
trunks.test            -      -       all         -    -           all            audited
trunks.trace           -      -       -           -    -           all            audited
qa.read                own    team    all         all  -           all            -
qa.samples             -      team    all         all  -           all            -
qa.plan                -      -       all         all  -           all            audited
qa.draw                -      -       all         all  -           all            audited
qa.forms               -      -       all         all  -           all            audited
qa.pick                -      team    all         -    -           all            audited
qa.score               -      team    all         all  -           all            -
qa.assign              -      team    all         all  -           all            audited
qa.appeal              own    team    -           -    -           all            -
qa.calibrate           -      -       all         all  -           all            audited
qa.results             -      team    all         all  -           all            -
qa.train               -      -       all         all  -           all            -
definitions.reload     -      -       all         -    -           all            audited
definitions.holidays   -      -       all         -    -           all            audited
definitions.read       -      -       all         -    -           all            -
definitions.publish    -      -       -           -    -           all            audited
prompts.publish        -      -       -           -    -           all            audited
exports.ask            -      all     all         all  -           all            audited
exports.approve        -      -       all         -    -           all            audited
exports.outright       -      -       -           -    -           all            -
tickets.link           -      -       all         -    -           all            -
recordings.link        -      team    all         -    -           all            audited
webhooks.manage        -      -       -           -    -           all            audited
tokens.manage          -      -       -           -    -           all            audited
users.manage           -      -       -           -    -           all            audited
sessions.manage        own    own     own         own  own         all            audited
audit.read             -      -       -           -    -           all            -
customers.read         all    all     all         all  own         all            -
customers.change       -      all     all         -    -           all            audited
customers.remove       -      -       -           -    -           all            audited
customers.import       -      -       all         -    -           all            audited
customers.mark         all    all     all         all  -           all            audited
customers.confirm      -      -       all         -    -           all            audited
customers.verify       all    all     all         -    -           all            audited
bulletins.read         all    all     all         all  -           all            -
bulletins.post         -      all     all         -    -           all            audited
notices.post           -      -       all         -    -           all            audited
knowledge.read         all    all     all         all  all         all            -
knowledge.write        -      all     all         all  -           all            audited
knowledge.remove       -      -       all         -    -           all            audited
handovers.sign         -      all     all         -    -           all            audited
lists.read             -      all     all         -    -           all            -
lists.manage           -      -       all         -    -           all            audited
"""


class Reach(StrEnum):
    """How far an act reaches."""

    NONE = "-"
    OWN = "own"
    TEAM = "team"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    reach: dict[Role, Reach]
    audited: bool


def _read(table: str) -> dict[Act, Rule]:
    heads, *rows = [line.split() for line in table.strip().splitlines()]
    roles = [Role(each) for each in heads[1:-1]]
    return {
        Act(act): Rule(dict(zip(roles, map(Reach, reach), strict=True)), audited == "audited")
        for act, *reach, audited in rows
    }


RULES = _read(_TABLE)


def scope_holds(scope: str, act: Act) -> bool:
    """Whether a service with this scope may do the act: `calls.read` names one, `calls.*` a group."""
    group, _, rest = scope.partition(".")
    return scope == act or (rest == "*" and act.startswith(f"{group}."))


def reach_of(who: Principal, act: Act) -> Reach:
    """How far the act reaches for this principal."""
    if who.role is Role.SERVICE:
        return Reach.ALL if any(scope_holds(scope, act) for scope in who.scopes) else Reach.NONE
    return RULES[act].reach[who.role]


class Permissions:
    """Permits acts by the table, and by the present teams."""

    def __init__(self, view: View, definitions: Callable[[], Definitions]) -> None:
        self._view, self._definitions = view, definitions

    def require(self, who: Principal, act: Act, agent: str | None = None) -> None:
        """Raises Forbidden unless the principal may do the act.

        `agent` is the work number of the agent that the act concerns, empty when it concerns no agent yet; None asks
        only whether the act is allowed at all.
        """
        reach = reach_of(who, act)
        if reach is Reach.NONE:
            raise Forbidden(f"{_article(who.role)} may not do {act}: {_roles_with(act)}")
        if agent is None or reach is Reach.ALL or agent in self._within(who, reach):
            return
        whose = "their own" if reach is Reach.OWN else "their team's"
        of = f"this one is of agent {agent}" if agent else "this one has no agent yet"
        raise Forbidden(f"{_article(who.role)} may do {act} for {whose} alone: {of}")

    def agents(self, who: Principal, act: Act) -> frozenset[str] | None:
        """The agents whose calls, recordings or tickets the act may show; None for everybody's. Raises Forbidden."""
        self.require(who, act)
        reach = reach_of(who, act)
        return None if reach is Reach.ALL else self._within(who, reach)

    def _within(self, who: Principal, reach: Reach) -> frozenset[str]:
        own = {who.agent} - {""}
        if reach is Reach.TEAM:
            led = self.led(who)
            own |= {agent.id for agent in self._view.floor.agents() if led & set(agent.teams)}
        return frozenset(own)

    def led(self, who: Principal) -> frozenset[str]:
        """The teams that the principal leads: by the work number in the definitions, and those of the user."""
        defined = (name for name, leaders in self._definitions().teams.items() if who.agent in leaders)
        return who.teams | frozenset(defined)


def _article(role: Role) -> str:
    return "a QA role" if role is Role.QA else f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


def _roles_with(act: Act) -> str:
    roles = [role.value for role, reach in RULES[act].reach.items() if reach is not Reach.NONE]
    return f"{', '.join(roles)} may"
