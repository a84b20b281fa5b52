/** From a cell of a report to the rows that make it: what the server is asked for. */
import type { components } from '@/api'
import { dayPlus, instantOf } from '@/i18n/zone'

export type Behind = components['schemas']['CellRow']
export type Of = 'total' | 'interval' | 'queue' | 'category' | 'whole' | 'agent' | 'team' | 'department' | 'dispatcher' | 'answer'

/** A row of a report, and the list that it stands in. */
export type ListName = 'intervals' | 'days' | 'queues' | 'categories' | 'wholes' | 'agents' | 'teams' | 'departments' | 'dispatchers' | 'answers' | 'total'
export type Row = Record<string, string | number | null>

export const OF: Record<ListName, Of> = {
  intervals: 'interval', days: 'interval', queues: 'queue', categories: 'category', wholes: 'whole', agents: 'agent', teams: 'team', departments: 'department', dispatchers: 'dispatcher', answers: 'answer', total: 'total',
}

export interface Wanted {
  /** The figure's id as the server has it, and its value in the report. */
  figure: string
  value: number | null
  of: Of
  /** The row's queue, category, agent and so on. */
  name: string
  since: string
  until: string
  /** Of a report of one queue; empty for all. */
  queue: string
}

/** The cell of a figure in a row. An interval has instants of its own, a day is one of the hotline's zone; what else has none is of the whole period. */
export function wantedOf(list: ListName, row: Row, figure: string, period: { from: string; to: string; queue?: string }, as = figure): Wanted {
  const of = OF[list]
  const value = row[figure]
  const day = list === 'days' ? String(row.day) : null
  return {
    figure: as,
    value: typeof value === 'number' ? value : null,
    of,
    name: of === 'total' || of === 'interval' ? '' : String(row[of] ?? ''),
    since: day ? instantOf(`${day} 00:00:00`) : String(row.from ?? period.from),
    until: day ? instantOf(`${dayPlus(day, 1)} 00:00:00`) : String(row.to ?? period.to),
    queue: period.queue && period.queue !== 'all' ? period.queue : '',
  }
}

/** In which list of the server's a row stands: a category's sum stands among the categories. */
export const listOf = (list: ListName, row: Row): ListName => (list === 'categories' && row.whole !== undefined ? 'wholes' : list)

/** The filters by which the list of calls, exported, has these calls and others of the same time; null where it has none such. */
export function listFilters(wanted: Wanted): Record<string, string> | null {
  if (!['total', 'interval', 'queue', 'agent'].includes(wanted.of)) return null
  const queue = wanted.of === 'queue' ? wanted.name : wanted.queue
  return { since: wanted.since, until: wanted.until, ...(queue ? { queue } : {}), ...(wanted.of === 'agent' ? { agent: wanted.name } : {}) }
}
