/** A recording as lines: one outline for either side, drawn around its middle. */

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
