/**
 * Whether the person is there: the server is told from time to time, so that a session ends only when nobody works.
 *
 * Input counts in every page. Where watching is the work (floor, wallboard), a page in sight counts too, for two hours after the
 * last input. Before the end the person is asked; tabs need not know of each other, since the server knows of all.
 */

/**
 * Seconds until the session ends: if nothing is done (null: a call keeps it), and in any case (null: it does not end); `after`:
 * how long the first is when something was done just now.
 */
export interface Left {
  idle: number | null
  day: number | null
  after: number | null
}

export interface Server {
  /** The person does something: how long the session lasts now. */
  seen(): Promise<Left>
  /** How long it lasts, without making it longer. */
  left(): Promise<Left>
}

/** When the session ends, in milliseconds of the clock; `idle`: unless the person stays, `day`: in any case. */
export interface Warning {
  why: 'idle' | 'day'
  at: number
}

/** Milliseconds between two tellings that the person is there, … */
export const EVERY = 120_000
/** … before the end in which the person is warned, … */
export const WARNING = 120_000
/** … after the last input in which watching still counts, … */
export const WATCHING = 2 * 3_600_000
/** … and between two questions while the end is near, and while it is not. */
export const [SOON, LATER] = [15_000, 600_000]

export class Activity {
  private touchedAt: number
  private toldAt: number
  private askedAt = -Infinity
  private idleAt = Infinity
  private dayAt = Infinity
  private idle = Infinity
  private busy = false

  constructor(
    private readonly server: Server,
    private readonly clock: () => number = Date.now,
  ) {
    this.touchedAt = this.toldAt = clock()
  }

  /** The person typed or pointed. */
  touch(): void {
    this.touchedAt = this.clock()
  }

  /** Look again; `watching`: the page is in sight, and to watch it is the work. */
  async look(watching: boolean): Promise<void> {
    if (this.busy) return
    const now = this.clock()
    const there = this.touchedAt > this.toldAt || (watching && now - this.touchedAt < WATCHING)
    const near = Math.min(this.idleAt, this.dayAt) - now <= this.early()
    if (there && (now - this.toldAt >= Math.min(EVERY, this.idle / 4) || this.idleAt - now <= this.early())) await this.stay()
    else if (now - this.askedAt >= (near ? SOON : LATER)) await this.ask()
  }

  /** The person is there, and says so. */
  stay(): Promise<void> {
    this.toldAt = this.clock()
    return this.take(this.server.seen())
  }

  /** Something may have changed: a call that kept the session is over. */
  ask(): Promise<void> {
    return this.take(this.server.left())
  }

  /** What the person is to be told now. */
  warning(): Warning | null {
    const now = this.clock()
    if (this.dayAt - now <= WARNING && this.dayAt <= this.idleAt) return { why: 'day', at: this.dayAt }
    return this.idleAt - now <= this.early() ? { why: 'idle', at: this.idleAt } : null
  }

  private early(): number {
    return Math.min(WARNING, this.idle / 3)
  }

  private async take(asked: Promise<Left>): Promise<void> {
    this.busy = true
    this.askedAt = this.clock()
    try {
      const { idle, day, after } = await asked
      const now = this.clock()
      this.idle = after === null ? Infinity : after * 1000
      this.idleAt = idle === null ? Infinity : now + idle * 1000
      this.dayAt = day === null ? Infinity : now + day * 1000
    } catch {
      // The server is away: it is asked again.
    } finally {
      this.busy = false
    }
  }
}
