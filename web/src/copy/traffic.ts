import type { Connection } from '../../../src/contract/schemas.ts'
import { type CopyLine, copyLine } from './line.ts'

type RuleEnds = Pick<Connection, 'direction' | 'peer' | 'protocol' | 'targetPort'>

interface CopiedFlow extends RuleEnds {
  readonly id: number
}

/** `blockedAs`: the address or range of the block that holds its other end. */
export const flowLines = (flow: CopiedFlow, blockedAs: string | undefined): CopyLine[] => [
  blockOrUnblock(flow.peer, blockedAs),
  copyLine('close', 'close connection', [flow.id], { method: 'POST', path: `connections/${flow.id}/close` }),
  ...ruleLines(flow),
  see(`peer:${flow.peer}`),
]

export const hostLines = (peer: string, blockedAs: string | undefined): CopyLine[] => [
  blockOrUnblock(peer, blockedAs),
  copyLine('close', 'close host', [peer], {
    method: 'POST',
    path: `hosts/${encodeURIComponent(peer)}/close`,
  }),
  see(`peer:${peer}`),
]

/** By its path, or its name where it has none. */
export const programLines = (program: string): CopyLine[] => [
  copyLine('close', 'close program', [program], {
    method: 'POST',
    path: 'programs/close',
    body: { program },
  }),
  see(`path:"${program.replaceAll(/["\\]/gu, '\\$&')}"`),
]

export const blockOrUnblock = (peer: string, blockedAs: string | undefined): CopyLine =>
  blockedAs === undefined
    ? copyLine('block', 'block', [peer], { method: 'POST', path: 'blocks', body: { target: peer } })
    : copyLine('unblock', 'unblock', [blockedAs], {
        method: 'DELETE',
        path: `blocks/${encodeURIComponent(blockedAs)}`,
      })

export const see = (query: string): CopyLine =>
  copyLine('see', 'connections', [query], {
    method: 'GET',
    path: `connections?${new URLSearchParams({ q: query })}`,
  })

const WAYS = { inbound: 'in', outbound: 'out', forward: 'forward', local: 'out' } as const

/** The rule that the form of the page begins with: it turns away what is like this connection. */
function ruleLines({ direction, peer, protocol, targetPort }: RuleEnds): CopyLine[] {
  if (protocol !== 'tcp' && protocol !== 'udp') return []
  const end = direction === 'inbound' ? 'from' : 'to'
  const about = `${WAYS[direction]} ${targetPort}/${protocol} ${end}`
  const body = { rule: `deny ${about} ${peer}` }
  return [copyLine('rule', `deny ${about}`, [peer], { method: 'POST', path: 'rules/add', body })]
}
