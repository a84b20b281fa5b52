/**
 * The wall clock of the hotline's zone: what a picker shows and what is typed there, whatever zone the browser is in.
 *
 * A wall time is a text without a zone, `2027-01-15 14:05:00`; an instant is an ISO text in UTC.
 */
import { serverNow } from '@/clock'

import { zoneName } from './format'

const DAY = 86_400_000
const parts = new Map<string, Intl.DateTimeFormat>()

function clock(): Intl.DateTimeFormat {
  const zone = zoneName() ?? ''
  let found = parts.get(zone)
  if (!found) {
    // The Swedes write it as ISO does.
    found = new Intl.DateTimeFormat('sv-SE', {
      year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', ...(zone ? { timeZone: zone } : {}),
    })
    parts.set(zone, found)
  }
  return found
}

/** The wall time of an instant: `2027-01-15 14:05:00`. */
export const wall = (instant: string | number | Date): string => clock().format(new Date(instant))

/** The instant of a wall time; of one that the clocks pass over, the instant as much later. */
export function instantOf(time: string): string {
  const read = Date.parse(`${time.replace(' ', 'T')}Z`)
  const ahead = (at: number): number => Date.parse(`${wall(at).replace(' ', 'T')}Z`) - at
  const near = read - ahead(read)
  return new Date(read - ahead(near)).toISOString()
}

/** The day of the hotline's calendar: `2027-01-15`. */
export const dayOf = (instant: string | number | Date): string => wall(instant).slice(0, 10)

/** Today by the server's clock, so many days on. */
export const today = (on = 0): string => dayPlus(dayOf(serverNow()), on)

/** The hotline's wall clock now as a picker reads times, in the browser's zone: the month and hour at which an empty one opens. */
export const pickerNow = (): Date => new Date(wall(serverNow()).replace(' ', 'T'))

/** The class of a picker's cell that is today by the hotline's calendar; a cell's date is of the browser's zone. */
export const todayCell = (cell: Date): string => (local(cell) === today() ? 'hotline-today' : '')

/** The same of a picker of months. */
export const monthCell = (cell: Date): string => (local(cell).slice(0, 7) === today().slice(0, 7) ? 'hotline-today' : '')

function local(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The day so many days after this one. */
export const dayPlus = (day: string, days: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10)
