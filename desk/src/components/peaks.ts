/** A recording as lines: one outline for either side, drawn around its middle, of the part that is seen. */

/** The part of a recording that is seen, in seconds. */
export interface Span {
  from: number
  until: number
}

/** The steepest zoom still shows so many seconds. */
export const LEAST_SEEN = 5

/** The loudest of each step, so that a long recording has no more columns than can be seen. */
export function columns(values: readonly number[], most = 1000): number[] {
  const step = Math.max(1, Math.ceil(values.length / most))
  const found: number[] = []
  for (let at = 0; at < values.length; at += step) found.push(Math.max(...values.slice(at, at + step)))
  return found
}

/** The outline as an SVG path, from x = 0 to 1000, `half` above and below the middle at most. */
export function outline(values: readonly number[], middle: number, half: number): string {
  const drawn = columns(values)
  if (drawn.length === 0) return ''
  const x = (at: number): string => ((at * 1000) / drawn.length).toFixed(1)
  // Silence is a thin line, not nothing.
  const y = (value: number): number => Math.max(0.5, (Math.min(127, value) / 127) * half)
  const above = drawn.map((value, at) => `L${x(at)} ${(middle - y(value)).toFixed(1)}`)
  const below = drawn.map((value, at) => `L${x(at)} ${(middle + y(value)).toFixed(1)}`).reverse()
  return `M0 ${middle}${above.join('')}L1000 ${middle}${below.join('')}Z`
}

/** The values of this part, of so many a second. */
export const part = (values: readonly number[], perSecond: number, { from, until }: Span): number[] =>
  values.slice(Math.floor(from * perSecond), Math.ceil(until * perSecond))

/** `times` as near, around this place of the recording, which stays where it is on the screen. */
export function zoomed(seen: Span, times: number, around: number, total: number): Span {
  const before = seen.until - seen.from
  const length = Math.min(total, Math.max(Math.min(LEAST_SEEN, total), before / times))
  const from = around - ((around - seen.from) / before) * length
  return within(from, length, total)
}

/** What is seen when the sound has come to `at`: the same, or turned like a page. */
export function followed(seen: Span, at: number, total: number): Span {
  const length = seen.until - seen.from
  if (length >= total || (at >= seen.from && at <= seen.until)) return seen
  return within(at - length * 0.1, length, total)
}

function within(from: number, length: number, total: number): Span {
  const begin = Math.min(Math.max(0, from), Math.max(0, total - length))
  return { from: begin, until: begin + length }
}

/** Where the time line is named: some ten round times in the part that is seen. */
export function ticks({ from, until }: Span): number[] {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].find((each) => (until - from) / each <= 10) ?? 3600
  const found: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= until; at += step) found.push(at)
  return found
}
