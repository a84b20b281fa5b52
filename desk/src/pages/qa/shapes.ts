/** What the server says of quality assurance, where its description leaves the fields open. */
import type { components } from '@/api'

export type Plan = components['schemas']['PlanOut']
export type JobRow = components['schemas']['JobRow']
export type Job = components['schemas']['JobDetail']
export type Drawn = components['schemas']['DrawnCall']
export type Call = components['schemas']['CallDetail']

export interface Estimate {
  value: number | null
  low: number | null
  high: number | null
  n: number
  size?: number
}

export interface MarkOut {
  question: string
  value: number | null
  at: number[]
  note: string | null
}

export interface Given {
  reviewer: string
  at: string
  score: number
  points: number
  passed: boolean
  fatal: boolean
  faults: { question: string; critical: string; cap: number | null; fatal: boolean }[]
  marks: MarkOut[]
}

export interface Review {
  id: number
  call: number
  agent: string
  job: number | null
  form: string
  version: number
  reviewer: string
  second_reviewer: string | null
  barred: string[]
  state: string
  score: number | null
  points: number | null
  passed: boolean | null
  fatal: boolean | null
  first: Given | null
  second: Given | null
  appeal: { by: string; at: string; why: string; questions: string[] } | null
  decision: Given | null
  drafts: Record<string, MarkOut[]>
}

export interface Question {
  id: string
  zh: string
  en: string
  weight: number
  levels: number
  may_be_na: boolean
  critical: 'customer' | 'business' | 'compliance' | null
  cap: number | null
  fatal: boolean
  hint_zh: string
  hint_en: string
}

export interface Section {
  id: string
  zh: string
  en: string
  questions: Question[]
}

export interface Form {
  name: string
  version: number
  zh: string
  en: string
  pass_mark: number
  sections: Section[]
}

export type Agreement = Record<'share' | 'ac1' | 'kappa' | 'alpha', Estimate>

export interface Round {
  id: number
  calls: number[]
  form: string
  version: number
  reviewers: string[]
  closed: boolean
  scores: ({ call: number; reviewer: string } & Omit<Given, 'at'>)[]
  compared: { questions: Record<string, Agreement>; deviations: Record<string, number | null> } | null
}

export interface AgentFigures {
  agent: string
  best: number | null
  worst: number | null
  rank: number | null
  mean: Estimate
  points: Estimate
  pass_rate: Estimate
  fatal_rate: Estimate
}

export interface QualityReport {
  period: string
  first: string
  last: string
  plan: string | null
  jobs: { job: number; plan: string; period: string; calls: number; earlier: number; drawn: number; scored: number; used: boolean }[]
  scored: number
  picked: number
  appeals: number
  changed_on_appeal: number
  mean: Estimate
  points: Estimate
  pass_rate: Estimate
  fatal_rate: Estimate
  agents: AgentFigures[]
  faults: { form: string; version: number; question: string; critical: string; fatal: boolean; calls: number }[]
  agreement: { form: string; version: number; n: number; passed: Agreement; fatal: Agreement; questions: Record<string, Agreement> }[]
}

export interface Results {
  team: string
  period: string
  state: string
  steps: { step: string; by: string; at: string; note?: string }[]
}

export type Training = components['schemas']['TrainingOut']
