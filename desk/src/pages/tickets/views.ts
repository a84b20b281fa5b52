/** Which tickets are listed: usual and own views, and pages of them with those that are late first. */
import type { components } from '@/api'

export type Ticket = components['schemas']['Ticket']

/** As `GET /api/v1/tickets` filters; several `states` are listed one after the other. An empty value filters nothing. */
export interface Filters {
  states?: string[]
  overdue?: 'true' | 'false'
  department?: string
  owner?: string
  type?: string
  grade?: string
  level?: string
  category?: string
  caller?: string
  since?: string
  until?: string
}

export interface View {
  key: string
  /** An own view's name; the usual ones have words. */
  name?: string
  filters: Filters
}

export type Query = Record<string, string>

const KEPT = 'sansheng.tickets.views'
const MOST = 30
export const STATES = ['new', 'dispatched', 'acknowledged', 'in_progress', 'resolved', 'followed_up', 'closed'] as const
export const GRADES = ['general', 'serious', 'critical'] as const
export const LEVELS = ['agent', 'leader', 'manager'] as const

/** The views that each has: a department begins with its inbox, the others with what is late. */
export function usualViews(role: string, agent: string | null | undefined): View[] {
  const dispatched: View = { key: 'inbox', filters: { states: ['dispatched'] } }
  const working: View = { key: 'working', filters: { states: ['acknowledged', 'in_progress'] } }
  const overdue: View = { key: 'overdue', filters: { overdue: 'true' } }
  const resolved: View = { key: 'resolved', filters: { states: ['resolved'] } }
  const all: View = { key: 'all', filters: {} }
  if (role === 'department') return [dispatched, working, overdue, resolved, all]
  const mine: View[] = agent ? [{ key: 'mine', filters: { owner: agent } }] : []
  return [overdue, ...mine, { key: 'new', filters: { states: ['new'] } }, { ...dispatched, key: 'dispatched' }, working, resolved, all]
}

/** What a person keeps in this browser: own views by name. */
export function ownViews(user: string): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(`${KEPT}.${user}`) ?? '[]')
    return Array.isArray(kept) ? kept.filter((each: View) => typeof each?.name === 'string' && typeof each.filters === 'object' && each.filters !== null) : []
  } catch {
    return []
  }
}

/** Keep a view under its name; one of that name is replaced. */
export function keepView(user: string, name: string, filters: Filters): View[] {
  const view: View = { key: `own-${name}`, name, filters: withoutEmpty(filters) }
  return kept(user, [...ownViews(user).filter((each) => each.name !== name), view].slice(-MOST))
}

export function dropView(user: string, name: string): View[] {
  return kept(user, ownViews(user).filter((each) => each.name !== name))
}

function kept(user: string, views: View[]): View[] {
  try {
    localStorage.setItem(`${KEPT}.${user}`, JSON.stringify(views))
  } catch {
    // Without storage a view lasts as long as the page.
  }
  return views
}

export function withoutEmpty(filters: Filters): Filters {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => (Array.isArray(value) ? value.length : value))) as Filters
}

/** The lists that are read one after the other, so that late tickets come first. */
export function listsOf(filters: Filters): Query[] {
  const { states, overdue, ...rest } = withoutEmpty(filters)
  const both = overdue ? [overdue] : ['true', 'false']
  return both.flatMap((late) => (states ?? ['']).map((state) => ({ ...(rest as Query), ...(state ? { state } : {}), overdue: late })))
}

/** Which of two tickets stands first in the lists: below 0 for `a`. */
export function placeOf(filters: Filters, a: Ticket, b: Ticket): number {
  const states = filters.states ?? []
  const list = (row: Ticket): number => (row.overdue ? 0 : states.length + 1) + Math.max(0, states.indexOf(row.state))
  return list(a) - list(b) || b.id - a.id
}

/** Reads the lists of a view page by page; a ticket that changes its list meanwhile is shown once. */
export class Pager {
  private readonly lists: Query[]
  private cursor: string | null = null
  private readonly seen = new Set<number>()

  constructor(
    filters: Filters,
    private readonly read: (query: Query) => Promise<{ items: Ticket[]; next?: string | null }>,
  ) {
    this.lists = listsOf(filters)
  }

  get over(): boolean {
    return this.lists.length === 0
  }

  /** The next `count` tickets or some more; fewer when there are no more. */
  async next(count = 50): Promise<Ticket[]> {
    const found: Ticket[] = []
    while (this.lists.length && found.length < count) {
      const page = await this.read({ ...this.lists[0], limit: String(count), ...(this.cursor ? { cursor: this.cursor } : {}) })
      for (const each of page.items) if (!this.seen.has(each.id)) found.push(each)
      for (const each of page.items) this.seen.add(each.id)
      this.cursor = page.next ?? null
      if (this.cursor === null) this.lists.shift()
    }
    return found
  }
}
