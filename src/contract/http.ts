/** Where the API lives, on the core's socket and behind the web process alike. */
export const API_PREFIX = '/api/v1'

/** Sent with every change from a page (any value): a foreign site cannot send it without asking first. */
export const INTENT_HEADER = 'x-gatehouse'

/** Between web process and core, on their own socket only: the shared secret, and who is signed in. */
export const SECRET_HEADER = 'x-gatehouse-secret'
export const ACTOR_NAME_HEADER = 'x-gatehouse-actor'
export const ACTOR_ROLE_HEADER = 'x-gatehouse-role'
/** Milliseconds since the epoch: when who is signed in last proved who it is. Absent for tokens. */
export const ACTOR_PROVEN_HEADER = 'x-gatehouse-proven'

/** The largest request body that anyone takes, in bytes. */
export const BODY_LIMIT_BYTES = 65_536

/** The longest rules file that is taken over HTTP: 250,000 addresses. More is read from files that rules name. */
export const RULES_TEXT_LIMIT = 4_000_000

/** The same for texts of rules, with what JSON adds to them. */
const RULES_BODY_LIMIT_BYTES = 8 << 20

/** By the path of the request. */
export const bodyLimitOf = (path: string): number =>
  path.startsWith(`${API_PREFIX}/rules/`) ? RULES_BODY_LIMIT_BYTES : BODY_LIMIT_BYTES

/** The media type of every error (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json'
