import { type Command, Option } from 'commander'
import type { Setting, SettingsOutcome, SettingsState } from '#contract/settings.ts'
import { nearestWord } from '#lib/nearest-word.ts'
import { visibleJson, visibleText } from '#lib/visible-text.ts'
import { defineCommand, type Shell, type Terminal } from '../command.ts'
import { ExitCode, Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf, withDryRun } from '../leaf.ts'
import { tableText } from '../table.ts'

type ChangeOptions = CommonOptions & { readonly dryRun?: boolean }

export default defineCommand({
  order: 110,
  add(program, shell) {
    const config = program.command('config').description('settings: read, change, check')
    addGet(config, shell)
    addSet(config, shell)
    addReset(config, shell)
    addCheck(config, shell)
  },
})

function addGet(config: Command, shell: Shell): void {
  const get = config
    .command('get')
    .description('settings, their values and where these come from')
    .argument('[setting]', 'one setting, or a group such as respond (default: all)')
  leaf(get, 'config get detectors.port-scan')
    .addOption(new Option('--changed', 'only those that are not at their default'))
    .action(async (named: string | undefined, options: CommonOptions & { readonly changed?: true }) => {
      const { core, show } = asking(shell, options)
      const { settings } = await core.ask<SettingsState>('GET', '/settings')
      const found = below(settings, named).filter(
        ({ origin }) => !options.changed || origin.from !== 'default',
      )
      show(found, (all) => settingsText(all, named, shell.terminal))
    })
}

function addSet(config: Command, shell: Shell): void {
  const set = config
    .command('set')
    .description('change a setting in the config file; its comments stay')
    .argument('<setting>', 'such as detectors.port-scan.refusedPorts')
    .argument('<value>', 'as the file has it: 20, true, "[a, b]"')
  withDryRun(leaf(set, 'config set detectors.port-scan.refusedPorts 20 --dry-run')).action(
    async (setting: string, text: string, options: ChangeOptions) =>
      change(shell, { setting, text }, options),
  )
}

function addReset(config: Command, shell: Shell): void {
  const reset = config
    .command('reset')
    .description('take a setting out of the config file: its default holds')
    .argument('<setting>', 'such as detectors.port-scan.refusedPorts')
  withDryRun(leaf(reset, 'config reset respond.blockSeconds')).action(
    async (setting: string, options: ChangeOptions) => change(shell, { setting }, options),
  )
}

function addCheck(config: Command, shell: Shell): void {
  const check = config.command('check').description('is the config file good, and in force?')
  leaf(check, 'config check').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    const state = await core.ask<SettingsState>('GET', '/settings')
    show(state, checkText)
    if (state.problems.length > 0) throw new ExitCode(1)
  })
}

async function change(
  shell: Shell,
  what: { readonly setting: string; readonly text?: string },
  options: ChangeOptions,
): Promise<void> {
  const { core, show } = asking(shell, options)
  const request = { changes: [what], ...(options.dryRun && { dryRun: true }) }
  show(await core.ask<SettingsOutcome>('PATCH', '/settings', request), ({ sentence, decisions }) => {
    const [decision] = decisions
    return `${visibleText(sentence)}\n${decision ? `Undo: gatehouse undo ${decision.id}\n` : ''}`
  })
}

function below(settings: readonly Setting[], named: string | undefined): Setting[] {
  if (named === undefined) return [...settings]
  const found = settings.filter(({ setting }) => `${setting}.`.startsWith(`${named}.`))
  if (found.length > 0) return found
  const meant = nearestWord(
    named,
    settings.map(({ setting }) => setting),
  )
  const hint = meant ? `Did you mean ${meant}?` : 'gatehouse config get lists all settings.'
  throw new Failure(`There is no setting ${named}.`, hint, 2)
}

function settingsText(settings: readonly Setting[], named: string | undefined, terminal: Terminal): string {
  const [only] = settings
  if (only && only.setting === named) return oneText(only)
  return tableText(
    [
      { title: 'SETTING', cell: ({ setting }) => setting },
      { title: 'VALUE', canShrink: true, cell: valueText },
      { title: 'FROM', cell: fromText },
      { title: 'MEANS', canShrink: true, cell: ({ description }) => description },
    ],
    settings,
    terminal,
  )
}

function oneText(setting: Setting): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Value', `${valueText(setting)} (${fromText(setting)})`],
    ['Default', setting.default === undefined ? 'none' : visibleJson(setting.default)],
    ['Takes', setting.expected],
    ['Means', setting.description],
    ['In force', setting.waits ? 'from the next start on' : 'yes'],
  ]
  return rows.map(([name, text]) => `${`${name}:`.padEnd(10)}${visibleText(text)}\n`).join('')
}

/** What is at work: the profile's where nobody wrote one. */
const valueText = ({ value: written, effective, isSecret }: Setting): string => {
  if (isSecret) return '(secret)'
  const value = effective ? effective.value : written
  return value === undefined ? 'not set' : visibleJson(value)
}

function fromText({ origin, effective }: Setting): string {
  if (effective) return `profile ${effective.profile}`
  if (origin.from === 'default') return 'default'
  return origin.from === 'file' ? `file, line ${origin.line}` : origin.name
}

function checkText({ file, settings, problems }: SettingsState): string {
  if (problems.length > 0) {
    return problems
      .map(({ setting, line, column, message, hint }) => {
        const place = line === undefined ? file : `${file}:${line}:${column}`
        const name = setting === undefined ? '' : `${setting}: `
        return `${visibleText(`${place}: ${name}${message}. ${hint}`)}\n`
      })
      .join('')
  }
  const waiting = settings.filter(({ waits }) => waits).map(({ setting }) => setting)
  const waits = waiting.length === 0 ? '' : `Holds from the next start on: ${waiting.join(', ')}.\n`
  return `${visibleText(file)} is good.\n${waits}`
}
