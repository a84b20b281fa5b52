/** Questions of forms in words, where only their ids are told. */
import { shallowReactive } from 'vue'

import { api, done } from '@/api'

import { questionsOf, wordsOf } from './marks'
import type { Form, Question } from './shapes'

/** Versions of a form, the latest first, that are looked at for a question that the latest has not any more. */
const MOST = 20

/** `said` gives the words of a question, or its id while they are not known or its form is gone; `know` asks for them. */
export function useQuestions() {
  const found = shallowReactive(new Map<string, Question>())
  const asked = new Set<string>()
  const key = (form: string, question: string, version?: number): string => `${form} ${version ?? ''} ${question}`

  async function load(form: string, version?: number): Promise<Form | null> {
    return done(api.GET('/api/v1/qa/forms/{name}', { params: { path: { name: form }, query: { version } } })).then((each) => each as unknown as Form, () => null)
  }

  async function look(form: string, questions: string[], version?: number): Promise<void> {
    let missing = questions
    let one = await load(form, version)
    for (let n = 0; one && missing.length && n < MOST; n += 1) {
      const these = new Map(questionsOf(one).map((each) => [each.id, each]))
      for (const id of missing) if (these.has(id)) found.set(key(form, id, version), these.get(id)!)
      missing = missing.filter((id) => !these.has(id))
      one = version === undefined && missing.length && one.version > 1 ? await load(form, one.version - 1) : null
    }
  }

  /** Ask for the words of these questions, of this version of their form, or of the latest that has them. */
  async function know(rows: readonly { form: string; question: string; version?: number }[]): Promise<void> {
    const wanted = new Map<string, { form: string; version: number | undefined; questions: string[] }>()
    for (const { form, question, version } of rows) {
      const own = key(form, question, version)
      if (asked.has(own)) continue
      asked.add(own)
      const of = `${form} ${version ?? ''}`
      if (!wanted.has(of)) wanted.set(of, { form, version, questions: [] })
      wanted.get(of)!.questions.push(question)
    }
    await Promise.all([...wanted.values()].map(({ form, questions, version }) => look(form, questions, version)))
  }

  function said(form: string, question: string, version?: number): string {
    const own = found.get(key(form, question, version))
    return own ? wordsOf(own) : question
  }

  return { know, said }
}
