import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type Said, said } from '#detect/self-test/frames.ts'
import type { NamespaceHost } from '../../test/support/namespaces.ts'
import { withChecksums } from './checksums.ts'

const beside = (name: string): string => new URL(name, import.meta.url).pathname
const LINK = 'load0'

/** A wire of its own for many packets, past the switch, from a host of the stage to the server. */
export interface LoadWire {
  /** Sends for so long; the answer comes at the end. `perSecond` 0: as many as it can. */
  send(load: Load): Promise<Sent>
}

export interface Load {
  readonly shape: 'udp' | 'forged-syn'
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
}

export interface Sent {
  readonly packets: number
  readonly perSecond: number
}

/** Whatever the server answers to strangers goes out by this wire too, and nobody is there. */
export function layLoadWire(server: NamespaceHost, sender: NamespaceHost): LoadWire {
  const end = (host: NamespaceHost): string[] => ['name', LINK, 'netns', host.namespace]
  execFileSync('ip', ['link', 'add', ...end(server), 'type', 'veth', 'peer', ...end(sender)])
  const [ours, theirs, nobody] = [1, 2, 9].map((last) =>
    server.ip4.replace(/^10\.77\.(\d+)\.\d+$/, `10.78.$1.${last}`),
  )
  for (const [host, address] of [
    [server, ours],
    [sender, theirs],
  ] as const) {
    host.run('ip', 'addr', 'add', `${address}/24`, 'dev', LINK)
    host.run('ip', 'link', 'set', LINK, 'up')
  }
  server.run('ip', 'neigh', 'add', `${nobody}`, 'lladdr', macOf(sender, LINK).join(':'), 'dev', LINK)
  server.run('ip', 'route', 'add', 'default', 'via', `${nobody}`)
  return {
    async send({ shape, port, perSecond, seconds }) {
      const about: Said = { from: `${theirs}:4000`, to: `${ours}:${port}` }
      const frame = shape === 'udp' ? { ...about, protocol: 'udp', payload: 64 } : { ...about, flags: 'S' }
      const hex = Buffer.from(framesTo(server, { link: LINK })(frame as Said)).toString('hex')
      const options = [LINK, hex, String(perSecond), String(seconds), ...(shape === 'udp' ? [] : ['forge'])]
      const child = sender.start(process.execPath, beside('load-sender.ts'), ...options)
      const [words] = (await once(child.stdout as Readable, 'data')) as [Buffer]
      const [, packets = Number.NaN, took = Number.NaN] = (
        /^(\d+) packets in ([\d.]+)/.exec(`${words}`) ?? []
      ).map(Number)
      return { packets, perSecond: packets / took }
    },
  }
}

interface Ends {
  /** Of the server: the link that it has with everybody unless told. */
  readonly link?: string
  /** Whose hardware address they bear; nobody's unless told. */
  readonly from?: NamespaceHost
}

/** Makes frames that the server takes for its own. */
export function framesTo(server: NamespaceHost, ends: Ends = {}): (about: Said) => Uint8Array {
  const mac = bytesOf(macOf(server, ends.link ?? server.link))
  const sourceMac = ends.from && bytesOf(macOf(ends.from, ends.from.link))
  return (about) => {
    const frame = said(about)
    frame.set(mac)
    if (sourceMac) frame.set(sourceMac, mac.length)
    return withChecksums(frame)
  }
}

const bytesOf = (mac: readonly string[]): number[] => mac.map((byte) => Number.parseInt(byte, 16))

const macOf = (host: NamespaceHost, link: string): string[] =>
  host.run('cat', `/sys/class/net/${link}/address`).trim().split(':')
