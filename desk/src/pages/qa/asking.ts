/** One answer of the server with its problem: asked for, shown, asked for again. */
import { ref, type Ref, shallowRef, type ShallowRef } from 'vue'

import { asProblem, type Problem } from '@/api'

export interface Asking<T> {
  value: ShallowRef<T | null>
  problem: ShallowRef<Problem | null>
  busy: Ref<boolean>
  load: () => Promise<void>
}

/** The value stays while it is asked for again; of two answers the one that was asked for last counts. */
export function useAsking<T>(ask: () => Promise<T>): Asking<T> {
  const value = shallowRef<T | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const busy = ref(false)
  let asked = 0

  async function load(): Promise<void> {
    const own = ++asked
    busy.value = true
    try {
      const found = await ask()
      if (own !== asked) return
      value.value = found
      problem.value = null
    } catch (error) {
      if (own === asked) problem.value = asProblem(error)
    } finally {
      if (own === asked) busy.value = false
    }
  }

  return { value, problem, busy, load }
}

/** Every row of a list, page by page, up to so many. */
export async function everyPage<T>(ask: (cursor: string | undefined) => Promise<{ items: T[]; next?: string | null }>, most = 2000): Promise<T[]> {
  const rows: T[] = []
  let cursor: string | undefined
  do {
    const page = await ask(cursor)
    rows.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor && rows.length < most)
  return rows
}
