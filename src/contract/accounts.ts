import { z } from '@hono/zod-openapi'
import { Role } from './session.ts'

const Password = z.string().min(10, 'Use at least 10 characters').max(1024)

export const AccountName = z
  .string()
  .regex(/^[a-z][a-z0-9._-]{0,31}$/, 'Use small letters, digits, and . _ - after the first: at most 32')

/** Who may sign in on the page. */
export const Account = z
  .object({
    name: z.string(),
    role: Role,
    hasPassword: z.boolean(),
    /** Signing in with the password takes a code of an authenticator app too. */
    hasCode: z.boolean(),
    /** Recovery codes that nobody used yet. */
    recoveryCodes: z.number().int(),
    since: z.number(),
  })
  .openapi('Account')

/** POST /api/v1/accounts. */
export const NewAccount = z
  .object({ name: AccountName, role: Role, password: Password.optional() })
  .strict()
  .openapi('NewAccount')

/** PATCH /api/v1/accounts/{name}. */
export const AccountChange = z
  .object({ role: Role.optional(), password: Password.optional() })
  .strict()
  .openapi('AccountChange')

/** What an authenticator app needs: as text, and as the address that a QR code holds. Shown once. */
export const CodeSetup = z.object({ secret: z.string(), address: z.string() }).openapi('CodeSetup')

export const CodeProof = z
  .object({ code: z.string().max(16) })
  .strict()
  .openapi('CodeProof')

/** Each works once in the place of a code. Shown once. */
export const RecoveryCodes = z.object({ recoveryCodes: z.array(z.string()) }).openapi('RecoveryCodes')

/** What a token may do: as somebody of that role, or read the metrics alone. */
export const TokenScope = z.enum(['metrics', 'viewer', 'operator', 'admin']).openapi('TokenScope')

export const ApiToken = z
  .object({
    id: z.number().int(),
    name: z.string(),
    scope: TokenScope,
    since: z.number(),
    /** Milliseconds since the epoch; absent: until it is revoked. */
    endsAt: z.number().optional(),
  })
  .openapi('ApiToken')

export const NewToken = z
  .object({ name: AccountName, scope: TokenScope, days: z.number().int().min(1).max(3650).optional() })
  .strict()
  .openapi('NewToken')

/** The text is shown this once: Gatehouse keeps its SHA-256 only. */
export const IssuedToken = z.object({ token: z.string(), about: ApiToken }).openapi('IssuedToken')

/** Somebody who is signed in on the page. */
export const OpenSession = z
  .object({
    id: z.string(),
    name: z.string(),
    role: Role,
    by: z.enum(['link', 'password']),
    /** The address that it was opened from. */
    from: z.string(),
    signedInAt: z.number(),
    seenAt: z.number(),
    endsAt: z.number(),
  })
  .openapi('OpenSession')

export type Account = z.infer<typeof Account>
export type NewAccount = z.infer<typeof NewAccount>
export type AccountChange = z.infer<typeof AccountChange>
export type CodeSetup = z.infer<typeof CodeSetup>
export type TokenScope = z.infer<typeof TokenScope>
export type ApiToken = z.infer<typeof ApiToken>
export type NewToken = z.infer<typeof NewToken>
export type IssuedToken = z.infer<typeof IssuedToken>
export type RecoveryCodes = z.infer<typeof RecoveryCodes>
export type OpenSession = z.infer<typeof OpenSession>
