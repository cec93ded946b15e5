import type { Command } from 'commander'
import { type ApiToken, type IssuedToken, TokenScope } from '#contract/accounts.ts'
import type { Outcome } from '#contract/schemas.ts'
import { defineCommand, type Shell } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText, readId } from '../words.ts'

const SCOPES = 'metrics (reads the metrics alone), viewer, operator or admin'
const LONGEST_DAYS = 3650

export default defineCommand({
  order: 122,
  add(program, shell) {
    const token = program
      .command('token')
      .description('tokens with which programs ask the API (Authorization: Bearer …)')
    const list = token.command('list', { isDefault: true }).description('all tokens')
    leaf(list, 'token list').action((options: CommonOptions) => showTokens(shell, options))
    addIssue(token, shell)
    const revoke = token.command('revoke').description('let a token work no more').argument('<id>')
    leaf(revoke, 'token revoke 3').action(async (id: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/tokens/${readId(id, 'gatehouse token list')}`), outcomeText)
    })
  },
})

function addIssue(token: Command, shell: Shell): void {
  const add = token.command('add').description('make a token; it is shown this once').argument('<name>')
  leaf(add, 'token add grafana --scope metrics --days 365')
    .option('--scope <scope>', SCOPES, 'viewer')
    .option('--days <days>', 'days that it works (default: until it is revoked)')
    .action(async (name: string, options: CommonOptions & { scope: string; days?: string }) => {
      const { core, show } = asking(shell, options)
      const request = {
        name,
        scope: readScope(options.scope),
        ...(options.days !== undefined && { days: readDays(options.days) }),
      }
      show(
        await core.ask<IssuedToken>('POST', '/tokens', request),
        (issued) =>
          `${issued.token}\nIt is shown this once. Revoke it: gatehouse token revoke ${issued.about.id}\n`,
      )
    })
}

async function showTokens(shell: Shell, options: CommonOptions): Promise<void> {
  const { core, show } = asking(shell, options)
  const now = shell.now()
  show(await core.ask<ApiToken[]>('GET', '/tokens'), (tokens) =>
    tokens.length === 0
      ? 'There are no tokens. Make one: gatehouse token add NAME --scope viewer\n'
      : tableText(
          [
            { title: 'ID', isRight: true, cell: ({ id }) => String(id) },
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'SCOPE', cell: ({ scope }) => scope },
            { title: 'SINCE', isRight: true, cell: ({ since }) => `${durationText(now - since)} ago` },
            { title: 'LEFT', isRight: true, cell: ({ endsAt }) => leftText(endsAt, now) },
          ],
          tokens,
          shell.terminal,
        ),
  )
}

const leftText = (endsAt: number | undefined, now: number): string =>
  endsAt === undefined ? 'no end' : endsAt <= now ? 'over' : durationText(endsAt - now)

function readScope(text: string): TokenScope {
  const scope = TokenScope.safeParse(text)
  if (scope.success) return scope.data
  throw new Failure(`"${text}" is no scope.`, `A scope is ${SCOPES}.`, 2)
}

function readDays(text: string): number {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS) return days
  throw new Failure(`"${text}" is no number of days.`, `Use a whole number from 1 to ${LONGEST_DAYS}.`, 2)
}
