import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { capabilities, parseCapabilities } from './capabilities.ts'
import { parsePasswd } from './passwd.ts'
import { keptGroup, keptRights } from './privilege.ts'

const STATUS = `Name:\tnode
Uid:\t65534\t65534\t65534\t65534
Gid:\t65534\t65534\t65534\t65534
Groups:\t
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
`

test('capabilities are read by their bits', () => {
  expect(parseCapabilities(STATUS)).toEqual({
    isRoot: false,
    netAdmin: false,
    netRaw: false,
    bpf: false,
    perfmon: false,
    sysPtrace: false,
    dacReadSearch: false,
    sysAdmin: false,
  })
  const some = parseCapabilities(STATUS.replace('CapEff:\t0000000000000000', 'CapEff:\t000000c000003000'))
  expect(some).toMatchObject({ netAdmin: true, netRaw: true, bpf: true, perfmon: true, sysPtrace: false })
})

test('the capabilities of this very process agree with its uid', () => {
  expect(capabilities().isRoot).toBe(process.geteuid?.() === 0)
  expect(parseCapabilities(readFileSync('/proc/self/status', 'utf8'))).toEqual(capabilities())
})

test('an unreadable status holds nothing', () => {
  expect(Object.values(parseCapabilities('')).every((value) => value === false)).toBe(true)
})

test('passwd lines that are not users are left out', () => {
  const text =
    'root:x:0:0:root:/root:/bin/bash\n\n# note\nbad\n+::::::\nanna:x:1000:1001:A,B:/home/anna:/bin/sh\nx:y:z:1\n'
  expect(parsePasswd(text)).toEqual([
    { name: 'root', uid: 0, gid: 0 },
    { name: 'anna', uid: 1000, gid: 1001 },
  ])
})

test.each([
  ['nothing', STATUS, undefined],
  ['a saved uid', STATUS.replace('Uid:\t65534\t65534\t65534', 'Uid:\t65534\t65534\t0'), 'user id 0'],
  ['a gid', STATUS.replace('Gid:\t65534', 'Gid:\t0'), 'group id 0'],
  ['a group', STATUS.replace('Groups:\t', 'Groups:\t10 0 '), 'group 0 as a supplementary group'],
  ['a capability', STATUS.replace(/CapPrm:\t0+/, 'CapPrm:\t0000000000001000'), 'capabilities (CapPrm)'],
  ['no status at all', '', 'user id 0'],
])('sees what is kept: %s', (_what, status, kept) => {
  expect(keptRights(status) ?? keptGroup(status)).toBe(kept)
})
