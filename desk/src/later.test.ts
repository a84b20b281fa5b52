import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'

import { later } from './later'

afterEach(() => void vi.useRealTimers())

it('a part that cannot be fetched is asked for again while it is open', async () => {
  vi.useFakeTimers()
  const found = defineComponent(() => () => h('p', '查找'))
  const loader = vi.fn<() => Promise<typeof found>>().mockRejectedValueOnce(new Error('starts again')).mockRejectedValueOnce(new Error('starts again')).mockResolvedValue(found)
  const part = later(loader)
  const shown = mount(defineComponent(() => () => h('div', [h(part)])))
  await flushPromises()
  expect(shown.text()).toBe('')
  await vi.advanceTimersByTimeAsync(1000)
  await vi.advanceTimersByTimeAsync(2000)
  await flushPromises()
  expect(shown.text()).toBe('查找')
  shown.unmount()
})
