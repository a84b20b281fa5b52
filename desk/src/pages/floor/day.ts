/** From a part of an agent's day to the report's rows behind it. */
import type { components } from '@/api'
import type { Wanted } from '@/pages/reports/drill'

type Segment = components['schemas']['AgentDayOut']['segments'][number]
/** Reports count by quarters of an hour. */
const SLOT = 900_000

/** The agent's times in the quarters of an hour that the part touches; one that goes on ends `now`. */
export function behind({ since, until }: Pick<Segment, 'since' | 'until'>, agent: string, now: string): Wanted {
  const first = Math.floor(Date.parse(since) / SLOT) * SLOT
  const last = Math.max(first + SLOT, Math.ceil(Date.parse(until ?? now) / SLOT) * SLOT)
  return { figure: 'signed_in', value: null, of: 'agent', name: agent, since: new Date(first).toISOString(), until: new Date(last).toISOString(), queue: '' }
}
