/** My sample queue: calls drawn for me in the order of drawing, my drafts, second scores asked of me, and what I have scored. */
import { api, done } from '@/api'

import { everyPage } from './asking'
import type { Job, Review } from './shapes'

export type Group = 'waiting' | 'drafts' | 'second' | 'scored'

export interface Item {
  key: string
  group: Group
  call: number
  agent: string
  plan: string
  period: string
  /** Place in the order of drawing. */
  place: number | null
  review: number | null
  state: string
  score: number | null
}

/** Samples whose calls are shown, the newest first. */
const JOBS = 12

/** Jobs that were drawn for `me`, and reviews that I may read, as one queue. Each review stands in one group. */
export function queueOf(jobs: readonly Job[], reviews: readonly Review[], me: string): Item[] {
  const found: Item[] = []
  const of = new Map(jobs.map((job) => [job.job, job]))
  for (const job of jobs) {
    job.drawn.forEach((each, place) => {
      if (each.state !== 'waiting' || each.agent === me) return
      found.push({
        key: `c${job.job}-${each.call}`, group: 'waiting', call: each.call, agent: each.agent, plan: job.plan, period: job.period, place: place + 1, review: null,
        state: each.state, score: null,
      })
    })
  }
  for (const each of reviews) {
    const [first, second] = [each.reviewer === me, each.second_reviewer === me && each.reviewer !== me]
    if (!first && !second) continue
    const job = each.job === null ? undefined : of.get(each.job)
    const group: Group = second ? (each.second ? 'scored' : 'second') : each.first ? 'scored' : 'drafts'
    found.push({
      key: `r${each.id}`, group, call: each.call, agent: each.agent, plan: job?.plan ?? '', period: job?.period ?? '', place: null, review: each.id,
      state: each.state, score: group === 'scored' ? each.score : null,
    })
  }
  return found
}

export async function askQueue(me: string): Promise<Item[]> {
  const [plans, jobs, reviews] = await Promise.all([
    done(api.GET('/api/v1/qa/plans')),
    done(api.GET('/api/v1/qa/jobs', { params: { query: { limit: JOBS } } })),
    everyPage((cursor) => done(api.GET('/api/v1/qa/scores', { params: { query: { limit: 500, ...(cursor ? { cursor } : {}) } } }))),
  ])
  const other = new Set(plans.items.filter((plan) => plan.reviewers.length && !plan.reviewers.includes(me)).map((plan) => plan.name))
  const mine = jobs.items.filter((job) => !other.has(job.plan))
  const details = await Promise.all(mine.map((job) => done(api.GET('/api/v1/qa/jobs/{number}', { params: { path: { number: job.job } } }))))
  return queueOf(details, reviews as unknown as Review[], me)
}
