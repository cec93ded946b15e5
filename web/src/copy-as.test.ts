import { expect, test } from 'vitest'
import { copyLines, shellWord } from './copy-as.ts'

test('each act of a row has its command line and its call of the API', () => {
  expect(copyLines({ kind: 'flow', id: 12, peer: '2001:db8::1', isBlocked: false })).toEqual([
    {
      act: 'block',
      cli: 'gatehouse block 2001:db8::1',
      api: 'POST /api/v1/blocks {"target":"2001:db8::1"}',
    },
    { act: 'close', cli: 'gatehouse close connection 12', api: 'POST /api/v1/connections/12/close' },
    {
      act: 'see',
      cli: 'gatehouse connections peer:2001:db8::1',
      api: 'GET /api/v1/connections?q=peer%3A2001%3Adb8%3A%3A1',
    },
  ])
  expect(copyLines({ kind: 'host', peer: '203.0.113.9', isBlocked: true })[0]).toMatchObject({
    act: 'unblock',
    api: 'DELETE /api/v1/blocks/203.0.113.9',
  })
})

test('a name from outside is one word to a shell, and steers no terminal', () => {
  expect(shellWord('a b')).toBe("'a b'")
  expect(shellWord("it's $(reboot)")).toBe("'it'\\''s $(reboot)'")
  expect(shellWord('\u001b[31m\u202Egpj.sh')).toBe("$'\\U0000001b[31m\\U0000202egpj.sh'")
  expect(shellWord("\\'\n`id`")).toBe("$'\\\\\\'\\U0000000a`id`'")
})
