import { describe, expect, it } from 'vitest'

import { draw, type Edge, type Node } from './picture'

const node = (name: string): Node => ({ name, kind: 'menu', waits: true, table: {}, prompts: [] })
const edge = (source: string, target: string, label = 'next', kind: Edge['kind'] = 'next'): Edge => ({ source, target, key: [label], label, kind })

describe('the picture of a flow', () => {
  it('has each node once, on from the start to the right, and an end beside each node that leads to it', () => {
    const graph = {
      name: 'f', part: 'flow.f', start: 'a', keys: { '0': 'd' },
      nodes: [node('a'), node('b'), node('c'), node('d'), node('lost')],
      edges: [edge('a', 'b', '1', 'key'), edge('a', 'c', '2', 'key'), edge('a', 'b', '3', 'key'), edge('b', 'a'), edge('b', '@hangup'), edge('c', '@hangup'), edge('*', 'd', '0', 'key')],
    }
    const picture = draw(graph)
    const at = Object.fromEntries(picture.nodes.map((each) => [each.id, each]))
    expect(Object.keys(at).sort()).toEqual(['a', 'b', 'b @hangup', 'c', 'c @hangup', 'd', 'lost'])
    expect(at.b!.x).toBeGreaterThan(at.a!.x)
    expect(at.b!.x).toBe(at.c!.x)
    expect(new Set(picture.nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(picture.nodes.length)
    expect(picture.ways.find((each) => each.from.id === 'a' && each.to.id === 'b')!.labels).toEqual(['1', '3'])
  })
})
