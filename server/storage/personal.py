"""What of the records can name a caller, column by column, and what a deletion on the person's request does with it.

Every column that holds text or a structure has a line here; a test compares the lines with the schema. Kinds: `codes`
are the hotline's own names, numbers and states, in which no caller stands; `number` is a caller's number alone; `words`
may name one among other things, which is erased where it stands; `theirs` are words about one customer, which are
erased whole where the row is that customer's, and else as words are; `kept` is never changed (see `KEPT`).
"""

from __future__ import annotations

from enum import StrEnum

_TABLE = """
access_tokens         codes   name role agent scopes digest issued_by revoked_by
agent_intervals       codes   agent status state reason
agents                codes   id name skills teams contact status state reason
archive_starts        words   state
article_versions      words   title text reason
article_versions      codes   by
articles              words   title text
articles              codes   kind queue category created_by saved_by
attempts              codes   agent outcome
attempts              words   detail
audit                 kept    act by role origin subject reason
bulletin_reads        codes   agent
bulletins             words   title text
bulletins             codes   by teams withdrawn_by
callback_modes        codes   scope mode who rule
callback_modes        words   reason
callback_offers       codes   queue place
callbacks             number  number caller
callbacks             words   reason
callbacks             codes   queue category language state source by owner
calls                 number  caller
calls                 words   called
calls                 codes   node channel unique_id language business category queue flow_node agent left_queue_why
calls                 codes   end_cause outcome direction
cursors               codes   reader entry
customer_marks        kept    number mark state by reason confirmed_by lifted_by lifted_reason
customers             kept    ref name numbers customer_class region registered_on note changed_by
decisions             codes   kind queue agent
decisions             words   data
definition_texts      kept    part text
definition_versions   codes   by role how node
definition_versions   words   reason refused
events                codes   type after
events                words   data problem
handovers             codes   team state digest content outgoing incoming
handovers             words   outgoing_note incoming_note
identity_checks       codes   by
mails                 codes   id recipients
mails                 words   subject body error
messages              codes   path
notices               words   text ended_reason
notices               codes   prompt queues by ended_by
numbers_taken         number  number
numbers_taken         codes   category source spool_id
outbound_lines        number  number
outbound_lines        theirs  name ref note
outbound_lines        words   proof why
outbound_lines        codes   state
outbound_lists        words   name purpose consent proof
outbound_lists        codes   owner rules created_by state
qa_calibrations       codes   form opened_by
qa_calibrations       words   data
qa_calls              codes   agent
qa_forms              codes   key name digest added_by data
qa_frames             codes   key digest packed
qa_jobs               codes   plan period frame drawn_by
qa_jobs               words   data
qa_picks              codes   agent by
qa_picks              words   why
qa_plans              codes   name set_by
qa_plans              words   data
qa_results            codes   key team period state
qa_results            words   steps
qa_reviews            codes   agent form reviewer second_reviewer state
qa_reviews            words   data
qa_trainings          codes   agent state moved_by
qa_trainings          words   note data
recording_steps       codes   kind by
recording_steps       words   reason
recording_tombstones  codes   day link by
recording_tombstones  words   why
recordings            codes   agent state caller_file agent_file path sha256 day link
recordings            words   problem
report_blocks         codes   data
report_cells          codes   kind queue category agent
report_counts         codes   data
segments              codes   agent queue outcome ended_by
segments              words   detail
ticket_dispatches     codes   department by queue category
ticket_history        codes   kind by
ticket_history        theirs  before after why
ticket_links          codes   system by owns
ticket_links          words   reference url
ticket_rounds         codes   grade department queue category
ticket_rounds         words   answers
ticket_times          codes   queue business category department
tickets               number  caller
tickets               theirs  fields
tickets               codes   business category confirmed grade state owner type department accused level warnings
users                 codes   name display role agent teams department language subject added_by
webhook_messages      codes   type
webhook_messages      words   data problem
webhooks              codes   types
"""


class Kind(StrEnum):
    """What stands in a column."""

    CODES = "codes"
    NUMBER = "number"
    WORDS = "words"
    THEIRS = "theirs"
    KEPT = "kept"


def _read(table: str) -> dict[str, dict[str, Kind]]:
    found: dict[str, dict[str, Kind]] = {}
    for line in table.strip().splitlines():
        name, kind, *columns = line.split()
        found.setdefault(name, {}).update(dict.fromkeys(columns, Kind(kind)))
    return found


COLUMNS = _read(_TABLE)
"""Table → column → what stands in it."""
SEARCHED = frozenset({Kind.NUMBER, Kind.WORDS, Kind.THEIRS})
"""Kinds in which the number is looked for."""
KEPT = {
    "customer_marks": (
        "marks of the number",
        "by them the wish not to be called or recorded is obeyed: lift them",
    ),
    "customers": (
        "the customer's file",
        "it may have other numbers: remove it with `DELETE /api/v1/customers/{id}`",
    ),
    "definition_texts": (
        "versions of the definitions",
        "the operator's files name the number: take it out there; earlier versions stay, as what held then",
    ),
}
"""Tables that are left, if the number stands in them, and what is said of it. The audit stays whatever it says."""
BY_PERSONS = frozenset(
    {"note", "fields", "state", "grade", "owner", "accused", "type", "promised", "escalated", "round", "redispatched"}
    | {"authority_asked", "authority_answered"}
)
"""Kinds of a ticket's history with words that a person wrote; `why` is such words, and in `OF_CONTENT` all is."""
OF_CONTENT = frozenset({"note", "fields"})
OF_TICKETS = frozenset({"text", "fields", "what", "why"})
"""Fields of events about a ticket that hold words on the customer."""
