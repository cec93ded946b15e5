import { expect, test } from 'vitest'
import { observed } from '../../../test/support/observed.ts'
import { ip } from '../../model/address.ts'
import type { ProgramChange } from '../../model/first-seen.ts'
import changedProgram from './changed-program.ts'

function told(about: Partial<ProgramChange> = {}, settings: object = {}) {
  const machine = observed(changedProgram, settings)
  const before = { sha256: 'a'.repeat(64), lastAt: machine.now - 1 }
  const change = { program: '/usr/bin/curl', address: ip('203.0.113.9'), before, sha256: 'b'.repeat(64) }
  machine.observation.programChanged({ ...change, ...about }, machine.now)
  return machine.findings
}

test('a program that is not as its package has it is told of in full', () => {
  expect(told({ package: { name: 'curl 8.5', file: 'changed' } })).toMatchObject([
    {
      ...{ detector: 'changed-program', kind: 'changed', severity: 'high', subject: '203.0.113.9' },
      summary:
        '/usr/bin/curl is another binary than before (aaaaaaaaaaaa became bbbbbbbbbbbb), and talked to 203.0.113.9: not as curl 8.5 has it',
    },
  ])
})

test('an update of a package is told of only where somebody wants that', () => {
  const update = { package: { name: 'curl 8.6', file: 'unchanged' } } as const
  expect(told(update)).toEqual([])
  expect(told(update, { updates: true })).toMatchObject([{ severity: 'info' }])
})

test('a program of no package is told of, one that changes all the time is left alone', () => {
  expect(told()).toMatchObject([{ severity: 'low' }])
  expect(told({}, { programs: ['/usr/bin/curl'] })).toEqual([])
})
