/** One ticket as it was seen, and acts on it: an act on a ticket that somebody has changed meanwhile is not done. */
import { shallowRef } from 'vue'

import { api, asProblem, type components, done, ifMatch, newKey, once, type Problem, raw } from '@/api'

export interface Step {
  at: string
  kind: string
  from: string | null
  to: string | null
  by: string | null
  why: string | null
  call: number | null
}

export interface Request {
  number: number
  what: string
  by: string
}

export type Detail = components['schemas']['TicketDetail'] & {
  caller?: string | null
  business?: string | null
  links?: { system: string; reference?: string | null; owns?: string[] }[]
  verified?: boolean | null
}
export type Forms = components['schemas']['FormsOut']
export type Kind = components['schemas']['TypeOut']

export const stepsOf = (ticket: Detail): Step[] => ticket.history as unknown as Step[]

/** Requests for authority that nobody has answered. */
export function openRequests(steps: Step[]): Request[] {
  const found = new Map<string, Request>()
  for (const { kind, from, to, by, why } of steps) {
    if (kind === 'authority_asked' && to) found.set(to, { number: Number(to.replace(/\D/g, '')), what: why ?? '', by: by ?? '' })
    if (kind === 'authority_answered' && from) found.delete(from)
  }
  return [...found.values()]
}

/** Fields of the checklist that are still empty, with what was typed and not sent yet. */
export function missingOf(kind: Kind | undefined, fields: Record<string, string>): string[] {
  return (kind?.checklist ?? []).filter((name) => !fields[name]?.trim())
}

/** Whether an act came too late: the ticket is not any more what was seen. */
export const isChanged = (error: unknown): boolean => asProblem(error).status === 412

export function useTicket() {
  const ticket = shallowRef<Detail | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** What others did while the person looked at the ticket or typed. */
  const news = shallowRef<Step[]>([])
  let wanted = 0
  /** Own acts that are on their way: what they change is no news. */
  let acting = 0
  let key: { of: string; key: string } | null = null

  /** Show the ticket as it is now, and what `others` have done since; what is shown stays until then. */
  async function refresh(others: (step: Step) => boolean = () => true): Promise<void> {
    const seen = ticket.value
    if (!seen) return
    await load(seen.id)
    const now = ticket.value
    if (now && now.id === seen.id && now.version > seen.version) news.value = [...news.value, ...stepsOf(now).slice(stepsOf(seen).length).filter(others)]
  }

  /** The ticket has reached this version somewhere. */
  const isNews = (version: number): boolean => acting === 0 && ticket.value !== null && version > ticket.value.version

  async function load(number: number): Promise<void> {
    if (wanted !== number) {
      ticket.value = null
      news.value = []
    }
    wanted = number
    problem.value = null
    try {
      const found = (await done(api.GET('/api/v1/tickets/{number}', { params: { path: { number } } }))) as Detail
      if (wanted === number) ticket.value = found
    } catch (error) {
      if (wanted === number) problem.value = asProblem(error)
    }
  }

  /** An act on the ticket that is shown. Throws the Problem; after `changed` the new ticket is shown, and what was done to it. */
  async function act(rest: string, json: unknown, method: 'POST' | 'PATCH' = 'POST'): Promise<void> {
    const seen = ticket.value
    if (!seen) return
    const of = `${method} ${seen.id}${rest} ${seen.version} ${JSON.stringify(json)}`
    if (key?.of !== of) key = { of, key: newKey() }
    const headers = { ...ifMatch(`"v${seen.version}"`), ...(method === 'POST' ? once(key.key) : {}) }
    acting += 1
    try {
      const after = await raw<Detail>(`/api/v1/tickets/${seen.id}${rest}`, { method, json, headers })
      key = null
      if (wanted === seen.id) {
        ticket.value = after
        news.value = []
      }
    } catch (error) {
      // Sent again after a lost answer it is the same request; after a refusal it is another one.
      if (asProblem(error).kind !== 'network') key = null
      if (isChanged(error)) {
        await load(seen.id)
        if (ticket.value) news.value = stepsOf(ticket.value).slice(stepsOf(seen).length)
      }
      throw error
    } finally {
      acting -= 1
    }
  }

  return { ticket, problem, news, load, refresh, isNews, act }
}
