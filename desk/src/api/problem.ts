/** Every refusal and every failure of a request, as one kind of error that people can read. */
import { i18n, language } from '@/i18n'

export interface ProblemBody {
  type?: string
  title?: string
  status?: number
  detail?: string
  reason?: string | null
  errors?: { where: string; sentence: string }[] | null
}

/** A request did not do what was asked. `kind` is the problem's name, `network` when no answer came. */
export class Problem extends Error {
  constructor(
    readonly kind: string,
    readonly status: number,
    readonly detail: string,
    readonly body: ProblemBody = {},
    /** Seconds after which to try again, when the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || kind)
    this.name = 'Problem'
  }

  /** What is wrong with each field: the field's name → a sentence. */
  get fields(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const { where, sentence } of this.body.errors ?? []) found[where.replace(/^(body|query|path)\./, '')] = sentence
    return found
  }

  /** The headline in the language that is shown. */
  get words(): string {
    const { t, te } = i18n.global
    const key = `problems.${this.kind}`
    if (te(key)) return t(key, { seconds: this.retryAfter ?? 1 })
    return this.body.title || t('problems.unknown', { status: this.status })
  }

  /** What it means for the person and what to do, in the language that is shown; empty for what the page itself found. */
  get advice(): string {
    const { t, te } = i18n.global
    if (!this.status) return ''
    const known = [`problems.reason.${this.body.reason ?? ''}`, `problems.advice.${this.kind}`]
    const key = known.find((each) => te(each))
    return key ? t(key) : ''
  }

  /** All of it in one line. */
  get line(): string {
    const [advice, detail] = [language.value === 'en' && this.detail ? '' : this.advice, this.detail]
    const [colon, open, close] = language.value === 'en' ? [': ', '', ''] : ['：', '（', '）']
    if (!advice) return detail ? `${this.words}${colon}${detail}` : this.words
    return `${this.words}${colon}${advice}${detail ? `${open}${detail}${close}` : ''}`
  }
}

/** The problem that an answer carries. */
export async function problemOf(response: Response): Promise<Problem> {
  let body: ProblemBody = {}
  try {
    body = (await response.clone().json()) as ProblemBody
  } catch {
    // An answer of something between here and the server: its status must do.
  }
  const name = body.type?.startsWith('/problems/') ? body.type.slice('/problems/'.length) : `status-${response.status}`
  const after = Number(response.headers.get('Retry-After'))
  return new Problem(name, response.status, body.detail ?? '', body, Number.isFinite(after) && after > 0 ? after : null)
}

/** Anything that was thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof TypeError || (error instanceof DOMException && error.name === 'NetworkError')) {
    return new Problem('network', 0, '')
  }
  return new Problem('unexpected', 0, error instanceof Error ? error.message : String(error))
}
