import { errnoName } from '#kernel/libc.ts'

/** Why the kernel does not do what we ask, and what a person can do about it. */
export interface Refusal {
  readonly reason: string
  readonly remedy: string
}

const NO_PRIVILEGE = new Set(['EPERM', 'EACCES'])
const NO_NF_TABLES = new Set([
  'EPROTONOSUPPORT',
  'EAFNOSUPPORT',
  'EOPNOTSUPP',
  'EINVAL',
  'ENOPROTOOPT',
  'ECONNREFUSED',
])

/** The same of a table of rules. */
export function ruleRefusalOf(errno: number, table: string, isHeard: boolean): Refusal {
  const { reason, remedy } = refusalOf(errno, table, isHeard)
  return { reason: reason.replace('nothing is blocked', 'no rule is enforced'), remedy }
}

/** `isHeard`: the kernel answers us, so we have the privilege, and refuses only this change. */
export function refusalOf(errno: number, table: string, isHeard: boolean): Refusal {
  const code = errnoName(errno)
  if (NO_PRIVILEGE.has(code) && isHeard) {
    return {
      reason: `another program owns the table inet ${table} and lets nobody change it: nothing is blocked`,
      remedy: `See whose it is with \`sudo nft list table inet ${table}\`, and stop that program`,
    }
  }
  if (NO_PRIVILEGE.has(code)) {
    return {
      reason: `no privilege to change the packet filter (CAP_NET_ADMIN is missing: ${code}): nothing is blocked`,
      remedy: 'Start Gatehouse as root: sudo npm start',
    }
  }
  if (NO_NF_TABLES.has(code)) {
    return {
      reason: `this kernel cannot hold the table inet ${table} (${code}): nothing is blocked`,
      remedy:
        'Load nf_tables: sudo modprobe nf_tables. A kernel that has iptables-legacy alone cannot: use one of 5.7 ' +
        'or newer. Rules of iptables stay as they are',
    }
  }
  return {
    reason: `the kernel refused a change of the table inet ${table} (${code})`,
    remedy: 'Gatehouse tries again each second; `sudo dmesg` may say more',
  }
}
