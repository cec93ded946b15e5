import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { dnsMessage } from '../../../test/support/dns-message.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [CLIENT, RESOLVER] = ['192.0.2.50', '192.0.2.1']
const ANSWER = { missing: 0x8183, there: 0x8180, failed: 0x8182 } as const
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'generated-names')

/** Letters as a generator of the kind of Conficker makes them: the same each time. */
function made(n: number, length = 12): string {
  const digest = createHash('sha256').update(`seed ${n}`).digest()
  return Array.from({ length }, (_, at) => String.fromCharCode(97 + ((digest[at] as number) % 26))).join('')
}

function ask(net: Scene, name: string, answer: keyof typeof ANSWER = 'missing', sourcePort = 40_000): void {
  const [client, resolver] = [`${CLIENT}:${sourcePort}`, `${RESOLVER}:53`]
  const asked = dnsMessage({ flags: 0x0100, question: name })
  net.say({ from: client, to: resolver, protocol: 'udp', payload: asked })
  const answered = dnsMessage({ flags: ANSWER[answer], question: name })
  net.say({ from: resolver, to: client, protocol: 'udp', payload: answered })
  net.pass(200)
}

describe('a program that looks for its master is found', () => {
  test('by a dozen domains of random letters that do not exist, and more of them leave no doubt', () => {
    const net = scene()
    for (const n of range(60)) ask(net, `${made(n)}.com`)
    expect(told(net).map(({ severity }) => severity)).toEqual(expect.arrayContaining(['medium', 'high']))
    expect(told(net)[0]).toMatchObject({
      ...{ kind: 'generated', subject: CLIENT, technique: 'T1568.002', evidence: { hosts: [RESOLVER] } },
      because: 'detectors.generated-names.generatedNames = 12',
    })
    expect(told(net)[0]?.evidence.count).toBeLessThan(16)
    expect(told(net)[0]?.summary).toMatch(
      /asked for \d+ generated-looking domains that do not exist in .*, such as \w+\.com$/,
    )
  })

  test('by letters and digits, under any ending', () => {
    const net = scene()
    for (const n of range(20)) {
      const name = createHash('sha256').update(String(n)).digest('hex').slice(0, 16)
      ask(net, `${name}.${['info', 'ru', 'co.uk', 'biz'][n % 4]}`)
    }
    expect(told(net)).not.toEqual([])
  })

  test('and hundreds of missing domains that look like words are a warning', () => {
    const net = scene()
    for (const n of range(400))
      ask(net, `${WORDS[n % 20]}${WORDS[(n * 7 + ((n / 20) | 0)) % 20]}${WORDS[(n / 20) | 0]}.net`)
    expect(told(net)[0]).toMatchObject({ kind: 'missing', severity: 'medium', confidence: 0.3 })
    expect(new Set(told(net).map(({ kind }) => kind))).toEqual(new Set(['missing']))
  })
})

const WORDS =
  'house river stone green table paper light window garden music winter summer bridge silver market forest planet simple orange friend'.split(
    ' ',
  )

describe('nothing is told of', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    expect(told(net)).toEqual([])
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  }

  test('names of content networks and trackers, which are there', () =>
    quiet((net) => {
      for (const n of range(200)) ask(net, `${made(n)}.com`, 'there')
    }))

  test('random names below one domain: block lists, caches, content networks', () =>
    quiet((net) => {
      for (const n of range(200)) ask(net, `${made(n)}.cdn.example.net`)
      for (const n of range(200)) ask(net, `${n}.2.0.192.zen.example.org`)
    }))

  test('reverse names, and three words without a dot that a browser tries at its start', () =>
    quiet((net) => {
      for (const n of range(200)) ask(net, `${n}.2.0.192.in-addr.arpa`)
      for (const n of range(3)) ask(net, made(n))
    }))

  test('a server that fails, or misspelled words', () =>
    quiet((net) => {
      for (const n of range(100)) ask(net, `${made(n)}.com`, 'failed')
      for (const word of ['gogle', 'wikpedia', 'facebok', 'youtub', 'amazn', 'githb', 'netflx', 'redit']) {
        ask(net, `www.${word}.com`)
      }
    }))

  test('well-known names, should they all be gone', () =>
    quiet((net) => {
      for (const name of KNOWN) ask(net, `${name}.com`)
    }))

  test('multicast DNS', () =>
    quiet((net) => {
      for (const n of range(100)) {
        const payload = dnsMessage({ flags: ANSWER.missing, question: `${made(n)}.local` })
        net.say({ from: '192.0.2.9:5353', to: '224.0.0.251:5353', protocol: 'udp', payload })
      }
    }))

  test('answers that nobody asked for: who sends them could blame anybody', () =>
    quiet((net) => {
      for (const n of range(100)) {
        const payload = dnsMessage({ flags: ANSWER.missing, question: `${made(n)}.com` })
        net.say({ from: `${RESOLVER}:53`, to: `${CLIENT}:${41_000 + n}`, protocol: 'udp', payload })
      }
    }))

  test('a few that are spread over hours', () =>
    quiet((net) => {
      for (const n of range(60)) {
        ask(net, `${made(n)}.com`)
        net.pass(120_000)
      }
    }))
})

const KNOWN =
  'cloudflare akamaiedge doubleclick googleapis googlevideo microsoft windowsupdate trafficmanager cloudfront github githubusercontent stackoverflow archlinux fedoraproject letsencrypt globalsign scorecardresearch quantserve chartbeat mixpanel newrelic optimizely rubiconproject pubmatic casalemedia zendesk salesforce sendgrid paypalobjects shopifycdn wordpress pinterest bytedance odnoklassniki ebaystatic tripadvisor washingtonpost sueddeutsche tagesschau hetzner digitalocean edgesuite jsdelivr bootstrapcdn fontawesome vimeocdn soundcloud steampowered playstation discordapp teamviewer dropboxstatic sharepoint kubernetes elasticsearch postgresql xn--bcher-kva xn--80ak6aa92e xn--fiqs8s'.split(
    ' ',
  )
