/** From a figure to its calls: what the call list is asked for, and which of its rows belong to the figure. */
import type { components } from '@/api'

export type Call = components['schemas']['Call']
export type Direction = 'inbound' | 'outbound'

interface Drill {
  direction?: Direction
  outcome?: string
  /** What the list's filters cannot say. */
  keep?: (call: Call) => boolean
}

const spoken = (call: Call): boolean => call.connected_at !== null
const asked = (call: Call): boolean => call.queued_at !== null
const outcome = (name: string): Drill => ({ direction: 'inbound', outcome: name, keep: (call) => asked(call) && !spoken(call) })

/** Figures that count calls: the list of a cell has just as many rows as the cell says. */
export const COUNTED: Record<string, Drill> = {
  calls: { direction: 'inbound' },
  asked: { direction: 'inbound', keep: asked },
  answered: { direction: 'inbound', keep: (call) => asked(call) && spoken(call) },
  open: { direction: 'inbound', keep: (call) => asked(call) && !spoken(call) && call.outcome === null },
  abandoned: outcome('abandoned'),
  short_abandoned: outcome('short_abandoned'),
  callback: outcome('callback'),
  message: outcome('message'),
  overflowed: outcome('overflowed'),
  failed: outcome('failed'),
  in_ivr: { direction: 'inbound', outcome: 'in_ivr', keep: (call) => !asked(call) },
  unasked_callback: { direction: 'inbound', outcome: 'callback', keep: (call) => !asked(call) },
  withheld: { direction: 'inbound', keep: (call) => call.withheld },
  handled_calls: { direction: 'inbound', keep: (call) => spoken(call) && call.ended_at !== null },
  rated: { keep: (call) => call.satisfaction !== null },
  outbound_calls: { direction: 'outbound' },
}

/** Of a rate or a time: the calls that it is made of. */
const BASES: Record<string, string> = {
  connect_rate: 'asked', answered_15: 'answered', answered_20: 'answered', service_level: 'asked', service_level_without_abandons: 'asked', service_level_late_abandons: 'asked',
  abandon_rate: 'asked', short_abandon_rate: 'asked', asa: 'answered', wait_p50: 'answered', wait_p90: 'answered', wait_p95: 'answered', legs: 'answered', offers: 'asked', missed: 'asked',
  aht: 'handled_calls', talk: 'handled_calls', hold: 'handled_calls', acw: 'handled_calls', satisfaction: 'rated', satisfied_rate: 'rated', rated_rate: 'handled_calls',
  repeat_rate: 'handled_calls', fcr: 'handled_calls', complaint_rate: 'handled_calls', ticket_rate: 'calls', promises: 'callback', scored: 'handled_calls', pass_rate: 'handled_calls', fatal_rate: 'handled_calls',
}

/** What to ask for the calls of a figure; `exact`: the list counts what the figure counts. Null: the figure is not of calls. */
export function drillOf(figure: string): (Drill & { exact: boolean }) | null {
  const known = COUNTED[figure]
  if (known) return { ...known, exact: true }
  const base = BASES[figure] ?? BASES[figure.replace(/_\d+$/, '')]
  return base ? { ...COUNTED[base]!, exact: false } : null
}

/** A row of a report, and the list that it stands in. */
export type ListName = 'intervals' | 'queues' | 'categories' | 'agents' | 'teams' | 'departments' | 'dispatchers' | 'total'
export type Row = Record<string, string | number | null>

export interface Wanted {
  figure: string
  value: number | null
  since: string
  until: string
  queue: string
  agent: string
  category: string | null
  direction?: Direction
  outcome?: string
}

/** The call list of one cell; null where the cell is of no calls, or of people that the list cannot name. */
export function wantedOf(list: ListName, row: Row, figure: string, report: { from: string; to: string; queue: string }): Wanted | null {
  const drill = drillOf(figure)
  if (!drill || ['teams', 'departments', 'dispatchers'].includes(list)) return null
  const queue = list === 'queues' ? String(row.queue) : report.queue === 'all' ? '' : report.queue
  const value = row[figure]
  // A queue without a name is that of calls that reached none: the list has no filter for it.
  if (list === 'queues' && !queue) return null
  return {
    figure,
    value: typeof value === 'number' ? value : null,
    since: list === 'intervals' ? String(row.from) : report.from,
    until: list === 'intervals' ? String(row.to) : report.to,
    queue,
    agent: list === 'agents' ? String(row.agent) : '',
    category: list === 'categories' ? String(row.category ?? '') : null,
    ...(drill.direction ? { direction: drill.direction } : {}),
    ...(drill.outcome ? { outcome: drill.outcome } : {}),
  }
}

/** The rows of the list that belong to the cell. */
export function kept(wanted: Wanted, calls: readonly Call[]): Call[] {
  const keep = drillOf(wanted.figure)?.keep
  return calls.filter((call) => (keep?.(call) ?? true) && (wanted.category === null || (call.category ?? '') === wanted.category))
}
