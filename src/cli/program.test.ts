import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SelfTestOutcome } from '#contract/self-test.ts'
import { type CommandLine, openCommandLine } from '../../test/support/command-line.ts'
import { aBlock, aConnection, createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import type { ReplayOptions, RunOptions, Terminal } from './command.ts'
import { Failure } from './failure.ts'

let line: CommandLine
let product: SmallProduct
let folder: string
let said: string
let warned: string
let started: RunOptions[]
let replayed: [readonly string[], ReplayOptions][]

beforeEach(async () => {
  line = await openCommandLine(createSmallProduct(), {
    run: async (options) => void started.push(options),
    replay: async (files, options) => {
      replayed.push([files, options])
      return files.includes('broken.pcap') ? 1 : 0
    },
    selfTest: async (id) => (id === 'no-such' ? [] : [anOutcome(true), anOutcome(id !== 'broken')]),
  })
  product = line.product
  folder = line.folder
})
afterEach(() => line.close())

async function gatehouse(words: string, terminal?: Partial<Terminal>): Promise<number> {
  started = []
  replayed = []
  const exitCode = await line.run(words, terminal)
  said = line.printed
  warned = line.warned
  return exitCode
}

const anOutcome = (isPassed: boolean): SelfTestOutcome => ({
  ...{ id: isPassed ? 'port-scan' : 'broken', title: '', isPassed },
  fires: { isPassed, packets: 40, findings: isPassed ? 1 : 0, ...(isPassed && { said: 'tried \u001b[2J' }) },
  staysSilent: { isPassed: true, packets: 40, findings: 0 },
})

describe('self-tests of detectors', () => {
  test('are a table, in which nothing can do harm', async () => {
    expect(await gatehouse('detectors test')).toBe(0)
    expect(said).toContain('port-scan')
    expect(said).toContain('2 detectors, all as they must')
    expect(said).not.toContain('\u001b')
  })

  test('fail with exit code 1 when one does', async () => {
    expect(await gatehouse('detectors test broken')).toBe(1)
    expect(said).toContain('FAILED: silent')
    expect(said).toContain('failed: broken')
  })

  test('of an unknown detector are a wrong use', async () => {
    expect(await gatehouse('detectors test no-such')).toBe(2)
    expect(warned).toContain('There is no detector no-such.')
  })

  test('are data where that was asked for', async () => {
    await gatehouse('detectors test -o json')
    expect(JSON.parse(said)).toMatchObject([{ isPassed: true }, { isPassed: true }])
  })
})

describe('asking', () => {
  test('status is a sentence, then numbers people read', async () => {
    expect(await gatehouse('status')).toBe(0)
    expect(said).toMatch(/^1 program is talking to 1 host\. Nothing needs you\.\n\nState {11}protecting\n/)
    expect(said).toContain('2.9 MB/s in, 0 B/s out')
  })

  test('what is degraded says why and what to do', async () => {
    const part = {
      part: 'blocking',
      state: 'degraded' as const,
      reason: 'no nft\u001b[2J',
      remedy: 'apt install nftables',
    }
    const status = { ...product.status(), state: 'degraded' as const, parts: [part] }
    product.status = () => status
    await gatehouse('status')
    expect(said).toContain('blocking is degraded: no nft\\u{1b}[2J\n  What to do: apt install nftables')
  })

  test('hostile names are shown, never acted on, in tables and in JSON', async () => {
    await gatehouse('connections')
    expect(said).toContain('curl\\u{1b}[31m\\u{202e}  out  tcp')
    expect(said).toContain('198.51.100.7:443')
    await gatehouse('connections -o json')
    expect(said).not.toMatch(/[\p{Bidi_Control}]/u)
    expect(said).not.toContain('\u001b')
    expect(JSON.parse(said)).toEqual([aConnection])
  })

  test('a narrow terminal gets short names, never short addresses', async () => {
    product.liveConnections = () => [
      {
        ...aConnection,
        peer: '2001:db8:1111:2222:3333:4444:5555:6666',
        owner: { ...owner, name: 'x'.repeat(300) },
      },
    ]
    await gatehouse('connections', { columns: 150 })
    const lines = said.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(150)
    expect(said).toContain('[2001:db8:1111:2222:3333:4444:5555:6666]:443')
    expect(said).toContain('xxx…')
  })

  test('colour only where the reader has it', async () => {
    await gatehouse('block list', { hasColour: true })
    expect(said.startsWith('\u001b[2mTARGET')).toBe(true)
    await gatehouse('block list')
    expect(said.split('\n').slice(0, 2)).toEqual([
      'TARGET        LEFT  TURNED AWAY  BY         IN FORCE  WHY',
      '203.0.113.9  9 min   12 (720 B)  port-scan  yes       scan of 100 ports',
    ])
  })

  test.each([
    ['alerts', '203.0.113.9 tried 100 ports'],
    ['allow list', '127.0.0.0/8'],
    ['decisions --limit 5', 'scan of 100 ports'],
    ['verify', 'Unbroken: decisions 1 to 3, 3 in all.'],
    [`verify --head ${'ab'.repeat(32)}`, 'nothing before it was touched'],
    ['doctor', 'ok      nftables: The kernel answers.'],
    ['login', 'login?token=for-'],
  ])('%s', async (line, words) => {
    expect(await gatehouse(line)).toBe(0)
    expect(said).toContain(words)
    expect(await gatehouse(`${line} -o json`)).toBe(0)
    expect(() => JSON.parse(said)).not.toThrow()
  })

  test('doctor fails when a check failed', async () => {
    product.doctor = async () => [
      { name: 'nft', state: 'failed', finding: 'gone', remedy: 'apt install nftables' },
    ]
    expect(await gatehouse('doctor')).toBe(1)
    expect(said).toBe('FAILED  nft: gone\n        What to do: apt install nftables\n')
  })

  test('verify fails where the log of decisions does not hold', async () => {
    product.verify = async () => ({ checked: 2, removed: 0, broken: { id: 3, what: 'deleted' } })
    expect(await gatehouse('verify')).toBe(1)
    expect(said).toContain('Broken: decision 3 was deleted. 2 decisions before it are as they were written.')
    expect(await gatehouse('verify --head nonsense')).not.toBe(0)
  })

  test('nothing to show is said in words', async () => {
    product.liveConnections = () => []
    product.blocks = () => []
    await gatehouse('connections')
    expect(said).toBe('No connection is open.\n')
    await gatehouse('block list')
    expect(said).toBe('Nobody is blocked.\n')
  })
})

describe('acting', () => {
  test.each([
    ['block 203.0.113.9', 'blocked 203.0.113.9 for undefined'],
    ['block add 203.0.113.9 --for 2h', 'blocked 203.0.113.9 for 7200'],
    ['block 203.0.113.0/24 --for forever', 'blocked 203.0.113.0/24 for 0'],
    ['block 2001:DB8::1 --dry-run', 'would block 2001:db8::1 for undefined'],
    ['alerts accept 5', 'accepted 5'],
    ['unblock 203.0.113.0/24', 'unblocked 203.0.113.0/24'],
    ['unblock 203.0.113.9 --dry-run', 'would unblock 203.0.113.9'],
    ['allow add 192.0.2.0/24 --note office', 'allowed 192.0.2.0/24'],
    ['allow remove 198.51.100.0/24', 'disallowed 198.51.100.0/24'],
    ['undo 3', 'undid 3'],
    ['alerts archive 5', 'archive 5 true'],
    ['alerts archive 5 --back', 'archive 5 false'],
    ['password', 'password four random words of owner'],
  ])('%s', async (line, act) => {
    expect(await gatehouse(line)).toBe(0)
    expect(product.acts.map(({ what }) => what)).toEqual([act])
  })

  test('a dry run of taking off the allow list changes nothing', async () => {
    expect(await gatehouse('allow remove 198.51.100.0/24 --dry-run')).toBe(0)
    expect(said).toBe('Would take 198.51.100.0/24 off the allow list.\n')
    expect(product.acts).toEqual([])
  })

  test('what was done says how to take it back', async () => {
    product.block = async () => ({
      sentence: '203.0.113.9 is blocked for 10 min.',
      closedConnections: 2,
      decision: { ...aBlock, id: 12, at: 0, kind: 'block', actor: 'root', reason: '' },
    })
    await gatehouse('block 203.0.113.9')
    expect(said).toBe(
      '203.0.113.9 is blocked for 10 min. 2 live connections were closed.\nUndo: gatehouse undo 12\n',
    )
  })

  test('a short password is refused before it is sent; two that differ as well', async () => {
    expect(await gatehouse('password', { readSecret: async () => 'short' })).toBe(2)
    const typed = ['one long password', 'another long one']
    expect(
      await gatehouse('password', { isInteractive: true, readSecret: async () => typed.shift() ?? '' }),
    ).toBe(2)
    expect(product.acts).toEqual([])
  })

  test('run and replay hand over what was asked', async () => {
    await gatehouse(
      'run -i eth0 eth1 --loopback -p 9000 --host ::1 --state-dir /s --socket /x --no-page --dry-run -c f',
    )
    expect(started).toEqual([
      {
        interfaces: ['eth0', 'eth1'],
        loopback: true,
        port: 9000,
        host: '::1',
        stateDir: '/s',
        socket: '/x',
        page: false,
        dryRun: true,
        config: 'f',
      },
    ])
    await gatehouse('run')
    expect(started).toEqual([{}])
    expect(await gatehouse('replay a.pcap b.pcap -o eve')).toBe(0)
    expect(replayed).toEqual([[['a.pcap', 'b.pcap'], { output: 'eve' }]])
    expect(await gatehouse('replay broken.pcap')).toBe(1)
  })
})

describe('what goes wrong is one sentence and what to do', () => {
  test.each([
    ['', /^Usage: gatehouse/],
    ['statsu', /unknown command 'statsu'\n\(Did you mean status\?\)/],
    ['status --jsn', /unknown option '--jsn'/],
    ['block', /^Usage: gatehouse block|missing required argument 'target'/],
    ['block example.com', /"example.com" is no address and no range\.\nUse an address such as/],
    ['block 203.0.113.9 --for soon', /"soon" is no time\.\nUse 90s, 10m/],
    ['undo last', /"last" is no id\.\nThe first column/],
    ['connections -o xml', /Allowed choices are human, json/],
    ['run -p 99999', /Use a number from 0 to 65535/],
    ['replay', /missing required argument 'files'/],
    ['alerts --limit many', /query\.limit/],
  ])('%j is wrong use', async (line, words) => {
    expect(await gatehouse(line)).toBe(2)
    expect(warned).toMatch(words)
    expect(said).toBe('')
  })

  test('help and version are no mistakes', async () => {
    expect(await gatehouse('--help')).toBe(0)
    expect(said).toContain('Usage: gatehouse')
    expect(await gatehouse('unblock --help')).toBe(0)
    expect(said).toContain('Example:\n  $ gatehouse unblock 203.0.113.9')
    expect(await gatehouse('--version')).toBe(0)
    expect(said).toBe('0.1.0\n')
  })

  test('hostile words of the caller are not repeated raw', async () => {
    expect(await gatehouse('\u001b[2Jx')).toBe(2)
    expect(await gatehouse('block \u001b[2J')).toBe(2)
    expect(warned).not.toContain('\u001b')
  })

  test('the daemon is away', async () => {
    expect(await gatehouse(`status --socket ${folder}/none.sock`)).toBe(1)
    expect(warned).toBe(
      `gatehouse: Gatehouse is not running: nobody answers on ${folder}/none.sock.\nStart it: sudo gatehouse run (as a service: sudo systemctl start gatehouse)\n`,
    )
  })

  test('the daemon refuses', async () => {
    expect(await gatehouse('block 127.0.0.1')).toBe(1)
    expect(warned).toBe('gatehouse: 127.0.0.1 stays reachable: it is loopback.\nNothing needs doing.\n')
  })

  test('somebody else answers on the socket', async () => {
    const path = join(folder, 'other.sock')
    const other = createServer((_, response) => response.writeHead(200).end('<html>')).listen(path)
    await new Promise((resolve) => other.once('listening', resolve))
    expect(await gatehouse(`status --socket ${path}`)).toBe(1)
    expect(warned).toContain(`Gatehouse could not be asked on ${path}`)
    other.close()
  })

  test('a command that fails by surprise shows its message and no stack', async () => {
    product.loginLink = async () => {
      throw new Failure('inner words')
    }
    expect(await gatehouse('login')).toBe(1)
    expect(warned).toContain('Something went wrong inside Gatehouse')
    expect(warned).not.toMatch(/inner words|\n\s+at /)
  })
})

const owner = { pid: 1, path: '/x', name: 'x', commandLine: 'x', uid: 0, source: 'scan' as const }

describe('looking at connections', () => {
  test('a search narrows the list, also with what must not be', async () => {
    expect(await gatehouse('connections app:curl -host:203.0.113.1 -wget')).toBe(0)
    expect(said).toContain('198.51.100.7:443')
    expect(await gatehouse('connections -host:198.51.100.7')).toBe(0)
    expect(said).toBe('No open connection fits.\n')
  })

  test.each(['connections', 'history', 'programs', 'graph'])(
    'a search that %s cannot read is shown with a caret, and nobody is asked',
    async (command) => {
      expect(await gatehouse(`${command} app:curl prot:tcp --socket /nowhere`)).toBe(2)
      expect(warned).toMatch(
        /^gatehouse: This search cannot be read:\napp:curl prot:tcp\n {9}\^{4}\nThere is no key "prot"\./,
      )
    },
  )

  test('history goes on where a search ran out of time, and is a table', async () => {
    expect(await gatehouse('history proto:tcp --limit 3')).toBe(0)
    expect(said).toMatch(/^ +OPENED +PROGRAM +WAY .*\n1 min ago +curl/)
    expect(said.split('\n').filter((line) => line.includes('198.51.100.7:443'))).toHaveLength(3)
  })

  test('sums by program, over a time, are shown safely', async () => {
    expect(await gatehouse('programs --over 2h')).toBe(0)
    expect(said).toBe(
      [
        'PROGRAM                  CONNECTIONS      IN     OUT     LAST',
        '/usr/bin/curl\\u{1b}[31m            2  2.9 MB  1.0 kB  1 s ago',
        '',
      ].join('\n'),
    )
    expect(await gatehouse('summary --by weekday')).toBe(2)
  })

  test('a program and a host are told in full, and nothing acts on the terminal', async () => {
    expect(await gatehouse('program /usr/bin/curl')).toBe(0)
    expect(said).toMatch(
      /^Program {5}\/usr\/bin\/curl\nProcesses {3}1\nUsers {7}root\nFirst seen {2}1 min ago\n/,
    )
    expect(await gatehouse('host 198.51.100.7')).toBe(0)
    expect(said).toContain('Blocked     by port-scan: scan of 100 ports')
    expect(said).toContain('cdn.example.com\\u{1b}[2J')
    expect(said).toContain(
      'Reputation  87 of 100. It is known to be bad.\n +89  on Feodo\\u{1b}[2J, 90 % sure\n  -2  known for 90 days\n',
    )
    expect(said).not.toContain('\u001b')
  })

  test('closing says what was closed', async () => {
    expect(await gatehouse('close 7')).toBe(0)
    expect(await gatehouse('close program curl')).toBe(0)
    expect(await gatehouse('close host 2001:DB8::0/64 --dry-run')).toBe(0)
    expect(product.acts.map(({ what }) => what)).toEqual([
      'closed 7',
      'closed program curl',
      'would close host 2001:db8::/64',
    ])
    expect(await gatehouse('close host nobody')).toBe(2)
  })
})
