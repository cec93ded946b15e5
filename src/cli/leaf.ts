import { type Command, Option } from 'commander'
import type { Outcome } from '#contract/schemas.ts'
import { visibleJson, visibleText } from '#lib/visible-text.ts'
import type { CoreClient } from './client.ts'
import type { Shell } from './command.ts'

/** The options of every command that asks the core. */
export interface CommonOptions {
  readonly output: 'human' | 'json'
  readonly socket?: string
}

/** Adds `-o` and `--socket` and an example to a command that asks the core. */
export const leaf = (command: Command, example: string): Command =>
  command
    .addOption(
      new Option('-o, --output <format>', 'how to answer').choices(['human', 'json']).default('human'),
    )
    .option('--socket <path>', 'socket file of the core (default: where it usually listens)')
    .addHelpText('after', `\nExample:\n  $ gatehouse ${example}`)

export const withDryRun = (command: Command): Command =>
  command.option('--dry-run', 'judge and answer, but change nothing')

/** What a command is given to answer with. */
export interface Asking {
  readonly core: CoreClient
  /** Prints `value` as JSON, or `human(value)`. */
  show<Value>(value: Value, human: (value: Value) => string): void
}

export function asking(shell: Shell, options: CommonOptions): Asking {
  return {
    core: shell.connect(options.socket),
    show: (value, human) =>
      shell.terminal.write(options.output === 'json' ? `${visibleJson(value, 2)}\n` : human(value)),
  }
}

/** What was done, and how to take it back. */
export function outcomeText(outcome: Outcome): string {
  const { sentence, closedConnections, decision } = outcome
  // Where closing was all that was asked for, the sentence says how many.
  const closed =
    closedConnections === 0 || decision === undefined
      ? ''
      : ` ${closedConnections} live connections were closed.`
  const undo = decision === undefined ? '' : `Undo: gatehouse undo ${decision.id}\n`
  return `${visibleText(sentence)}${closed}\n${undo}`
}
