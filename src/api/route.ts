import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { PROBLEM_TYPE } from '#contract/http.ts'
import { Problem } from '#contract/schemas.ts'
import { parseTarget, type Target } from '#model/address.ts'
import { type Actor, ProofNeeded, Refused } from './port.ts'

/** What each request carries beside itself: who asks. Whoever listens says so, never the request. */
export interface ApiEnv {
  Bindings: { readonly actor: Actor }
}

export type ApiApp = OpenAPIHono<ApiEnv>

const problem = { content: { [PROBLEM_TYPE]: { schema: Problem } } }

/** The problems that any route may have. */
export const PROBLEMS = {
  400: { ...problem, description: 'The request does not fit; `detail` says where' },
  403: { ...problem, description: 'The role of the caller does not allow it' },
  404: { ...problem, description: 'There is no such thing' },
  409: { ...problem, description: 'Refused, and `detail` says why' },
  503: { ...problem, description: 'A part that is needed does not work now' },
}

/** The responses of a route: its answer, and the problems. */
export const answers = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  200: { content: { 'application/json': { schema } }, description },
  ...PROBLEMS,
})

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { content: { 'application/json': { schema } }, required: true },
})

/** `limit` and `cursor` of every list that has pages. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(200).optional(),
})

export const IdParam = z.object({ id: z.coerce.number().int().nonnegative() })

export const TargetParam = z.object({
  target: z.string().max(64).openapi({ description: 'Address or range; the / of a range as %2F' }),
})

export const DryRunQuery = z.object({ dryRun: z.enum(['true', 'false']).default('false') })

const RANK = { viewer: 0, operator: 1, admin: 2 } as const

/** Throws unless the caller may act in `role`. */
export function demand(context: Context<ApiEnv>, role: Actor['role']): Actor {
  const { actor } = context.env
  if (RANK[actor.role] >= RANK[role]) return actor
  throw new Refused(
    403,
    `You can look but not change: ${actor.name} has the role ${actor.role}, this needs ${role}.`,
    'Ask somebody in the gatehouse group for a link with that role.',
  )
}

/**
 * Who changes what holds from then on (rules, settings, accounts) has to have proved lately who it is: a page that was
 * left open is not enough.
 */
export function demandPolicy(
  context: Context<ApiEnv>,
  port: PolicyPort,
  role: Actor['role'] = 'admin',
): Actor {
  const actor = demand(context, role)
  const lasts = port.proofMs ?? Number.POSITIVE_INFINITY
  if (actor.provenAt === undefined || port.views.now() - actor.provenAt < lasts) return actor
  throw new ProofNeeded()
}

interface PolicyPort {
  readonly views: { now(): number }
  /** How long a proof holds; absent: as long as the session. */
  readonly proofMs?: number | undefined
}

/** Reads an address or range as a person types it; throws `Refused` with what was expected. */
export function targetOf(text: string): Target {
  const target = parseTarget(text)
  if (target !== undefined) return target
  throw new Refused(
    400,
    `${JSON.stringify(text)} is no address and no range.`,
    'Use an address such as 203.0.113.9 or 2001:db8::9, or a range such as 203.0.113.0/24.',
  )
}
