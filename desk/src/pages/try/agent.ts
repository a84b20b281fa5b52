/** The person at the page becomes an agent: a work number with every queue's skill, and the sign-in that has it. */
import { api, done } from '@/api'

/** The level of each skill: the middle, so that specialists stay preferred. */
const LEVEL = 5
const FIRST = 1001

/** The lowest work number from 1001 on that nobody has. */
export function freeNumber(taken: Iterable<string>): string {
  const known = new Set(taken)
  let number = FIRST
  while (known.has(String(number))) number += 1
  return String(number)
}

/** Make the agent and give the number to the user. Throws Problem. */
export async function becomeAgent(user: string, name: string, number: string, skills: Iterable<string>): Promise<void> {
  const levels = Object.fromEntries([...skills].filter(Boolean).map((skill) => [skill, LEVEL]))
  await done(api.PUT('/api/v1/agents/{agent}', { params: { path: { agent: number } }, body: { name, skills: levels, teams: [], secret: '', contact: '' } }))
  await done(api.PATCH('/api/v1/users/{name}', { params: { path: { name: user } }, body: { agent: number } }))
}
