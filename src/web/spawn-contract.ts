import { z } from 'zod'
import { OpenSession, TokenScope } from '#contract/accounts.ts'
import { Role } from '#contract/session.ts'

/**
 * How core and web process talk: the core writes JSON lines to the web process's stdin, `start` first; the web
 * process writes JSON lines to its stdout and its log to stderr. When stdin ends, the web process ends.
 */

/** One way in, to be used once. The web process knows the SHA-256 of the token only, in hex. */
export const LinkGrant = z
  .object({
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    name: z.string().max(64),
    role: Role,
    /** Milliseconds since the epoch; absent: until it is used. */
    endsAt: z.number().optional(),
  })
  .strict()

/** An account as the web process needs it to let somebody in. */
export const WebAccount = z
  .object({
    name: z.string().max(64),
    role: Role,
    /** Of `hashPassword`; absent: links only. */
    passwordHash: z.string().optional(),
    /** Base32, see lib/one-time-code. */
    codeSecret: z.string().optional(),
    /** SHA-256 of recovery codes, in hex. */
    recovery: z.array(z.string()).default([]),
  })
  .strict()

const WebToken = z
  .object({
    name: z.string().max(64),
    scope: TokenScope,
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    endsAt: z.number().optional(),
  })
  .strict()

export const WebAccounts = z
  .object({ accounts: z.array(WebAccount).default([]), tokens: z.array(WebToken).default([]) })
  .strict()

/** A session as the core keeps it, so that a web process that ended unasked signs nobody out. No cookie can be made of it. */
const KeptSession = OpenSession.extend({
  /** SHA-256 of the cookie, in base64. */
  digest: z.string().max(64),
  provenAt: z.number(),
}).strict()

export const WebStart = z
  .object({
    kind: z.literal('start'),
    /** The core's socket for the web process. */
    socketPath: z.string(),
    secret: z.string().min(32),
    host: z.string().default('127.0.0.1'),
    port: z.number().int().min(0).max(65_535).default(8090),
    /** Whom to become when started as root; default `gatehouse`, else `nobody`. */
    user: z.string().optional(),
    /** Where the built page lies. */
    pageFolder: z.string(),
    people: WebAccounts.prefault({}),
    links: z.array(LinkGrant).default([]),
    /** Who was signed in when the run before ended. */
    sessions: z.array(KeptSession).default([]),
    /** More names under which the page is reached, such as https://gatehouse.lan.example behind a proxy. */
    origins: z.array(z.url({ protocol: /^https?$/ })).default([]),
  })
  .strict()

/**
 * Lines after the first. `people` replaces all accounts and tokens: who is gone, or has another role or password, is
 * signed out. `sessions` asks who is signed in; `end` ends one session by its id.
 */
export const WebMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('link'), link: LinkGrant }).strict(),
  z.object({ kind: z.literal('people'), people: WebAccounts }).strict(),
  z.object({ kind: z.literal('sessions'), number: z.number() }).strict(),
  z.object({ kind: z.literal('end'), number: z.number(), id: z.string() }).strict(),
])

/** What the web process says on stdout: that it listens (`port` is the real one), why it ends, and what it was asked. */
export const WebReport = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('listening'),
    /** http://127.0.0.1:8090 */
    address: z.string(),
    port: z.number(),
    user: z.string().optional(),
    /** False while the page is not built. */
    hasPage: z.boolean(),
  }),
  z.object({ kind: z.literal('failed'), reason: z.string(), remedy: z.string() }),
  /** Answers `sessions` and `end`: who is signed in now. */
  z.object({ kind: z.literal('sessions'), number: z.number(), sessions: z.array(OpenSession) }),
  /** A recovery code was used: it works no more. */
  z.object({ kind: z.literal('spent'), name: z.string(), digest: z.string() }),
  /** Who is signed in, whenever that changes: for `sessions` of the next start line. */
  z.object({ kind: z.literal('kept'), sessions: z.array(KeptSession).max(100) }),
])

/** How the web process exits when it cannot do its work; each is reported as `failed` before. */
export const WEB_EXIT = { badStart: 10, portTaken: 11, cannotListen: 12, privilege: 13 } as const

export type LinkGrant = z.infer<typeof LinkGrant>
export type KeptSession = z.infer<typeof KeptSession>
export type WebAccount = z.infer<typeof WebAccount>
export type WebAccounts = z.infer<typeof WebAccounts>
export type WebStart = z.infer<typeof WebStart>
export type WebMessage = z.infer<typeof WebMessage>
export type WebReport = z.infer<typeof WebReport>
