/** What a change that somebody makes elsewhere does to a list of tickets. No I/O. */
import type { TicketRow } from '@/stream/shapes'

import { type Filters, placeOf, type Ticket, withoutEmpty } from './views'

/** A ticket of the list as the stream tells it; what the stream does not tell is as it was. */
export function told(row: TicketRow, before: Ticket | undefined, now: number): Ticket {
  const unsaid = before ?? { call: null, warnings: [], responded_at: null, resolved_at: null }
  return { ...unsaid, ...row, overdue: row.due_at !== null && Date.parse(row.due_at) < now }
}

/** Whether the list has this ticket; null when that cannot be said, since no row tells the caller. */
export function listed(filters: Filters, row: Ticket, before: boolean): boolean | null {
  const { states, overdue, since, until, category, caller, ...same } = withoutEmpty(filters)
  if (states && !states.includes(row.state)) return false
  if (overdue && String(row.overdue) !== overdue) return false
  if (category && (row.confirmed ?? row.category) !== category) return false
  if (since && Date.parse(row.opened_at ?? '') < Date.parse(since)) return false
  if (until && Date.parse(row.opened_at ?? '') >= Date.parse(until)) return false
  if (Object.entries(same).some(([name, value]) => row[name as keyof Ticket] !== value)) return false
  return caller && !before ? null : true
}

/** The list with the ticket in its place, or without it; `over`: the list ends where the server's does. */
export function put(rows: Ticket[], row: Ticket, filters: Filters, over: boolean): Ticket[] {
  const others = rows.filter((each) => each.id !== row.id)
  if (!listed(filters, row, others.length < rows.length)) return others
  const place = others.findIndex((each) => placeOf(filters, row, each) < 0)
  if (place >= 0) return [...others.slice(0, place), row, ...others.slice(place)]
  // Beyond what was read so far it comes with the next page.
  return over || others.length < rows.length ? [...others, row] : others
}
