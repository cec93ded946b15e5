import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KernelError } from '#kernel/libc.ts'
import { ip, parseTarget } from '#model/address.ts'
import { parseSession } from './logins.ts'
import { type Places, parseResolvers, readSurroundings } from './surroundings.ts'
import { parseUtmp } from './utmp.ts'

let folder: string
let nothing: Places

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-surroundings-'))
  const missing = join(folder, 'missing')
  nothing = {
    links: () => [],
    addresses: () => [],
    routes: () => [],
    resolvers: [missing],
    utmp: [missing],
    sessions: missing,
    proc: missing,
    pid: 1000,
  }
})

afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, content: string | Uint8Array): string {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
  return file
}

/** A process of a made-up /proc. */
function aProcess(
  pid: number,
  about: { parent?: number; program?: string; environment?: string[]; children?: number[] },
): void {
  write(`proc/${pid}/stat`, `${pid} (odd ) name) S ${about.parent ?? 1} 0 0`)
  write(`proc/${pid}/environ`, (about.environment ?? []).map((line) => `${line}\0`).join(''))
  write(`proc/${pid}/task/${pid}/children`, (about.children ?? []).map((child) => `${child} `).join(''))
  symlinkSync(about.program ?? '/usr/bin/bash', join(folder, `proc/${pid}/exe`))
}

function aUtmpRecord(about: {
  type?: number
  pid?: number
  user: string
  host?: string
  address?: number[]
}): Uint8Array {
  const isArm = process.arch === 'arm64'
  const record = new Uint8Array(isArm ? 400 : 384)
  record[0] = about.type ?? 7
  record[4] = about.pid ?? 77
  record.set(Buffer.from('pts/0'), 8)
  record.set(Buffer.from(about.user), 44)
  record.set(Buffer.from(about.host ?? ''), 76)
  record.set(about.address ?? [], isArm ? 360 : 348)
  return record
}

test('a machine that tells nothing has no surroundings, and nothing is thrown', () => {
  expect(readSurroundings(nothing)).toEqual([])
})

test('a kernel that refuses to list is no failure', () => {
  const refuse = (): never => {
    throw new KernelError('socket', 1)
  }
  expect(readSurroundings({ ...nothing, links: refuse, addresses: refuse, routes: refuse })).toEqual([])
})

test('own addresses, gateways and DNS servers are there, with a note for people', () => {
  const network = parseTarget('192.0.2.0/24')
  if (network === undefined) throw new Error('test setup')
  const link = { index: 2, name: 'eth0', up: true, running: true, loopback: false, hardwareType: 1 }
  const address = {
    interfaceIndex: 2,
    family: 4,
    address: ip('192.0.2.10'),
    prefixBits: 24,
    network,
  } as ReturnType<Places['addresses']>[number]
  const found = readSurroundings({
    ...nothing,
    links: () => [link],
    addresses: () => [address, { ...address, address: ip('127.0.0.1') }],
    routes: () => [{ family: 4, interfaceIndex: 2, gateway: ip('192.0.2.1') }, { family: 6 }],
    resolvers: [write('resolv.conf', '# a comment\nnameserver 127.0.0.53\nnameserver 198.51.100.53\n')],
  })
  expect(found.map(({ target, source, note }) => [target, source, note.replace(folder, '')])).toEqual([
    ['192.0.2.1', 'gateway', 'default gateway of eth0'],
    ['192.0.2.10', 'own', "this machine's own address on eth0"],
    ['198.51.100.53', 'dns', 'DNS server in /resolv.conf'],
  ])
})

test('reads the servers of resolv.conf, with zones and odd spaces, and leaves out what is none', () => {
  const text =
    'search example.org\n nameserver\t2001:db8::53 \nnameserver fe80::1%eth0\nnameserver dns.example\n'
  expect(parseResolvers(text)).toEqual(['2001:db8::53', 'fe80::1'])
})

describe('a login session', () => {
  const sessionsOf = (places: Partial<Places>) =>
    readSurroundings({ ...nothing, ...places }).map(({ target, note }) => `${target}: ${note}`)

  test('is found in utmp, by address or by host', () => {
    const records = [
      aUtmpRecord({ user: 'anna', address: [198, 51, 100, 7] }),
      aUtmpRecord({ user: 'ben', host: '2001:db8::9' }),
      aUtmpRecord({ user: 'local', host: ':0' }),
      aUtmpRecord({ user: 'gone', type: 8, address: [198, 51, 100, 8] }),
      aUtmpRecord({ user: 'crashed', pid: 78, address: [198, 51, 100, 9] }),
    ]
    aProcess(77, {})
    const file = write('utmp', Buffer.concat(records))
    expect(sessionsOf({ utmp: [file], proc: join(folder, 'proc') })).toEqual([
      '198.51.100.7: login session of anna on pts/0',
      '2001:db8::9: login session of ben on pts/0',
    ])
  })

  test('is found in the notes of systemd-logind', () => {
    write('sessions/3', 'UID=1000\nUSER=anna\nSTATE=active\nREMOTE=1\nREMOTE_HOST=198.51.100.7\nTTY=pts/1\n')
    write('sessions/4', 'UID=1000\nUSER=ben\nSTATE=active\nREMOTE=0\n')
    expect(sessionsOf({ sessions: join(folder, 'sessions') })).toEqual([
      '198.51.100.7: login session of anna on pts/1',
    ])
  })

  test('that is closing counts no more', () => {
    expect(parseSession('USER=anna\nSTATE=closing\nREMOTE_HOST=198.51.100.7\n')).toEqual([])
  })

  test('from which Gatehouse itself was started is found, through sudo', () => {
    aProcess(1000, { parent: 900, program: '/usr/bin/node' })
    aProcess(900, { parent: 800, program: '/usr/bin/sudo' })
    const environment = ['USER=anna', 'SSH_TTY=/dev/pts/2', 'SSH_CONNECTION=198.51.100.7 50000 192.0.2.10 22']
    aProcess(800, { environment })
    expect(sessionsOf({ proc: join(folder, 'proc') })).toEqual([
      '198.51.100.7: login session of anna on pts/2',
    ])
  })

  test('that an SSH server started is found, without utmp and logind', () => {
    aProcess(10, { program: '/usr/sbin/sshd', children: [20] })
    aProcess(20, { parent: 10, program: '/usr/sbin/sshd', children: [30] })
    aProcess(30, {
      parent: 20,
      environment: ['USER=anna', 'SSH_CONNECTION=2001:db8::7 50000 2001:db8::1 22'],
    })
    expect(sessionsOf({ proc: join(folder, 'proc') })).toEqual(['2001:db8::7: login session of anna'])
  })

  test('cannot be claimed by a program that only calls itself an SSH server', () => {
    aProcess(10, { program: '/home/mallory/sshd', children: [30] })
    aProcess(30, { parent: 10, environment: ['SSH_CONNECTION=203.0.113.66 50000 192.0.2.10 22'] })
    expect(sessionsOf({ proc: join(folder, 'proc') })).toEqual([])
  })

  test('cannot carry terminal escapes into the list', () => {
    write('sessions/3', 'USER=\u001b[2Janna\nREMOTE_HOST=198.51.100.7\n')
    expect(sessionsOf({ sessions: join(folder, 'sessions') })).toEqual([
      '198.51.100.7: login session of \\u{1b}[2Janna',
    ])
  })
})

test('arm64 keeps the address at another place of a longer record', () => {
  const record = new Uint8Array(400)
  record[0] = 7
  record.set([198, 51, 100, 7], 360)
  expect(parseUtmp(record, 'arm64')).toEqual([{ user: '', terminal: '', from: '198.51.100.7', pid: 0 }])
})

test('utmp never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 300, maxLength: 1200 }), (bytes) => {
      bytes[0] = 7
      bytes[1] = 0
      for (const arch of ['x64', 'arm64']) expect(Array.isArray(parseUtmp(bytes, arch))).toBe(true)
    }),
  )
})
