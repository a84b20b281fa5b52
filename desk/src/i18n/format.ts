/** Instants, durations and numbers as people read them, in the language that is shown. */
import { serverNow } from '@/clock'

import { language } from '.'

const kept = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>()
/** The hotline's time zone; the browser's own until the server has said it. */
let zone: string | undefined

/** Show instants in this time zone from now on. */
export function setZone(name: string | undefined): void {
  if (name === zone) return
  zone = name
  kept.clear()
}

/** The time zone in which instants are shown; undefined for the browser's own. */
export const zoneName = (): string | undefined => zone

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.value} ${JSON.stringify(options)}`
  let found = kept.get(key)
  if (!found) kept.set(key, (found = new Intl.DateTimeFormat(language.value, { hourCycle: 'h23', ...(zone ? { timeZone: zone } : {}), ...options })))
  return found as Intl.DateTimeFormat
}

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language.value} n ${JSON.stringify(options)}`
  let found = kept.get(key)
  if (!found) kept.set(key, (found = new Intl.NumberFormat(language.value, options)))
  return found as Intl.NumberFormat
}

type Instant = string | number | Date | null | undefined
/** What stands where there is no value. */
export const NONE = '–'

function read(instant: Instant): Date | null {
  if (instant === null || instant === undefined || instant === '') return null
  const date = instant instanceof Date ? instant : new Date(instant)
  return Number.isNaN(date.getTime()) ? null : date
}

const yearOf = (date: Date): string => dates({ year: 'numeric' }).format(date)
const dayOf = (date: Date): string => dates({ year: 'numeric', month: '2-digit', day: '2-digit' }).format(date)

/** `14:05`, with `seconds` `14:05:09`. */
export function time(instant: Instant, seconds = false): string {
  const date = read(instant)
  const parts: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) }
  return date ? dates(parts).format(date) : NONE
}

/** `11月28日` or `28 Nov`, with the year when it is not this one. */
export function day(instant: Instant, now = new Date(serverNow())): string {
  const date = read(instant)
  if (!date) return NONE
  const year: Intl.DateTimeFormatOptions = yearOf(date) === yearOf(now) ? {} : { year: 'numeric' }
  return dates({ month: 'short', day: 'numeric', ...year }).format(date)
}

/** The time alone on the same day, else day and time. */
export function moment(instant: Instant, now = new Date(serverNow())): string {
  const date = read(instant)
  if (!date) return NONE
  return dayOf(date) === dayOf(now) ? time(date) : `${day(date, now)} ${time(date)}`
}

/** Seconds as `0:07`, `12:34`, `1:02:03`; for a screen reader see `spokenDuration`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE
  const whole = Math.max(0, Math.floor(seconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** `1,234`, with `digits` after the point. */
export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined) return NONE
  return numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
}

/** A share from 0 to 1 as `93%`; null when there is nothing to count. */
export function percent(share: number | null | undefined, digits = 0): string {
  if (share === null || share === undefined) return NONE
  return numbers({ style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(share)
}
