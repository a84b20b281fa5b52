import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'

import { i18n } from '@/i18n'

import DataTable from './DataTable.vue'
import { type Column, inOrder } from './table'

interface Agent {
  id: string
  calls: number | null
}

const columns: Column<Agent>[] = [
  { key: 'id', title: '工号', width: 80, value: (row) => row.id },
  { key: 'calls', title: '通话', width: 80, align: 'right', value: (row) => row.calls },
]
const agents: Agent[] = Array.from({ length: 500 }, (_, n) => ({ id: String(1001 + n), calls: n % 7 === 0 ? null : n % 5 }))
const keyOf = (row: Agent): string => row.id

describe('a table', () => {
  it('puts rows without a value last, and equal ones by their key', () => {
    const up = inOrder(agents.slice(0, 8), columns, { key: 'calls', down: false }, keyOf).map(({ id }) => id)
    const down = inOrder(agents.slice(0, 8), columns, { key: 'calls', down: true }, keyOf).map(({ id }) => id)
    expect(up).toEqual(['1006', '1002', '1007', '1003', '1004', '1005', '1001', '1008'])
    expect(down).toEqual(['1005', '1004', '1003', '1002', '1007', '1006', '1001', '1008'])
  })

  it('draws the rows in sight alone, opens one by Enter and hands other keys on', async () => {
    const shown = mount(DataTable<Agent>, {
      props: { columns, rows: agents, rowKey: keyOf, label: '坐席', rowTestid: (row: Agent) => `floor-agent-${row.id}` },
      global: { plugins: [i18n] },
      attachTo: document.body,
    })
    const rows = shown.findAll('[role=row][data-key]')
    expect(rows.length).toBeLessThan(40)
    expect(rows[0]!.attributes('data-testid')).toBe('floor-agent-1001')
    expect(rows.filter((row) => row.attributes('tabindex') === '0')).toHaveLength(1)
    await rows[1]!.trigger('keydown', { key: 'Enter' })
    await rows[1]!.trigger('keydown', { key: 'l' })
    expect(shown.emitted('open')).toEqual([[agents[1]]])
    expect((shown.emitted('key') as [KeyboardEvent, Agent][])[0]![1]).toEqual(agents[1])
    shown.unmount()
  })

  it('is sorted by its head: up, down, and as it was', async () => {
    const shown = mount(DataTable<Agent>, { props: { columns, rows: agents, rowKey: keyOf, label: '坐席', order: null }, global: { plugins: [i18n] } })
    const head = shown.findAll('[role=columnheader] button')[1]!
    const orders = []
    for (let n = 0; n < 3; n += 1) {
      await head.trigger('click')
      orders.push(shown.emitted('update:order')!.at(-1)![0])
      await shown.setProps({ order: orders.at(-1) as never })
    }
    expect(orders).toEqual([{ key: 'calls', down: false }, { key: 'calls', down: true }, null])
  })
})
