/** The day that a report is of: the address may say it, `/reports/day?day=2027-01-15`; else it is today. */
import { useRoute } from 'vue-router'

import { today } from '@/i18n/zone'

export function dayAsked(): string {
  const asked = String(useRoute().query.day ?? '')
  return /^\d{4}-\d{2}-\d{2}$/.test(asked) && !Number.isNaN(Date.parse(asked)) ? asked : today()
}
