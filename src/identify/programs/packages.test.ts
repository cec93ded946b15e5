import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { aliasesOf, Dpkg, findDiversion, parseMd5sums, parseVersion } from './dpkg.ts'
import { parseRpmAnswer } from './rpm.ts'

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e'
const DIGESTS = { md5: MD5, sha256: 'e3b0'.repeat(16) }
const STATUS = `Package: bash-doc
Version: 9

Package: bash
Status: install ok installed
Version: 5.2.15-2+b9

Package: libc6
Architecture: i386
Version: 2.36-i

Package: libc6
Architecture: amd64
Version: 2.36-a
`

describe('dpkg', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gh-dpkg-'))
    mkdirSync(join(folder, 'info'))
    const files: Record<string, string> = {
      'info/bash.list': '/.\n/bin\n/bin/bash\n',
      'info/bash.md5sums': `${MD5}  bin/bash\n`,
      'info/libc6:amd64.list': '/usr/lib/ld.so\n/usr/lib/ld.so\n',
      'info/perf.list': '/.\n/usr/bin/perf\n',
      'info/perf.md5sums': `${'0'.repeat(32)}  usr/bin/perf\n`,
      diversions: '/usr/bin/perf\n/usr/bin/perf.old\ntools\n/usr/bin/mine\n/usr/bin/mine.old\n:\n',
      status: STATUS,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  test.each([
    ['/usr/bin/bash', { name: 'bash', version: '5.2.15-2+b9', file: 'unchanged' }],
    ['/bin/bash', { name: 'bash', file: 'unchanged' }],
    ['/usr/lib/ld.so', { name: 'libc6:amd64', version: '2.36-a', file: 'unknown' }],
    ['/usr/bin/perf.old', { name: 'perf', file: 'changed' }],
    ['/usr/bin/perf', { name: 'tools', file: 'unknown' }],
  ])('%s', async (path, answer) => {
    expect(await new Dpkg(folder).ownerOf(path, DIGESTS)).toMatchObject({
      state: 'owned',
      tool: 'dpkg',
      ...answer,
    })
  })

  test.each(['/bin/bas', '/bin/bash\n/bin', 'bin/bash', '', '/usr/bin/mine'])(
    '%j is of none',
    async (path) => {
      expect(await new Dpkg(folder).ownerOf(path, DIGESTS)).toMatchObject({ state: 'none' })
    },
  )

  test('a machine without dpkg has no answer', async () => {
    expect(await new Dpkg('/nonexistent').ownerOf('/bin/bash', DIGESTS)).toBeUndefined()
  })
})

test('what dpkg keeps is read without an error, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, path) => {
      parseMd5sums(text, aliasesOf(path))
      parseVersion(text, path)
      findDiversion(text, path)
    }),
  )
  expect(parseMd5sums(`${MD5} *bin/a b\nx  bin/c\n`, ['/bin/a b'])).toBe(MD5)
  expect(parseMd5sums(`${MD5.slice(1)}  bin/c\n`, ['/bin/c'])).toBeUndefined()
  expect(parseVersion(STATUS, 'libc6:i386')).toBe('2.36-i')
  expect(parseVersion(STATUS, 'bas')).toBeUndefined()
})

describe('rpm', () => {
  const answer = (algorithm: string, sum: string) =>
    parseRpmAnswer(
      `bash\t5.2-1\t${algorithm}\n/usr/bin/bash\t${sum}\n/usr/bin/sh\t\n`,
      '/usr/bin/bash',
      DIGESTS,
    )

  test.each([
    ['8', DIGESTS.sha256, 'unchanged'],
    ['8', 'ffff', 'changed'],
    ['(none)', MD5, 'unchanged'],
    ['10', 'ffff', 'unknown'],
    ['constructor', 'ffff', 'unknown'],
    ['8', '', 'unknown'],
  ])('a checksum of kind %s: %s is %s', (algorithm, sum, file) => {
    expect(answer(algorithm, sum)).toMatchObject({ state: 'owned', name: 'bash', version: '5.2-1', file })
  })

  test('an answer that is none is said', () => {
    expect(parseRpmAnswer('', '/x', DIGESTS)).toMatchObject({ state: 'unknown' })
  })
})
