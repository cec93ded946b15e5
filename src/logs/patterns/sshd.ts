import { definePattern, firstOf, type Groups, type Reading, readPam } from '../pattern.ts'

/** `ssh2` ends the line; a key is named behind it, without anything that a stranger words. */
const END = String.raw`port \d+ ssh2(?:: [\w@.-]+ (?:SHA256|MD5):[\w+/=:]+)?$`

const refused = ({ address, user }: Groups): Reading => ({
  ...{ service: 'ssh', outcome: 'refused', address, user },
})
const hinted = (groups: Groups): Reading => ({ ...refused(groups), isHint: true })
const probed = ({ address }: Groups): Reading => ({
  ...{ service: 'ssh', outcome: 'probed', address, isHint: true },
})

const FORMS = [
  [
    new RegExp(
      `^Failed (?!publickey|none)[\\w/-]+ for (?:invalid user )?(?<user>.*) from (?<address>\\S+) ${END}`,
    ),
    refused,
  ],
  // Clients offer all keys that they have, and a job whose key was withdrawn knocks for days: neither guesses.
  [new RegExp(`^Failed publickey for (?:invalid user )?(?<user>.*) from (?<address>\\S+) ${END}`), probed],
  [
    new RegExp(`^Accepted [\\w/-]+ for (?<user>.*) from (?<address>\\S+) ${END}`),
    ({ address, user }: Groups): Reading => ({ ...{ service: 'ssh', outcome: 'accepted', address, user } }),
  ],
  [/^Invalid user (?<user>.*) from (?<address>\S+) port \d+$/, hinted],
  [
    /^(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?<user>.*) from (?<address>\S+) port \d+ ssh2(?: \[preauth\])?$/,
    hinted,
  ],
  [/^User (?<user>.*) from (?<address>\S+) not allowed because [\w ',:-]+$/, hinted],
  [
    /^(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user (?<user>.*) (?<address>\S+) port \d+ \[preauth\]$/,
    probed,
  ],
  [/^(?:Connection (?:closed|reset) by|Disconnected from) (?<address>\S+) port \d+ \[preauth\]$/, probed],
  [/^(?:error: )?Did not receive identification string from (?<address>\S+) port \d+$/, probed],
  [/^(?:error: )?banner exchange: Connection from (?<address>\S+) port \d+: /, probed],
  [/^(?:fatal: |error: )?Unable to negotiate with (?<address>\S+) port \d+: /, probed],
] as const

export default definePattern({
  id: 'sshd',
  tags: /^sshd(?:-session|-auth)?$/,
  hasSessions: true,
  read(message) {
    const pam = readPam(message)
    if (pam) return { service: 'ssh', outcome: 'refused', ...pam, isHint: true }
    return firstOf(FORMS, message)
  },
})
