import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import type { RulesApply, RulesCheck, RulesOutcome } from '#contract/rules.ts'
import { visibleText } from '#lib/visible-text.ts'
import type { Shell } from './command.ts'
import { Failure } from './failure.ts'
import { asking, type CommonOptions, leaf, withDryRun } from './leaf.ts'
import { parseDuration } from './words.ts'

/** How a change of the rules is made. */
export interface ChangeOptions extends CommonOptions {
  readonly confirm?: string
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly reason?: string
}

/** Adds what every change of the rules takes. */
export const change = (command: Command, example: string): Command =>
  withDryRun(leaf(command, example))
    .option('--confirm <time>', 'go back after 60s, 5m … unless gatehouse confirm says to keep it')
    .option('--reason <text>', 'kept with the version and in the log of decisions')
    .option('--force', 'also when it cuts sessions, DNS or the page off')

export function howOf({ confirm, force, dryRun, reason }: ChangeOptions): Omit<RulesApply, 'text'> {
  return {
    ...(confirm !== undefined && { confirmSeconds: parseDuration(confirm) }),
    ...(force && { force: true }),
    ...(dryRun && { dryRun: true }),
    ...(reason !== undefined && { reason }),
  }
}

const WORDS_HELP = `
Words: [in|out|forward] [PORT[/PROTOCOL]|SERVICE] [from WHO [port N]] [to WHO [port N]] [on INTERFACE] [user NAME]
  [program PATH] [sha256 HASH] [package NAME] [unit NAME] [container NAME] [owner SOURCE] [confidence SHARE]: who sends, or inbound who listens
WHO is an address, a range, a list, a domain (ads.example alone, .ads.example with all below it), country DE, asn 64500;
not before a value turns it round. Inbound unless it says out or forward.
  gatehouse VERB out to .ads.example
  gatehouse VERB in from country not DE,AT
  gatehouse VERB out 25/tcp to asn 64500
  gatehouse VERB out program /usr/bin/curl
  gatehouse VERB out program '/opt/*' to .ads.example`

/** A short form as somebody typed it, in words: `allow 22/tcp from 192.0.2.0/24`. */
export function addShortForm(command: Command, verb: string, shell: Shell): Command {
  return change(
    command
      .argument('<words...>', 'such as 22/tcp from 192.0.2.0/24')
      .addHelpText('after', WORDS_HELP.replaceAll('VERB', verb)),
    `${verb} 22/tcp from 192.0.2.0/24`,
  )
    .option('--at <number>', 'its number (default: the last)', readRuleNumber)
    .action(async (words: readonly string[], options: ChangeOptions & { readonly at?: number }) => {
      await sendShortForm(shell, { verb, words }, options)
    })
}

export async function sendShortForm(
  shell: Shell,
  { verb, words }: { readonly verb: string; readonly words: readonly string[] },
  options: ChangeOptions & { readonly at?: number },
): Promise<void> {
  const { core, show } = asking(shell, options)
  const rule = [verb, ...words.map(quoted)].join(' ')
  const request = { rule, ...howOf(options), ...(options.at !== undefined && { at: options.at }) }
  show(await core.ask<RulesOutcome>('POST', '/rules/add', request), outcomeText)
}

const quoted = (word: string): string => (/\s/.test(word) ? `"${word.replaceAll('"', "'")}"` : word)

/** For commander: the number of a rule. */
export function readRuleNumber(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Use the number of a rule: 1 is the first.')
}

/** The text of a file that somebody names on the command line. */
export function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(
      `${path} cannot be read: ${(error as Error).message}.`,
      'Give the path of a rules file.',
      2,
    )
  }
}

export const outcomeText = ({ sentence, check, decisionId }: RulesOutcome): string =>
  `${visibleText(sentence)}\n${remarksText(check)}${decisionId === undefined ? '' : `Undo: gatehouse undo ${decisionId}\n`}`

/** What is wrong, or only doubtful, one thing to a line. */
export function checkText(check: RulesCheck): string {
  const { isValid, cuts, refusedByKernel } = check
  const lines = [
    ...(refusedByKernel ? [`This kernel refuses them: ${refusedByKernel}`] : []),
    ...cuts.map(({ what, because }) => `They would cut ${what}: ${because}`),
  ]
  const verdict = !isValid
    ? 'These rules cannot be applied.'
    : cuts.length > 0
      ? 'These rules would be refused without --force.'
      : 'These rules are fine.'
  return `${remarksText(check)}${lines.map((line) => `${visibleText(line)}\n`).join('')}${verdict}\n`
}

const remarksText = ({ problems, remarks }: RulesCheck): string =>
  [
    ...problems.map(
      ({ severity, origin, line, column, where, message, hint }) =>
        `${severity}: ${origin}${line === undefined ? '' : `:${line}:${column}`}: ${where === undefined ? '' : `${where}: `}${message}. ${hint}`,
    ),
    ...remarks.map(({ number, kind, text }) => `note: rule ${number} is ${kind}: ${text}`),
  ]
    .map((line) => `${visibleText(line)}\n`)
    .join('')
