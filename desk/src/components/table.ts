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
  /** False: the column cannot be sorted by. */
  sortable?: boolean
}

export interface Order {
  key: string
  down: boolean
}

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
