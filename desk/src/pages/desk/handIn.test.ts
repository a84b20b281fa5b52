import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { emptyForm, type Form } from './draft'
import { changesOf, HandIn, type Kind, lacking, type Ticket, valuesOf } from './handIn'

const kind = { name: 're-delivery', label: '补单', opens_for: [], departments: ['logistics'], checklist: ['order'], fields: [{ name: 'order' }, { name: 'pieces' }] } as unknown as Kind
const ticket = (more: Partial<Ticket> = {}): Ticket => ({ id: 7, version: 3, state: 'new', type: 're-delivery', category: 'process', confirmed: null, fields: {}, promised_for: null, history: [], ...more }) as unknown as Ticket
const form = (more: Partial<Form> = {}): Form => ({ ...emptyForm(), ...more }) as Form

let sent: { method: string; path: string; body: unknown; match: string | null }[]
let stored: Ticket
let refuse: (path: string) => number

beforeEach(() => {
  sent = []
  stored = ticket()
  refuse = () => 0
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const path = new URL(url).pathname.replace('/api/v1', '')
    const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
    if (init.method === 'GET') return json(200, stored)
    const match = new Headers(init.headers).get('If-Match')
    sent.push({ method: init.method!, path, match, body: JSON.parse(new TextDecoder().decode(init.body as ArrayBuffer)) })
    const status = refuse(path) || (match && match !== `"v${stored.version}"` ? 412 : 0)
    return status ? json(status, { type: status === 412 ? '/problems/changed' : '/problems/conflict', status, detail: 'no' }) : json(200, stored)
  })
})

afterEach(() => vi.unstubAllGlobals())

describe('the form of a ticket', () => {
  it('shows what was typed, else what the ticket has, and lacks what the checklist wants', () => {
    const seen = ticket({ fields: { order: 'A-1', pieces: '2' } })
    expect(valuesOf(kind, form({ 'field.pieces': '3' }), seen)).toEqual({ order: 'A-1', pieces: '3' })
    const emptied = valuesOf(kind, form({ 'field.order': ' ' }), seen)
    expect([emptied.order, lacking(kind, emptied)]).toEqual(['', ['order']])
  })

  it('changes only what is otherwise, and leaves the fields of another type behind', () => {
    const seen = ticket({ fields: { order: 'A-1' }, confirmed: 'process' })
    expect(changesOf(form({ category: 'process', 'field.order': 'A-1', 'field.refund': '7' }), seen, kind)).toEqual({})
    expect(changesOf(form({ category: 'system', 'field.order': ' ', 'field.pieces': ' 3 ' }), seen, kind)).toEqual({ category: 'system', fields: { order: '', pieces: '3' } })
  })

  it('is handed in as acts, each done once however often it is tried', async () => {
    const filled = form({ note: ' told the customer ', outcome: 'dispatch', department: 'logistics', 'field.order': 'A-1' })
    const handIn = new HandIn(7)
    refuse = (path) => (path.endsWith('/state') ? 409 : 0)
    await expect(handIn.go(filled, stored, kind, null, () => undefined)).rejects.toMatchObject({ kind: 'conflict' })
    refuse = () => 0
    await handIn.go(filled, stored, kind, null, () => undefined)
    expect(sent.map(({ path, body }) => [path, body])).toEqual([
      ['/tickets/7', { fields: { order: 'A-1' } }],
      ['/tickets/7/notes', { text: 'told the customer' }],
      ['/tickets/7/state', { state: 'dispatched', department: 'logistics' }],
      ['/tickets/7/state', { state: 'dispatched', department: 'logistics' }],
    ])
  })

  it('goes on over a ticket that has grown meanwhile, but not over what somebody else wrote in the same place', async () => {
    const seen = ticket()
    stored = ticket({ version: 5 })
    const looked: Ticket[] = []
    await new HandIn(7).go(form({ 'field.order': 'A-1' }), seen, kind, null, (now) => looked.push(now))
    expect(sent.map(({ match }) => match)).toEqual(['"v3"', '"v5"'])
    expect(looked).toEqual([])
    sent = []
    stored = ticket({ version: 6, fields: { order: 'B-2' } })
    const again = new HandIn(7)
    await expect(again.go(form({ 'field.order': 'A-1' }), seen, kind, null, (now) => looked.push(now))).rejects.toMatchObject({ kind: 'changed' })
    expect([sent.length, looked[0]?.fields.order]).toEqual([1, 'B-2'])
    // The person has seen it now, and means it.
    await again.go(form({ 'field.order': 'A-1' }), stored, kind, null, () => undefined)
    expect(sent.at(-1)).toMatchObject({ match: '"v6"', body: { fields: { order: 'A-1' } } })
  })
})
