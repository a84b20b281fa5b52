/** From when on a figure shows that something is wrong: the operator's thresholds, and nothing else. */
import type { Tone } from '@/components/states'
import type { QueueRow } from '@/stream/shapes'

type Thresholds = QueueRow['thresholds']

/** How long a caller has waited, in seconds. */
export function waitTone(seconds: number | null, limits: Thresholds | undefined): Tone {
  if (seconds === null || !limits) return 'idle'
  if (seconds >= limits.wait_too_long) return 'bad'
  return seconds >= limits.wait_long ? 'warn' : 'good'
}

/** The share answered in time: below the aim a warning, below the low mark an alarm. */
export function serviceTone(share: number | null | undefined, limits: Thresholds | undefined): Tone {
  if (share === null || share === undefined || !limits) return 'idle'
  if (share < limits.service_level_low) return 'bad'
  return share < limits.service_level ? 'warn' : 'good'
}

/** The share of callers who hung up in the queue. */
export function abandonTone(share: number | null | undefined, limits: Thresholds | undefined): Tone {
  if (share === null || share === undefined || !limits) return 'idle'
  if (share >= limits.abandon_high) return 'bad'
  return share >= limits.abandon_high / 2 ? 'warn' : 'good'
}
