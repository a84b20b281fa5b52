import { afterEach, describe, expect, it, vi } from 'vitest'

import { type Kind, missingOf, openRequests, type Step, useTicket } from './one'

const step = (kind: string, more: Partial<Step> = {}): Step => ({ at: '2027-01-01T00:00:00Z', kind, from: null, to: null, by: null, why: null, call: null, ...more })
const shown = (version: number, ...steps: Step[]): Response =>
  new Response(JSON.stringify({ id: 7, version, state: 'new', history: steps }), { headers: { 'Content-Type': 'application/json' } })

afterEach(() => vi.unstubAllGlobals())

describe('a ticket', () => {
  it('has requests for authority until they are answered', () => {
    const steps = [step('authority_asked', { to: 'request 1', why: 'refund', by: 'li' }), step('authority_asked', { to: 'request 2', why: 'gift', by: 'li' }), step('authority_answered', { from: 'request 1', to: 'granted' })]
    expect(openRequests(steps)).toEqual([{ number: 2, what: 'gift', by: 'li' }])
  })

  it('misses what its checklist names and nobody filled', () => {
    const kind = { checklist: ['order', 'address'] } as Kind
    expect(missingOf(kind, { order: ' ', address: 'x' })).toEqual(['order'])
    expect(missingOf(undefined, {})).toEqual([])
  })

  it('that somebody changed meanwhile is shown anew, and the act is done only when it is asked for again', async () => {
    const sent: Request[] = []
    const other = step('note', { to: 'mine came first', by: 'wang' })
    const refusal = new Response(JSON.stringify({ type: '/problems/changed', status: 412 }), { status: 412 })
    const answers = [shown(1, step('opened')), refusal, shown(2, step('opened'), other), shown(3, step('opened'), other, step('note'))]
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      sent.push(new Request(url, init))
      return Promise.resolve(answers.shift()!)
    })
    const { ticket, news, load, act } = useTicket()
    await load(7)
    await expect(act('/notes', { text: 'hello' })).rejects.toMatchObject({ kind: 'changed' })
    expect(news.value).toEqual([other])
    expect(ticket.value?.version).toBe(2)
    await act('/notes', { text: 'hello' })
    expect(news.value).toEqual([])
    expect(sent.map((each) => each.headers.get('If-Match'))).toEqual([null, '"v1"', null, '"v2"'])
    expect(sent[1]!.headers.get('Idempotency-Key')).not.toBe(sent[3]!.headers.get('Idempotency-Key'))
  })
})
