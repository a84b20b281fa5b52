import { beforeEach, describe, expect, it } from 'vitest'

import { Activity, EVERY, type Left, WATCHING } from './activity'

const MINUTE = 60_000
const IDLE = 30 * MINUTE

/** A server whose session ends when it is idle for half an hour, and twelve hours after the sign-in. */
class Session {
  now = 1_800_000_000_000
  seenAt = this.now
  endsAt = this.now + 12 * 60 * MINUTE
  call = false
  told = 0
  asked = 0
  away = false

  private answer(): Promise<Left> {
    if (this.away) return Promise.reject(new Error('away'))
    const idle = this.call ? null : (this.seenAt + IDLE - this.now) / 1000
    return Promise.resolve({ idle, day: (this.endsAt - this.now) / 1000, after: IDLE / 1000 })
  }
  seen = (): Promise<Left> => {
    this.told += 1
    this.seenAt = this.now
    return this.answer()
  }
  left = (): Promise<Left> => {
    this.asked += 1
    return this.answer()
  }
}

let session: Session
let activity: Activity

/** Time passes; `does` is done before each look. */
async function pass(minutes: number, does: () => void = () => undefined, watching = false): Promise<void> {
  for (let each = 0; each < minutes * 12; each += 1) {
    session.now += 5_000
    does()
    await activity.look(watching)
  }
}

beforeEach(() => {
  session = new Session()
  activity = new Activity(session, () => session.now)
})

describe('a person', () => {
  it('who works is told of nothing, and the server hears of it every other minute', async () => {
    await pass(60, () => activity.touch())
    expect(activity.warning()).toBeNull()
    expect(session.told).toBeGreaterThan(25)
    expect(session.told).toBeLessThanOrEqual((60 * MINUTE) / EVERY)
  })

  it('who does nothing is warned two minutes before the end, and one click stays', async () => {
    await pass(27)
    expect([activity.warning(), session.told]).toEqual([null, 0])
    await pass(1.5)
    expect(activity.warning()).toEqual({ why: 'idle', at: session.seenAt + IDLE })
    await activity.stay()
    expect(activity.warning()).toBeNull()
    await pass(20)
    expect(activity.warning()).toBeNull()
  })

  it('who comes back while the warning stands stays by any key', async () => {
    await pass(28.5)
    activity.touch()
    await activity.look(false)
    expect(activity.warning()).toBeNull()
  })

  it('who works in another tab is not warned in this one', async () => {
    await pass(27)
    session.seenAt = session.now
    await pass(2.5)
    expect(activity.warning()).toBeNull()
  })

  it('who watches the floor is there for two hours after the last input, and then asked', async () => {
    await pass(WATCHING / MINUTE, () => undefined, true)
    expect(activity.warning()).toBeNull()
    await pass(30, () => undefined, true)
    expect(activity.warning()?.why).toBe('idle')
  })

  it('whom a call may reach is not warned, and is after it', async () => {
    session.call = true
    await pass(60)
    expect([activity.warning(), session.told]).toEqual([null, 0])
    session.call = false
    session.seenAt = session.now - IDLE + MINUTE
    await activity.ask()
    expect(activity.warning()?.why).toBe('idle')
  })

  it('whose day is over is told so, and no click helps', async () => {
    await pass(60 * 12 - 1, () => activity.touch())
    expect(activity.warning()).toEqual({ why: 'day', at: session.endsAt })
    await activity.stay()
    expect(activity.warning()?.why).toBe('day')
  })

  it('is warned by what was known while the server is away, and no more when it is back', async () => {
    await pass(27)
    session.away = true
    await pass(2)
    expect(activity.warning()?.why).toBe('idle')
    session.away = false
    activity.touch()
    await activity.look(false)
    expect(activity.warning()).toBeNull()
  })
})
