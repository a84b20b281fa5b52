import { describe, expect, it } from 'vitest'

import { queueOf } from './queue'
import type { Job, Review } from './shapes'

const job = {
  job: 3, plan: 'weekly', period: '2027-W02',
  drawn: [
    { call: 11, agent: '1001', stratum: 0, review: null, state: 'waiting', reviewer: null },
    { call: 12, agent: '1002', stratum: 0, review: 7, state: 'draft', reviewer: '2001' },
    { call: 13, agent: '2001', stratum: 0, review: null, state: 'waiting', reviewer: null },
  ],
} as unknown as Job
const review = (id: number, more: Partial<Review>): Review =>
  ({ id, call: id + 5, agent: '1002', job: 3, reviewer: '2001', second_reviewer: null, state: 'draft', first: null, second: null, score: null, ...more }) as Review

describe('my sample queue', () => {
  it('has what waits in the order of drawing, and never my own calls', () => {
    const queue = queueOf([job], [], '2001')
    expect(queue.map(({ call, place, group }) => [call, place, group])).toEqual([[11, 1, 'waiting']])
  })

  it('parts my drafts, second scores asked of me, and what I have given', () => {
    const given = {} as Review['first']
    const reviews = [
      review(7, {}), review(8, { reviewer: '2002', second_reviewer: '2001' }), review(9, { first: given, score: 90, state: 'submitted' }), review(10, { reviewer: '2002' }),
    ]
    expect(queueOf([job], reviews, '2001').slice(1).map(({ review: id, group, score }) => [id, group, score])).toEqual([
      [7, 'drafts', null], [8, 'second', null], [9, 'scored', 90],
    ])
  })
})
