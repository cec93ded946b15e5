import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { PackageFiles } from '#identify/programs/package-files.ts'
import { createPrograms } from '#identify/programs/programs.ts'
import { Rpm } from '#identify/programs/rpm.ts'
import { runProgram } from '#kernel/run.ts'
import { testWith } from '../support/needs.ts'
import { anOwner } from '../support/remembered.ts'

/** The real rpm, with packages built here and a database of their own. */
const test = testWith('rpm')

let folder: string
let database: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-rpm-'))
  database = join(folder, 'database')
  execFileSync('rpm', ['--dbpath', database, '--initdb'])
  // As packages are made today, and as they were long ago: OpenPGP's numbers of hashes.
  install('gh-new', 8)
  install('gh-old', 1)
})

afterAll(() => rmSync(folder, { recursive: true }))

const toolOf = (name: string): string => join(folder, name, 'a tool')

function install(name: string, hash: number): void {
  const build = join(folder, 'build')
  mkdirSync(build, { recursive: true })
  const spec = join(build, `${name}.spec`)
  writeFileSync(
    spec,
    `Name: ${name}
Epoch: 4
Version: 1.2
Release: 3
Summary: For a test
License: MIT
BuildArch: noarch
%description
For a test
%install
mkdir -p '%{buildroot}${folder}/${name}'
echo ${name} > '%{buildroot}${toolOf(name)}'
%files
"${toolOf(name)}"
`,
  )
  const defines = [`_topdir ${build}`, `_dbpath ${database}`, `_binary_filedigest_algorithm ${hash}`]
  execFileSync('rpmbuild', ['-bb', '--quiet', ...defines.flatMap((one) => ['--define', one]), spec], {
    stdio: 'ignore',
  })
  const made = join(build, 'RPMS', 'noarch', `${name}-1.2-3.noarch.rpm`)
  execFileSync('rpm', ['--dbpath', database, '--install', '--nodeps', made], { stdio: 'ignore' })
}

const run = (program: string, args: readonly string[]) => runProgram(program, ['--dbpath', database, ...args])

/** As the program page asks, of what no longer runs. */
async function packageOf(path: string) {
  const programs = createPrograms({ packages: [new Rpm(run)], clock: () => performance.now() })
  return (await programs.describeProgram(anOwner({ path, pid: 0 }))).package
}

describe('what the real rpm says', () => {
  test.each(['gh-new', 'gh-old'])('%s owns its file, which is as it came or was changed', async (name) => {
    const path = toolOf(name)
    expect(await packageOf(path)).toEqual({
      state: 'owned',
      tool: 'rpm',
      name,
      version: '4:1.2-3',
      file: 'unchanged',
    })
    writeFileSync(path, 'another\n')
    expect(await packageOf(path)).toMatchObject({ state: 'owned', name, file: 'changed' })
  })

  test('a file that no package brought is of none', async () => {
    const path = join(folder, 'mine')
    writeFileSync(path, 'mine\n')
    expect(await packageOf(path)).toEqual({
      state: 'none',
      because: 'no installed RPM package has this file',
    })
  })

  test('a package has its files, and one that is not installed none', async () => {
    const files = new PackageFiles({ run, dpkgFolder: join(folder, 'no-dpkg') })
    for (const name of ['gh-new', 'gh-absent']) files.filesOf(name)
    await expect.poll(() => files.filesOf('gh-absent'), { timeout: 20_000 }).toEqual(new Set())
    await expect.poll(() => files.filesOf('gh-new'), { timeout: 20_000 }).toEqual(new Set([toolOf('gh-new')]))
  })
})
