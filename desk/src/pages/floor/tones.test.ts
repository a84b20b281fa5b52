import { describe, expect, it } from 'vitest'

import { abandonTone, serviceTone, waitTone } from './tones'

const limits = { service_level: 0.8, within: 20, service_level_low: 0.6, wait_long: 30, wait_too_long: 120, abandon_high: 0.1 }

describe('a figure', () => {
  it('warns from the threshold on, not before it', () => {
    expect([29, 30, 119, 120].map((seconds) => waitTone(seconds, limits))).toEqual(['good', 'warn', 'warn', 'bad'])
    expect([0.8, 0.79, 0.6, 0.59].map((share) => serviceTone(share, limits))).toEqual(['good', 'warn', 'warn', 'bad'])
    expect([0.04, 0.05, 0.1].map((share) => abandonTone(share, limits))).toEqual(['good', 'warn', 'bad'])
  })

  it('says nothing where there is nothing to count', () => {
    expect([waitTone(null, limits), serviceTone(null, limits), abandonTone(undefined, limits), waitTone(9, undefined)]).toEqual(Array(4).fill('idle'))
  })
})
