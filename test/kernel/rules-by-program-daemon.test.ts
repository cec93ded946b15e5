import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RuleExplanation, RuleSimulation, RulesState } from '#contract/rules.ts'
import { buildCaller } from '../support/caller.ts'
import { startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { makeProgramWorld, mountBpf, type ProgramWorld } from '../support/program-world.ts'
import { listen } from '../support/talkers.ts'

const hasCompiler = spawnSync('cc', ['--version']).status === 0
const rootTest = hasCompiler ? testWith('root', 'ip', 'nft') : test.skip
const PASSES = 0
const ECONNREFUSED = 111

let world: ProgramWorld
let daemon: TestDaemon | undefined
let tool: string
let port: string
let pins: string

beforeEach(async () => {
  world = makeProgramWorld()
  tool = buildCaller(world.folder, 'tool')
  pins = join(world.folder, 'pins')
  mountBpf(pins)
  port = String(await listen(world.wire.client))
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  execFileSync('umount', [pins])
  world.remove()
})

const rulesFile = (): string => join(world.folder, 'rules.yaml')

async function start(rules: string, onCrash: 'keep' | 'open' = 'keep'): Promise<TestDaemon> {
  writeFileSync(rulesFile(), rules)
  daemon = await startDaemon({
    namespace: world.wire.server.namespace,
    folder: world.folder,
    config: `rules: { pinFolder: ${pins}, onCrash: ${onCrash} }`,
    flags: ['--rules', rulesFile()],
  })
  return daemon
}

const call = (program: string): number =>
  world.run([program, world.wire.client.ip4, port, 'tcp']).status ?? -1

const tableIsThere = (): boolean => world.wire.server.run('nft', 'list', 'tables').includes('gatehouse_rules')

rootTest('a rule from the command line is enforced, explained, simulated and counted', async () => {
  const { tell, ask } = await start('')
  const copy = join(world.folder, 'copy')
  copyFileSync(tool, copy)
  expect([call(tool), call(copy)]).toEqual([PASSES, PASSES])
  expect(tell('reject', 'out', 'program', tool)).toContain('1 rule is in force')
  expect([call(tool), call(copy)]).toEqual([ECONNREFUSED, PASSES])
  expect(ask<RulesState>('rule', 'list').rules.find(({ number }) => number === 1)).toMatchObject({
    packets: 1,
  })

  const explain = (program: string) =>
    ask<RuleExplanation>('explain', `${world.wire.client.ip4}:${port}`, '--program', program)
  const condition = { text: `program ${tool}` }
  expect(explain(tool)).toMatchObject({ action: 'reject' })
  expect(explain(tool).steps.at(-1)?.conditions).toContainEqual({ ...condition, holds: true })
  expect(explain(copy)).toMatchObject({
    action: 'allow',
    flip: `It would be denied if this held of rule 1: program ${tool}.`,
  })
  expect(explain(copy).steps.at(-1)?.conditions).toContainEqual({ ...condition, holds: false })

  // What was recorded of the connections before is what a draft is held against.
  const draft = join(world.folder, 'draft.yaml')
  writeFileSync(draft, `rules:\n - { action: deny, direction: out, program: ${copy} }`)
  let simulated: RuleSimulation | undefined
  await until('the connections were recorded', () => {
    simulated = ask<RuleSimulation>('simulate', draft, '--last', '1h')
    return simulated.differences.some(({ program, to }) => program === copy && to === 'deny')
  })
  expect(() => tell('deny', 'forward', 'program', tool)).toThrow(/are of no program of this machine/)
  expect(() => tell('deny', 'out', 'program', 'tool')).toThrow(/Write the whole path/)
})

rootTest('killed, it leaves rules and classes in force; the next start goes on with both', async () => {
  const copy = join(world.folder, 'copy')
  copyFileSync(tool, copy)
  const rules = `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${tool} }`
  await start(rules)
  expect([call(tool), call(copy)]).toEqual([PASSES, ECONNREFUSED])
  await daemon?.kill()
  expect(tableIsThere()).toBe(true)
  expect([call(tool), call(copy)]).toEqual([PASSES, ECONNREFUSED])
  await start(rules)
  expect([call(tool), call(copy)]).toEqual([PASSES, ECONNREFUSED])
  await daemon?.stop()
  daemon = undefined
  expect([call(tool), call(copy)]).toEqual([PASSES, PASSES])
  expect(readdirSync(pins)).not.toContain('gatehouse_rules')
})

rootTest('killed where all is to open, it leaves neither', async () => {
  await start(`rules:\n - { action: reject, direction: out, program: ${tool} }`, 'open')
  expect(call(tool)).toBe(ECONNREFUSED)
  await daemon?.kill()
  daemon = undefined
  await until('the rules are gone', () => !tableIsThere())
  expect(call(tool)).toBe(PASSES)
  expect(readdirSync(pins)).not.toContain('gatehouse_rules')
})

rootTest(
  'a pause ends with its time, and programs are told apart again, though the daemon was killed meanwhile',
  async () => {
    const copy = join(world.folder, 'copy')
    copyFileSync(tool, copy)
    await start(
      `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${tool} }`,
    )
    daemon?.tell('pause', '10s')
    expect([call(tool), call(copy)]).toEqual([PASSES, PASSES])
    await daemon?.kill()
    daemon = undefined
    await until('the rules are back', () => call(copy) === ECONNREFUSED, 25_000)
    expect(call(tool)).toBe(PASSES)
  },
)

rootTest('a change that nobody confirms goes back, though the daemon was killed meanwhile', async () => {
  const copy = join(world.folder, 'copy')
  copyFileSync(tool, copy)
  const only = (program: string) =>
    `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${program} }`
  await start(only(tool))
  const draft = join(world.folder, 'draft.yaml')
  writeFileSync(draft, only(copy))
  daemon?.tell('apply', draft, '--confirm', '10s', '--force')
  expect([call(tool), call(copy)]).toEqual([ECONNREFUSED, PASSES])
  await daemon?.kill()
  daemon = undefined
  await until('the rules before are back', () => call(tool) === PASSES, 25_000)
  expect(call(copy)).toBe(ECONNREFUSED)
})
