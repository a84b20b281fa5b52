/** Categories as a tree: one that has parts is a line with the sum, and below it are what has no part, and its parts. */
import { categories } from '@/categories'
import { i18n } from '@/i18n'
import { named } from '@/i18n/named'

import type { Row } from './drill'

/** Rows of `categories` with those of `wholes` woven in; the operator's order, then names. */
export function asTree(rows: Row[], wholes: Row[]): Row[] {
  const sums = new Map(wholes.map((row) => [String(row.whole), row]))
  const known = new Map(categories.value.map((each, place) => [each.name, { under: each.under, place }]))
  const whole = (name: string): string => (sums.has(name) ? name : (known.get(name)?.under ?? name))
  const place = (name: string): number => known.get(name)?.place ?? known.size
  const ordered = rows.map((row) => ({ row, name: String(row.category) })).sort((a, b) => {
    const [one, other] = [whole(a.name), whole(b.name)]
    if (one !== other) return place(one) - place(other) || one.localeCompare(other)
    // What stands by itself comes before its parts.
    return Number(a.name !== one) - Number(b.name !== other) || place(a.name) - place(b.name)
  })
  const shown: Row[] = []
  let last = ''
  for (const { row, name } of ordered) {
    const of = whole(name)
    const sum = sums.get(of)
    if (sum && of !== last) shown.push(sum)
    last = of
    shown.push(row)
  }
  return shown
}

/** The name of such a row: the sum has the category's own; what has no part says so; a part has its whole before it. */
export function treeName(row: Row, wholes: Row[]): string {
  if (row.whole !== undefined) return i18n.global.t('reports.whole', { category: named('category', String(row.whole)) })
  const name = String(row.category ?? '')
  const words = named('category', name) || i18n.global.t('reports.none_named')
  return wholes.some(({ whole }) => whole === name) ? i18n.global.t('reports.no_part', { category: words }) : words
}
