import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PackageFiles } from './package-files.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-packages-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('files of a Debian package are those of its lists, with and without /usr, and follow it', () => {
  writeFileSync(join(folder, 'tool.list'), '/.\n/bin\n/bin/tool\n')
  writeFileSync(join(folder, 'toolbox.list'), '/usr/bin/toolbox\n')
  writeFileSync(join(folder, 'lib:amd64.list'), '/usr/lib/lib.so\n')
  const packages = new PackageFiles({ dpkgFolder: folder })
  expect(packages.filesOf('tool')).toContain('/usr/bin/tool')
  expect(packages.filesOf('tool')).not.toContain('/usr/bin/toolbox')
  expect(packages.filesOf('lib')).toContain('/usr/lib/lib.so')
  expect(packages.filesOf('absent')).toEqual(new Set())
  expect([packages.isInstalled('tool'), packages.isInstalled('absent')]).toEqual([true, false])
  writeFileSync(join(folder, 'tool.list-new'), '/usr/bin/other-tool\n')
  renameSync(join(folder, 'tool.list-new'), join(folder, 'tool.list'))
  expect(packages.filesOf('tool')).toContain('/usr/bin/other-tool')
})

test('where there is no dpkg, rpm is asked, and unknown is what it has not answered yet', async () => {
  const asked: string[] = []
  const run = async (_program: string, args: readonly string[]) => {
    asked.push(args.join(' '))
    return '/usr/bin/curl\n/etc/curlrc\n'
  }
  const packages = new PackageFiles({ dpkgFolder: join(folder, 'none'), run })
  expect(packages.filesOf('curl')).toBeUndefined()
  await new Promise(setImmediate)
  expect(packages.filesOf('curl')).toContain('/usr/bin/curl')
  expect(asked).toEqual(['-ql -- curl'])
  expect(packages.isInstalled('curl')).toBeUndefined()
})
