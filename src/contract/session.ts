import { z } from '@hono/zod-openapi'

export const Role = z.enum(['viewer', 'operator', 'admin']).openapi('Role')

/**
 * GET /session of the web process: who is signed in on this page. When nobody is: a problem 401 with
 * `signIn: { password: boolean }`, whether a password would help.
 */
export const Session = z
  .object({
    name: z.string(),
    role: Role,
    signedInAt: z.number(),
    /** Milliseconds since the epoch: after this a new sign-in is needed, whatever happens. */
    endsAt: z.number(),
  })
  .openapi('Session')

/** POST /login of the web process. */
export const SignIn = z
  .union([
    z.object({ token: z.string().min(1).max(128) }).strict(),
    z.object({ password: z.string().min(1).max(1024) }).strict(),
  ])
  .openapi('SignIn')

/** PUT /api/v1/password. */
export const PasswordRequest = z
  .object({ password: z.string().min(10, 'Use at least 10 characters').max(1024) })
  .strict()
  .openapi('PasswordRequest')

/** POST /api/v1/login-link. */
export const LoginLink = z.object({ link: z.string() }).openapi('LoginLink')

export type Role = z.infer<typeof Role>
export type Session = z.infer<typeof Session>
export type SignIn = z.infer<typeof SignIn>
