import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { i18n } from '@/i18n'

import ReasonDialog from './ReasonDialog.vue'

const text = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>('[data-testid=reason]')!

async function opened(of: number, act = () => Promise.resolve()) {
  const shown = mount(ReasonDialog, { props: { modelValue: false, title: '改排到', of, act }, global: { plugins: [i18n] }, attachTo: document.body })
  await shown.setProps({ modelValue: true })
  await flushPromises()
  return shown
}

describe('a reason half typed', () => {
  beforeEach(() => setActivePinia(createPinia()))
  afterEach(() => {
    sessionStorage.clear()
    document.body.innerHTML = ''
  })

  it('stands there again when the dialog was closed or the page loaded anew, for the same call alone', async () => {
    const first = await opened(7)
    text().value = '客户催得急'
    text().dispatchEvent(new Event('input'))
    await flushPromises()
    first.unmount()
    const other = await opened(8)
    expect(text().value).toBe('')
    other.unmount()
    const again = await opened(7)
    expect(text().value).toBe('客户催得急')
    expect(document.querySelector('[data-testid=reason-restored]')).not.toBeNull()
    again.unmount()
  })

  it('is gone when the act was done', async () => {
    const shown = await opened(7)
    text().value = 'x'
    text().dispatchEvent(new Event('input'))
    await flushPromises()
    document.querySelector<HTMLButtonElement>('[data-testid=reason-confirm]')!.click()
    await flushPromises()
    expect(sessionStorage.length).toBe(0)
    shown.unmount()
  })
})
