import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, createApi } from '#api/api.ts'
import { API_PREFIX } from '#contract/http.ts'
import { createSmallProduct } from '../../test/support/port.ts'
import { alertLines, allowedLines, blockLines, decisionLines } from '../../web/src/copy/decided.ts'
import { decoyLines, shieldLines } from '../../web/src/copy/decoys.ts'
import type { CopyLine } from '../../web/src/copy/line.ts'
import { accountLines, sessionLines, tokenLines } from '../../web/src/copy/people.ts'
import { detectorLines, listLines, ruleLines, settingLines, versionLines } from '../../web/src/copy/policy.ts'
import { flowLines, hostLines, programLines } from '../../web/src/copy/traffic.ts'
import { runCommandLine } from './program.ts'

/** What a name from outside may try on who pastes it: a command, a new line, an option, colours, a reversal. */
const HOSTILE = '-x \'a\' "b" $(touch /tmp/hit) `id`\n\u001b[31m\u202Egpj.sh \u{E0041}'

const flow = { peer: '203.0.113.9', protocol: 'tcp', targetPort: 443, id: 12 } as const
const alert = { id: 5, archived: false, subject: '203.0.113.9' }
const keys = { action: 'deny', direction: 'inbound', protocol: 'tcp', port: [23, 25], comment: HOSTILE }
const fromFile = { from: 'file', line: 3 } as const

/** Every line that a row, a field or an inspector of the page may offer. */
const LINES: Readonly<Record<string, readonly CopyLine[]>> = {
  flow: flowLines({ ...flow, direction: 'outbound' }, undefined),
  'flow of IPv6': flowLines({ ...flow, peer: '2001:db8::1', direction: 'inbound' }, undefined),
  'flow that passes': flowLines({ ...flow, direction: 'forward', protocol: 'udp' }, '203.0.113.0/24'),
  'flow without ports': flowLines({ ...flow, direction: 'local', protocol: 'icmp' }, undefined),
  host: hostLines('203.0.113.9', '203.0.113.9'),
  program: programLines('/usr/bin/curl'),
  'hostile program': programLines(`/opt/${HOSTILE}`),
  'hostile program by its name': programLines(HOSTILE),
  block: blockLines('198.51.100.0/24'),
  allowed: allowedLines('2001:db8::/32'),
  decision: decisionLines({ id: 3 }, true),
  'decision that stands': decisionLines({ id: 3 }, false),
  alert: alertLines({ ...alert, suggestion: { target: '203.0.113.9', forSeconds: 60 } }, undefined),
  'alert that is done': alertLines({ ...alert, archived: true }, '203.0.113.0/24'),
  'alert that blames nobody': alertLines({ ...alert, blame: 'nobody' }, undefined),
  rule: ruleLines({ number: 2, enabled: true, keys }, 3),
  'rule that is off': ruleLines({ number: 1, enabled: false, keys }, 1),
  version: versionLines(3),
  'list that is off': listLines({ id: 'feodo', isOn: false, action: 'block' }),
  list: listLines({ id: 'feodo', isOn: true, action: 'alert', held: { reason: '', entries: 1, at: 1 } }),
  detector: detectorLines({ id: 'port-scan', mode: 'act' }),
  'setting with a number': settingLines(setting(20)),
  'setting with a text': settingLines(setting('paranoid')),
  'setting with a hostile text': settingLines(setting(HOSTILE)),
  'setting with a word of YAML': settingLines(setting('off')),
  'setting with a list': settingLines(setting(['a', 'b: c'])),
  'setting with more': settingLines(setting({ a: { b: 1 } })),
  'setting that was written anew': settingLines(setting(20), { setting: 'page.port', text: '-1' }),
  'decoy port': decoyLines('23'),
  'decoy address': decoyLines('2001:db8::9'),
  'guarded port': shieldLines('guarded', 443),
  'UDP port at a slow pace': shieldLines('paced', '[2001:db8::7]:53'),
  'closed port': shieldLines('closed', 8080),
  'challenged address': shieldLines('challenged', '2001:db8::9'),
  account: accountLines({ name: 'vera', role: 'viewer', hasCode: true }),
  token: tokenLines(4),
  session: sessionLines('3f7c1a2b9d0e'),
}

function setting(value: unknown) {
  return { setting: 'page.port', value, origin: fromFile, isSecret: false }
}

/** Ends the words of one line. */
const END = '\u001e'

/** What bash makes of lines: of each the words that a program of ours would be given. */
function wordsOf(lines: readonly string[]): Map<string, string[]> {
  const print = `gatehouse() { printf '%s\\0' "$@" $'\\x1e'; }`
  const said = execFileSync('bash', ['--norc', '--noprofile', '-c', [print, ...lines].join('\n')], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  }).toString()
  const each = said.split(`${END}\0`).map((words) => words.split('\0').slice(0, -1))
  return new Map(lines.map((line, at) => [line, each[at] ?? []]))
}

interface Call {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body?: unknown
}

function callOf(method: string, path: string, body: unknown): Call {
  const url = new URL(path, 'http://gatehouse')
  const { dryRun, ...query } = Object.fromEntries(url.searchParams)
  return {
    method,
    path: url.pathname,
    query: dryRun === undefined || dryRun === 'false' ? query : { ...query, dryRun },
    ...(body !== undefined && { body }),
  }
}

/** What a command asks of the core; a core that knows only that much answers nothing. */
async function askedBy(words: readonly string[]): Promise<{ asked: Call | undefined; said: string }> {
  let asked: Call | undefined
  let said = ''
  const write = (text: string): void => {
    said += text
  }
  const enough = new Error('enough')
  await runCommandLine(
    words,
    {
      terminal: { write, warn: write, hasColour: false, isInteractive: false, readSecret: async () => '' },
      now: () => 1_700_000_000_000,
      connect: () => ({
        ask(method, path, body) {
          asked = callOf(method, `${API_PREFIX}${path}`, body)
          throw enough
        },
      }),
      run: async () => {},
      boot: async () => '',
      replay: async () => 0,
      selfTest: async () => [],
    },
    '0.1.0',
  )
  return { asked, said: said.replace(`gatehouse: ${enough.message}\n`, '') }
}

function toldBy(api: string): Call {
  const [, method = '', path = '', body] = /^([A-Z]+) (\S+)(?: (.*))?$/su.exec(api) ?? []
  return callOf(method, path, body === undefined ? undefined : JSON.parse(body))
}

describe('what the page copies', () => {
  let api: Api
  const actor = { name: 'anna', role: 'admin' } as const
  let routes: ReadonlySet<string>
  const words = wordsOf(Object.values(LINES).flatMap((lines) => lines.map(({ cli }) => cli)))

  beforeAll(async () => {
    api = createApi(createSmallProduct())
    const answer = await api.fetch(new Request(`http://gatehouse${API_PREFIX}/openapi.json`), actor)
    const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> }
    routes = new Set(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      ),
    )
  })
  afterAll(() => api.close())

  const hasRoute = ({ method, path }: Call): boolean =>
    [...routes].some((route) =>
      new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(`${method} ${path}`),
    )

  test.each(Object.entries(LINES))(
    'of a %s is one act as a command that works and as a call',
    async (_, lines) => {
      expect(lines.length).toBeGreaterThan(0)
      for (const { act, cli, api: told } of lines) {
        const call = toldBy(told)
        expect([act, hasRoute(call)]).toEqual([act, true])
        const { asked, said } = await askedBy(words.get(cli) ?? [])
        expect({ act, said, asked }).toEqual({ act, said: '', asked: call })
        expect(`${cli}${told}`).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }
    },
  )

  test('fits the contract: no call is refused for its form', async () => {
    const refused: string[] = []
    for (const { api: told } of Object.values(LINES).flat()) {
      const { method, path, query, body } = toldBy(told)
      const request = new Request(`http://gatehouse${path}?${new URLSearchParams({ ...query })}`, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      })
      const answer = await api.fetch(request, actor)
      if (answer.status === 400) refused.push(`${told}: ${await answer.text()}`)
    }
    expect(refused).toEqual([])
  })

  test('holds no secret', () => {
    const lines = settingLines({ ...setting('hush'), isSecret: true })
    expect(JSON.stringify(lines)).not.toContain('hush')
  })
})
