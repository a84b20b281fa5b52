/** What matters are sorted by: the operator's list, in words of both languages; it comes with the session. */
import { computed, shallowRef } from 'vue'

import type { components } from '@/api'

export type Category = components['schemas']['CategoryOut']

/** Every category, retired ones too, in the order of forms. */
export const categories = shallowRef<Category[]>([])

const found = computed(() => new Map(categories.value.map((each) => [each.name, each])))

/** Its name in words, after that of the one that it is under; undefined for one that the operator does not have. */
export function categoryLabel(name: string, tongue: 'zh-CN' | 'en'): string | undefined {
  const own = found.value.get(name)
  if (!own) return undefined
  const under = own.under ? found.value.get(own.under) : undefined
  return under ? `${under.label[tongue]} · ${own.label[tongue]}` : own.label[tongue]
}

/** Nothing new is given it, or what it is under. */
export const isRetired = (name: string): boolean => {
  const own = found.value.get(name)
  return own !== undefined && (own.retired || (own.under !== null && (found.value.get(own.under)?.retired ?? false)))
}

/** Those that something new may be given. */
export const offeredCategories = computed(() => categories.value.map((each) => each.name).filter((name) => !isRetired(name)))
