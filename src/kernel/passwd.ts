import { readFileSync } from 'node:fs'

/** A user as /etc/passwd lists it (passwd(5)). */
export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const PASSWD = '/etc/passwd'

/** The users of a passwd file; lines that are not `name:password:uid:gid:…` are left out. */
export function parsePasswd(text: string): SystemUser[] {
  const users: SystemUser[] = []
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (!name || name.startsWith('#') || !isNumber(uid) || !isNumber(gid)) continue
    users.push({ name, uid: Number(uid), gid: Number(gid) })
  }
  return users
}

/** All users of this machine's passwd file; none where it cannot be read. */
export function readPasswd(path = PASSWD): SystemUser[] {
  try {
    return parsePasswd(readFileSync(path, 'utf8'))
  } catch {
    return []
  }
}

/** The user of this name in /etc/passwd. Users of a directory service (LDAP, SSSD) are not found. */
export const lookUpUser = (name: string, path = PASSWD): SystemUser | undefined =>
  readPasswd(path).find((user) => user.name === name)

const isNumber = (text: string | undefined): text is string => text !== undefined && /^\d+$/.test(text)
