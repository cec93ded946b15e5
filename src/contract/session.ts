import { z } from '@hono/zod-openapi'

export const Role = z.enum(['viewer', 'operator', 'admin']).openapi('Role')

/**
 * GET /session of the web process: who is signed in on this page. When nobody is: a problem 401 with
 * `signIn: { password: boolean, names: boolean }`: whether a password would help, and whether there is more than one
 * account to choose from. POST /login answers with `signIn: { code: true }` where a code is missing.
 */
export const Session = z
  .object({
    name: z.string(),
    role: Role,
    signedInAt: z.number(),
    /** Milliseconds since the epoch: after this a new sign-in is needed, whatever happens. */
    endsAt: z.number(),
    /** When it last proved who it is: rules, settings and accounts may be changed for some minutes after. */
    provenAt: z.number(),
  })
  .openapi('Session')

/** POST /login of the web process. */
export const SignIn = z
  .union([
    z.object({ token: z.string().min(1).max(128) }).strict(),
    z
      .object({
        /** Of the account; absent where only one has a password. */
        name: z.string().max(64).optional(),
        password: z.string().min(1).max(1024),
        /** Six digits of the authenticator app, or a recovery code. */
        code: z.string().max(32).optional(),
      })
      .strict(),
  ])
  .openapi('SignIn')

/** POST /proof of the web process: who is signed in proves once more who it is, before rules, settings or accounts change. */
export const Proof = z
  .object({ password: z.string().min(1).max(1024), code: z.string().max(32).optional() })
  .strict()
  .openapi('Proof')

/** PUT /api/v1/password: of the account, or of the owner's. */
export const PasswordRequest = z
  .object({
    password: z.string().min(10, 'Use at least 10 characters').max(1024),
    account: z.string().max(64).optional(),
  })
  .strict()
  .openapi('PasswordRequest')

/** POST /api/v1/login-link: for an account, or for who asks. */
export const LoginLinkQuery = z.object({ account: z.string().max(64).optional() })

/** Answer to POST /api/v1/login-link. */
export const LoginLink = z.object({ link: z.string() }).openapi('LoginLink')

export type Role = z.infer<typeof Role>
export type Session = z.infer<typeof Session>
export type SignIn = z.infer<typeof SignIn>
export type Proof = z.infer<typeof Proof>
export type LoginLink = z.infer<typeof LoginLink>
