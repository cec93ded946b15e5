import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { communityId } from './community-id.ts'

/** Published with the specification and its reference implementations. */
test.each([
  [6, '128.232.110.120', 34_855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [6, '66.35.250.204', 80, '128.232.110.120', 34_855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [6, '1.2.3.4', 1122, '5.6.7.8', 3344, '1:wCb3OG7yAFWelaUydu0D+125CLM='],
  [17, '1.2.3.4', 1122, '5.6.7.8', 3344, '1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg='],
  [17, '8.8.8.8', 53, '192.168.1.52', 54_585, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  [132, '192.168.170.8', 7, '192.168.170.56', 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs='],
  [1, '192.168.0.89', 8, '192.168.0.1', 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  [1, '192.168.0.1', 0, '192.168.0.89', 8, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
])('protocol %i from %s:%i to %s:%i is %s', (protocol, source, sourcePort, target, targetPort, id) => {
  expect(communityId({ protocol, source: ip(source), sourcePort, target: ip(target), targetPort })).toBe(id)
})

test('a router advertisement has the type of its question as its other port', () => {
  const tuple = { protocol: 58, source: ip('fe80::260:97ff:fe07:69ea'), target: ip('ff02::1') }
  const id = communityId({ ...tuple, sourcePort: 134, targetPort: 133 })
  expect(id).toBe('1:pkvHqCL88/tg1k4cPigmZXUtL00=')
})

test('a message of one way is not turned round', () => {
  const one = { protocol: 1, sourcePort: 3, targetPort: 1 }
  const there = communityId({ ...one, source: ip('10.0.0.1'), target: ip('10.0.0.2') })
  const back = communityId({ ...one, source: ip('10.0.0.2'), target: ip('10.0.0.1') })
  expect(there).not.toBe(back)
})
