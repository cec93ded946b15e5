import type { LineFormat } from './format.ts'

/** What every hosts file names, and what is no host of anybody else. */
const OWN_NAMES = new Set([
  'localhost',
  'localhost.localdomain',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
  '0.0.0.0',
])
const NOWHERE = /^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)$/

/** A hosts file (hosts(5)) that sends names nowhere: `0.0.0.0 name …`. */
export const hosts: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const [address, ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    if (!address) return
    if (names.length === 0) return sink.misfit()
    if (!NOWHERE.test(address)) return sink.pass()
    for (const name of names)
      if (!OWN_NAMES.has(name.toLowerCase())) sink.take({ kind: 'domain', value: name })
  },
}

/** One domain a line; `*.` and a dot in front mean what we mean anyway: the domain and all below it. */
export const domains: LineFormat = {
  shape: 'lines',
  open: (sink) => (line) => {
    const text = (line.split('#')[0] ?? '').trim()
    if (text === '' || /^[!;]|^\/\//.test(text)) return
    if (/\s/.test(text)) return sink.misfit()
    sink.take({ kind: 'domain', value: text.replace(/^(?:\*?\.)/, '') })
  },
}
