import { describe, expect, it } from 'vitest'

import { noRows, play, snapshotOf } from './rows'

const at = '2026-11-28T06:00:00Z'

describe('the rows of the stream', () => {
  it('are replaced by a snapshot, whole', () => {
    const rows = noRows()
    play(rows, { at, rows: { agents: [{ id: '1001', state: 'idle' }, { id: '1002' }] } }, true)
    play(rows, { at, rows: { agents: [{ id: '1003' }] } }, true)
    expect([...rows.agents.keys()]).toEqual(['1003'])
  })

  it('are replaced by key, and go when the server says so', () => {
    const rows = noRows()
    play(rows, { at, rows: { calls: [{ id: 7, state: 'waiting' }, { id: 8 }] } }, true)
    const touched = play(rows, { at, rows: { calls: [{ id: 7, state: 'talking' }] }, gone: { calls: [8] } }, false)
    expect([...rows.calls.values()]).toEqual([{ id: 7, state: 'talking' }])
    expect([...touched]).toEqual(['calls'])
  })

  it('are known by the field of their kind, and one row of me by none', () => {
    const rows = noRows()
    play(rows, { at, rows: { me: [{ status: 'available' }], queues: [{ name: 'complaint' }], figures: [{ scope: 'all' }] } }, true)
    expect([rows.me.has('me'), rows.queues.has('complaint'), rows.figures.has('all')]).toEqual([true, true, true])
  })

  it('survive the way to another tab', () => {
    const [rows, other] = [noRows(), noRows()]
    play(rows, { at, rows: { agents: [{ id: '1001' }], alarms: [{ id: 'disk' }] } }, true)
    play(other, snapshotOf(rows, at), true)
    expect(other).toEqual(rows)
  })
})
