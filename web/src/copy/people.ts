import type { Account } from '../../../src/contract/accounts.ts'
import type { Role } from '../../../src/contract/session.ts'
import { type CopyLine, copyLine } from './line.ts'

const ROLE_ACTS = { viewer: 'roleViewer', operator: 'roleOperator', admin: 'roleAdmin' } as const
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin']

export function accountLines({
  name,
  role,
  hasCode,
}: Pick<Account, 'name' | 'role' | 'hasCode'>): CopyLine[] {
  const path = `accounts/${encodeURIComponent(name)}`
  return [
    ...ROLES.filter((one) => one !== role).map((one) =>
      copyLine(ROLE_ACTS[one], 'user role', [name, one], { method: 'PATCH', path, body: { role: one } }),
    ),
    ...(hasCode
      ? [copyLine('resetCode', 'user reset-code', [name], { method: 'DELETE', path: `${path}/code` })]
      : []),
    copyLine('remove', 'user remove', [name], { method: 'DELETE', path }),
  ]
}

export const tokenLines = (id: number): CopyLine[] => [
  copyLine('revoke', 'token revoke', [id], { method: 'DELETE', path: `tokens/${id}` }),
]

export const sessionLines = (id: string): CopyLine[] => [
  copyLine('signOut', 'sessions end', [id], {
    method: 'DELETE',
    path: `sessions/${encodeURIComponent(id)}`,
  }),
]
