import { describe, expect, test } from 'vitest'
import { parseShortForm } from './short-form.ts'

describe('the short form', () => {
  test.each([
    [
      'allow 22/tcp from 192.0.2.0/24',
      { action: 'allow', direction: 'inbound', port: 22, protocol: 'tcp', from: '192.0.2.0/24' },
    ],
    ['deny out to 198.51.100.7', { action: 'deny', direction: 'outbound', to: '198.51.100.7' }],
    ['limit ssh', { action: 'limit', direction: 'inbound', port: 'ssh', protocol: 'tcp' }],
    [
      'allow in 80,443/tcp on eth0',
      { action: 'allow', direction: 'inbound', port: [80, 443], protocol: 'tcp', interface: 'eth0' },
    ],
    ['allow https', { action: 'allow', direction: 'inbound', port: 'https' }],
    [
      'deny from any to 192.0.2.1 port 25 proto tcp',
      { action: 'deny', direction: 'inbound', to: '192.0.2.1', port: '25', protocol: 'tcp' },
    ],
    ['reject forward from not office', { action: 'reject', direction: 'forward', from: { not: 'office' } }],
    [
      'allow ping comment "let them ping"',
      { action: 'allow', direction: 'inbound', icmpType: 'ping', comment: 'let them ping' },
    ],
    ['deny icmp', { action: 'deny', direction: 'inbound', protocol: 'icmp' }],
    [
      'deny out 25/tcp user anna',
      { action: 'deny', direction: 'outbound', port: 25, protocol: 'tcp', user: 'anna' },
    ],
    ['deny out to ads.example', { action: 'deny', direction: 'outbound', toDomain: 'ads.example' }],
    [
      'deny out 443 to .ads.example,track.example',
      { action: 'deny', direction: 'outbound', port: 443, toDomain: ['.ads.example', 'track.example'] },
    ],
    [
      'deny out to not *.corp.example',
      { action: 'deny', direction: 'outbound', toDomain: { not: '*.corp.example' } },
    ],
    ['deny in from country CN', { action: 'deny', direction: 'inbound', fromCountry: 'CN' }],
    [
      'allow ssh from country not DE,AT',
      {
        action: 'allow',
        direction: 'inbound',
        port: 'ssh',
        protocol: 'tcp',
        fromCountry: { not: ['DE', 'AT'] },
      },
    ],
    ['reject out to asn 64500', { action: 'reject', direction: 'outbound', toAsn: '64500' }],
  ])('%s', (text, rule) => {
    expect(parseShortForm(text)).toEqual({ rule })
  })

  test.each([
    ['permit 22', 'expected allow, deny, reject, limit, audit, found "permit"'],
    ['allow 22/tcp form 192.0.2.1', 'Did you mean from?'],
    ['allow 22 from', 'found the end of the rule'],
    ['allow 22/tcp from 192.0.2.1 from 192.0.2.2', 'from is there twice'],
    ['deny out 198.51.100.7', 'Say which end it is: to 198.51.100.7.'],
    ['deny in from country', 'expected a value after country'],
    ['allow ssg', 'Did you mean ssh?'],
  ])('%s is no rule, and it says why', (text, why) => {
    const answer = parseShortForm(text)
    expect('rule' in answer ? answer : `${answer.message}. ${answer.hint}`).toContain(why)
  })
})
