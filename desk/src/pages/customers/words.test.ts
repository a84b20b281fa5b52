import { describe, expect, it } from 'vitest'

import { classWords, markOf } from './words'

describe('the words of a file', () => {
  it('know a mark that waits for its confirmation', () => {
    expect(markOf('nuisance (proposed)')).toEqual({ mark: 'nuisance', state: 'proposed' })
    expect(markOf('do_not_call')).toEqual({ mark: 'do_not_call', state: 'in_force' })
  })

  it('write VIP as people do, and leave other classes alone', () => {
    expect([classWords('vip'), classWords('gold'), classWords(null)]).toEqual(['VIP', 'gold', null])
  })
})
