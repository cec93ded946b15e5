/** Hot: runs per flow. Allocates nothing. */

/** A service that asks for a password. */
export interface Login {
  readonly name: string
  readonly ports: readonly number[]
  /** Bytes of data, either way, that a connection without success does not exceed. */
  readonly most: number
  /** Short successful sessions, as scripts make them, look alike. */
  readonly isUnsure: boolean
}

export const LOGINS: readonly Login[] = [
  // By the status of its answers: see HTTP_LOGIN.
  { name: 'http', ports: [], most: 0, isUnsure: false },
  { name: 'ssh', ports: [22, 2222], most: 4_500, isUnsure: true },
  { name: 'ftp', ports: [21], most: 700, isUnsure: false },
  { name: 'telnet', ports: [23, 2323], most: 800, isUnsure: false },
  { name: 'rdp', ports: [3389], most: 6_000, isUnsure: false },
  { name: 'smtp', ports: [465, 587], most: 8_000, isUnsure: true },
  { name: 'imap', ports: [143, 993], most: 8_000, isUnsure: true },
  { name: 'pop3', ports: [110, 995], most: 8_000, isUnsure: true },
  { name: 'smb', ports: [445], most: 2_000, isUnsure: true },
  { name: 'ldap', ports: [389, 636], most: 6_000, isUnsure: true },
  // A connection that got in reads its server's settings: more than these.
  { name: 'mysql', ports: [3306], most: 330, isUnsure: false },
  { name: 'postgres', ports: [5432], most: 330, isUnsure: false },
  { name: 'mssql', ports: [1433], most: 700, isUnsure: true },
  { name: 'mongodb', ports: [27_017], most: 1_500, isUnsure: true },
  { name: 'vnc', ports: [5900, 5901], most: 200, isUnsure: false },
]

export const HTTP_LOGIN = 0

const byPort = new Int8Array(65_536).fill(-1)
for (const [index, { ports }] of LOGINS.entries()) for (const port of ports) byPort[port] = index

/** Index into LOGINS; -1 for a port that asks for no password. */
export const loginOf = (port: number): number => byPort[port] as number
