/** An alarm in the language that is shown; one that the page has no words for, as the server says it. */
import { i18n } from '@/i18n'
import type { AlarmRow } from '@/stream/shapes'

type Values = AlarmRow['values']

function words(kind: 'alarm' | 'alarm_part', code: string, values: Values): string | null {
  const { t, te } = i18n.global
  const key = `floor.${kind}.${code}`
  if (!code || !te(key)) return null
  const side = values.side === undefined ? {} : { side: t(`floor.alarm_side.${values.side}`) }
  return t(key, { ...values, ...side })
}

export function alarmWords(alarm: AlarmRow): string {
  const head = words('alarm', alarm.code, alarm.values)
  if (head === null) return alarm.sentence
  const parts = alarm.parts.map((part) => words('alarm_part', part.code, part.values) ?? part.sentence)
  return parts.length ? `${head}: ${parts.join('; ')}` : head
}
