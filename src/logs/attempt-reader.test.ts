import { expect, test } from 'vitest'
import type { LoginAttempt } from '#model/login.ts'
import { createAttemptReader, type LogMessage } from './attempt-reader.ts'
import { loadPatterns } from './load-patterns.ts'
import { readJournalLine } from './sources/journal.ts'
import { readSyslogLine } from './syslog-line.ts'

const patterns = await loadPatterns()
const FROM = 'from 203.0.113.9 port 5022'

/** What is told of these messages, all at one time unless they are given another. */
function attemptsOf(messages: readonly (Partial<LogMessage> & { readonly at?: number })[]): LoginAttempt[] {
  const reader = createAttemptReader(patterns)
  return messages.flatMap(({ at = 0, ...about }) => {
    const message = { source: 'journal', tag: 'sshd', pid: '7', message: '', ...about }
    return reader.read(message, at) ?? []
  })
}

test('all that sshd says of one wrong password is one try', () => {
  const attempts = attemptsOf([
    { message: `Invalid user admin ${FROM}` },
    { message: 'pam_unix(sshd:auth): check pass; user unknown' },
    {
      message:
        'pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9 ',
    },
    { message: `Failed password for invalid user admin ${FROM} ssh2` },
    { message: 'Connection closed by invalid user admin 203.0.113.9 port 5022 [preauth]' },
  ])
  expect(attempts).toMatchObject([{ outcome: 'refused', address: '203.0.113.9', user: 'admin', times: 1 }])
})

test('three wrong passwords within one session are three tries, and so are those of three sessions', () => {
  const message = `Failed password for root ${FROM} ssh2`
  expect(attemptsOf([{ message }, { message }, { message }])).toHaveLength(3)
  expect(attemptsOf(['1', '2', '3'].map((pid) => ({ message, pid })))).toHaveLength(3)
})

test('what the journal and a file both tell counts once, whichever is first', () => {
  const message = `Failed password for root ${FROM} ssh2`
  const [journal, file] = [{ message }, { message, source: '/var/log/auth.log' }]
  expect(attemptsOf([journal, journal, file, file])).toHaveLength(2)
  expect(attemptsOf([file, journal, file, journal, journal])).toHaveLength(3)
  const nginx = { tag: '', pid: '' }
  const access = '203.0.113.9 - a [20/Nov/2026:11:05:31 +0000] "GET / HTTP/1.1" 401 172 "-" "c"'
  const error =
    '2026/11/20 11:05:31 [error] 1#1: *3 user "a": password mismatch, client: 203.0.113.9, server: _'
  expect(
    attemptsOf([
      { ...nginx, source: 'access.log', message: access },
      { ...nginx, source: 'error.log', message: error },
    ]),
  ).toHaveLength(1)
})

test('one log that falls silent does not hide what the other tells later', () => {
  const dovecot = {
    tag: 'dovecot',
    message:
      'imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, method=PLAIN, rip=203.0.113.9, lip=192.0.2.1, session=<q>',
  }
  const journal = Array.from({ length: 5 }, () => ({ ...dovecot, at: 0 }))
  expect(attemptsOf([...journal, { ...dovecot, source: 'mail.log', at: 120_000 }])).toHaveLength(6)
})

test('a program is read by its own lines only: what another says about passwords is its own affair', () => {
  const message = `Failed password for root ${FROM} ssh2`
  expect(attemptsOf(['cron', 'sshd2', 'xsshd', ''].map((tag) => ({ tag, message })))).toEqual([])
})

test('a host name in the place of an address is nobody, and a user is short and shows what it hides', () => {
  expect(attemptsOf([{ message: 'Failed password for root from evil.example port 5022 ssh2' }])).toEqual([])
  const user = `\u001b[31mx\u202e${'y'.repeat(100)}`
  const [attempt] = attemptsOf([{ message: `Failed password for invalid user ${user} ${FROM} ssh2` }])
  expect(attempt?.user).toMatch(/^\\u\{1b\}\[31mx\\u\{202e\}y+…$/)
  expect(attempt?.user).toHaveLength(32)
})

test('both headers of syslog are read', () => {
  const message = `Failed password for root ${FROM} ssh2`
  const expected = { tag: 'sshd', pid: '7', message }
  expect(readSyslogLine(`Nov 20 11:05:31 host sshd[7]: ${message}`)).toEqual(expected)
  expect(readSyslogLine(`Nov  2 11:05:31 host sshd[7]: ${message}`)).toEqual(expected)
  expect(readSyslogLine(`2026-11-20T11:05:31.123456+00:00 host sshd[7]: ${message}`)).toEqual(expected)
  expect(readSyslogLine(`2026-11-20T11:05:31Z host sudo: x`)).toEqual({ tag: 'sudo', pid: '', message: 'x' })
  expect(readSyslogLine(message)).toBeUndefined()
})

test('a line of the journal counts as whom journald says it is of: people cannot pass for sshd', () => {
  const line = (about: object) =>
    JSON.stringify({
      ...{ MESSAGE: 'x', SYSLOG_IDENTIFIER: 'sshd', _UID: '0', _PID: '7' },
      ...{ __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: '1795184979793684', ...about },
    })
  const message = { source: 'journal', tag: 'sshd', pid: '7', message: 'x' }
  expect(readJournalLine(line({}))).toEqual({ at: 1_795_184_979_793.684, cursor: 's=1;i=2', message })
  expect(readJournalLine(line({ SYSLOG_PID: '9', _UID: '106' }))?.message).toMatchObject({ pid: '9' })
  for (const _UID of ['1000', '60001', 'root', '', undefined]) {
    expect(readJournalLine(line({ _UID }))).toMatchObject({ cursor: 's=1;i=2' })
    expect(readJournalLine(line({ _UID }))?.message).toBeUndefined()
  }
  // What is no text comes as a list of bytes.
  expect(readJournalLine(line({ MESSAGE: [1, 2] }))?.message).toBeUndefined()
  const broken = [line({ __CURSOR: 1 }), line({ __REALTIME_TIMESTAMP: 'x' }), '', '{', 'null', '[]', '"x"']
  for (const text of broken) expect(readJournalLine(text)).toBeUndefined()
})
