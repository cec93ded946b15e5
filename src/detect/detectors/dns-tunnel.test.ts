import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [CLIENT, RESOLVER] = ['192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'dns-tunnel')

const secret = (n: number, length = 50): string =>
  createHash('sha256').update(String(n)).digest('hex').slice(0, length)

/** A question for the address of a name. */
function question(name: string): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
  return Uint8Array.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1])
}

const ask = (net: Scene, name: string, pauseMs = 100): void => {
  net.say({ from: `${CLIENT}:40000`, to: `${RESOLVER}:53`, protocol: 'udp', payload: question(name) })
  net.pass(pauseMs)
}

describe('a tunnel is found', () => {
  test('by ever new long names of one domain', () => {
    const net = scene()
    for (const n of range(300)) ask(net, `${secret(n)}.${secret(n + 1)}.t.example.com`)
    expect(told(net).map(({ severity }) => severity)).toContain('medium')
    expect(told(net).at(-1)).toMatchObject({
      ...{ kind: 'questions', severity: 'high', subject: CLIENT, technique: 'T1071.004' },
      because: 'detectors.dns-tunnel.tunnelTimes = 4',
    })
    expect(told(net)[0]?.summary).toContain('example.com')
  })

  test('and names its domain without a byte that could do harm', () => {
    const net = scene()
    for (const n of range(70)) ask(net, `${secret(n)}.<b>\u001b[31m.com`)
    expect(told(net)[0]?.summary).toContain('?b???31m.com')
  })
})

describe('no tunnel is', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    expect(told(net)).toEqual([])
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  }

  test('a browser that asks for many names', () =>
    quiet((net) => {
      for (const n of range(500)) ask(net, `www.site-${n}.example`, 20)
    }))

  test('the same long name of a content network, again and again', () =>
    quiet((net) => {
      for (const _ of range(500)) ask(net, `${secret(1)}.cdn.example.net`, 50)
    }))

  test('names of addresses, and of block lists', () =>
    quiet((net) => {
      for (const n of range(500)) {
        const nibbles = [...secret(n, 32)].join('.')
        ask(net, `${nibbles}.ip6.arpa`, 20)
        ask(net, `${nibbles}.zen.example.org`, 20)
      }
    }))

  test('a message that is cut short or lies about its lengths', () =>
    quiet((net) => {
      const whole = question(`${secret(1)}.${secret(2)}.example.com`)
      for (const n of range(whole.length)) {
        const cut = whole.slice(0, n)
        const wrong = Uint8Array.from(whole)
        wrong[n - 1] = 0xff
        for (const payload of [cut, wrong]) {
          net.say({ from: `${CLIENT}:40000`, to: `${RESOLVER}:53`, protocol: 'udp', payload })
          net.pass(2_000)
        }
      }
    }))
})
