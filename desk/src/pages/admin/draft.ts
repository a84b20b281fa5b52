/**
 * What an administrator has changed and not published: kept in this browser, tried on the server, published as one version.
 *
 * A change sets or removes one key, or gives a part's whole text. A later change of the same key takes the place of the earlier.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'

import { api, asProblem, type components, done, ifMatch, type Problem, versioned } from '@/api'

type Schemas = components['schemas']
export type Change = Schemas['ChangeIn']
export type Checked = Schemas['CheckedOut']
export type Setting = Schemas['SettingOut']
export type Settings = Schemas['SettingsOut']
export type Path = (string | number)[]

const KEPT = 'sansheng.admin.draft'
/** Milliseconds after the last change until the settings are asked for again. */
const REST = 250

export const sameKey = (one: Path, other: Path): boolean => one.length === other.length && one.every((part, n) => part === other[n])
const within = (key: Path, above: Path): boolean => above.every((part, n) => key[n] === part)

/** The changes with one more, in the place of those that it makes void. */
export function withChange(changes: Change[], next: Change): Change[] {
  const key = next.key ?? []
  const kept = changes.filter((each) => each.part !== next.part || !(key.length === 0 || ((each.key ?? []).length > 0 && within(each.key ?? [], key))))
  return [...kept, next]
}

function stored(): { base: number; changes: Change[] } {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? 'null') as { base: number; changes: Change[] } | null
    if (found && Array.isArray(found.changes)) return found
  } catch {
    // What cannot be read is no draft.
  }
  return { base: -1, changes: [] }
}

export const useDraft = defineStore('admin-draft', () => {
  const kept = stored()
  /** The version that the changes were made on; -1 before it is known. */
  const base = ref(kept.base)
  const changes = ref<Change[]>(kept.changes)
  /** Every value with the changes in it. */
  const settings = shallowRef<Settings | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** The version in force. */
  const version = ref(-1)
  const count = computed(() => changes.value.length)
  const outdated = computed(() => count.value > 0 && version.value >= 0 && base.value !== version.value)
  let rest: ReturnType<typeof setTimeout> | undefined

  watch(
    [base, changes],
    () => {
      try {
        if (changes.value.length) localStorage.setItem(KEPT, JSON.stringify({ base: base.value, changes: changes.value }))
        else localStorage.removeItem(KEPT)
      } catch {
        // Without storage the draft lasts as long as the page.
      }
    },
    { deep: true },
  )

  /** Ask for the version in force and for the values with the changes. */
  async function load(): Promise<void> {
    try {
      const found = await versioned(api.GET('/api/v1/definitions'))
      version.value = found.value.version
      if (!changes.value.length) base.value = version.value
      settings.value = changes.value.length
        ? await done(api.POST('/api/v1/definitions/settings', { body: { changes: changes.value } }))
        : await done(api.GET('/api/v1/definitions/settings'))
      problem.value = null
    } catch (error) {
      problem.value = asProblem(error)
      // A value that cannot be read as it was typed: the fields show what holds, the check says what is wrong.
      if (problem.value.kind === 'invalid-value' && !settings.value) settings.value = await done(api.GET('/api/v1/definitions/settings'))
    }
  }

  function add(change: Change): void {
    if (!changes.value.length) base.value = version.value
    changes.value = withChange(changes.value, change)
    clearTimeout(rest)
    rest = setTimeout(() => void load(), REST)
  }

  const set = (path: Path, value: unknown): void => add({ part: 'hotline', key: path, value: value as never, remove: false } as Change)
  const remove = (path: Path): void => add({ part: 'hotline', key: path, remove: true } as Change)

  /** The change of this key, if there is one. */
  const of = (part: string, path: Path): Change | undefined => changes.value.find((each) => each.part === part && sameKey(each.key ?? [], path))

  function drop(index: number): void {
    changes.value = changes.value.filter((_, place) => place !== index)
    void load()
  }

  function clear(): void {
    changes.value = []
    void load()
  }

  const check = (): Promise<Checked> => done(api.POST('/api/v1/definitions/check', { body: { changes: changes.value } }))

  /** The changes are looked at on top of the version in force from now on. */
  async function rebase(): Promise<void> {
    await load()
    base.value = version.value
  }

  async function publish(reason: string): Promise<number> {
    const made = await done(
      api.POST('/api/v1/definitions/publish', { body: { changes: changes.value, reason }, headers: ifMatch(`"v${base.value}"`) }),
    )
    changes.value = []
    await load()
    return (made as Schemas['VersionOut']).version
  }

  return { base, changes, settings, problem, version, count, outdated, load, add, set, remove, of, drop, clear, check, rebase, publish }
})
