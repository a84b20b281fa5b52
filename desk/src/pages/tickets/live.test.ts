import { describe, expect, it } from 'vitest'

import type { TicketRow } from '@/stream/shapes'

import { listed, put, told } from './live'
import type { Ticket } from './views'

const NOW = Date.parse('2027-01-15T10:00:00Z')
const row = (id: number, more: object = {}): Ticket =>
  told({ id, state: 'new', category: 'process', confirmed: null, department: null, owner: null, opened_at: '2027-01-15T08:00:00Z', due_at: '2027-01-15T12:00:00Z', ...more } as unknown as TicketRow, undefined, NOW)
const ids = (rows: Ticket[]): number[] => rows.map(({ id }) => id)

describe('a ticket that somebody changes elsewhere', () => {
  it('is late when its limit is over, and keeps what the stream does not tell', () => {
    expect(row(1, { due_at: '2027-01-15T09:59:00Z' }).overdue).toBe(true)
    expect(told(row(1) as unknown as TicketRow, { ...row(1), warnings: ['respond'] }, NOW)).toMatchObject({ overdue: false })
  })

  it('is in the list as the filters say', () => {
    expect(listed({ states: ['new'] }, row(1), false)).toBe(true)
    expect(listed({ states: ['new'] }, row(1, { state: 'dispatched' }), true)).toBe(false)
    expect(listed({ overdue: 'true' }, row(1), false)).toBe(false)
    expect(listed({ category: 'attitude' }, row(1, { confirmed: 'attitude' }), false)).toBe(true)
    expect(listed({ department: 'it' }, row(1, { department: 'it' }), false)).toBe(true)
    expect(listed({ owner: '1001' }, row(1), false)).toBe(false)
    expect(listed({ since: '2027-01-15T08:00:00Z', until: '2027-01-16T00:00:00Z' }, row(1), false)).toBe(true)
    expect(listed({ until: '2027-01-15T08:00:00Z' }, row(1), false)).toBe(false)
    expect(listed({ caller: '138' }, row(1), false)).toBeNull()
    expect(listed({ caller: '138' }, row(1), true)).toBe(true)
  })

  it('takes its place: late ones first, then the newest', () => {
    const late = { due_at: '2027-01-15T09:00:00Z' }
    const rows = [row(4, late), row(9), row(7)]
    expect(ids(put(rows, row(8), {}, true))).toEqual([4, 9, 8, 7])
    expect(ids(put(rows, row(7, late), {}, true))).toEqual([7, 4, 9])
    expect(ids(put(rows, row(5), {}, true))).toEqual([4, 9, 7, 5])
    expect(ids(put(rows, row(5), {}, false))).toEqual([4, 9, 7])
    expect(ids(put(rows, row(9, { state: 'closed' }), { states: ['new'] }, true))).toEqual([4, 7])
  })

  it('stands with those of its state where several are listed', () => {
    const states = ['acknowledged', 'in_progress']
    const rows = [row(3, { state: 'acknowledged' }), row(8, { state: 'in_progress' })]
    expect(ids(put(rows, row(3, { state: 'in_progress' }), { states }, true))).toEqual([8, 3])
  })
})
