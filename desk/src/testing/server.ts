/** What the server's source says, for tests that hold the pages' words against it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Every word that stands first in a call of this name anywhere in the server: `Invalid("agent", …)`. */
export function firstWords(name: string): string[] {
  const root = resolve(process.cwd(), '../server')
  const files = readdirSync(root, { recursive: true, encoding: 'utf-8' }).filter((file) => file.endsWith('.py'))
  const found = files.flatMap((file) => [...readFileSync(join(root, file), 'utf-8').matchAll(new RegExp(`\\b${name}\\(\\s*"([a-z_]+)"`, 'g'))])
  return [...new Set(found.map(([, word]) => word!))].sort()
}
