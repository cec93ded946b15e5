import type { Verification } from '#contract/verification.ts'
import { defineCommand } from '../command.ts'
import { ExitCode } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

const HOW: Readonly<Record<NonNullable<Verification['broken']>['what'], (id: number) => string>> = {
  changed: (id) => `decision ${id} does not say what it said when it was made`,
  deleted: (id) => `decision ${id} was deleted`,
  inserted: (id) => `decision ${id} was written by somebody else than Gatehouse`,
  moved: (id) => `decision ${id} does not hang on the one before it: the chain itself was changed there`,
  cut: (id) => `the end is missing, from decision ${id} on`,
}

export default defineCommand({
  order: 82,
  add(program, shell) {
    const verify = program
      .command('verify')
      .description('check that nobody changed the log of decisions: each hangs on all before it by its hash')
    leaf(verify, 'verify --head 3f7c…')
      .option('--head <hash>', 'a head that you kept: is it part of the chain still?')
      .action(async (options: CommonOptions & { head?: string }) => {
        const { core, show } = asking(shell, options)
        const query = options.head === undefined ? '' : `?head=${encodeURIComponent(options.head)}`
        const found = await core.ask<Verification>('GET', `/decisions/verify${query}`)
        show(found, verificationText)
        if (found.broken || found.isKnown === false) throw new ExitCode(1)
      })
  },
})

function verificationText(found: Verification): string {
  const { checked, removed, from, to, head, isKnown, broken } = found
  if (broken) {
    return `Broken: ${HOW[broken.what](broken.id)}. ${checked} decisions before it are as they were written.\nWho can write to the store could have done this: look at who is root on this machine.\n`
  }
  if (head === undefined) return 'Nothing was decided yet.\n'
  const gone =
    removed === 0 ? '' : ` Of ${removed} of them only the digest is left: retention removed the rest.`
  const kept =
    isKnown === undefined
      ? `Keep it elsewhere: gatehouse verify --head HASH tells later whether all before it is untouched.`
      : isKnown
        ? 'The head that you kept is part of it: nothing before it was touched.'
        : 'The head that you kept is NOT part of it: the log was written anew, or it is older than what is kept.'
  return `Unbroken: decisions ${from} to ${to}, ${checked} in all.${gone}\nHead: ${head}\n${kept}\n`
}
