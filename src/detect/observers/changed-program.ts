import { z } from 'zod'
import { ip } from '#model/address.ts'
import type { Severity } from '#model/finding.ts'
import type { ProgramChange } from '#model/first-seen.ts'
import { defineObserver, type Machine, type ObserveContext, type Observing } from '../observer.ts'
import { ATTACKER } from '../self-test/self-test.ts'

const ID = 'changed-program'
const SHOWN_DIGITS = 12

const settings = z
  .object({
    updates: z
      .boolean()
      .default(false)
      .describe('Tell also of programs that are as they came with their package: updates'),
    programs: z
      .array(z.string().min(1).max(4096))
      .max(200)
      .default([])
      .describe(
        'Paths of programs that change all the time, such as what you build yourself: nothing is told of them',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Changed program',
  technique: 'T1554',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires: (machine) => change(machine, 'changed'),
    staysSilent: (machine) => change(machine, 'unchanged'),
  },
  observe: (chosen: Settings, context) => new ChangedProgramObserver(chosen, context),
})

function change({ heard, now }: Machine, file: 'changed' | 'unchanged'): void {
  const program = { program: '/usr/bin/sync', address: ip(ATTACKER), sha256: 'b'.repeat(64) }
  const before = { sha256: 'a'.repeat(64), lastAt: now - 1 }
  heard.programChanged({ ...program, before, package: { name: 'sync 2.1', file } }, now)
}

class ChangedProgramObserver implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext

  constructor(chosen: Settings, context: ObserveContext) {
    this.#settings = chosen
    this.#context = context
  }

  programChanged(changed: ProgramChange, now: number): void {
    const { program, address, before, sha256 } = changed
    const isUpdate = changed.package?.file === 'unchanged'
    if (this.#settings.programs.includes(program) || (isUpdate && !this.#settings.updates)) return
    this.#context.report({
      kind: 'changed',
      severity: severityOf(changed),
      confidence: isUpdate ? 0.1 : 0.5,
      at: now,
      subject: address,
      summary: `${program} is another binary than before (${shortened(before.sha256)} became ${shortened(sha256)}), and talked to ${address}: ${packageText(changed)}`,
      key: `${ID} ${program} ${sha256 ?? now}`,
      because: `detectors.${ID}.updates = ${this.#settings.updates}`,
      spoofable: false,
      evidence: { firstAt: before.lastAt, lastAt: now, count: 1, ratePerSecond: 0, samples: [] },
    })
  }
}

/** A file of a package that is not as it came with it was changed by somebody. */
const severityOf = ({ package: owned }: ProgramChange): Severity =>
  owned?.file === 'changed' ? 'high' : owned?.file === 'unchanged' ? 'info' : 'low'

const shortened = (sha256: string | undefined): string => sha256?.slice(0, SHOWN_DIGITS) ?? 'not read'

function packageText({ package: owned }: ProgramChange): string {
  if (!owned) return 'no package is known to have it'
  const { name, file } = owned
  if (file === 'unknown') return `whether it is as ${name} has it is not known`
  return file === 'unchanged' ? `as ${name} has it` : `not as ${name} has it`
}
