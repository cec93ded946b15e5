import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIp } from '#model/address.ts'
import { loadPatterns } from '../load-patterns.ts'
import type { Reading } from '../pattern.ts'

const patterns = await loadPatterns()
const read = (id: string, message: string): Reading | undefined =>
  (patterns.find((pattern) => pattern.id === id) ?? expect.unreachable()).read(message)

const ATTACKER = '203.0.113.9'
const PAM = `authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${ATTACKER}`

describe.each([
  ['sshd', `Failed password for root from ${ATTACKER} port 5022 ssh2`, 'refused root'],
  ['sshd', `Failed password for invalid user oracle from ${ATTACKER} port 5022 ssh2`, 'refused oracle'],
  ['sshd', `Failed keyboard-interactive/pam for root from ${ATTACKER} port 5022 ssh2`, 'refused root'],
  ['sshd', `Failed password for invalid user  from ${ATTACKER} port 5022 ssh2`, 'refused '],
  ['sshd', `Invalid user admin from ${ATTACKER} port 5022`, 'refused admin hint'],
  [
    'sshd',
    `error: maximum authentication attempts exceeded for root from ${ATTACKER} port 5022 ssh2 [preauth]`,
    'refused root hint',
  ],
  ['sshd', `User git from ${ATTACKER} not allowed because not listed in AllowUsers`, 'refused git hint'],
  ['sshd', `pam_unix(sshd:auth): ${PAM}  user=root`, 'refused root hint'],
  ['sshd', `pam_unix(sshd:auth): ${PAM} `, 'refused undefined hint'],
  [
    'sshd',
    `Failed publickey for root from ${ATTACKER} port 5022 ssh2: ED25519 SHA256:AbC+/d0=`,
    'probed undefined hint',
  ],
  ['sshd', `Connection closed by ${ATTACKER} port 5022 [preauth]`, 'probed undefined hint'],
  [
    'sshd',
    `Connection closed by authenticating user root ${ATTACKER} port 5022 [preauth]`,
    'probed undefined hint',
  ],
  ['sshd', `Disconnected from invalid user a b ${ATTACKER} port 5022 [preauth]`, 'probed undefined hint'],
  ['sshd', `Did not receive identification string from ${ATTACKER} port 5022`, 'probed undefined hint'],
  ['sshd', `banner exchange: Connection from ${ATTACKER} port 5022: invalid format`, 'probed undefined hint'],
  [
    'sshd',
    `Unable to negotiate with ${ATTACKER} port 5022: no matching key exchange method found. Their offer: x [preauth]`,
    'probed undefined hint',
  ],
  [
    'sshd',
    `Accepted publickey for anna from ${ATTACKER} port 5022 ssh2: ED25519 SHA256:AbC`,
    'accepted anna',
  ],
  [
    'dovecot',
    `imap-login: Disconnected: Connection closed (auth failed, 3 attempts in 12 secs): user=<anna@example.org>, method=PLAIN, rip=${ATTACKER}, lip=192.0.2.1, TLS, session=<a+b/c=>`,
    'refused anna@example.org ×3',
  ],
  [
    'dovecot',
    `pop3-login: Login aborted: Logged out (auth failed, 1 attempts in 2 secs) (auth_failed): user=<x>, method=LOGIN, rip=${ATTACKER}, lip=192.0.2.1, session=<q>`,
    'refused x ×1',
  ],
  [
    'postfix',
    `warning: unknown[${ATTACKER}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`,
    'refused undefined',
  ],
  [
    'postfix',
    `warning: mail.example.org[${ATTACKER}]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=anna`,
    'refused undefined',
  ],
  [
    'vsftpd',
    `Fri Nov 20 11:05:31 2026 [pid 12] [anna] FAIL LOGIN: Client "::ffff:${ATTACKER}"`,
    'refused anna',
  ],
  ['vsftpd', `[pid 12] [anna] OK LOGIN: Client "${ATTACKER}"`, 'accepted anna'],
  [
    'vsftpd',
    `pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=anna rhost=${ATTACKER}  user=anna`,
    'refused anna',
  ],
  [
    'nginx',
    `${ATTACKER} - anna [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 401 172 "-" "curl/8"`,
    'refused anna',
  ],
  [
    'nginx',
    `${ATTACKER} - - [20/Nov/2026:11:05:31 +0000] "GET /.env HTTP/1.1" 404 153 "-" "curl/8"`,
    'probed undefined',
  ],
  [
    'nginx',
    `2026/11/20 11:05:31 [error] 12#12: *3 user "anna": password mismatch, client: ${ATTACKER}, server: _, request: "GET / HTTP/1.1", host: "a"`,
    'refused anna',
  ],
  [
    'nginx',
    `2026/11/20 11:05:31 [error] 12#12: *3 user "x" was not found in "/etc/nginx/.htpasswd", client: ${ATTACKER}, server: _, request: "GET / HTTP/1.1", host: "a"`,
    'refused x',
  ],
])('%s reads %j', (id, message, expected) => {
  test(expected, () => {
    const { address = '', outcome, user, isHint, times } = read(id, message) ?? expect.unreachable(message)
    expect(parseIp(address)).toBe(ATTACKER)
    const more = `${isHint ? ' hint' : ''}${times === undefined ? '' : ` ×${times}`}`
    expect(`${outcome} ${user}${more}`).toBe(expected)
  })
})

test('sudo tells of tries on the machine itself, and what the command holds changes nothing', () => {
  const line = (command: string) =>
    `    anna : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=${command}`
  expect(read('sudo', line('/bin/ls'))).toMatchObject({ service: 'sudo', user: 'anna', times: 3 })
  expect(read('sudo', line('x : 99 incorrect password attempts ; '))).toMatchObject({
    user: 'anna',
    times: 3,
  })
  expect(read('sudo', line('/bin/ls'))?.address).toBeUndefined()
  expect(read('sudo', 'anna : user NOT in sudoers ; TTY=pts/0')).toMatchObject({ user: 'anna' })
})

describe('what is no failed login is not read', () => {
  test.each([
    ['sshd', `Received disconnect from ${ATTACKER} port 5022:11: Bye Bye [preauth]`],
    ['sshd', `Failed none for root from ${ATTACKER} port 5022 ssh2`],
    ['sshd', 'Server listening on 0.0.0.0 port 22.'],
    ['sshd', `Disconnected from user anna ${ATTACKER} port 5022`],
    [
      'postfix',
      `warning: unknown[${ATTACKER}]: SASL LOGIN authentication failed: Connection lost to authentication server`,
    ],
    ['postfix', `connect from unknown[${ATTACKER}]`],
    [
      'dovecot',
      `imap-login: Login: user=<anna>, method=PLAIN, rip=${ATTACKER}, lip=192.0.2.1, mpid=7, TLS, session=<q>`,
    ],
    [
      'dovecot',
      `imap-login: Disconnected (no auth attempts in 3 secs): user=<>, rip=${ATTACKER}, lip=192.0.2.1, session=<q>`,
    ],
    // This is how a browser learns that it has to ask for a name.
    ['nginx', `${ATTACKER} - - [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 401 172 "-" "curl/8"`],
    ['nginx', `${ATTACKER} - anna [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 200 172 "-" "curl/8"`],
    [
      'nginx',
      `2026/11/20 11:05:31 [error] 1#1: *3 no user/password was provided for basic authentication, client: ${ATTACKER}, server: _`,
    ],
    ['sudo', 'anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/bin/ls'],
  ])('%s: %s', (id, message) => expect(read(id, message)).toBeUndefined())
})

/** Each way in which a stranger's words get into a line. */
const LINES: readonly (readonly [id: string, line: (words: string) => string])[] = [
  ['sshd', (user) => `Failed password for invalid user ${user} from ${ATTACKER} port 5022 ssh2`],
  ['sshd', (user) => `Failed password for ${user} from ${ATTACKER} port 5022 ssh2`],
  ['sshd', (user) => `Failed publickey for ${user} from ${ATTACKER} port 5022 ssh2: RSA SHA256:abc`],
  [
    'sshd',
    (id) =>
      `Failed publickey for root from ${ATTACKER} port 5022 ssh2: RSA-CERT SHA256:abc ID ${id} (serial 0) CA RSA SHA256:abc`,
  ],
  ['sshd', (user) => `Invalid user ${user} from ${ATTACKER} port 5022`],
  ['sshd', (user) => `Connection closed by invalid user ${user} ${ATTACKER} port 5022 [preauth]`],
  ['sshd', (user) => `Disconnected from authenticating user ${user} ${ATTACKER} port 5022 [preauth]`],
  ['sshd', (user) => `User ${user} from ${ATTACKER} not allowed because not listed in AllowUsers`],
  [
    'sshd',
    (user) =>
      `error: maximum authentication attempts exceeded for invalid user ${user} from ${ATTACKER} port 5 ssh2 [preauth]`,
  ],
  ['sshd', (words) => `Received disconnect from ${ATTACKER} port 5022:11: ${words} [preauth]`],
  [
    'sshd',
    (words) => `Unable to negotiate with ${ATTACKER} port 5022: no match. Their offer: ${words} [preauth]`,
  ],
  ['sshd', (words) => `banner exchange: Connection from ${ATTACKER} port 5022: ${words}`],
  ['sshd', (user) => `pam_unix(sshd:auth): ${PAM}  user=${user}`],
  [
    'vsftpd',
    (user) =>
      `pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=${user} rhost=${ATTACKER} `,
  ],
  ['vsftpd', (user) => `Fri Nov 20 11:05:31 2026 [pid 12] [${user}] FAIL LOGIN: Client "${ATTACKER}"`],
  [
    'dovecot',
    (user) =>
      `imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<${user}>, method=PLAIN, rip=${ATTACKER}, lip=192.0.2.1, TLS, session=<q/>`,
  ],
  [
    'postfix',
    (user) => `warning: unknown[${ATTACKER}]: SASL LOGIN authentication failed: UGFz, sasl_username=${user}`,
  ],
  [
    'nginx',
    (user) =>
      `${ATTACKER} - ${user.replaceAll('"', '\\x22')} [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 401 172 "-" "c"`,
  ],
  [
    'nginx',
    (agent) =>
      `${ATTACKER} - a [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 401 172 "-" "${agent.replaceAll('"', '\\x22')}"`,
  ],
  [
    'nginx',
    (user) =>
      `2026/11/20 11:05:31 [error] 12#12: *3 user "${user}": password mismatch, client: ${ATTACKER}, server: _, request: "GET / HTTP/1.1", host: "a"`,
  ],
  [
    'nginx',
    (host) =>
      `2026/11/20 11:05:31 [error] 12#12: *3 user "a": password mismatch, client: ${ATTACKER}, server: _, request: "GET / HTTP/1.1", host: "${host}"`,
  ],
]

/** What an attacker would write who knows these lines: parts of all of them, with a stranger's address. */
const FORGED = LINES.flatMap(([, line]) => {
  const forged = line('root').replaceAll(ATTACKER, '198.51.100.1')
  return [forged, ...forged.split(/(?<=[ ,<>"\]])/).map((_, at, parts) => parts.slice(at).join(''))]
})

const words = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(...FORGED),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...[
            ' from 198.51.100.1',
            ' port 22',
            ' ssh2',
            ' [preauth]',
            ' rhost=198.51.100.1',
            ' user=x',
            ' ',
            ': ',
          ],
          ...[
            '>, method=PLAIN, rip=198.51.100.1, lip=1.1.1.1',
            ', session=<x>',
            '"',
            '] FAIL LOGIN: Client "',
          ],
          ...[
            '": password mismatch, client: 198.51.100.1, server: _, request: "GET',
            'client: ',
            '(auth failed, 9',
          ],
          ...[
            ' attempts in 2 secs)',
            ' not allowed because not listed',
            'ssh2: RSA SHA256:abc',
            '[198.51.100.1]: ',
          ],
        ),
        fc.string({ maxLength: 6 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
)

test.each(LINES)('no words of a stranger make %s blame somebody else (%#)', (id, line) => {
  for (const forged of FORGED) expectHonest(id, line(forged))
  fc.assert(
    fc.property(words, (text) => expectHonest(id, line(text.replaceAll('\n', ' ')))),
    { numRuns: 300 },
  )
})

function expectHonest(id: string, message: string): void {
  const address = read(id, message)?.address
  if (address !== undefined && address !== ATTACKER) throw new Error(`${id} blames ${address}: ${message}`)
}

test('a long line costs no more than its length', () => {
  const startedAt = performance.now()
  for (const [id, line] of LINES) {
    for (const part of [
      ' from 1.1.1.1 port 1',
      ', rip=1.1.1.1',
      ' rhost=',
      '(auth failed, 1 ',
      '"',
      ' ',
      '] [',
    ]) {
      read(id, line(part.repeat(60_000 / part.length)))
    }
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
