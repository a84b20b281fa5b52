import { describe, expect, it } from 'vitest'

import { newForm, newQuestion, newSection, shareOf, toml } from './form'

describe('a form', () => {
  it('is TOML without what its questions have by themselves', () => {
    const form = { ...newForm(), name: 'complaint', version: 2, zh: '质检"表"', en: 'Form', sections: [{ ...newSection(), id: 'opening', zh: '开头', en: 'Opening' }] }
    form.sections[0]!.questions = [
      { ...newQuestion(), id: 'greeting', zh: '问候\n工号', en: 'Greets', weight: 4 },
      { ...newQuestion(), id: 'identity', zh: '核实', en: 'Checks', weight: 6, may_be_na: true, critical: 'compliance', cap: 40 },
      { ...newQuestion(), id: 'rude', zh: '辱骂', en: 'Rude', weight: 0, critical: 'customer', cap: null, fatal: true, hint_zh: '立即上报' },
    ]
    expect(toml(form)).toBe(`name = "complaint"
version = 2
zh = "质检\\"表\\""
en = "Form"
pass = 85

[[sections]]
id = "opening"
zh = "开头"
en = "Opening"

[[sections.questions]]
id = "greeting"
zh = "问候\\n工号"
en = "Greets"
weight = 4

[[sections.questions]]
id = "identity"
zh = "核实"
en = "Checks"
weight = 6
na = true
critical = "compliance"
cap = 40

[[sections.questions]]
id = "rude"
zh = "辱骂"
en = "Rude"
weight = 0
critical = "customer"
fatal = true
hint_zh = "立即上报"
`)
    expect(shareOf(form, form.sections[0]!.questions[1]!)).toBe(60)
    expect(shareOf(newForm(), { ...newQuestion(), weight: 0 })).toBe(0)
  })
})
