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

export const nameOf = (figure: Figure): string => (language.value === 'en' ? figure.en : figure.zh)

/** The formula, with what must be said with it. */
export const formulaOf = (figure: Figure): string => [figure.formula, figure.named].filter(Boolean).join('; ')
