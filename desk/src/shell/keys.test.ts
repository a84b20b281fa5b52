import { mount } from '@vue/test-utils'
import { afterEach, describe, expect, it } from 'vitest'
import { defineComponent, h } from 'vue'

import { chord, type KeyAct, keys, refusal, setKey, useKeys } from './keys'

const press = (key: string, held: Partial<KeyboardEventInit> = {}, on: EventTarget = window): KeyboardEvent => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...held })
  on.dispatchEvent(event)
  return event
}

function with_(acts: Partial<Record<KeyAct, () => void>>) {
  return mount(
    defineComponent({
      setup() {
        useKeys(acts)
        return () => h('input')
      },
    }),
    { attachTo: document.body },
  )
}

afterEach(() => {
  for (const act of Object.keys(keys) as KeyAct[]) setKey(act, null)
})

describe('keys', () => {
  it('are written one way, whatever the layout writes with Alt', () => {
    const none = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false }
    expect(chord({ ...none, key: 'F2', code: 'F2' })).toBe('F2')
    expect(chord({ ...none, key: '†', code: 'KeyT', altKey: true })).toBe('Alt+T')
    expect(chord({ ...none, key: '¡', code: 'Digit1', altKey: true })).toBe('Alt+1')
    expect(chord({ ...none, key: 'Enter', code: 'Enter', ctrlKey: true })).toBe('Ctrl+Enter')
    expect(chord({ ...none, key: '?', code: 'Slash', shiftKey: true })).toBe('?')
    expect(chord({ ...none, key: 'l', code: 'KeyL' })).toBe('L')
  })

  it('do nothing while somebody writes, if they would write a letter', () => {
    const done: string[] = []
    const shown = with_({ listen: () => done.push('listen'), answer: () => done.push('answer') })
    const input = shown.find('input').element
    press('l', { code: 'KeyL' }, input)
    expect(done).toEqual([])
    press('F2', { code: 'F2' }, input)
    press('l', { code: 'KeyL' })
    expect(done).toEqual(['answer', 'listen'])
    shown.unmount()
    press('F2', { code: 'F2' })
    expect(done).toHaveLength(2)
  })

  it('belong to the place that was opened last', () => {
    const done: string[] = []
    const below = with_({ filter: () => done.push('below') })
    const above = with_({ filter: () => done.push('above') })
    expect(press('/').defaultPrevented).toBe(true)
    above.unmount()
    press('/')
    below.unmount()
    expect(done).toEqual(['above', 'below'])
  })

  it('can be changed, but not to one that the browser or another act of the same place has', () => {
    expect(refusal('answer', 'F5')).toBe('forbidden')
    expect(refusal('answer', 'F4')).toBe('hang_up')
    expect(refusal('listen', 'M')).toBe('')
    expect(refusal('answer', 'F3')).toBe('')
    setKey('answer', 'F3')
    expect(keys.answer).toBe('F3')
    expect(JSON.parse(localStorage.getItem('sansheng.keys')!)).toEqual({ answer: 'F3' })
  })
})
