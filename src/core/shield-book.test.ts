import { describe, expect, test } from 'vitest'
import type { Actor } from '#api/port.ts'
import type { PacedPort } from '#enforce/shield-pace.ts'
import { type Ip, ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import { type Endpoint, endpointText } from '#model/endpoint.ts'
import { createShieldAnswer, shieldSettings } from './shield-answer.ts'
import { createShieldBook, type ShieldOrder } from './shield-book.ts'

const anna: Actor = { name: 'anna', role: 'operator' }
const PORT = { port: 443 }
/** Somebody whose packets we see and do not pass on. */
const NEIGHBOUR = ip('192.0.2.99')
const TALKER = { address: ip('203.0.113.5'), port: 40_000 }
const SENDERS = ['203.0.113.1', '203.0.113.2'].map((text) => ({ sender: ip(text) }))

function shield(hasProxy = true) {
  const guarded = new Map<number, number>()
  const challenged = new Map<Ip, number>()
  const paced = new Map<string, PacedPort>()
  const decisions: Decision[] = []
  const clock = { now: 1_000 }
  const kernel = {
    guard: (port: number, until: number) => hasProxy && guarded.set(port, until).size > 0,
    challenge: (sources: readonly Ip[], until: number) => {
      for (const source of sources) challenged.set(source, until)
      return hasProxy
    },
    unguard: (port: number) => guarded.delete(port),
    unchallenge: (sources: readonly Ip[]) => sources.every((source) => challenged.delete(source)),
    pace: (place: PacedPort) => hasProxy && paced.set(endpointText(place), place).size > 0,
    unpace: (place: Endpoint) => paced.delete(endpointText(place)),
    standing: () => ({ guarded, challenged, paced, closed: new Map<number, number>() }),
  }
  const book = createShieldBook(kernel, {
    now: () => clock.now,
    note(undated) {
      const decision = { id: decisions.length + 1, at: clock.now, ...undated }
      decisions.push(decision)
      return { decision, recorded: Promise.resolve() }
    },
  })
  const raise = (about: Partial<ShieldOrder> = {}) =>
    book.raise({
      ...{ places: [PORT], until: clock.now + 600_000, target: ip('192.0.2.1'), why: 'a flood', alertId: 4 },
      ...{ say: (places) => `${places.length} shielded`, ...about },
    })
  const decided = () =>
    decisions.map(({ kind, target, actor, undoes }) => `${kind} ${target} ${actor} ${undoes ?? ''}`.trim())
  return { book, raise, guarded, challenged, paced, decisions, decided, clock }
}

describe('the shield', () => {
  test('is raised once, with its reason, and only prolonged after that', () => {
    const { book, raise, guarded, decisions, clock } = shield()
    expect(raise()).toEqual({ state: 'up', said: '1 shielded' })
    clock.now = 2_000
    raise()
    expect(guarded.get(443)).toBe(602_000)
    expect(decisions).toMatchObject([{ kind: 'shield', actor: 'shield', forSeconds: 600, alertId: 4 }])
    expect(book.about(PORT)).toEqual({ since: 1_000, reason: 'a flood', alertId: 4 })
  })

  test('that somebody ends stays away for as long as it would have lasted', () => {
    const { book, raise, guarded, decided, clock } = shield()
    raise()
    book.end(PORT, 'anna')
    expect(guarded.size).toBe(0)
    clock.now = 2_000
    expect(raise()).toEqual({ state: 'left', until: 601_000 })
    clock.now = 601_001
    expect(raise().state).toBe('up')
    expect(decided()).toEqual([
      'shield 192.0.2.1 shield',
      'unshield port 443 anna',
      'shield 192.0.2.1 shield',
    ])
  })

  test('leaves alone the one sender that somebody freed, and goes on before the others', () => {
    const { book, raise, challenged } = shield()
    raise({ places: SENDERS })
    book.end({ sender: ip('203.0.113.1') }, 'anna')
    expect(raise({ places: SENDERS })).toEqual({ state: 'up', said: '1 shielded' })
    expect([...challenged.keys()]).toEqual(['203.0.113.2'])
  })

  test('is lowered by undo, raised by undo of that, and neither once its time is over', async () => {
    const { book, raise, challenged, decisions, decided, clock } = shield()
    raise({ places: SENDERS })
    const lowered = await book.undo(decisions[0] as Decision, anna)
    expect(lowered).toMatchObject({
      sentence: '2 addresses: the shield is gone.',
      undo: '/api/v1/decisions/2/undo',
    })
    expect(challenged.size).toBe(0)
    clock.now = 301_000
    const raised = await book.undo(decisions[1] as Decision, anna)
    expect(raised.sentence).toBe('2 addresses: the shield is up for 5 min.')
    expect(challenged.get(ip('203.0.113.2'))).toBe(601_000)
    expect(book.about(SENDERS[0] ?? PORT)).toMatchObject({ reason: 'a flood', alertId: 4 })
    await expect(book.undo(decisions[0] as Decision, anna)).resolves.toBeDefined()
    clock.now = 700_000
    await expect(book.undo(decisions[3] as Decision, anna)).rejects.toThrow('is over')
    await expect(book.undo(decisions[2] as Decision, anna)).rejects.toThrow('no longer up')
    expect(decided().slice(0, 3)).toEqual([
      'shield 192.0.2.1 shield',
      'unshield 192.0.2.1 anna 1',
      'shield 192.0.2.1 anna 2',
    ])
  })

  test('that is not up cannot be ended, and a kernel without a SYN proxy leaves no decision', () => {
    const { book, raise, decisions } = shield(false)
    expect(() => book.end(PORT, 'anna')).toThrow('There is no shield before port 443.')
    expect(raise()).toEqual({ state: 'refused' })
    expect(decisions).toEqual([])
  })
})

describe('an alert that blames nobody', () => {
  const flood = {
    ...{
      id: 4,
      detector: 'flood',
      kind: 'syn',
      blame: 'nobody',
      subject: ip('192.0.2.1'),
      summary: 'a flood',
    },
    evidence: { firstAt: 0, lastAt: 0, count: 9, ratePerSecond: 9, ports: [80, 443], samples: [] },
  } as unknown as Alert

  function answering(settings: object, hasCookies: boolean) {
    const { book, guarded, paced } = shield()
    const chosen = { now: shieldSettings.parse(settings) }
    const answer = createShieldAnswer({
      shield: {
        kernel: {
          isListening: (port) => port === 443,
          isForwarding: (address) => address !== NEIGHBOUR,
          hasCookies,
        },
        book,
      },
      talking: () => [TALKER],
      isOwn: (address) => address === flood.subject,
      settings: () => chosen.now,
      ...{ mayAct: () => true, spares: () => undefined, now: () => 1_000 },
    })
    return { answer, guarded, paced, chosen, book }
  }

  test('puts the port that a program listens on behind the proxy, and says when a person does not want it', () => {
    const { answer, guarded, book } = answering({}, false)
    expect(answer(flood)).toEqual(['Port 443 is behind a SYN proxy for 10 min'])
    expect([...guarded.keys()]).toEqual([443])
    book.end(PORT, 'anna')
    expect(answer(flood)).toEqual(['No shield for 10 min: somebody ended it by hand'])
  })

  const datagrams: Alert = { ...flood, kind: 'udp' }

  test('lets few new datagrams to the UDP port that a program has, until a person ends it', async () => {
    const { answer, paced, book } = answering({ datagramsPerSecond: 50 }, true)
    expect(answer(datagrams)).toEqual([
      'UDP port 443 takes 50 new packets a second for 10 min: conversations under way go on',
    ])
    expect([...paced]).toEqual([
      ['192.0.2.1:443', { address: '192.0.2.1', port: 443, perSecond: 50, until: 601_000, known: [TALKER] }],
    ])
    const place = { paced: { address: ip('192.0.2.1'), port: 443 }, perSecond: 50, known: [] }
    expect(book.about(place)).toMatchObject({ reason: 'a flood', alertId: 4 })
    expect(book.end(place, 'anna')).toMatchObject({ kind: 'unshield', target: 'UDP 192.0.2.1:443' })
    expect(paced.size).toBe(0)
    expect(answer(datagrams)).toEqual(['No shield for 10 min: somebody ended it by hand'])
    await book.undo({ id: 2, kind: 'unshield', target: 'UDP 192.0.2.1:443' } as unknown as Decision, anna)
    expect(paced.size).toBe(1)
  })

  test('of datagrams is answered also for machines behind this one, whatever listens there', () => {
    const { answer, paced } = answering({}, true)
    answer({ ...datagrams, subject: ip('198.51.100.7') })
    answer({ ...datagrams, detector: 'amplification', kind: 'dns', subject: ip('2001:db8::7') })
    expect([...paced.keys()]).toEqual([
      ...['198.51.100.7:80', '198.51.100.7:443'],
      ...['[2001:db8::7]:80', '[2001:db8::7]:443'],
    ])
  })

  test.each([
    ['it only passes by', {}, { ...datagrams, subject: NEIGHBOUR }, []],
    [
      'it is at no port in particular',
      {},
      { ...datagrams, evidence: { ...datagrams.evidence, ports: [] } },
      ['It is at no port more than at others: nothing is held back'],
    ],
    ['floods are left alone', { floods: 'never' }, datagrams, []],
    ['it is over', {}, { ...datagrams, evidence: { ...datagrams.evidence, endedAt: 9 } }, []],
    [
      'no program is there',
      {},
      { ...datagrams, evidence: { ...datagrams.evidence, ports: [80] } },
      ['No program listens there: the kernel drops it'],
    ],
  ])('of datagrams leads to nothing where %s', (_where, settings, alert, said) => {
    const { answer, paced } = answering(settings, true)
    expect(answer(alert)).toEqual(said)
    expect(paced.size).toBe(0)
  })

  test('is answered by the settings as they are now', () => {
    const { answer, guarded, chosen } = answering({}, true)
    expect(answer(flood)).toEqual(['The kernel answers by SYN cookies: real clients get through'])
    chosen.now = shieldSettings.parse({ floods: 'always', seconds: 120 })
    expect(answer(flood)).toEqual(['Port 443 is behind a SYN proxy for 2 min'])
    chosen.now = shieldSettings.parse({ floods: 'never' })
    expect(answer(flood)).toEqual([])
    expect(guarded.size).toBe(1)
  })
})
