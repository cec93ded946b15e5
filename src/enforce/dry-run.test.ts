import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { createDryRunEnforcer } from './dry-run.ts'

test('a dry run blocks nobody, and says why and what to do', async () => {
  const enforcer = createDryRunEnforcer({ reason: 'this is a dry run', remedy: 'Leave out --dry-run' })
  expect(await enforcer.start()).toEqual([])
  expect(enforcer.block({ target: ip('192.0.2.7'), note: 'test' }, 0)).toBe(false)
  expect(enforcer.counters().size).toBe(0)
  expect(await enforcer.verify(0)).toEqual({
    part: 'enforcement',
    state: 'off',
    reason: 'this is a dry run',
    remedy: 'Leave out --dry-run',
  })
})
