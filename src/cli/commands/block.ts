import type { Block, Outcome } from '#contract/schemas.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { asking, type CommonOptions, leaf, outcomeText, withDryRun } from '../leaf.ts'
import { tableText } from '../table.ts'
import { bytesText, durationText, parseDuration, readTarget } from '../words.ts'

interface BlockOptions extends CommonOptions {
  readonly for?: string
  readonly reason?: string
  readonly dryRun?: boolean
}

export default defineCommand({
  order: 50,
  add(program, shell) {
    const block = program.command('block').description('shut an address or a range out, or list who is')
    const add = block
      .command('add', { isDefault: true })
      .description('block an address or a range (the word add may be left out)')
      .argument('<target>', 'address or range')
      .option('--for <time>', '90s, 10m, 2h, 7d or forever (default: as configured)')
      .option('--reason <text>', 'why, for the log')
    withDryRun(leaf(add, 'block 203.0.113.9 --for 1h --reason "keeps knocking"')).action(
      async (target: string, options: BlockOptions) => {
        const { core, show } = asking(shell, options)
        const request = {
          target: readTarget(target),
          ...(options.for !== undefined && { seconds: parseDuration(options.for) }),
          ...(options.reason !== undefined && { reason: options.reason }),
          ...(options.dryRun && { dryRun: true }),
        }
        show(await core.ask<Outcome>('POST', '/blocks', request), outcomeText)
      },
    )
    const list = block.command('list').description('blocks in force, with what the kernel turned away')
    leaf(list, 'block list').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Block[]>('GET', '/blocks'), (blocks) =>
        blocksText(blocks, shell.now(), shell.terminal),
      )
    })
  },
})

function blocksText(blocks: readonly Block[], now: number, terminal: Terminal): string {
  if (blocks.length === 0) return 'Nobody is blocked.\n'
  return tableText(
    [
      { title: 'TARGET', cell: ({ target }) => target },
      {
        title: 'LEFT',
        isRight: true,
        cell: ({ until }) => (until === undefined ? 'forever' : durationText(until - now)),
      },
      {
        title: 'TURNED AWAY',
        isRight: true,
        cell: (row) => `${row.droppedPackets} (${bytesText(row.droppedBytes)})`,
      },
      { title: 'BY', cell: ({ actor }) => actor },
      { title: 'IN FORCE', cell: ({ enforced, effect }) => (enforced ? (effect ?? 'yes') : 'no') },
      { title: 'WHY', canShrink: true, cell: ({ reason }) => reason },
    ],
    blocks,
    terminal,
  )
}
