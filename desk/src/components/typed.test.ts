import { afterEach, describe, expect, it } from 'vitest'
import { nextTick, reactive } from 'vue'

import { useTyped } from './typed'

const from = () => ({ name: '张敏', numbers: ['13900139001'], identity: '' })

describe('what is half typed into a dialog', () => {
  afterEach(() => sessionStorage.clear())

  it('is there again after a reload, over what the record has by then', async () => {
    const form = reactive(from())
    useTyped(() => 'customer.tang.3', form, ['identity']).begin(from())
    Object.assign(form, { name: '张敏敏', identity: '110101199001011234' })
    await nextTick()
    expect(JSON.stringify({ ...sessionStorage })).not.toContain('1101')
    const again = reactive(from())
    const typed = useTyped(() => 'customer.tang.3', again, ['identity'])
    typed.begin({ ...from(), numbers: ['13900139002'] })
    expect(again).toEqual({ name: '张敏敏', numbers: ['13900139002'], identity: '' })
    expect(typed.restored.value).toBe(true)
  })

  it('is gone when it was sent or dropped, and of another form there is none', async () => {
    const form = reactive(from())
    const typed = useTyped(() => 'customer.tang.3', form)
    typed.begin(from())
    form.name = 'x'
    await nextTick()
    const other = reactive(from())
    const others = useTyped(() => 'customer.tang.new', other)
    others.begin(from())
    expect([others.restored.value, other.name]).toEqual([false, '张敏'])
    typed.drop()
    await nextTick()
    expect([form.name, sessionStorage.length]).toEqual(['张敏', 0])
  })
})
