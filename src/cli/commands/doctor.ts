import type { DoctorCheck } from '#contract/schemas.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand } from '../command.ts'
import { ExitCode } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

const MARKS = { ok: 'ok', warning: 'look', failed: 'FAILED' } as const

export default defineCommand({
  order: 110,
  add(program, shell) {
    const doctor = program
      .command('doctor')
      .description('check all that Gatehouse needs; exits 1 when something failed')
    leaf(doctor, 'doctor').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const checks = await core.ask<DoctorCheck[]>('GET', '/doctor')
      show(checks, (all) => all.map(checkText).join(''))
      if (checks.some((check) => check.state === 'failed')) throw new ExitCode(1)
    })
  },
})

function checkText({ name, state, finding, remedy }: DoctorCheck): string {
  const todo = remedy === undefined ? '' : `\n        What to do: ${visibleText(remedy)}`
  return `${MARKS[state].padEnd(8)}${visibleText(name)}: ${visibleText(finding)}${todo}\n`
}
