import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'

import { differing, emptyForm, fieldsOf, merged, openDrafts, useDraft } from './draft'

interface Stored {
  form: Record<string, string>
  by: string
  at: string
}

let stored: Stored | null
let version: number
let down: boolean
let puts: number
let scope: EffectScope

const tag = (): string => `"${version}"`

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-28T06:00:00Z'), toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  stored = null
  version = 0
  down = false
  puts = 0
  scope = effectScope()
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    if (down) throw new TypeError('Failed to fetch')
    const headers = new Headers(init.headers)
    const answer = (status: number, body: unknown = null): Response =>
      new Response(body === null ? null : JSON.stringify(body), { status, headers: { ETag: tag() } })
    if (init.method === 'DELETE') {
      stored = null
      return answer(204)
    }
    if (init.method === 'PUT') {
      puts += 1
      const refused = stored ? headers.get('If-Match') !== tag() : headers.has('If-Match')
      if (refused) return answer(412, { type: '/problems/changed', status: 412 })
      version += 1
      stored = { ...(JSON.parse(new TextDecoder().decode(init.body as ArrayBuffer)) as { form: Record<string, string> }), by: 'me', at: new Date().toISOString() }
      return answer(200, stored)
    }
    return stored ? answer(200, stored) : answer(404, { type: '/problems/not-found', status: 404 })
  })
})

afterEach(() => {
  scope.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const draftOf = (): ReturnType<typeof useDraft> => scope.run(() => useDraft('wang', 7))!

describe('a form that is being filled in', () => {
  it('is in the browser at once and on the server within a second', async () => {
    const draft = draftOf()
    await draft.load()
    draft.form.note = '客户说'
    expect(openDrafts('wang')).toEqual([7])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(stored?.form.note).toBe('客户说')
    expect(draft.kept.value).toBe('saved')
  })

  it('comes back after a reload, the later one of browser and server', async () => {
    const first = draftOf()
    await first.load()
    first.form.note = 'typed here'
    await vi.advanceTimersByTimeAsync(1_000)
    stored = { form: { note: 'typed later, elsewhere' }, by: 'me', at: '2026-11-28T07:00:00Z' }
    const second = draftOf()
    await second.load()
    expect(second.form.note).toBe('typed later, elsewhere')
  })

  it('is kept in the browser while the server does not answer, and sent when it does', async () => {
    const draft = draftOf()
    await draft.load()
    down = true
    draft.form.note = 'not lost'
    await vi.advanceTimersByTimeAsync(1_000)
    expect(draft.kept.value).toBe('local')
    down = false
    await vi.advanceTimersByTimeAsync(4_000)
    expect([stored?.form.note, draft.kept.value]).toEqual(['not lost', 'saved'])
  })

  it('of two people is decided by the second one, and neither text is lost before', async () => {
    const draft = draftOf()
    await draft.load()
    draft.form.note = 'mine'
    await vi.advanceTimersByTimeAsync(1_000)
    version += 1
    stored = { form: { note: 'theirs' }, by: 'li', at: '2026-11-28T06:00:02Z' }
    draft.form.note = 'mine, longer'
    await vi.advanceTimersByTimeAsync(1_000)
    expect([draft.kept.value, draft.other.value?.by, draft.other.value?.form.note]).toEqual(['conflict', 'li', 'theirs'])
    expect(stored.form.note).toBe('theirs')
    draft.decide('mine')
    await vi.advanceTimersByTimeAsync(1_000)
    expect([stored.form.note, draft.kept.value]).toEqual(['mine, longer', 'saved'])
  })

  it('of two people can become one form, with both notes and every field', async () => {
    const draft = draftOf()
    await draft.load()
    draft.form.note = 'mine'
    await vi.advanceTimersByTimeAsync(1_000)
    version += 1
    stored = { form: { note: 'theirs', 'field.order_number': 'A-1', outcome: 'resolved' }, by: 'li', at: '2026-11-28T06:00:02Z' }
    draft.form['field.demand'] = 'refund'
    await vi.advanceTimersByTimeAsync(1_000)
    expect(differing({ ...draft.form }, draft.other.value!.form).sort()).toEqual(['field.demand', 'field.order_number', 'note', 'outcome'])
    draft.decide('both')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(stored.form).toMatchObject({ note: 'theirs\nmine', outcome: 'resolved', 'field.order_number': 'A-1', 'field.demand': 'refund' })
    expect(draft.kept.value).toBe('saved')
  })

  it('keeps the fields of the type, and forgets them with the form', async () => {
    const draft = draftOf()
    await draft.load()
    draft.form['field.order_number'] = 'A-1'
    await vi.advanceTimersByTimeAsync(1_000)
    expect(stored?.form['field.order_number']).toBe('A-1')
    const again = draftOf()
    await again.load()
    expect(fieldsOf(again.form)).toEqual({ order_number: 'A-1' })
    await again.drop()
    expect([fieldsOf(again.form), again.isEmpty(), stored]).toEqual([{}, true, null])
  })

  it('takes a note that holds the other one whole', () => {
    const note = (text: string): ReturnType<typeof emptyForm> => ({ ...emptyForm(), note: text })
    expect(merged(note('a b'), note('b')).note).toBe('a b')
    expect(merged(note(''), note('b')).note).toBe('b')
  })

  it('that was handed in is nowhere any more', async () => {
    const draft = draftOf()
    await draft.load()
    draft.form.note = 'done'
    await vi.advanceTimersByTimeAsync(1_000)
    await draft.drop()
    expect([stored, openDrafts('wang'), draft.form.note, draft.kept.value]).toEqual([null, [], '', 'empty'])
    const before = puts
    await vi.advanceTimersByTimeAsync(5_000)
    expect(puts).toBe(before)
  })
})
