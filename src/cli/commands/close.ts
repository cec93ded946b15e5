import type { Outcome } from '#contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { readId, readTarget } from '../words.ts'

type CloseOptions = CommonOptions & { readonly dryRun?: boolean }

export default defineCommand({
  order: 65,
  add(program, shell) {
    const close = program.command('close').description('close open connections; new ones are not held off')
    const one = close
      .command('connection', { isDefault: true })
      .description('one connection (the word connection may be left out)')
      .argument('<id>', 'as connections lists it')
    leaf(one, 'close 42').action(async (id: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const path = `/connections/${readId(id, 'gatehouse connections')}/close`
      show(await core.ask<Outcome>('POST', path), outcomeText)
    })
    const ofProgram = close
      .command('program')
      .description('all connections of a program')
      .argument('<program>', 'name, path or process id')
    withDryRun(leaf(ofProgram, 'close program curl')).action(async (which: string, options: CloseOptions) => {
      const { core, show } = asking(shell, options)
      const request = { program: which, ...(options.dryRun && { dryRun: true }) }
      show(await core.ask<Outcome>('POST', '/programs/close', request), outcomeText)
    })
    const ofHost = close
      .command('host')
      .description('all connections with an address or a range')
      .argument('<address>', 'address or range')
    withDryRun(leaf(ofHost, 'close host 203.0.113.9')).action(
      async (address: string, options: CloseOptions) => {
        const { core, show } = asking(shell, options)
        const path = `/hosts/${encodeURIComponent(readTarget(address))}/close?dryRun=${options.dryRun === true}`
        show(await core.ask<Outcome>('POST', path), outcomeText)
      },
    )
  },
})
