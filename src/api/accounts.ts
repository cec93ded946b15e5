import { readFileSync } from 'node:fs'
import type { Actor } from './port.ts'

/** Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED). */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** Members of this group may use Gatehouse as root may. */
const GROUP = 'gatehouse'

export interface Accounts {
  nameOf(uid: number): string
  /** The number of the group `gatehouse`, where it exists. */
  readonly groupId: number | undefined
  isMember(peer: PeerCredentials): boolean
}

/** Reads /etc/passwd and /etc/group anew for each question: an account that was just added works at once. */
export function createAccounts(readText: (path: string) => string = readFile): Accounts {
  const group = (): readonly string[] | undefined =>
    rows(readText('/etc/group')).find(([name]) => name === GROUP)
  const groupId = (): number | undefined => {
    const id = group()?.[2]
    return id === undefined ? undefined : Number(id)
  }
  const nameOf = (uid: number): string =>
    rows(readText('/etc/passwd')).find((row) => row[2] === String(uid))?.[0] ?? `uid ${uid}`

  return {
    nameOf,
    get groupId() {
      return groupId()
    },
    isMember(peer) {
      const id = groupId()
      if (id === undefined) return false
      if (peer.gid === id || (group()?.[3] ?? '').split(',').includes(nameOf(peer.uid))) return true
      // Groups that a directory service gives stand only with the process.
      const line = /^Groups:(.*)$/m.exec(readText(`/proc/${peer.pid}/status`))?.[1] ?? ''
      return line.trim().split(/\s+/).includes(String(id))
    },
  }
}

/** The caller on the owner's socket; undefined when it may not use it. Who may, may do everything. */
export function ownerOf(peer: PeerCredentials, accounts: Accounts, ownUid: number): Actor | undefined {
  const isOwner = peer.uid === 0 || peer.uid === ownUid || accounts.isMember(peer)
  return isOwner ? { name: accounts.nameOf(peer.uid), role: 'admin' } : undefined
}

const rows = (text: string): string[][] => text.split('\n').map((line) => line.split(':'))

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
