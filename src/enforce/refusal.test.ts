import { expect, test } from 'vitest'
import { refusalOf, ruleRefusalOf } from './refusal.ts'

const EPERM = 1
const ENOMEM = 12
const EPROTONOSUPPORT = 93

test('without privilege the remedy is to start as root', () => {
  const { reason, remedy } = refusalOf(EPERM, 'gatehouse', false)
  expect(reason).toContain('CAP_NET_ADMIN')
  expect(remedy).toContain('sudo npm start')
})

test('a table that another program owns is another matter than a missing privilege', () => {
  expect(refusalOf(EPERM, 'gatehouse', true).reason).toContain(
    'another program owns the table inet gatehouse',
  )
})

test('a kernel without nf_tables is named, with the module to load', () => {
  expect(refusalOf(EPROTONOSUPPORT, 'gatehouse', false).remedy).toContain('modprobe nf_tables')
})

test.each([
  ['a missing nf_tables module', 22],
  ['a kernel without nfnetlink', 111],
  ['a kernel without netlink for netfilter', EPROTONOSUPPORT],
])('%s is no matter of privilege, and iptables-legacy alone is named', (_name, errno) => {
  const { reason, remedy } = ruleRefusalOf(errno, 'gatehouse_rules', false)
  expect(reason).toMatch(
    /^this kernel cannot hold the table inet gatehouse_rules \(E\w+\): no rule is enforced$/,
  )
  expect(remedy).toContain('modprobe nf_tables')
  expect(remedy).toContain('iptables-legacy alone cannot')
})

test('any other refusal names its code', () => {
  expect(refusalOf(ENOMEM, 'gatehouse', true).reason).toContain('ENOMEM')
})
