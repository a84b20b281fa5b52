import { describe, expect, it } from 'vitest'

import { type Call, drillOf, kept, wantedOf } from './drill'

const report = { from: '2027-01-15T00:00:00Z', to: '2027-01-16T00:00:00Z', queue: 'all' }
const call = (id: number, more: Partial<Call>): Call =>
  ({ id, queued_at: 'q', connected_at: null, ended_at: 'e', outcome: null, satisfaction: null, category: 'process', withheld: false, ...more }) as Call

describe('the calls of a cell', () => {
  it('are those of its interval, queue or agent', () => {
    expect(wantedOf('intervals', { from: 'a', to: 'b', calls: 3 }, 'calls', report)).toMatchObject({ since: 'a', until: 'b', queue: '', direction: 'inbound', value: 3 })
    expect(wantedOf('queues', { queue: 'media', abandoned: 1 }, 'abandoned', report)).toMatchObject({ since: report.from, queue: 'media', outcome: 'abandoned' })
    expect(wantedOf('agents', { agent: '1001', aht: 60 }, 'aht', report)).toMatchObject({ agent: '1001', figure: 'aht' })
  })

  it('are not there for what is of no calls', () => {
    expect(wantedOf('intervals', { from: 'a', to: 'b' }, 'signed_in', report)).toBeNull()
    expect(wantedOf('teams', { team: 'A', legs: 1 }, 'legs', report)).toBeNull()
  })

  it('are just as many as a count says, and the base of a rate', () => {
    expect([drillOf('answered')!.exact, drillOf('connect_rate')!.exact, drillOf('answered_15')!.exact]).toEqual([true, false, false])
    const calls = [call(1, { connected_at: 'c', outcome: 'handled' }), call(2, { outcome: 'abandoned' }), call(3, { queued_at: null, outcome: 'in_ivr', category: null })]
    const ids = (figure: string): number[] => kept(wantedOf('total', { [figure]: 1 }, figure, report)!, calls).map((each) => each.id)
    expect([ids('asked'), ids('answered'), ids('open'), ids('abandoned')]).toEqual([[1, 2], [1], [], [2]])
    expect(kept(wantedOf('categories', { category: 'process', calls: 2 }, 'calls', report)!, calls)).toHaveLength(2)
  })
})
