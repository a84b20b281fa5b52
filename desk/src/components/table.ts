/** Columns of a DataTable, and how rows are put in order. */
import type { VNodeChild } from 'vue'

export interface Column<T> {
  key: string
  title: string
  /** Pixels; with `grow` at least so many. */
  width: number
  grow?: boolean
  align?: 'left' | 'center' | 'right'
  /** What the row is sorted by and, without `cell`, what is shown. Null comes last. */
  value: (row: T) => string | number | null | undefined
  cell?: (row: T) => VNodeChild
  /** What stands in it is short: it is not clipped, and a cell after it covers what is too long. Each clip is one more thing to put together in every frame. */
  short?: boolean
  /** False: the column cannot be sorted by. */
  sortable?: boolean
}

export interface Order {
  key: string
  down: boolean
}

/** Pixels of a column whose head says this, with its mark of order: a Chinese letter takes 12 of them, others about 6.8. */
export const wide = (title: string): number => Math.max(64, Math.ceil([...title].reduce((sum, each) => sum + (each > '\u2e80' ? 12 : 6.8), 0)) + 30)

const collator = new Intl.Collator('zh-CN', { numeric: true })

/** The rows in this order; equal ones by their key, so that rows do not jump. */
export function inOrder<T>(rows: T[], columns: Column<T>[], order: Order | null, keyOf: (row: T) => string): T[] {
  const column = order && columns.find((each) => each.key === order.key)
  if (!column) return rows
  const sign = order.down ? -1 : 1
  const keyed = rows.map((row) => ({ row, value: column.value(row) ?? null, key: keyOf(row) }))
  keyed.sort((a, b) => {
    if (a.value === b.value) return collator.compare(a.key, b.key)
    if (a.value === null) return 1
    if (b.value === null) return -1
    if (typeof a.value === 'number' && typeof b.value === 'number') return sign * (a.value - b.value)
    return sign * collator.compare(String(a.value), String(b.value)) || collator.compare(a.key, b.key)
  })
  return keyed.map((each) => each.row)
}
