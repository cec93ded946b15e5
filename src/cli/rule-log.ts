import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { RuleLog } from '#contract/rule-log.ts'
import { visibleJson, visibleText } from '#lib/visible-text.ts'
import type { Shell } from './command.ts'
import { asking, type CommonOptions, leaf } from './leaf.ts'

const FOLLOW_EVERY_MS = 500
const MOST_LINES = 1000

interface LogOptions extends CommonOptions {
  readonly lines: number
  readonly follow?: boolean
}

/** Adds `rule log`: what was turned away or recorded of late. */
export function addRuleLog(rule: Command, shell: Shell): void {
  const log = rule
    .command('log')
    .description(
      'the packets that rules, blocks and lists turned away or that were recorded, the newest last',
    )
  leaf(log, 'rule log --follow')
    .option('-n, --lines <number>', 'so many of the last', readLines, 20)
    .option('-f, --follow', 'go on, and print those that come')
    .action(async (options: LogOptions) => {
      const { core, show } = asking(shell, options)
      const answer = await core.ask<RuleLog>('GET', `/rules/log?limit=${options.lines}`)
      if (!options.follow) {
        show(answer, logText)
        return
      }
      const isJson = options.output === 'json'
      for (let { packets } = answer, after = 0; ; ) {
        for (const packet of packets) {
          shell.terminal.write(`${isJson ? visibleJson(packet) : visibleText(packet.text)}\n`)
        }
        after = packets.at(-1)?.id ?? after
        await sleep(FOLLOW_EVERY_MS)
        ;({ packets } = await core.ask<RuleLog>('GET', `/rules/log?limit=${MOST_LINES}&after=${after}`))
      }
    })
}

function logText({ packets, unwritten, file }: RuleLog): string {
  const lines = packets.map(({ text }) => `${visibleText(text)}\n`).join('')
  const none = packets.length === 0 ? 'Nothing was turned away or recorded since the start.\n' : ''
  const more = unwritten === 0 ? '' : `${unwritten} more packets were only counted.\n`
  return `${lines}${none}${more}${file === undefined ? '' : `All of it: ${visibleText(file)}\n`}`
}

function readLines(text: string): number {
  const lines = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (lines >= 1 && lines <= MOST_LINES) return lines
  throw new InvalidArgumentError(`Use a number from 1 to ${MOST_LINES}.`)
}
