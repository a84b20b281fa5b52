/** A figure's value as people read it, by its unit. */
import type { components } from '@/api'
import { duration, NONE, number, percent } from '@/i18n/format'
import { language } from '@/i18n'

export type Figure = components['schemas']['FigureOut']

export function shown(figure: Pick<Figure, 'unit'>, value: unknown): string {
  if (typeof value !== 'number') return NONE
  if (figure.unit === 'share') return percent(value, 1)
  if (figure.unit === 'seconds') return duration(Math.round(value))
  return figure.unit === 'points' ? number(value, 2) : number(value)
}

/** An instant of a report in the hotline's zone, wherever the reader's machine is: `time` 14:30, `day` 28 Nov, `both`. */
export function inZone(instant: string, zone: string, what: 'time' | 'day' | 'both'): string {
  const parts: Intl.DateTimeFormatOptions = {
    ...(what === 'time' ? {} : { month: 'short', day: 'numeric' }), ...(what === 'day' ? {} : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  }
  return new Intl.DateTimeFormat(language.value, { ...parts, timeZone: zone }).format(new Date(instant))
}

/** Whether a value has rows behind it: a count of nothing has none, a share of 0 may have. */
export const leads = (figure: Pick<Figure, 'unit'>, value: unknown): boolean => typeof value === 'number' && (value !== 0 || figure.unit !== 'count')

export const nameOf = (figure: Figure): string => (language.value === 'en' ? figure.en.charAt(0).toUpperCase() + figure.en.slice(1) : figure.zh)

/** The formula, with what must be said with it. */
export const formulaOf = (figure: Figure): string => [figure.formula, figure.named].filter(Boolean).join('; ')
