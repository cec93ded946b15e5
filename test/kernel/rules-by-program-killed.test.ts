import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildCaller } from '../support/caller.ts'
import { hasCompiler } from '../support/compiled.ts'
import { testWith } from '../support/needs.ts'
import {
  type ClassProbe,
  makeProgramWorld,
  mountBpf,
  outcomeOfCall,
  type ProgramWorld,
  portOf,
} from '../support/program-world.ts'

/** Rules by program when the daemon dies, or stops, or starts again. */
const rootTest = hasCompiler() ? testWith('root', 'ip', 'nft') : test.skip
const LISTENER = new URL('../support/tcp-listener.ts', import.meta.url).pathname

let world: ProgramWorld
let probe: ClassProbe | undefined
let port: string
let tool: string
let pins: string | undefined

beforeEach(async () => {
  world = makeProgramWorld()
  tool = buildCaller(world.folder, 'tool')
  port = await portOf(world.wire.client.start(process.execPath, LISTENER))
})

afterEach(async () => {
  await probe?.ask('stop')
  probe = undefined
  if (pins !== undefined) execFileSync('umount', [pins])
  pins = undefined
  world.remove()
})

/** The probe, with these rules in force. */
async function rules(text: string, options: Parameters<ProgramWorld['probe']>[0] = {}): Promise<void> {
  probe ??= await world.probe(options)
  await probe.rules(text)
}

const call = (program: string): string => outcomeOfCall(world, program, { port })

const copyOf = (name: string): string => {
  const path = join(world.folder, name)
  copyFileSync(tool, path)
  return path
}

describe('kill -9', () => {
  const mountPins = (): string => (pins = mountBpf(join(world.folder, 'pins')))

  async function kill(): Promise<void> {
    probe?.process.kill('SIGKILL')
    if (probe) await once(probe.process, 'exit')
    probe = undefined
  }

  const ONLY_TOOL = (program: string) =>
    `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${program} }`

  rootTest(
    'leaves rules and classes where they are to stay, and the next start takes over both',
    async () => {
      const options = { pins: mountPins(), keep: true }
      const other = copyOf('other')
      await rules(ONLY_TOOL(tool), options)
      await kill()
      expect([call(tool), call(other)]).toEqual(['passes', 'refused'])
      await rules(ONLY_TOOL(tool), options)
      expect([call(tool), call(other)]).toEqual(['passes', 'refused'])
      await kill()
      // Other rules: nothing of those before is left.
      await rules(ONLY_TOOL(other), options)
      expect([call(tool), call(other)]).toEqual(['refused', 'passes'])
      await probe?.ask('stop')
      probe = undefined
      expect([call(tool), call(other)]).toEqual(['passes', 'passes'])
      expect(readdirSync(options.pins)).not.toContain('gatehouse_rules')
    },
  )

  rootTest('is not needed to keep both: a stop that keeps the rules keeps the classes', async () => {
    const options = { pins: mountPins() }
    await rules(ONLY_TOOL(tool), options)
    expect(readdirSync(options.pins)).not.toContain('gatehouse_rules')
    await probe?.ask('stop', 'keep')
    probe = undefined
    const other = copyOf('other')
    expect([call(tool), call(other)]).toEqual(['passes', 'refused'])
    // Taken over by one that is to open when it dies: nothing stays pinned.
    await rules(ONLY_TOOL(tool), options)
    expect(readdirSync(options.pins)).not.toContain('gatehouse_rules')
    await kill()
    expect(call(tool)).toBe('refused')
    await rules('')
  })

  rootTest('leaves nothing that marks where all is to open', async () => {
    await rules(ONLY_TOOL(tool))
    expect(call(tool)).toBe('passes')
    await kill()
    // The table is opened by the process beside the daemon (rules.onCrash).
    expect(call(tool)).toBe('refused')
    await rules('')
  })
})
