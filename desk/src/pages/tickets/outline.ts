/** What one side of a recording looks like: a path in a picture of 400 × 40, above (`up`) or below the middle. */
const WIDTH = 400
const MIDDLE = 20
/** The greatest value of a peak. */
const FULL = 127

export function outline(peaks: number[], up: boolean): string {
  if (!peaks.length) return ''
  const steps = Math.min(peaks.length, WIDTH)
  let path = `M0 ${MIDDLE}`
  for (let step = 0; step < steps; step++) {
    const from = Math.floor((step * peaks.length) / steps)
    const to = Math.max(from + 1, Math.floor(((step + 1) * peaks.length) / steps))
    const height = (Math.max(...peaks.slice(from, to)) / FULL) * (MIDDLE - 1)
    const x = (value: number): number => Math.round((value * WIDTH * 10) / steps) / 10
    const y = Math.round((up ? MIDDLE - height : MIDDLE + height) * 10) / 10
    path += `L${x(step)} ${y}L${x(step + 1)} ${y}`
  }
  return `${path}L${WIDTH} ${MIDDLE}Z`
}
