import type { Role } from '../../src/contract/session.ts'

const RANK = { viewer: 0, operator: 1, admin: 2 } as const

/**
 * The least role for each act of the page. The core decides, whatever is written here: this is for saying so
 * beforehand. src/api/page-roles.test.ts asks the routes.
 */
export const LEAST_ROLE = {
  block: 'operator',
  close: 'operator',
  shield: 'operator',
  allow: 'operator',
  alerts: 'operator',
  undo: 'operator',
  lockdown: 'operator',
  confirm: 'operator',
  updateList: 'operator',
  askServices: 'operator',
  simulate: 'operator',
  pause: 'admin',
  rules: 'admin',
  lists: 'admin',
  settings: 'admin',
  accounts: 'admin',
} as const satisfies Record<string, Role>

export type Act = keyof typeof LEAST_ROLE

export const allows = (role: Role, act: Act): boolean => RANK[role] >= RANK[LEAST_ROLE[act]]
