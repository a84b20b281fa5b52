/**
 * Keys of the pages: a table of acts with their usual keys, which a person may change.
 *
 *     useKeys({ answer: () => phone.answer(), hold: toggleHold })
 *
 * A single letter or sign does nothing while somebody writes; the browser's own F1, F5, F11 and F12 are never taken. Of two
 * places that want the same act, the one that was opened last has it.
 */
import { onBeforeUnmount, onMounted, reactive } from 'vue'

export const GROUPS = {
  phone: { answer: 'F2', hang_up: 'F4', mute: 'F8', hold: 'F9', help: 'F10', transfer: 'Alt+T' },
  status: { available: 'Alt+1', busy: 'Alt+2', break: 'Alt+3', wrap_up: 'Alt+4', sign_out: 'Alt+5' },
  desk: { finish: 'Ctrl+Enter' },
  floor: { listen: 'L', whisper: 'W', barge: 'B' },
  qa: { play: 'Space', back: 'ArrowLeft', forward: 'ArrowRight', slower: '[', faster: ']', nearer: '+', farther: '-', mark: 'M' },
  all: { search: 'Ctrl+K', filter: '/', keys: '?' },
} as const

type Groups = typeof GROUPS
export type KeyAct = { [G in keyof Groups]: keyof Groups[G] }[keyof Groups] & string

const KEPT = 'sansheng.keys'
const FORBIDDEN = new Set(['F1', 'F5', 'F11', 'F12', 'Escape', 'Tab', 'Enter'])
const usual = Object.assign({}, ...Object.values(GROUPS)) as Record<KeyAct, string>
const groupOf = Object.fromEntries(
  Object.entries(GROUPS).flatMap(([group, acts]) => Object.keys(acts).map((act) => [act, group])),
) as Record<KeyAct, keyof Groups>

function kept(): Partial<Record<KeyAct, string>> {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Record<KeyAct, string>>
  } catch {
    return {}
  }
}

/** The keys as this person has them: act → key. */
export const keys = reactive<Record<KeyAct, string>>({ ...usual, ...kept() })

/** A key press as the table writes it: `F2`, `Alt+T`, `Ctrl+Enter`, `?`. */
export function chord(event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey'>): string {
  // With Alt some keyboards write other letters: the key's place counts there.
  const plain = /^(?:Key|Digit)(.)$/.exec(event.code ?? '')?.[1]
  let name = event.key === ' ' ? 'Space' : event.key
  if ((event.altKey || event.ctrlKey || event.metaKey) && plain) name = plain
  if (name.length === 1) name = name.toUpperCase()
  const held = [event.ctrlKey || event.metaKey ? 'Ctrl' : '', event.altKey ? 'Alt' : '', event.shiftKey && name.length > 1 ? 'Shift' : '']
  return [...held.filter(Boolean), name].join('+')
}

/** Whether a key would write something where the focus is. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** Whether the element in focus needs this key itself: letters, Space and arrows where somebody writes, Space on a button. */
function isItsOwn(name: string, target: EventTarget | null): boolean {
  if (isTyping(target)) return [...name].length === 1 || name === 'Space' || name.startsWith('Arrow')
  return name === 'Space' && target instanceof HTMLElement && target.closest('button:not([role=radio]), a, [role=switch]') !== null
}

/** Why a key cannot be an act's: `forbidden`, or the act of the same group, or of all pages, that has it; empty if it can. */
export function refusal(act: KeyAct, key: string): string {
  if (FORBIDDEN.has(key)) return 'forbidden'
  const others = (Object.keys(keys) as KeyAct[]).filter((other) => {
    const apart = groupOf[other] !== groupOf[act] && ['floor', 'qa'].includes(groupOf[other]) && ['floor', 'qa'].includes(groupOf[act])
    return other !== act && !apart
  })
  return others.find((other) => keys[other] === key) ?? ''
}

/** Give an act another key; null: its usual one. */
export function setKey(act: KeyAct, key: string | null): void {
  keys[act] = key ?? usual[act]
  const changed = Object.fromEntries((Object.keys(keys) as KeyAct[]).filter((each) => keys[each] !== usual[each]).map((each) => [each, keys[each]]))
  try {
    localStorage.setItem(KEPT, JSON.stringify(changed))
  } catch {
    // It holds for this page.
  }
}

type Handler = (event: KeyboardEvent) => unknown
const handlers = new Map<KeyAct, Handler[]>()
let paused = false

/** While a key is being chosen, none does anything. */
export function pauseKeys(now: boolean): void {
  paused = now
}

function pressed(event: KeyboardEvent): void {
  if (paused || event.defaultPrevented || event.isComposing) return
  const name = chord(event)
  if (isItsOwn(name, event.target)) return
  for (const [act, wanted] of handlers) {
    if (keys[act] !== name) continue
    const handler = wanted.at(-1)
    if (!handler) continue
    event.preventDefault()
    handler(event)
    return
  }
}

let listening = false

/** These acts are done by their keys for as long as the component is there. */
export function useKeys(wanted: Partial<Record<KeyAct, Handler>>): void {
  const mine = Object.entries(wanted) as [KeyAct, Handler][]
  onMounted(() => {
    if (!listening) {
      listening = true
      window.addEventListener('keydown', pressed)
    }
    for (const [act, handler] of mine) handlers.set(act, [...(handlers.get(act) ?? []), handler])
  })
  onBeforeUnmount(() => {
    for (const [act, handler] of mine) handlers.set(act, (handlers.get(act) ?? []).filter((each) => each !== handler))
  })
}
