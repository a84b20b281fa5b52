import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { categories } from '@/categories'
import { loadWords } from '@/i18n'

import { listOf, wantedOf } from './drill'
import { asTree, treeName } from './wholes'

const category = (name: string, zh: string, under: string | null = null) => ({ name, label: { 'zh-CN': zh, en: name }, under, retired: false })

describe('categories with parts in a report', () => {
  beforeEach(async () => {
    await loadWords('reports')
    categories.value = [category('usage', '使用'), category('process', '流程'), category('fees', '费用', 'process'), category('delivery', '配送', 'process')]
  })
  afterEach(() => (categories.value = []))

  const wholes = [{ whole: 'process', calls: 6 }]
  const rows = [{ category: 'delivery', calls: 2 }, { category: 'fees', calls: 3 }, { category: 'process', calls: 1 }, { category: 'usage', calls: 4 }, { category: 'former', calls: 1 }]

  it('stand as a tree: the sum, what has no part, then the parts in the operator’s order', () => {
    expect(asTree(rows, wholes).map((row) => treeName(row, wholes))).toEqual(['使用', '流程（合计）', '流程（未细分）', '流程 · 费用', '流程 · 配送', 'former'])
  })

  it('have a sum also where only parts were counted', () => {
    expect(asTree(rows.slice(0, 2), wholes).map((row) => treeName(row, wholes))).toEqual(['流程（合计）', '流程 · 费用', '流程 · 配送'])
  })

  it('lead from a sum to the rows of all parts', () => {
    const sum = asTree(rows, wholes)[1]!
    expect(wantedOf(listOf('categories', sum), sum, 'calls', { from: 'a', to: 'b' })).toMatchObject({ of: 'whole', name: 'process', value: 6 })
  })
})
