import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { createCoreClient } from '#cli/client.ts'
import { removeFolder, startDaemon, type TestDaemon } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')
const RULES = '# ours\nrules:\n  - allow 22/tcp\n'

let wire: Wire
let daemon: TestDaemon
let folder: string

beforeAll(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-undo-'))
  writeFileSync(join(folder, 'rules.yaml'), RULES)
  writeFileSync(join(folder, 'other.yaml'), 'rules:\n  - deny 23/tcp\n')
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    folder,
    flags: ['--rules', join(folder, 'rules.yaml')],
  })
})

afterAll(async () => {
  await daemon.stop()
  wire.remove()
  removeFolder(folder)
})

interface Kept {
  readonly id: number
  readonly kind: string
  readonly undoes?: number
}
type Method = Parameters<ReturnType<typeof createCoreClient>['ask']>[0]
/** Over the API: quicker than a command line of its own for each look. */
const ask = <Answer>(path: string, method: Method = 'GET'): Promise<Answer> =>
  createCoreClient([join(folder, 'run', 'api.sock')]).ask<Answer>(method, path)
const newest = async (): Promise<Kept> =>
  (await ask<{ items: Kept[] }>('/decisions?limit=1')).items[0] as Kept
const undo = ({ id }: Kept): Promise<unknown> => ask(`/decisions/${id}/undo`, 'POST')
interface State {
  readonly text: string
  readonly draft?: string
  readonly pending?: { readonly hold?: string }
}
const rules = async (): Promise<string> => (await ask<State>('/rules')).text
const standing = async (): Promise<string> => {
  const { text, pending } = await ask<State>('/rules')
  return `${text}|${pending ? (pending.hold ?? 'trial') : ''}`
}
const has = (path: string, what: string) => async () => JSON.stringify(await ask(path)).includes(what)
const setting = (name: string) => async () => {
  const { settings } = await ask<{ settings: { setting: string; value: unknown }[] }>('/settings')
  return JSON.stringify(settings.find((one) => one.setting === name)?.value)
}

function refusalOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr)
  }
  throw new Error('it was not refused')
}

const OTHER = '198.51.100.9'

describe('undo', () => {
  test.each<[string, string, readonly string[], () => Promise<unknown>]>([
    ['a block', 'block', ['block', OTHER, '--for', '10m'], has('/blocks', OTHER)],
    ['an allow entry', 'allow', ['allow', 'add', OTHER], has('/allow', OTHER)],
    ['a rule in its short form', 'rules', ['deny', '25/tcp'], rules],
    ['a limit', 'rules', ['limit', 'ssh'], rules],
    ['a rule taken away', 'rules', ['rule', 'remove', '1'], rules],
    ['rules of a file', 'rules', ['apply', 'OTHER'], rules],
    [
      'a watched program',
      'watch',
      ['watchdog', 'add', '/no/such/program'],
      has('/watchdog', '/no/such/program'),
    ],
    [
      'a setting',
      'setting',
      ['config', 'set', 'respond.blockSeconds', '900'],
      setting('respond.blockSeconds'),
    ],
    [
      'a setting of a detector',
      'setting',
      ['config', 'set', 'detectors.port-scan.refusedPorts', '20'],
      setting('detectors.port-scan.refusedPorts'),
    ],
    ['decoys', 'setting', ['config', 'set', 'decoys.ports', '[2323]'], setting('decoys.ports')],
  ])('takes back %s, and its own taking back', async (_what, kind, words, look) => {
    const before = await look()
    daemon.tell(...words.map((word) => (word === 'OTHER' ? join(folder, 'other.yaml') : word)))
    const done = await newest()
    expect(done.kind).toBe(kind)
    const after = await look()
    expect(after).not.toEqual(before)
    daemon.tell('undo', `${done.id}`)
    expect(await look()).toEqual(before)
    const undone = await newest()
    expect(undone.undoes).toBe(done.id)
    await undo(undone)
    expect(await look()).toEqual(after)
    await undo(await newest())
    expect(await look()).toEqual(before)
  })

  test.each([
    ['a lockdown', 'lockdown', ['lockdown', '5m']],
    ['a pause', 'pause', ['pause', '5m']],
    ['rules on trial', 'trial', ['rule', 'add', 'deny 26/tcp', '--confirm', '60s']],
  ] as const)('ends %s, once', async (_what, kind, words) => {
    const before = await standing()
    daemon.tell(...words)
    const done = await newest()
    expect(done.kind).toBe(kind)
    expect(await standing()).not.toBe(before)
    await undo(done)
    expect(await standing()).toBe(before)
    expect(await newest()).toMatchObject({ kind: 'rollback', undoes: done.id })
    await expect(undo(done)).rejects.toThrow('is over')
  })

  test('of what went back begins a hold anew, and makes rules on trial the draft', async () => {
    daemon.tell('lockdown', '5m')
    daemon.tell('rollback')
    await undo(await newest())
    expect(await standing()).toMatch(/\|lockdown$/)
    daemon.tell('rollback')
    daemon.tell('rule', 'add', 'deny 27/tcp', '--confirm', '60s')
    daemon.tell('rollback')
    expect(daemon.tell('undo', `${(await newest()).id}`)).toContain('are the draft again')
    expect((await ask<State>('/rules')).draft).toContain('deny 27/tcp')
    expect(await rules()).toBe(RULES)
  })

  test('of rules that were changed again says what to do, and a confirmed trial is a version', async () => {
    daemon.tell('rule', 'add', 'deny 28/tcp')
    const first = await newest()
    daemon.tell('rule', 'add', 'deny 29/tcp', '--confirm', '60s', '--reason', 'to see')
    daemon.tell('confirm')
    const second = await newest()
    expect(second).toMatchObject({ kind: 'rules', reason: 'to see' })
    const refusal = refusalOf(() => daemon.tell('undo', `${first.id}`))
    expect(refusal).toContain('The rules were changed again')
    expect(refusal).toMatch(/gatehouse rule restore \d+/)
    await undo(second)
    await undo(first)
    expect(await rules()).toBe(RULES)
    expect(readFileSync(join(folder, 'rules.yaml'), 'utf8')).toBe(RULES)
  })

  test('switches a list as it was', async () => {
    const feeds = (): Promise<{ id: string; isOn: boolean }[]> => ask('/feeds')
    const feed = (await feeds()).find(({ isOn }) => !isOn)
    const isOn = async () => (await feeds()).find(({ id }) => id === feed?.id)?.isOn
    daemon.tell('feeds', 'on', `${feed?.id}`)
    const done = await newest()
    expect([done.kind, await isOn()]).toEqual(['feed', true])
    await undo(done)
    expect(await isOn()).toBe(false)
    await undo(await newest())
    expect(await isOn()).toBe(true)
    await undo(await newest())
    expect(await isOn()).toBe(false)
  })

  test('of what was unblocked, or let go, does it again', async () => {
    daemon.tell('block', '198.51.100.0/24')
    daemon.tell('unblock', '198.51.100.0/24')
    await undo(await newest())
    expect(await has('/blocks', '198.51.100.0/24')()).toBe(true)
    daemon.tell('watchdog', 'add', '/no/such/program')
    daemon.tell('watchdog', 'remove', '/no/such/program')
    await undo(await newest())
    expect(await has('/watchdog', '/no/such/program')()).toBe(true)
  })

  test('of what there is none of says so, and the log of decisions holds', async () => {
    expect(refusalOf(() => daemon.tell('undo', '99999'))).toContain('There is no decision 99999')
    expect(daemon.tell('verify')).toContain('Unbroken')
  })
})
