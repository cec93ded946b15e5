import { readdir } from 'node:fs/promises'
import { Command, CommanderError } from 'commander'
import { visibleText } from '#lib/visible-text.ts'
import type { CommandDefinition, Shell } from './command.ts'
import { ExitCode, Failure } from './failure.ts'

/** Every file of `commands/` that is not a test is a command. */
async function loadCommands(): Promise<CommandDefinition[]> {
  const folder = new URL('./commands/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => /^[a-z-]+\.ts$/.test(name)).sort()
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href)))
  return modules.map((module): CommandDefinition => module.default).sort((a, b) => a.order - b.order)
}

/** Runs one command line (without `node` and script). Answers the exit code: 0 done, 1 failed, 2 wrong use. */
export async function runCommandLine(
  words: readonly string[],
  shell: Shell,
  version: string,
): Promise<number> {
  const program = new Command('gatehouse')
    .description('Sees every connection of this machine, notices attacks, and shuts the gate in the kernel.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain')
    .helpCommand('help [command]', 'explain a command')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.terminal.write(text),
      // Commander repeats what was typed: a script may pass on what it got from the wire.
      writeErr: (text) => shell.terminal.warn(visibleLines(text)),
      outputError: (text, write) => write(text.replace(/^error: /, 'gatehouse: ')),
    })
  for (const command of await loadCommands()) command.add(program, shell)
  if (words.length === 0) {
    shell.terminal.warn(program.helpInformation())
    return 2
  }
  return outcomeOf(() => program.parseAsync(words.map(keepNegation), { from: 'user' }), shell)
}

/** A command may set the exit code that it ends with by throwing; a plain end is 0. */
async function outcomeOf(work: () => Promise<unknown>, shell: Shell): Promise<number> {
  try {
    await work()
    return 0
  } catch (error) {
    if (error instanceof ExitCode) return error.code
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    sayWhy(error as Error & { readonly hint?: unknown }, shell)
    return error instanceof Failure ? error.exitCode : 1
  }
}

/** A config may have several things wrong: each has its own line. */
function sayWhy({ message, hint }: Error & { readonly hint?: unknown }, { terminal }: Shell): void {
  for (const line of message.split('\n')) terminal.warn(`gatehouse: ${visibleText(line)}\n`)
  if (typeof hint === 'string') terminal.warn(`${visibleLines(hint)}\n`)
}

/** Lines stay lines: a caret has its own. */
const visibleLines = (text: string): string => text.split('\n').map(visibleText).join('\n')

/**
 * `-host:203.0.113.9` is a term of a search, not the option -h with more letters: its dash becomes a minus sign, which
 * a search reads alike.
 */
const keepNegation = (word: string): string => word.replace(/^-(?=[a-z]{2,}:)/i, '\u2212')
