import { expect, test } from 'vitest'
import { conflictWith, isComparedWhole, parseIptablesMarks, parseNftMarks } from './mark-users.ts'

const OURS = 0xff000000

test('marks of other tables are found, of our own not', () => {
  const text = [
    'table inet gatehouse_rules {',
    '  meta mark & 0xff000000 @programs1 accept',
    '  meta mark 0x01000000 accept',
    '}',
    'table ip other {',
    '    meta mark 0x0000ca6c accept',
    '    meta mark & 0x00ff0000 == 0x00080000 accept',
    '    meta mark set 0x00000001',
    '}',
  ].join('\n')
  expect(parseNftMarks(text).map(({ value, mask }) => [value, mask])).toEqual([
    [0xca6c, 0xffffffff],
    [0x80000, 0xff0000],
    [1, 0xffffffff],
  ])
})

test('marks of iptables have their mask, or all bits', () => {
  const text =
    '-A X -m mark --mark 0x80000/0xff0000 -j ACCEPT\n-A X -j MARK --set-xmark 0x4000000/0xffff0000\n-A X -m mark --mark 7'
  expect(parseIptablesMarks(text).map(({ value, mask }) => [value, mask])).toEqual([
    [0x80000, 0xff0000],
    [0x4000000, 0xffff0000],
    [7, 0xffffffff],
  ])
})

test('who uses our bits is a conflict; who compares them as zeros only wants his sockets left alone', () => {
  const user = (value: number, mask: number) => [{ value, mask, where: 'test' }]
  expect(conflictWith(OURS, user(0x4000000, 0xffff0000))).toBeDefined()
  expect(conflictWith(OURS, user(0xca6c, 0xffffffff))).toBeUndefined()
  expect(isComparedWhole(OURS, user(0xca6c, 0xffffffff))).toBe(true)
  expect(isComparedWhole(OURS, user(0x80000, 0xff0000))).toBe(false)
})
