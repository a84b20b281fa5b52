/** Which pages the left rail shows to whom: the acts of the session decide, and whether the person takes calls. */
import { type Entry, PAGES } from '@/router'
import type { Session } from '@/session'

/** The pages of this session, in the order of the rail. */
export function pagesOf(session: Session): Entry[] {
  return PAGES.filter((entry) => {
    if (entry.agent && !session.agent) return false
    return entry.acts.length === 0 || entry.acts.some((act) => act in session.acts)
  })
}

/** Acts of which one gives something live; a role without them has no stream. */
export const LIVE_ACTS = ['floor.read', 'callbacks.read', 'tickets.read', 'bulletins.read']

const FIRST: Record<string, string> = { leader: 'floor', supervisor: 'floor', qa: 'qa', department: 'tickets', administrator: 'floor' }

/** The page with which a role begins. */
export function firstPage(session: Session): string {
  const pages = pagesOf(session).map((entry) => entry.name)
  const usual = session.role === 'agent' ? 'desk' : FIRST[session.role]
  return usual && pages.includes(usual) ? usual : (pages[0] ?? 'nowhere')
}
