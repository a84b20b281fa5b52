/**
 * Where the nodes of a flow stand in its picture: in columns by their distance from the start, in rows by the order in which
 * they are reached, so that a way that leads on goes to the right.
 */
import type { components } from '@/api'

type Graph = components['schemas']['GraphOut']
export type Node = components['schemas']['NodeOut']
export type Edge = components['schemas']['EdgeOut']

export const WIDTH = 168
export const HEIGHT = 52
const COLUMN = 250
const ROW = 76
const MARGIN = 16

export interface Placed {
  id: string
  /** Null for an end: back to the flow that led here, or the hang-up. */
  node: Node | null
  x: number
  y: number
}

export interface Way {
  from: Placed
  to: Placed
  labels: string[]
  kind: Edge['kind']
  path: string
  x: number
  y: number
}

export interface Picture {
  nodes: Placed[]
  ways: Way[]
  width: number
  height: number
}

/** The picture of a graph. An end is drawn beside each node that leads to it, so that no line crosses everything. */
export function draw(graph: Graph): Picture {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]))
  const out = new Map<string, Edge[]>()
  for (const edge of graph.edges) if (edge.source !== '*') out.set(edge.source, [...(out.get(edge.source) ?? []), edge])
  const depth = new Map<string, number>([[graph.start, 0]])
  const order: string[] = []
  const queue = [graph.start]
  const visit = (): void => {
    while (queue.length) {
      const name = queue.shift()!
      if (!nodes.has(name) || order.includes(name)) continue
      order.push(name)
      for (const { target } of out.get(name) ?? []) {
        if (!depth.has(target) && nodes.has(target)) {
          depth.set(target, depth.get(name)! + 1)
          queue.push(target)
        }
      }
    }
  }
  visit()
  // Keys that count everywhere lead to some nodes, and to the rest nothing does.
  for (const name of [...graph.edges.filter((each) => each.source === '*').map((each) => each.target), ...nodes.keys()]) {
    if (!depth.has(name) && nodes.has(name)) {
      depth.set(name, 0)
      queue.push(name)
      visit()
    }
  }
  const rows: number[] = []
  const placed = new Map<string, Placed>()
  const all: Placed[] = []
  const place = (id: string, node: Node | null, column: number): Placed => {
    const row = rows[column] ?? 0
    rows[column] = row + 1
    const made = { id, node, x: MARGIN + column * COLUMN, y: MARGIN + row * ROW }
    all.push(made)
    return made
  }
  for (const name of order) placed.set(name, place(name, nodes.get(name)!, depth.get(name)!))
  const ways: Way[] = []
  for (const name of order) {
    const together = new Map<string, Edge[]>()
    for (const edge of out.get(name) ?? []) together.set(edge.target, [...(together.get(edge.target) ?? []), edge])
    for (const [target, edges] of together) {
      if (target === '@again') continue
      const from = placed.get(name)!
      const to = placed.get(target) ?? place(`${name} ${target}`, null, depth.get(name)! + 1)
      ways.push(way(from, to, edges))
    }
  }
  return {
    nodes: all,
    ways,
    width: Math.max(...all.map((each) => each.x)) + WIDTH + MARGIN,
    height: Math.max(...all.map((each) => each.y)) + HEIGHT + MARGIN,
  }
}

function way(from: Placed, to: Placed, edges: Edge[]): Way {
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2]
  const back = x2 <= x1
  const bend = back ? 60 : Math.max(30, (x2 - x1) / 2)
  const path = back && from.x === to.x ? `M${x1},${y1} C${x1 + bend},${y1} ${x1 + bend},${y2} ${to.x + WIDTH},${y2}` : `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`
  const kinds = edges.map((each) => each.kind)
  const kind = kinds.includes('key') ? 'key' : kinds.includes('condition') ? 'condition' : kinds.includes('next') ? 'next' : 'fail'
  return { from, to, labels: edges.map((each) => each.label), kind, path, x: back ? x1 + 40 : x2 - 10, y: (back ? y1 + (y2 - y1) * 0.12 : y2) - 5 }
}
