/**
 * Words in two languages: Chinese first, English second (`?lang=en`).
 *
 * Each page has a file of its own in `zh-CN/` and in `en/`, with the same keys, and its keys begin with the file's name:
 * `floor.ts` has `floor.title` as `title`. Only the files of the language that is shown are loaded, a page's when the page
 * is. A key that is missing is an error of the tests.
 */
import { ref } from 'vue'
import { createI18n } from 'vue-i18n'

export const LANGUAGES = ['zh-CN', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

type Words = { [key: string]: string | Words }
type Loader = () => Promise<{ default: Words }>
const files = import.meta.glob<{ default: Words }>('./{zh-CN,en}/*.ts') as Record<string, Loader>
/** Files that every page uses. */
const SHARED = ['common', 'domain', 'shell', 'session', 'problems', 'phone'] as const
const KEPT = 'sansheng.language'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: false,
  fallbackWarn: false,
  missingWarn: false,
  missing: (_locale, key) => {
    if (import.meta.env.MODE === 'test') throw new Error(`no words for ${key}`)
    return key
  },
  messages: { 'zh-CN': {}, en: {} } as Record<Language, Words>,
})

/** The language that is shown. */
export const language = ref<Language>('zh-CN')
const wanted = new Set<string>(SHARED)

function isLanguage(text: string | null | undefined): text is Language {
  return LANGUAGES.includes(text as Language)
}

/** The language that the address names, else the one chosen before, else Chinese. */
export function chosenLanguage(query: string, kept: string | null): Language {
  const asked = new URLSearchParams(query).get('lang')
  const named = asked === 'zh' ? 'zh-CN' : asked
  if (isLanguage(named)) return named
  return isLanguage(kept) ? kept : 'zh-CN'
}

async function load(name: string, into: Language): Promise<void> {
  const messages = i18n.global.getLocaleMessage(into) as Words
  if (name in messages) return
  const file = files[`./${into}/${name}.ts`]
  if (!file) return
  i18n.global.mergeLocaleMessage(into, { [name]: (await file()).default })
}

/** Load the words of a page, before it is shown. */
export async function loadWords(name: string): Promise<void> {
  wanted.add(name)
  await load(name, language.value)
}

/** Show another language; every page that is open changes with it. */
export async function setLanguage(next: Language): Promise<void> {
  await Promise.all([...wanted].map((name) => load(name, next)))
  language.value = next
  i18n.global.locale.value = next
  document.documentElement.lang = next
  try {
    localStorage.setItem(KEPT, next)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** Load the words of the language to begin with. */
export async function startLanguage(): Promise<void> {
  let kept: string | null = null
  try {
    kept = localStorage.getItem(KEPT)
  } catch {
    // No storage: the address or Chinese.
  }
  await setLanguage(chosenLanguage(location.search, kept))
}

/** Words outside of a component. */
export const say = (key: string, named: Record<string, unknown> = {}): string => i18n.global.t(key, named)
