// What a browser must fetch before the largest page can be used, by the build's manifest, and the most it may be.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const MOST = 270_000
const folder = process.argv[2]
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))

/** The file of an entry and every file that it imports at once. */
function closure(name, found = new Set()) {
  const entry = manifest[name]
  if (!entry || found.has(entry.file)) return found
  found.add(entry.file)
  for (const css of entry.css ?? []) found.add(css)
  for (const each of entry.imports ?? []) closure(each, found)
  return found
}

const packed = (file) => gzipSync(readFileSync(join(folder, file)), { level: 9 }).length
const total = (files) => [...files].reduce((sum, file) => sum + packed(file), 0)
const pages = Object.keys(manifest).filter((name) => /^src\/pages\/[^/]+\/Page\.vue$/.test(name))
const first = closure('index.html')
const rows = [['shell', total(first)]]
for (const page of pages) rows.push([page.split('/')[2], total(closure(page, new Set(first)))])
rows.sort((a, b) => b[1] - a[1])
for (const [name, bytes] of rows) console.log(`${name.padEnd(12)} ${(bytes / 1000).toFixed(0).padStart(4)} kB gzip`)
const [largest, bytes] = rows[0]
if (bytes > MOST) {
  console.error(`${largest} needs ${Math.round(bytes / 1000)} kB at its first load; ${MOST / 1000} kB are allowed`)
  process.exit(1)
}
