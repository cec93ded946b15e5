import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSshPorts } from './ssh-ports.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const row = (address: string, state: string, inode: number): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0\n`

let proc: string
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'gatehouse-proc-'))
})
afterEach(() => rmSync(proc, { recursive: true }))

function aProcess(pid: number, program: string, inodes: readonly number[]): void {
  mkdirSync(join(proc, `${pid}`, 'fd'), { recursive: true })
  mkdirSync(join(proc, `${pid}`, 'net'))
  symlinkSync(program, join(proc, `${pid}`, 'exe'))
  for (const inode of inodes) symlinkSync(`socket:[${inode}]`, join(proc, `${pid}`, 'fd', `${inode}`))
  const v4 = row('00000000:08AE', '0A', 7) + row('0100007F:1F90', '0A', 8) + row('0100007F:08AF', '01', 9)
  writeFileSync(join(proc, `${pid}`, 'net', 'tcp'), HEAD + v4)
  writeFileSync(join(proc, `${pid}`, 'net', 'tcp6'), HEAD + row(`${'0'.repeat(32)}:0016`, '0A', 10))
}

test('where an SSH server listens, whatever port that is, and not where it is connected or others listen', () => {
  aProcess(100, '/usr/sbin/sshd', [7, 9, 10])
  aProcess(200, '/usr/bin/node', [8])
  expect([...readSshPorts(proc)]).toEqual([2222, 22])
})

test('nowhere without one', () => {
  aProcess(200, '/usr/bin/node', [8])
  expect([...readSshPorts(proc)]).toEqual([])
  expect([...readSshPorts(join(proc, 'none'))]).toEqual([])
})
