import type { Command } from 'commander'
import { type Account, AccountName } from '#contract/accounts.ts'
import type { Outcome } from '#contract/schemas.ts'
import { Role } from '#contract/session.ts'
import { defineCommand, type Shell } from '../command.ts'
import { Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf, outcomeText } from '../leaf.ts'
import { tableText } from '../table.ts'
import { durationText } from '../words.ts'

const ROLES = 'viewer (looks), operator (blocks and closes too) or admin (changes rules and settings too)'

export default defineCommand({
  order: 121,
  add(program, shell) {
    const user = program.command('user').description('who may sign in on the page, and in which role')
    const list = user.command('list', { isDefault: true }).description('all accounts')
    leaf(list, 'user list').action((options: CommonOptions) => showAccounts(shell, options))
    addAccount(user, shell)
    const role = user.command('role').description('give an account another role').argument('<name>')
    leaf(role.argument('<role>', ROLES), 'user role anna admin').action(
      async (name: string, given: string, options: CommonOptions) => {
        const { core, show } = asking(shell, options)
        const request = { role: readRole(given) }
        show(await core.ask<Outcome>('PATCH', `/accounts/${encodeURIComponent(name)}`, request), outcomeText)
      },
    )
    const remove = user
      .command('remove')
      .description('take an account away; who is signed in with it is signed out')
      .argument('<name>')
    leaf(remove, 'user remove anna').action(async (name: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/accounts/${encodeURIComponent(name)}`), outcomeText)
    })
    const reset = user
      .command('reset-code')
      .description('ask an account for no code of an authenticator app any more: for who lost the phone')
      .argument('<name>')
    leaf(reset, 'user reset-code anna').action(async (name: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<Outcome>('DELETE', `/accounts/${encodeURIComponent(name)}/code`), outcomeText)
    })
  },
})

function addAccount(user: Command, shell: Shell): void {
  const add = user.command('add').description('let somebody sign in').argument('<name>')
  leaf(add, 'user add anna --role operator')
    .option('--role <role>', ROLES, 'viewer')
    .action(async (name: string, options: CommonOptions & { role: string }) => {
      const { core, show } = asking(shell, options)
      const read = AccountName.safeParse(name)
      if (!read.success) {
        throw new Failure(`"${name}" is no name for an account.`, read.error.issues[0]?.message, 2)
      }
      const request = { name, role: readRole(options.role) }
      show(
        await core.ask<Outcome>('POST', '/accounts', request),
        (outcome) =>
          `${outcomeText(outcome)}Give it a password: gatehouse password --account ${name}\nOr a link that works once: gatehouse login --account ${name}\n`,
      )
    })
}

async function showAccounts(shell: Shell, options: CommonOptions): Promise<void> {
  const { core, show } = asking(shell, options)
  const now = shell.now()
  show(await core.ask<Account[]>('GET', '/accounts'), (accounts) =>
    accounts.length === 0
      ? 'There are no accounts: people come in by links that work once (gatehouse login).\nMake one: gatehouse user add NAME --role operator\n'
      : tableText(
          [
            { title: 'NAME', cell: ({ name }) => name },
            { title: 'ROLE', cell: ({ role }) => role },
            { title: 'PASSWORD', cell: ({ hasPassword }) => (hasPassword ? 'yes' : 'no') },
            {
              title: 'CODE',
              cell: ({ hasCode, recoveryCodes }) =>
                hasCode ? `yes (${recoveryCodes} recovery codes)` : 'no',
            },
            {
              title: 'SINCE',
              isRight: true,
              cell: ({ since }) => (since === 0 ? '' : `${durationText(now - since)} ago`),
            },
          ],
          accounts,
          shell.terminal,
        ),
  )
}

function readRole(text: string): Role {
  const role = Role.safeParse(text)
  if (role.success) return role.data
  throw new Failure(`"${text}" is no role.`, `A role is ${ROLES}.`, 2)
}
