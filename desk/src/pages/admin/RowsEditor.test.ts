import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'

import { i18n, loadWords } from '@/i18n'

import { NAMED } from './rows'
import RowsEditor from './RowsEditor.vue'

const VALUE = { process: { zh: '流程', en: 'Process' }, usage: { zh: '使用', en: 'Use' } }

describe('the rows of a table of tables', () => {
  beforeEach(async () => {
    setActivePinia(createPinia())
    await loadWords('admin')
  })

  it('are typed into letter by letter, and keep what was typed until it is a change', async () => {
    const editor = mount(RowsEditor, { props: { value: VALUE, entries: NAMED.categories!, label: '分类', readonly: false, lasting: ['process'] }, global: { plugins: [i18n] } })
    const input = editor.find<HTMLInputElement>('td.text input')
    input.element.value = '业务'
    await input.trigger('input')
    await new Promise((go) => setTimeout(go))
    expect(input.element.value).toBe('业务')
    await input.trigger('change')
    expect(editor.emitted('change')).toEqual([[{ ...VALUE, process: { zh: '业务', en: 'Process' } }]])
    expect(editor.findAll('.el-button--danger')).toHaveLength(1)
  })
})
