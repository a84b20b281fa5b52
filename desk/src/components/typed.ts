/** What is half typed into a dialog: kept in this tab until it is sent or dropped, so that a reload loses none of it. */
import { ref, watch } from 'vue'

const PREFIX = 'sansheng.typed.'

type Values = Record<string, unknown>

/** `place` names the person and what the form is of; of `leftOut` nothing is kept. */
export function useTyped<T extends object>(place: () => string, form: T, leftOut: (keyof T & string)[] = []) {
  /** The form began with what was typed before. */
  const restored = ref(false)
  let base: Values | null = null
  let at = ''

  const changed = (): Values =>
    Object.fromEntries(Object.entries(form).filter(([key, value]) => !leftOut.includes(key as never) && JSON.stringify(value) !== JSON.stringify(base?.[key])))

  function stored(): Values {
    try {
      return (JSON.parse(sessionStorage.getItem(at) ?? '{}') as Values | null) ?? {}
    } catch {
      return {}
    }
  }

  function store(values: Values | null): void {
    try {
      if (values && Object.keys(values).length) sessionStorage.setItem(at, JSON.stringify(values))
      else sessionStorage.removeItem(at)
    } catch {
      // Without storage it lasts as long as the page.
    }
  }

  /** Fill the form from what there is, and what was typed over it before. */
  function begin(from: T): void {
    at = PREFIX + place()
    base = JSON.parse(JSON.stringify(from)) as Values
    const before = Object.fromEntries(Object.entries(stored()).filter(([key]) => key in from))
    restored.value = Object.keys(before).length > 0
    Object.assign(form, from, before)
  }

  /** It was sent, or is not wanted any more. */
  function drop(): void {
    store(null)
    restored.value = false
    if (base) Object.assign(form, JSON.parse(JSON.stringify(base)))
  }

  watch(() => form, () => base && store(changed()), { deep: true })
  return { restored, begin, drop }
}
