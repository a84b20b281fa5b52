import { describe, expect, it } from 'vitest'

import { type Change, withChange } from './draft'

const set = (key: (string | number)[], value: unknown): Change => ({ part: 'hotline', key, value: value as never, remove: false }) as Change

describe('a draft', () => {
  it('keeps the last change of a key, and none below a table that is set as a whole', () => {
    let changes: Change[] = []
    changes = withChange(changes, set(['queues', 'a', 'ring_for'], 20))
    changes = withChange(changes, set(['queues', 'a', 'priority'], 1))
    changes = withChange(changes, set(['queues', 'a', 'ring_for'], 25))
    expect(changes.map((each) => each.value)).toEqual([1, 25])
    changes = withChange(changes, { part: 'hotline', key: ['queues', 'a'], remove: true } as Change)
    expect(changes).toHaveLength(1)
  })

  it('gives a whole text in the place of every change of its part', () => {
    const changes = withChange([set(['x'], 1), { part: 'flow.hotline', text: 'a' } as Change], { part: 'hotline', text: 'y' } as Change)
    expect(changes.map((each) => each.part)).toEqual(['flow.hotline', 'hotline'])
  })
})
