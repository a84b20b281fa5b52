import { afterEach, describe, expect, it } from 'vitest'

import { setZone } from '@/i18n/format'

import { listFilters, wantedOf } from './drill'

const report = { from: '2027-01-14T16:00:00Z', to: '2027-01-15T16:00:00Z', queue: 'all' }

describe('the rows of a cell', () => {
  afterEach(() => setZone(undefined))

  it('are those of its interval, queue, agent, team or department', () => {
    expect(wantedOf('intervals', { from: 'a', to: 'b', calls: 3 }, 'calls', report)).toMatchObject({ of: 'interval', since: 'a', until: 'b', name: '', queue: '', value: 3 })
    expect(wantedOf('queues', { queue: '', abandoned: 1 }, 'abandoned', report)).toMatchObject({ of: 'queue', name: '', since: report.from, until: report.to })
    expect(wantedOf('teams', { team: 'A', legs: 1 }, 'legs', { ...report, queue: 'media' })).toMatchObject({ of: 'team', name: 'A', queue: 'media' })
    expect(wantedOf('departments', { department: '物流部', tickets_due: 0 }, 'tickets_due', report)).toMatchObject({ of: 'department', name: '物流部', value: 0 })
  })

  it('of a team in one hour are those of both', () => {
    expect(wantedOf('teams', { from: 'a', to: 'b', team: 'A', legs: 1 }, 'legs', report)).toMatchObject({ of: 'team', name: 'A', since: 'a', until: 'b' })
  })

  it('of a day are those of the hotline’s day', () => {
    setZone('Asia/Shanghai')
    expect(wantedOf('days', { day: '2027-01-15', complaints: 2 }, 'complaints', report, 'complaints_opened')).toMatchObject({
      figure: 'complaints_opened', value: 2, of: 'interval', since: '2027-01-14T16:00:00.000Z', until: '2027-01-15T16:00:00.000Z',
    })
  })

  it('are exported by the filters that the list of calls has', () => {
    expect(listFilters(wantedOf('agents', { agent: '1001', legs: 1 }, 'legs', report))).toEqual({ since: report.from, until: report.to, agent: '1001' })
    expect(listFilters(wantedOf('teams', { team: 'A', legs: 1 }, 'legs', report))).toBeNull()
  })
})
