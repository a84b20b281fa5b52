import { describe, expect, it } from 'vitest'

import { freeNumber } from './agent'

describe('a work number', () => {
  it('is the lowest that nobody has', () => {
    expect([freeNumber([]), freeNumber(['1001', '1003']), freeNumber(['1002', '1001', '7'])]).toEqual(['1001', '1002', '1003'])
  })
})
