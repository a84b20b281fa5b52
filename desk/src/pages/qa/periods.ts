/** Names of periods as quality assurance writes them: 2027-01-15, 2027-W02, 2027-01. */
export const SPANS = ['day', 'week', 'month'] as const
export type Span = (typeof SPANS)[number]

const two = (value: number): string => String(value).padStart(2, '0')

/** `2027-01-15`, of this machine's calendar. */
export const dayName = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

/** The period of this length in which the day lies; weeks are those of ISO 8601. */
export function periodName(span: Span, date: Date): string {
  if (span === 'day') return dayName(date)
  if (span === 'month') return dayName(date).slice(0, 7)
  // The Thursday of the week says to which year it belongs.
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7))
  const first = new Date(thursday.getFullYear(), 0, 1)
  return `${thursday.getFullYear()}-W${two(Math.floor(Math.round((thursday.getTime() - first.getTime()) / 86_400_000) / 7) + 1)}`
}
