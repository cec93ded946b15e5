import { expect, test } from 'vitest'
import type { Connection } from '#contract/schemas.ts'
import { aConnection as base } from '../../test/support/port.ts'
import type { Terminal } from './command.ts'
import { liveText, pastText } from './connection-table.ts'

/** Nothing is cut. */
const PIPE = { hasColour: false } as Terminal
const ID = 'a'.repeat(64)
const owner = { pid: 1, path: '/usr/bin/nginx', name: 'nginx', commandLine: 'nginx', uid: 0 }
const rowOf = (about: Partial<Connection>): Connection => ({ ...base, ...about })

const table = (...rows: Connection[]): string => liveText(rows, base.openedAt, PIPE)

test('each row says how its program is known, and how sure that is', () => {
  const text = table(
    rowOf({ owner: { ...owner, source: 'ebpf', confidence: 1 } }),
    rowOf({ owner: { ...owner, source: 'guess', confidence: 0.5 } }),
    rowOf({ owner: { ...owner, source: 'kernel' } }),
  )
  expect(text).toMatch(/KNOWN BY/)
  expect(text).toMatch(/ebpf 100% .*\n.*guess 50% .*\n.*kernel {2}/)
  expect(text).not.toMatch(/CONTAINER/)
})

test('where there are containers each row says which: by name, by the beginning of its id, with its pod', () => {
  const inside = (container: NonNullable<NonNullable<Connection['owner']>['container']>): Connection =>
    rowOf({ owner: { ...owner, source: 'ebpf', container } })
  const rows = [
    inside({ engine: 'docker', id: ID, name: 'web-1' }),
    inside({ engine: 'podman', id: ID }),
    inside({
      engine: 'containerd',
      id: ID,
      name: 'nginx',
      pod: { uid: 'u', name: 'web-7d9f', namespace: 'shop' },
    }),
    inside({ engine: 'containerd', id: ID, name: 'mail', pod: { uid: 'u' } }),
    rowOf({}),
  ]
  const text = pastText(rows, base.openedAt, PIPE)
  expect(
    text
      .split('\n')
      .map((line) => /shop\/web-7d9f \(nginx\)|web-1|a{12}(?!a)|mail|CONTAINER/.exec(line)?.[0]),
  ).toEqual(['CONTAINER', 'web-1', 'aaaaaaaaaaaa', 'shop/web-7d9f (nginx)', 'mail', undefined, undefined])
})
