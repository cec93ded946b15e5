import { describe, expect, test } from 'vitest'
import { LineSplitter } from '#lib/line-splitter.ts'
import type { Indicator } from '#model/indicator.ts'
import { type Format, Unusable } from './format.ts'
import { FORMATS, type FormatName } from './formats.ts'
import { JsonItems } from './json-items.ts'
import { guessedKind } from './own.ts'

/** What a format finds in a text, as short as it can be said; the text comes in pieces of `step` characters. */
function read(name: FormatName, text: string, step = 7) {
  const found: string[] = []
  const whole: Indicator[] = []
  let [misfits, passed] = [0, 0]
  const sink = {
    take(indicator: Indicator) {
      whole.push(indicator)
      found.push(`${indicator.kind} ${indicator.value}`)
    },
    misfit: () => void misfits++,
    pass: () => void passed++,
  }
  const format: Format = FORMATS[name]
  const splitter =
    format.shape === 'lines'
      ? new LineSplitter(format.open(sink), sink.misfit)
      : new JsonItems({ isItem: format.isItem, item: format.open(sink), misfit: sink.misfit })
  for (let at = 0; at < text.length; at += step) splitter.write(text.slice(at, at + step))
  splitter.finish()
  return { found, whole, misfits, passed }
}

describe('plain', () => {
  test('takes addresses, ranges and spans, with comments of all lists', () => {
    const { found, misfits } = read(
      'plain',
      '# FireHOL\n198.51.100.0/24\r\n198.51.100.7 # seen today\n;x\n203.0.113.0 - 203.0.113.5\n2001:db8::/32\n\n<b>\n',
    )
    expect(found).toEqual([
      'target 198.51.100.0/24',
      'target 198.51.100.7',
      'target 203.0.113.0/30',
      'target 203.0.113.4/31',
      'target 2001:db8::/32',
    ])
    expect(misfits).toBe(1)
  })

  test('of IPsum it takes how many lists agree', () => {
    expect(read('plain', '198.51.100.7\t9\n198.51.100.8\t1').whole).toEqual([
      { kind: 'target', value: '198.51.100.7', confidence: 95, reason: 'on 9 lists' },
      { kind: 'target', value: '198.51.100.8', confidence: 55, reason: 'on 1 lists' },
    ])
  })
})

describe('Spamhaus DROP', () => {
  test('as text', () => {
    const { whole } = read(
      'spamhaus',
      '; Spamhaus DROP List 2026/11/20\n198.51.100.0/24 ; SBL256894\n2001:db8::/32 ; SBL1\n',
    )
    expect(whole).toEqual([
      { kind: 'target', value: '198.51.100.0/24', reason: 'SBL256894' },
      { kind: 'target', value: '2001:db8::/32', reason: 'SBL1' },
    ])
  })

  test('as JSON lines, of which the last is about the list', () => {
    const { found, misfits } = read(
      'spamhaus',
      '{"cidr":"198.51.100.0/24","sblid":"SBL256894","rir":"apnic"}\n{"type":"metadata","timestamp":1763600000,"records":1}\n{"cidr":\n',
    )
    expect(found).toEqual(['target 198.51.100.0/24'])
    expect(misfits).toBe(1)
  })
})

describe('abuse.ch', () => {
  test('Feodo Tracker as CSV', () => {
    const { whole } = read(
      'feodo-csv',
      '################\n# abuse.ch Feodo Tracker #\n"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"\n"2026-01-02 03:04:05","198.51.100.7","443","online","2026-11-19","QakBot"\n# END 1 entries\n',
    )
    expect(whole).toEqual([
      {
        kind: 'target',
        value: '198.51.100.7',
        since: Date.UTC(2026, 0, 2, 3, 4, 5),
        reason: 'QakBot command and control on port 443',
      },
    ])
  })

  test('Feodo Tracker as JSON', () => {
    const { whole } = read(
      'feodo-json',
      '[\n {"ip_address": "198.51.100.7", "port": 443, "status": "online", "hostname": null, "first_seen": "2026-01-02 03:04:05", "malware": "QakBot"}\n]',
    )
    expect(whole[0]).toEqual({
      kind: 'target',
      value: '198.51.100.7',
      since: Date.UTC(2026, 0, 2, 3, 4, 5),
      reason: 'QakBot command and control on port 443',
    })
  })

  test('URLhaus as CSV: the URL, never its host', () => {
    const { whole } = read(
      'urlhaus-csv',
      '# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"3","2026-11-19 10:00:12","http://198.51.100.7:4000/a,b/i","online","2026-11-19 10:00:12","malware_download","32-bit,elf","https://urlhaus.example/3/","x"\n',
    )
    expect(whole).toEqual([
      {
        kind: 'url',
        value: 'http://198.51.100.7:4000/a,b/i',
        since: Date.UTC(2026, 10, 19, 10, 0, 12),
        reason: 'malware download: 32-bit,elf',
      },
    ])
  })

  test('URLhaus as JSON', () => {
    const { whole } = read(
      'urlhaus-json',
      '{"3":[{"dateadded":"2026-11-19 10:00:12 UTC","url":"http:\\/\\/bad.example\\/i","threat":"malware_download","tags":["elf","mozi"]}],"4":[]}',
    )
    expect(whole).toEqual([
      {
        kind: 'url',
        value: 'http://bad.example/i',
        since: Date.UTC(2026, 10, 19, 10, 0, 12),
        reason: 'malware download: elf,mozi',
      },
    ])
  })

  test('ThreatFox as CSV: addresses without their port, domains, hashes', () => {
    const row = (value: string, type: string) =>
      `"2026-11-19 10:00:12", "1", "${value}", "${type}", "botnet_cc", "win.x", "None", "X", "", "75", "None", "tag", "0", "y"\n`
    const { whole, found, passed } = read(
      'threatfox-csv',
      `# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware","malware_alias","malware_printable","last_seen_utc","confidence_level","reference","tags","anonymous","reporter"\n${row('198.51.100.7:8080', 'ip:port')}${row('bad.example', 'domain')}${row('d41d8cd98f00b204e9800998ecf8427e', 'md5_hash')}${row('x', 'envelope_from')}`,
    )
    expect(found).toEqual([
      'target 198.51.100.7',
      'domain bad.example',
      'md5 d41d8cd98f00b204e9800998ecf8427e',
    ])
    expect(whole[0]).toMatchObject({
      confidence: 75,
      reason: 'X: botnet cc',
      since: Date.UTC(2026, 10, 19, 10, 0, 12),
    })
    expect(passed).toBe(1)
  })

  test('ThreatFox as JSON', () => {
    const { whole } = read(
      'threatfox-json',
      '{"9":[{"ioc_value":"[2001:db8::7]:443","ioc_type":"ip:port","threat_type":"botnet_cc","malware_printable":"X","first_seen_utc":"2026-11-19 10:00:12","last_seen_utc":null,"confidence_level":50}]}',
    )
    expect(whole[0]).toMatchObject({ kind: 'target', value: '2001:db8::7', confidence: 50 })
  })
})

describe('names', () => {
  test('a hosts file names what it sends nowhere', () => {
    const { found, passed } = read(
      'hosts',
      '127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 ads.example track.example # both\n192.0.2.1 printer.lan\n',
    )
    expect(found).toEqual(['domain ads.example', 'domain track.example'])
    expect(passed).toBe(1)
  })

  test('a domain list, with and without stars', () => {
    expect(read('domains', '# x\nbad.example\n*.worse.example\n.worst.example\n! y\n').found).toEqual([
      'domain bad.example',
      'domain worse.example',
      'domain worst.example',
    ])
  })

  test('of filter lists only rules for a whole host count', () => {
    const { found, passed } = read(
      'adblock',
      '[Adblock Plus 2.0]\n! Title\n||ads.example^\n||all.example^$third-party\n||some.example^$domain=a.example\n@@||good.example^\n||path.example/x\n##.banner\n||wild*.example^\n',
    )
    expect(found).toEqual(['domain ads.example', 'domain all.example'])
    expect(passed).toBe(5)
  })
})

const indicator = (pattern: string, more: object = {}) => ({
  type: 'indicator',
  spec_version: '2.1',
  pattern_type: 'stix',
  pattern,
  valid_from: '2026-11-19T10:00:12.5Z',
  ...more,
})
const bundle = (...objects: object[]) => JSON.stringify({ type: 'bundle', id: 'bundle--1', objects })

describe('STIX 2.1', () => {
  test('takes patterns of comparisons, with their time and how sure they are', () => {
    const { whole, passed } = read(
      'stix',
      bundle(
        { type: 'identity', name: 'x' },
        indicator("[ipv4-addr:value = '198.51.100.7']", {
          valid_until: '2026-12-01T00:00:00Z',
          confidence: 80,
          name: 'C2',
        }),
        indicator("[domain-name:value = 'bad.example' OR url:value = 'http://bad.example/a OR b']"),
        indicator(
          "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'] OR [file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
        ),
        indicator("[ipv6-addr:value IN ('2001:db8::1', '2001:db8::2')]"),
      ),
    )
    expect(whole.map(({ kind, value }) => `${kind} ${value}`)).toEqual([
      'target 198.51.100.7',
      'domain bad.example',
      'url http://bad.example/a OR b',
      'sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'md5 d41d8cd98f00b204e9800998ecf8427e',
      'target 2001:db8::1',
      'target 2001:db8::2',
    ])
    expect(whole[0]).toEqual({
      kind: 'target',
      value: '198.51.100.7',
      since: Date.UTC(2026, 10, 19, 10, 0, 12),
      until: Date.UTC(2026, 11, 1),
      confidence: 80,
      reason: 'C2',
    })
    expect(passed).toBe(1)
  })

  test.each([
    "[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]",
    "[ipv4-addr:value != '198.51.100.7']",
    "[process:name = 'x']",
    "[a:b = '1'] FOLLOWEDBY [domain-name:value = 'bad.example']",
    'nonsense',
  ])('passes %s by: half of it means nothing alone', (pattern) => {
    expect(read('stix', bundle(indicator(pattern)))).toMatchObject({ found: [], passed: 1 })
  })

  test('what was revoked, and patterns of other languages, count no more', () => {
    const text = bundle(
      indicator("[ipv4-addr:value = '198.51.100.7']", { revoked: true }),
      indicator('alert tcp any any', { pattern_type: 'snort' }),
    )
    expect(read('stix', text)).toMatchObject({ found: [], passed: 2 })
  })
})

test('MISP events: attributes and those of objects, where they are for detection', () => {
  const attribute = (type: string, value: string, more: object = {}) => ({
    type,
    value,
    to_ids: true,
    timestamp: '1763546412',
    category: 'Network activity',
    ...more,
  })
  const { found, whole, passed } = read(
    'misp',
    JSON.stringify({
      response: [
        {
          Event: {
            info: 'x',
            Attribute: [
              attribute('ip-dst', '198.51.100.7', { comment: 'C2' }),
              attribute('ip-dst|port', '198.51.100.8|443'),
              attribute('domain', 'bad.example', { to_ids: false }),
              attribute('text', 'hello'),
            ],
            Object: [
              {
                name: 'file',
                Attribute: [attribute('filename|md5', 'a.exe|d41d8cd98f00b204e9800998ecf8427e')],
              },
            ],
          },
        },
      ],
    }),
  )
  expect(found).toEqual([
    'target 198.51.100.7',
    'target 198.51.100.8',
    'md5 d41d8cd98f00b204e9800998ecf8427e',
  ])
  expect(whole[0]).toMatchObject({ since: 1763546412000, reason: 'C2' })
  expect(passed).toBe(2)
})

describe('own indicators', () => {
  test('CSV in any order of columns, kinds guessed where they are not said', () => {
    const { whole, misfits } = read(
      'own-csv',
      '# mine\nvalue,reason,until,confidence,kind\n198.51.100.7,"knocks, often",2026-12-01,90,\nbad.example,,,,\n192.168.1.0-192.168.1.1,,,,\nd41d8cd98f00b204e9800998ecf8427e,,,,ja3\n198.51.100.8,,soon,,\nwhat,,,,\n',
    )
    expect(whole).toEqual([
      {
        kind: 'target',
        value: '198.51.100.7',
        until: Date.UTC(2026, 11, 1),
        confidence: 90,
        reason: 'knocks, often',
      },
      { kind: 'domain', value: 'bad.example' },
      { kind: 'target', value: '192.168.1.0/31' },
      { kind: 'ja3', value: 'd41d8cd98f00b204e9800998ecf8427e' },
    ])
    expect(misfits).toBe(2)
  })

  test('JSON', () => {
    expect(
      read('own-json', '[{"value":"198.51.100.7","confidence":90,"since":1763546412},{"value":5}]'),
    ).toMatchObject({
      whole: [{ kind: 'target', value: '198.51.100.7', confidence: 90, since: 1763546412000 }],
      misfits: 1,
    })
  })

  test.each([
    ['198.51.100.7', 'target'],
    ['2001:db8::/32', 'target'],
    ['http://bad.example/', 'url'],
    ['bad.example', 'domain'],
    ['d41d8cd98f00b204e9800998ecf8427e', 'md5'],
    ['t13d1516h2_8daaf6152771_e5627efa2ab1', 'ja4'],
    ['hello', undefined],
  ])('guesses what %s is', (value, kind) => {
    expect(guessedKind(value)).toBe(kind)
  })
})

describe('pieces', () => {
  const json = bundle(
    indicator("[domain-name:value = 'b\u00fccher.example']", { name: 'a "quote" \\ and {brackets]' }),
  )

  test.each([1, 2, 3, 100_000])('JSON in pieces of %i characters is the same', (step) => {
    expect(read('stix', json, step).whole).toMatchObject([
      { value: 'bücher.example', reason: 'a "quote" \\ and {brackets]' },
    ])
  })

  test.each(['', '   ', 'hello', '<html>', '"text"', '42'])('%j is no list', (text) => {
    expect(() => read('stix', text)).toThrow(Unusable)
  })

  test('JSON that was cut off is not half a list', () => {
    expect(() => read('stix', json.slice(0, -1))).toThrow('was cut off')
    expect(() => read('stix', json.slice(0, -20))).toThrow('was cut off')
  })

  test('nesting without end is refused, an item without end is passed over', () => {
    expect(() => read('stix', '['.repeat(100_000))).toThrow('nested too deep')
    const huge = `{"objects":[{"x":"${'y'.repeat(2_000_000)}"},${JSON.stringify(indicator("[domain-name:value = 'bad.example']"))}]}`
    expect(read('stix', huge, 65_536)).toMatchObject({ found: ['domain bad.example'], misfits: 1 })
  })

  test('a line without end is passed over', () => {
    expect(read('plain', `198.51.100.7\n${'1'.repeat(1_000_000)}\n198.51.100.8`, 65_536)).toMatchObject({
      found: ['target 198.51.100.7', 'target 198.51.100.8'],
      misfits: 1,
    })
  })
})
