/** Where the API lives, on the core's socket and behind the web process alike. */
export const API_PREFIX = '/api/v1'

/** Sent with every change from a page (any value): a foreign site cannot send it without asking first. */
export const INTENT_HEADER = 'x-gatehouse'

/** Between web process and core, on their own socket only: the shared secret, and who is signed in. */
export const SECRET_HEADER = 'x-gatehouse-secret'
export const ACTOR_NAME_HEADER = 'x-gatehouse-actor'
export const ACTOR_ROLE_HEADER = 'x-gatehouse-role'

/** The largest request body that anyone takes, in bytes. */
export const BODY_LIMIT_BYTES = 65_536

/** The media type of every error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json'
