/**
 * The cells of one row. They are drawn again when row or columns are other ones, or when something changes that they read:
 * a row that only moves, as all do while a table is scrolled or sorted, keeps them.
 */
import { type FunctionalComponent, h } from 'vue'

import type { Column } from './table'

const said = (value: string | number | null | undefined): string | number => (value === null || value === undefined || value === '' ? '–' : value)

const Cells: FunctionalComponent<{ row: unknown; columns: Column<never>[] }> = ({ row, columns }) =>
  h('div', { class: 'cells' }, columns.map((column) =>
    h('div', { key: column.key, class: ['cell', column.align, column.short && 'short'], role: 'cell' }, [column.cell ? column.cell(row as never) : said(column.value(row as never))]),
  ))
Cells.props = ['row', 'columns']
export default Cells
