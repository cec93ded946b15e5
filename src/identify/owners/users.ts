import { statSync } from 'node:fs'
import { readPasswd } from '#kernel/passwd.ts'

const CHECK_AFTER_MS = 1_000

/** Names of users, from /etc/passwd; read again when the file changes. */
export class Users {
  readonly #path: string
  #names = new Map<number, string>()
  #readAt = Number.NEGATIVE_INFINITY
  #modifiedAt = Number.NaN

  constructor(path = '/etc/passwd') {
    this.#path = path
  }

  /** `now` in milliseconds, monotonic. The first name wins where several share a uid, as in getpwuid(3). */
  nameOf(uid: number, now: number): string | undefined {
    if (now - this.#readAt > CHECK_AFTER_MS) this.#refresh(now)
    return this.#names.get(uid)
  }

  #refresh(now: number): void {
    this.#readAt = now
    const modifiedAt = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN
    if (modifiedAt === this.#modifiedAt) return
    this.#modifiedAt = modifiedAt
    this.#names = new Map(
      readPasswd(this.#path)
        .reverse()
        .map((user) => [user.uid, user.name]),
    )
  }
}
