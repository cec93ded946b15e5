import { expect, test } from 'vitest'
import { hashPassword, isPassword } from './password.ts'

test('a password fits its hash, whatever keyboard typed it; nothing else does', async () => {
  const hash = await hashPassword('zwölf Boxkämpfer')
  expect(hash).not.toContain('Boxk')
  expect(await isPassword('zwo\u0308lf Boxka\u0308mpfer', hash)).toBe(true)
  expect(await isPassword('zwolf Boxkampfer', hash)).toBe(false)
  expect(await hashPassword('zwölf Boxkämpfer')).not.toBe(hash)
})

test('what is no hash of ours lets nobody in', async () => {
  for (const hash of ['', 'scrypt$', 'plain', 'scrypt$32768$8$1$$'])
    expect(await isPassword('', hash)).toBe(false)
})
