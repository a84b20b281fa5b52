import { describe, expect, it } from 'vitest'

import { behind } from './day'

describe('a part of an agent’s day', () => {
  it('leads to the agent’s times in the quarters of an hour that it touches', () => {
    const part = { since: '2027-01-15T06:05:09Z', until: '2027-01-15T06:31:00Z' }
    expect(behind(part, '1001', '2027-01-15T09:00:00Z')).toMatchObject({ figure: 'signed_in', of: 'agent', name: '1001', since: '2027-01-15T06:00:00.000Z', until: '2027-01-15T06:45:00.000Z' })
  })

  it('that goes on ends now, and is a quarter of an hour at least', () => {
    expect(behind({ since: '2027-01-15T06:05:09Z', until: null }, '1001', '2027-01-15T07:10:00Z').until).toBe('2027-01-15T07:15:00.000Z')
    expect(behind({ since: '2027-01-15T06:00:00Z', until: '2027-01-15T06:00:00Z' }, '1001', '').until).toBe('2027-01-15T06:15:00.000Z')
  })
})
