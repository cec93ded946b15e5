import { expect, test } from 'vitest'
import { aConnection } from './a-connection.ts'
import { explainRequestOf } from './explain-request.ts'

test('the rules are asked about the packet that opened the connection, and the program at our end', () => {
  expect(explainRequestOf(aConnection({ peer: '203.0.113.9', owner: 'curl' }))).toEqual({
    direction: 'outbound',
    protocol: 'tcp',
    source: '192.0.2.10',
    sourcePort: 40_000,
    target: '203.0.113.9',
    targetPort: 443,
    uid: 0,
    program: '/usr/bin/curl',
  })
  expect(explainRequestOf(aConnection({ protocol: 'icmp6', target: '2001:db8::1' }))).toMatchObject({
    protocol: 'icmp',
    icmpType: 128,
  })
  expect(explainRequestOf(aConnection({ protocol: '47', direction: 'forward', owner: 'x' }))).toEqual({
    direction: 'forward',
    protocol: 47,
    source: '192.0.2.10',
    target: '203.0.113.1',
  })
  expect(explainRequestOf(aConnection({ direction: 'local' }))).toBeUndefined()
})
