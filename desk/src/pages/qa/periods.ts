/** Names of periods as quality assurance writes them: 2027-01-15, 2027-W02, 2027-01. */
import { dayPlus } from '@/i18n/zone'

export const SPANS = ['day', 'week', 'month'] as const
export type Span = (typeof SPANS)[number]

/** The period of this length in which the day (`2027-01-15`) lies; weeks are those of ISO 8601. */
export function periodName(span: Span, day: string): string {
  if (span === 'day') return day
  if (span === 'month') return day.slice(0, 7)
  // The Thursday of the week says to which year it belongs.
  const thursday = dayPlus(day, 4 - (new Date(`${day}T00:00:00Z`).getUTCDay() || 7))
  const year = thursday.slice(0, 4)
  const week = Math.floor((Date.parse(thursday) - Date.parse(`${year}-01-01`)) / 86_400_000 / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
